"""Errors and durations for devices whose service tells none: from the snapshot of the same device, if there is one."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from qiskit.transpiler import InstructionProperties, Target

from qiskit_haiqu_provider.devices.fakes import fakes_installed, load_fake, snapshot
from qiskit_haiqu_provider.devices.record import DeviceRecord

Place = tuple[int, ...]
"""Qubits of an instruction, in order."""


def twin_name(record: DeviceRecord) -> str | None:
    """The snapshot of the device that is installed here: ``fake_fez`` for ``ibm_fez``; ``None`` if there is none."""
    name = f"fake_{record.id.removeprefix('ibm_')}" if record.id.startswith("ibm_") else record.id
    return name if snapshot(name) is not None else None


def load_twin(record: DeviceRecord) -> Target | None:
    """The Target of the device's snapshot; costs a second the first time."""
    name = twin_name(record)
    return None if name is None else load_fake(name).target


def calibration_note(record: DeviceRecord) -> str | None:
    """Where the Target's errors and durations are from, and what they do not cover; loads nothing."""
    name = twin_name(record)
    twin = None if name is None else snapshot(name)
    if twin is None:
        return None
    note = f"from the snapshot {name}, not from today"
    if twin.num_qubits != record.num_qubits:
        note += f"; it has {twin.num_qubits} qubits, the device {record.num_qubits}"
    pairs = {frozenset(pair) for pair in record.coupling_map or ()}
    missing = len(pairs - {frozenset(pair) for pair in twin.coupling_map})
    if missing:
        note += f"; {missing} of {len(pairs)} coupled pairs are not in it"
    return note


def no_errors_note(record: DeviceRecord) -> str:
    """What it means that nothing is known of the errors of a device."""
    note = (
        f"{record.id} has no error data: the transpiler cannot prefer good qubits, and AerSimulator.from_backend would "
        "be ideal."
    )
    if record.id.startswith(("ibm_", "fake_")) and not fakes_installed():
        note += (
            " Snapshots of IBM devices come with qiskit-ibm-runtime, which is not installed. "
            "Run: pip install 'qiskit-haiqu-provider[ibm]'"
        )
    return note


def properties(twin: Target | None, name: str, places: Iterable[Place]) -> dict[Place, InstructionProperties | None]:
    """Error and duration of an instruction on each of the places.

    Where others have an error and a place has none, or one that is no number below 1, it gets the worst of the
    others. The transpiler takes no error for a perfect instruction, and would flock to qubits that were broken.
    """
    known = _known(twin, name)
    usable = [error for error in (_error(known, place) for place in known) if error is not None]
    if not known:
        return dict.fromkeys(places)
    worst = max(usable, default=None)
    return {place: _property(known, place, worst) for place in places}


def _known(twin: Target | None, name: str) -> Mapping[Place, Any]:
    if twin is None or name not in twin.operation_names:
        return {}
    places: Mapping[Any, Any] = twin[name]
    return {place: found for place, found in places.items() if place is not None and found is not None}


def _property(known: Mapping[Place, Any], place: Place, worst: float | None) -> InstructionProperties | None:
    error, found = _error(known, place), _at(known, place)
    error = worst if error is None else error
    duration = None if found is None else found.duration
    return None if error is None and duration is None else InstructionProperties(duration=duration, error=error)


def _at(known: Mapping[Place, Any], place: Place) -> Any:
    """What is known of a place; of a pair in the other direction, if only that is known."""
    return known.get(place) or known.get(place[::-1])


def _error(known: Mapping[Place, Any], place: Place) -> float | None:
    error = getattr(_at(known, place), "error", None)
    return error if error is not None and math.isfinite(error) and error < 1 else None
