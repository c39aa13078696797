"""The QPUs that Coda lists: read from whatever its list looks like, and kept for a while.

No page tells more of an entry than that it has a ``name`` and usually an ``id``. Other facts are taken where they are
found under one of their usual names.
"""

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from qiskit.transpiler import Target

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.devices.targets import target_from_record
from qiskit_haiqu_provider.exceptions import (
    HaiquBackendNotFoundError,
    HaiquConnectionError,
    HaiquRateLimitError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.run.checks import is_whole

logger = logging.getLogger(__name__)

PREFIX = "coda_"

TTL_SECONDS = 300.0
"""How long the list is kept."""

SUPPOSED_QUBITS = 50
"""Width of a device that Coda does not tell it of: the most that Coda's format for machines of one's own has."""

GATES = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "p", "rx", "ry", "rz", "u"),
    *("cx", "cy", "cz", "cp", "crx", "cry", "crz", "ch", "swap"),
)
"""Gates of OpenQASM's standard library; Coda translates them, and any others, for the machine."""

_OUTAGES = (HaiquConnectionError, HaiquTimeoutError, HaiquServerError, HaiquRateLimitError, HaiquResponseError)


class DeviceList:
    """The devices. Making one costs no request; threads may share it.

    Args:
        fetch: Asks Coda for the list.
        clock: Seconds since some moment; never goes back.
    """

    def __init__(self, fetch: Callable[[], Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._records: Mapping[str, DeviceRecord] = {}
        self._due = float("-inf")

    def records(self, *, fresh: bool = False) -> Sequence[DeviceRecord]:
        """All devices; asked for if there is no list yet or it is too old, or if it has to be fresh."""
        with self._lock:
            if fresh or self._clock() >= self._due:
                self._refresh()
            return tuple(self._records.values())

    def known(self, device: str) -> DeviceRecord | None:
        """A device as it was last read; asks for nothing."""
        return self._records.get(device)

    def record(self, device: str, *, fresh: bool = False) -> DeviceRecord:
        """One device.

        Raises:
            HaiquBackendNotFoundError: If Coda does not list it.
        """
        found = next((record for record in self.records(fresh=fresh) if record.id == device), None)
        if found is None:
            raise HaiquBackendNotFoundError(f"Coda lists no device '{device}'. See provider.backends(via='coda').")
        return found

    def _refresh(self) -> None:
        try:
            self._records = {record.id: record for record in records_of(self._fetch())}
        except _OUTAGES as error:
            if not self._records:
                raise
            logger.warning("The list of Coda's devices could not be fetched again, the last one serves on: %s", error)
        self._due = self._clock() + TTL_SECONDS


def backend_of(device: str) -> str:
    """Coda's own name of a device."""
    return device.removeprefix(PREFIX)


def records_of(answer: Any) -> list[DeviceRecord]:
    """The devices in Coda's answer; those that cannot be read are left out with one warning.

    Raises:
        HaiquResponseError: If there is no list in it.
    """
    entries = _entries(answer)
    found = [_record(_plain(entry)) for entry in entries]
    records = [record for record in found if record is not None]
    if len(records) < len(found):
        warnings.warn(
            f"Coda lists {len(found) - len(records)} devices without an id or a name; they were left out.", stacklevel=2
        )
    return records


@lru_cache(maxsize=16)
def target_of(num_qubits: int) -> Target:
    """A Target for circuits that Coda will compile: all-to-all, without errors, final measurements only."""
    record = DeviceRecord(
        id=PREFIX, via="coda", vendor="Coda", num_qubits=num_qubits, simulator=False, operation_names=GATES,
        description="QPU behind Coda, which compiles for it",
    )  # fmt: skip
    return target_from_record(record, None)


def _entries(answer: Any) -> Iterable[Any]:
    if isinstance(answer, Mapping):
        answer = next((answer[name] for name in ("devices", "qpus", "backends", "data") if name in answer), None)
    if isinstance(answer, Mapping):  # by id
        answer = [{"id": name, **entry} if isinstance(entry, Mapping) else name for name, entry in answer.items()]
    if not isinstance(answer, list):
        raise HaiquResponseError("Coda's list of devices cannot be read: there is no list in its answer.")
    return answer


def _plain(entry: Any) -> Mapping[str, Any]:
    """An entry with names in one style."""
    if not isinstance(entry, Mapping):
        return {"id": entry}
    return {str(name).lower().replace("_", "").replace("-", ""): value for name, value in entry.items()}


def _record(facts: Mapping[str, Any]) -> DeviceRecord | None:
    name = next((value for value in (facts.get("id"), facts.get("name")) if isinstance(value, str) and value), None)
    if name is None:
        return None
    label = facts.get("name")
    return DeviceRecord(
        id=f"{PREFIX}{name}",
        via="coda",
        vendor=_text(facts, "provider", "vendor", "manufacturer") or "Coda",
        num_qubits=_number(facts, "numqubits", "nqubits", "qubits", "qubitcount", "numberofqubits") or SUPPOSED_QUBITS,
        simulator=facts.get("simulator") is True or _text(facts, "type", "kind").lower() == "simulator",
        description=label if isinstance(label, str) and label != name else "QPU behind Coda",
        constrained=False,
        operation_names=GATES,
        status=_status(facts),
        pending_jobs=_number(facts, "pendingjobs", "queuedepth", "queuelength", "queuesize", "queue"),
    )


def _status(facts: Mapping[str, Any]) -> str:
    word = _text(facts, "status", "state", "availability")
    if word:
        return word
    flags = [facts[name] for name in ("online", "available", "isonline", "isavailable", "active") if name in facts]
    return "offline" if False in flags else "online"


def _text(facts: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := facts.get(name), str)), "")


def _number(facts: Mapping[str, Any], *names: str) -> int | None:
    """A whole number, or the length of a list of qubits."""
    for name in names:
        value = facts.get(name)
        size = len(value) if isinstance(value, list) else value
        if is_whole(size) and size >= 0:
            return int(size)
    return None
