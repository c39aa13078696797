"""The devices of the service: listed on first use, kept for a while, and refreshed one by one."""

import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from qiskit.transpiler import Target

from qiskit_haiqu_provider.devices.calibration import calibration_note, load_twin, no_errors_note, twin_name
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.devices.targets import FRACTIONAL_GATES, target_from_record
from qiskit_haiqu_provider.engines.haiqu.options import SNAPSHOT, VENDOR
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.engines.local.options import DEVICE_NOISE
from qiskit_haiqu_provider.engines.local.targets import SIMULATOR_OPERATIONS, TARGET_QUBITS, simulator_target
from qiskit_haiqu_provider.exceptions import (
    HaiquBackendNotFoundError,
    HaiquConnectionError,
    HaiquInputError,
    HaiquRateLimitError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient
    from qiskit_haiqu_provider.api.models import Device

logger = logging.getLogger(__name__)

TTL_SECONDS = 300.0
"""How long the list is kept."""

PATIENCE = 10.0
"""Seconds after which a service that is away is not waited for any more where others can be listed without it."""

_FRESH_SECONDS = 5.0
"""What was read so short a time ago is not asked for again, so that looking at all devices costs one request."""

_OUTAGES = (HaiquConnectionError, HaiquTimeoutError, HaiquServerError, HaiquRateLimitError, HaiquResponseError)
"""What passes by itself; an older list serves meanwhile."""


class Calibration(Protocol):
    """Who can be asked for what a device of a vendor can do today."""

    def target(self, device: str) -> Target | None:
        """What the vendor says; ``None`` if it does not tell."""
        ...


class DeviceList:
    """The devices of one service. Making one costs no request; threads may share it.

    Args:
        client: The service.
        calibration: Who can be asked for today's errors of devices.
        ttl: Seconds after which the list is fetched again.
        clock: Seconds since some moment; never goes back.
    """

    def __init__(
        self,
        client: "HaiquClient",
        *,
        calibration: Calibration | None = None,
        ttl: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._calibration = calibration
        self._ttl = ttl
        self._clock = clock
        self._records: dict[str, DeviceRecord] | None = None
        self._start()

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._fetched_at = float("-inf")
        self._read_at: dict[str, float] = {}
        self._targets: dict[tuple[DeviceRecord, str], Target] = {}
        self._warned: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Clocks and locks belong to this process; the list goes along, so that Targets cost no request elsewhere.
        return {"client": self._client, "ttl": self._ttl, "records": self._records}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(state["client"], ttl=state["ttl"])  # type: ignore[misc]
        self._records = state["records"]

    def records(self) -> Sequence[DeviceRecord]:
        """All devices; fetched if there is no list yet or it is too old."""
        with self._lock:
            if self._clock() - self._fetched_at >= self._ttl:
                self._fetch()
            return tuple((self._records or {}).values())

    def refresh(self) -> None:
        """Fetch the list anew, whatever its age."""
        with self._lock:
            self._read(self._client.devices(patience=PATIENCE))

    def record(self, device: str) -> DeviceRecord:
        """One device, as it was last read; no request if it is known.

        Raises:
            HaiquBackendNotFoundError: If the service has no such device; names the nearest.
        """
        with self._lock:
            known = self._records or {}
            if device not in known:
                known = {record.id: record for record in self.records()}
            if device in known:
                return known[device]
        near = get_close_matches(device, known, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "See provider.backends(via='haiqu')."
        raise HaiquBackendNotFoundError(f"The service has no device '{device}'. {hint}")

    def refreshed(self, device: str) -> DeviceRecord:
        """One device with its status and queue of now.

        Simulators have no queue, and what was read a few seconds ago is of now: both cost no request.
        """
        with self._lock:
            known = self.record(device)
            age = self._clock() - self._read_at.get(device, float("-inf"))
        if known.simulator or age < _FRESH_SECONDS:
            return known
        found = record_of(self._client.device(device))  # without the lock: others need not wait
        with self._lock:
            self._read_at[device] = self._clock()
            self._records = {**(self._records or {}), device: found}
        return found

    def target(self, device: str, options: Mapping[str, Any] | None = None) -> Target:
        """What a device can do, with errors and durations of its snapshot where there is one.

        With the option ``calibration="vendor"`` these are the vendor's own, of today. The first time that a device
        without error data is asked for, a warning says so. With the option ``use_fractional_gates`` it has these as
        well.
        """
        record = self.record(device)
        if not record.constrained:
            return simulator_target(_width(record, options or {}))
        with self._lock:
            facts = replace(record, status="", pending_jobs=None, operation_names=_gates(record, options or {}))
            source = (options or {}).get("calibration", SNAPSHOT)
            if (facts, source) not in self._targets:
                self._targets[facts, source] = target_from_record(facts, self._known(record, source))
            return self._targets[facts, source]

    def _known(self, record: DeviceRecord, source: str) -> Target | None:
        """A Target of the same device with errors and durations, from where they are wanted."""
        if source == VENDOR:
            return self._calibrated(record)
        self._warn_without_errors(record)
        return load_twin(record)

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator that behaves as the device; see :func:`twin_simulator`."""
        return twin_simulator(self.record(device), options)

    def _fetch(self) -> None:
        try:
            self._read(self._client.devices(patience=PATIENCE))
        except _OUTAGES as error:
            if self._records is None:
                raise
            self._fetched_at = self._clock() - self._ttl + min(self._ttl, _FRESH_SECONDS)
            logger.warning("The list of devices could not be fetched again, the last one serves on: %s", error)

    def _read(self, devices: Sequence["Device"]) -> None:
        now = self._clock()
        self._records = {device.id: record_of(device) for device in devices}
        self._read_at = dict.fromkeys(self._records, now)
        self._fetched_at = now

    def _calibrated(self, record: DeviceRecord) -> Target:
        """The Target of the vendor itself.

        Raises:
            HaiquInputError: If nobody can be asked, or it is of another machine.
        """
        found = None if self._calibration is None else self._calibration.target(record.id)
        if found is None or found.num_qubits != record.num_qubits:
            raise HaiquInputError(
                f"calibration: the vendor of {record.id} cannot be asked for its errors of today. Give the vendor's "
                "credentials and install its extra, see provider.check(), or set calibration='snapshot'."
            )
        return found

    def _warn_without_errors(self, record: DeviceRecord) -> None:
        if record.calibration is None and not record.ideal and record.id not in self._warned:
            self._warned.add(record.id)
            warnings.warn(no_errors_note(record), stacklevel=5)


def record_of(device: "Device") -> DeviceRecord:
    """A device of the service as the record that backends are made of."""
    pairs, labels = _numbered(device)
    highest = max((max(pair) for pair in pairs or ()), default=-1)
    record = DeviceRecord(
        id=device.id,
        via="haiqu",
        vendor=device.vendor,
        num_qubits=max(device.qubits, highest + 1),
        simulator=device.simulator,
        description=_about(device, labels),
        constrained=_constrained(device),
        operation_names=_names(device),
        coupling_map=pairs,
        labels=labels,
        status=device.status,
        pending_jobs=None if device.simulator else device.pending_jobs,
    )
    return replace(record, calibration=calibration_note(record)) if record.constrained else record


def _numbered(device: "Device") -> tuple[tuple[tuple[int, int], ...] | None, tuple[int, ...]]:
    """The coupled pairs in the numbers of circuits, and the service's own numbers where they are others.

    Amazon Braket counts some devices from 1 and leaves out broken qubits. Circuits have no holes, so the qubits are
    numbered in order. A list without pairs is taken for no list, since nothing else could entangle anything.
    """
    if not device.coupling_map:
        return None, ()
    pairs = tuple(dict.fromkeys((a, b) for a, b in device.coupling_map if a != b))
    labels = tuple(sorted({qubit for pair in pairs for qubit in pair}))
    if not labels or labels[-1] < device.qubits or len(labels) > device.qubits:
        return pairs, ()
    index = {label: position for position, label in enumerate(labels)}
    return tuple((index[a], index[b]) for a, b in pairs), labels


def _about(device: "Device", labels: Sequence[int]) -> str:
    about = device.name if device.name != device.id else f"{device.vendor} device with {device.qubits} qubits"
    if labels:
        about += f"; its qubits {labels[0]} to {labels[-1]} are numbered from 0 in circuits"
    return about


def _constrained(device: "Device") -> bool:
    """Whether circuits must fit: not on the simulator of Aer, and not where the service tells no limits."""
    told = device.operation_names or device.coupling_map or device.id == IONQ_SIMULATOR
    return not (device.id == AER or (device.simulator and not told))


def _names(device: "Device") -> tuple[str, ...]:
    names = tuple(device.operation_names or ())
    if device.id == AER:
        return names or SIMULATOR_OPERATIONS
    return names or (IONQ_GATES if device.id == IONQ_SIMULATOR else ())


def _gates(record: DeviceRecord, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The instructions that the options leave; fractional gates are there where they are asked for."""
    if not record.id.startswith("ibm_") or not record.operation_names:
        return record.operation_names
    others = tuple(name for name in record.operation_names if name not in FRACTIONAL_GATES)
    return (*others, *FRACTIONAL_GATES) if options.get("use_fractional_gates") else others


def _width(record: DeviceRecord, options: Mapping[str, Any]) -> int:
    """Qubits in the Target of a simulator; methods that keep no amplitudes are not bound by the service's memory."""
    if options.get("method") in {"matrix_product_state", "stabilizer"}:
        return TARGET_QUBITS
    return max(1, min(TARGET_QUBITS, record.num_qubits))


IONQ_SIMULATOR = "ionq_simulator"

IONQ_GATES = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz"),
    *("cx", "rxx", "ryy", "rzz", "swap", "measure"),
)
"""Gates of IonQ's simulator for services that do not list them."""


def twin_simulator(record: DeviceRecord, options: Mapping[str, Any]) -> Any:
    """An AerSimulator on this machine that behaves as a device of a service.

    Args:
        record: The device.
        options: Options of the backend; those of Aer are taken over.

    Returns:
        For a device with a snapshot the simulator of that, noise included; for an ideal simulator an ideal one, or
        with the noise model of the options.

    Raises:
        HaiquBackendNotFoundError: If there is no snapshot of the device.
        HaiquInputError: If the device simulates noise that is not known here.
    """
    twin = AER if record.ideal else twin_name(record)
    if twin is None:
        raise HaiquBackendNotFoundError(
            f"There is no snapshot of {record.id} on this machine, so nothing is known of its noise. "
            f"{_twin_advice(record)}"
        )
    engine = LocalEngine()
    known = engine.default_options(twin)
    taken = {name: value for name, value in options.items() if name in known}
    noise = _noise(options.get("noise_model")) if twin == AER else DEVICE_NOISE
    return engine.simulator(twin, {**known, **taken, "noise_model": noise})


def _noise(given: Any) -> Any:
    """The noise model of a backend's option."""
    if isinstance(given, str):
        raise HaiquInputError(
            f"noise_model: '{given}' is known to the service only, not on this machine. Take the backend without it, "
            "or give aer_simulator a qiskit_aer.noise.NoiseModel."
        )
    if isinstance(given, Mapping):
        raise HaiquInputError(
            "noise_model: only the service reads dictionaries. Give the qiskit_aer.noise.NoiseModel itself."
        )
    return given


def _twin_advice(record: DeviceRecord) -> str:
    if record.id.startswith(("ibm_", "fake_")):
        return "Snapshots come with qiskit-ibm-runtime: pip install -U 'qiskit-haiqu-provider[ibm]'."
    return "AerSimulator.from_backend(backend) gives one without noise."
