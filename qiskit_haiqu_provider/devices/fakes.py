"""The ``fake_*`` devices of qiskit-ibm-runtime: listed from its files, loaded on first use.

Importing qiskit-ibm-runtime costs three times as much as importing Qiskit, so the list is read from the folder of
device snapshots that the package installs, without importing it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.exceptions import HaiquDependencyError

_NAME = re.compile(r'backend_name\s*=\s*"(fake_\w+)"')
_CLASS = re.compile(r"class\s+(\w+)\(\s*(?:fake_backend\.)?FakeBackendV2\s*\)")
_CONF = re.compile(r'conf_filename\s*=\s*"([^"]+)"')


def fake_records() -> tuple[DeviceRecord, ...]:
    """The fake devices of the installed qiskit-ibm-runtime; none if it is not installed."""
    return tuple(
        DeviceRecord(
            id=name,
            via="local",
            vendor="IBM",
            num_qubits=facts.num_qubits,
            simulator=True,
            description=f"Snapshot of an IBM device with {facts.num_qubits} qubits, simulated with its noise",
            operation_names=facts.operation_names,
            coupling_map=facts.coupling_map,
            calibration=f"from the snapshot {name}, not from today",
        )
        for name, facts in sorted(_snapshots().items())
    )


@lru_cache(maxsize=8)
def load_fake(name: str) -> Any:
    """The fake backend of that name, from qiskit-ibm-runtime; loading one takes a second, so it is kept.

    Raises:
        HaiquDependencyError: If qiskit-ibm-runtime is not installed.
    """
    try:
        from qiskit_ibm_runtime import fake_provider  # three times the cost of Qiskit
    except ImportError as error:
        raise HaiquDependencyError(
            f"{name} is a snapshot that comes with qiskit-ibm-runtime, which is not installed. "
            "Run: pip install 'qiskit-haiqu-provider[ibm]'"
        ) from error
    return getattr(fake_provider, _snapshots()[name].class_name)()


def fakes_installed() -> bool:
    """Whether qiskit-ibm-runtime, which brings the snapshots, is installed."""
    return find_spec("qiskit_ibm_runtime") is not None


def snapshot(name: str) -> "Snapshot | None":
    """What the files of that snapshot say without being imported; ``None`` if there is none of that name."""
    return _snapshots().get(name)


@dataclass(frozen=True)
class Snapshot:
    """What the files of a snapshot say without being imported."""

    class_name: str
    num_qubits: int
    operation_names: tuple[str, ...]
    coupling_map: tuple[tuple[int, int], ...]


@lru_cache(maxsize=1)
def _snapshots() -> dict[str, Snapshot]:
    """The snapshots by the name of their device."""
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0]) / "fake_provider" / "backends"
    found = {}
    for module in sorted(folder.glob("*/fake_*.py")):
        source = module.read_text(encoding="utf-8")
        name, cls, conf = (pattern.search(source) for pattern in (_NAME, _CLASS, _CONF))
        if name and cls and conf:
            facts = json.loads((module.parent / conf[1]).read_text(encoding="utf-8"))
            found[name[1]] = _snapshot(cls[1], facts)
    return found


def _snapshot(class_name: str, facts: Mapping[str, Any]) -> Snapshot:
    others = [name for name in facts.get("supported_instructions", ()) if name in _NO_GATES]
    names = dict.fromkeys([*facts.get("basis_gates", ()), *others, "measure", "delay"])
    edges = tuple((int(a), int(b)) for a, b in facts.get("coupling_map") or ())
    return Snapshot(class_name, int(facts["n_qubits"]), tuple(names), edges)


_NO_GATES = frozenset({"reset", "if_else", "for_loop", "while_loop", "switch_case"})
"""Instructions that the files list apart from the gates, between gates that devices no longer have."""
