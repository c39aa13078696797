"""AWS devices: what each can do, read from its capabilities."""

import json
import logging
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

from qiskit_haiqu_provider.devices.native import NATIVE_GATES
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.devices.targets import target_from_record
from qiskit_haiqu_provider.engines.braket.aws import REGIONS, Aws
from qiskit_haiqu_provider.engines.braket.openqasm import CHANNELS, GATES, STANDARD
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquBackendNotFoundError, HaiquResponseError

logger = logging.getLogger(__name__)

_KEEP_SECONDS = 300.0
"""For how long what is known of the devices is kept."""

_AT_ONCE = 8
_PROGRAM, _SET = "braket.ir.openqasm.program", "braket.ir.openqasm.program_set"
_DEBIAS = "braket.device_schema.error_mitigation.debias.Debias"
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class Qubits:
    """Which number of the device each qubit of our circuits has; the numbers of a device may have holes."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = tuple(sorted(numbers))
        self._index = {number: index for index, number in enumerate(self.numbers)}

    def __len__(self) -> int:
        return len(self.numbers)

    def number(self, index: int) -> int:
        """The device's number of a qubit of ours."""
        return self.numbers[index]

    def index(self, number: int) -> int | None:
        """Our qubit of a number of the device; ``None`` if the device has no such qubit now."""
        return self._index.get(number)


@dataclass(frozen=True)
class AwsDevice:
    """One device."""

    arn: str
    region: str
    status: str
    capabilities: Mapping[str, Any] = field(repr=False)
    queue: int | None = None
    """How many tasks wait for it."""

    @property
    def id(self) -> str:
        """Its id here: ``aws_``, the maker and the name."""
        maker, name = self.arn.split("/")[-2:]
        return f"aws_{maker}_{name}".lower().replace("-", "_")

    @property
    def name(self) -> str:
        """Its name at AWS."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def simulator(self) -> bool:
        """Whether it is a simulator."""
        return ":device/quantum-simulator/" in self.arn

    @cached_property
    def qubits(self) -> Qubits:
        """Its qubits."""
        paradigm = self.capabilities["paradigm"]
        wired = paradigm.get("connectivity") or {"fullyConnected": True}
        if wired["fullyConnected"]:
            return Qubits(range(int(paradigm["qubitCount"])))
        return Qubits(sorted({qubit for pair in self._wires for qubit in pair}))

    @property
    def shots(self) -> tuple[int, int]:
        """The fewest and the most shots of a circuit."""
        fewest, most = self.capabilities["service"]["shotsRange"]
        return int(fewest), int(most)

    @property
    def sets(self) -> Mapping[str, Any] | None:
        """Limits of program sets; ``None`` if it takes none."""
        return self.capabilities["action"].get(_SET)  # type: ignore[no-any-return]

    @property
    def debias_shots(self) -> int | None:
        """The fewest shots with debiasing; ``None`` if it has none."""
        schemes = (self.capabilities.get("provider") or {}).get("errorMitigation") or {}
        return int(schemes[_DEBIAS]["minimumShots"]) if _DEBIAS in schemes else None

    @cached_property
    def native(self) -> tuple[str, ...]:
        """Names of its native gates in Qiskit, or in our own module of native gates."""
        found = _ours(self.capabilities["paradigm"].get("nativeGateSet") or ())
        other = "rzz" if "gpi2" in found else "zz"  # one gate, in two ways to count its angle
        twice = {"u1", "u3", "cu1", other}
        return tuple(name for name in found if name not in twice)

    @cached_property
    def gates(self) -> tuple[str, ...]:
        """Qiskit's names of the gates that it takes when it chooses qubits and compiles by itself."""
        action = self.capabilities["action"][_PROGRAM]
        names = [name for name in _ours(action["supportedOperations"]) if name in STANDARD]
        matrices = ["unitary"] if "braket_unitary_matrix" in (action.get("supportedPragmas") or ()) else []
        return (*names, *matrices, *(CHANNELS if "kraus" in action["supportedOperations"] else ()))

    @cached_property
    def record(self) -> DeviceRecord:
        """What backends are made of."""
        errors = bool(self.capabilities.get("standardized"))
        return DeviceRecord(
            id=self.id,
            via="braket",
            vendor=self.arn.split("/")[-2],
            num_qubits=len(self.qubits),
            simulator=self.simulator,
            description=f"{self.name} at Amazon Braket, {self.region}",
            constrained=not self.simulator,
            operation_names=tuple(name for name in self.gates if name in STANDARD) if self.simulator else self.native,
            coupling_map=self._coupling,
            labels=() if self.qubits.numbers == tuple(range(len(self.qubits))) else self.qubits.numbers,
            status=self.status,
            pending_jobs=self.queue,
            calibration="from its capabilities at Amazon Braket" if errors and not self.simulator else None,
        )

    @cached_property
    def target(self) -> Target:
        """What it can do, with errors and times of qubits as far as they are told."""
        return target_from_record(self.record, self._measured())

    @property
    def _wires(self) -> Iterator[tuple[int, int]]:
        graph = self.capabilities["paradigm"]["connectivity"]["connectivityGraph"]
        return ((int(a), int(b)) for a, others in graph.items() for b in others)

    @property
    def _coupling(self) -> tuple[tuple[int, int], ...] | None:
        wired = self.capabilities["paradigm"].get("connectivity") or {"fullyConnected": True}
        if wired["fullyConnected"]:
            return None
        place = {number: index for index, number in enumerate(self.qubits.numbers)}
        both = {end for a, b in self._wires for end in ((place[a], place[b]), (place[b], place[a]))}
        return tuple(sorted(both))  # native gates act the same way in both directions

    def _measured(self) -> Target | None:
        """Errors and times of qubits as a Target of their own; ``None`` if there are none."""
        told = self.capabilities.get("standardized") or {}
        single, pairs = told.get("oneQubitProperties") or {}, told.get("twoQubitProperties") or {}
        if not single:
            return None
        by_qubit = {self.qubits.index(int(number)): found for number, found in single.items()}
        known = {qubit: found for qubit, found in by_qubit.items() if qubit is not None}
        times = [_times(known.get(qubit, {})) for qubit in range(len(self.qubits))]
        target = Target(num_qubits=len(self.qubits), qubit_properties=times)
        measure = get_standard_gate_name_mapping()["measure"]
        target.add_instruction(measure, {(qubit,): _error(found, readout=True) for qubit, found in known.items()})
        for name in self.native:
            gate = NATIVE_GATES.get(name) or get_standard_gate_name_mapping()[name]
            if gate.num_qubits == 1:
                errors: dict[Any, Any] = {(qubit,): _error(found, readout=False) for qubit, found in known.items()}
            else:
                errors = dict(self._pair_errors(pairs, name))
            if errors:
                target.add_instruction(gate, errors)
        return target

    def _pair_errors(self, pairs: Mapping[str, Any], name: str) -> Iterator[tuple[Any, InstructionProperties]]:
        for written, found in pairs.items():
            ends = [self.qubits.index(int(number)) for number in written.split("-")]
            told = [
                entry["fidelity"]
                for entry in found["twoQubitGateFidelity"]
                if name in _ours([entry["gateName"].lower()])
            ]
            if told and None not in ends:
                properties = InstructionProperties(error=1 - min(told))
                yield tuple(ends), properties
                yield tuple(ends[::-1]), properties


def _ours(names: Sequence[str]) -> tuple[str, ...]:
    """Qiskit's names of Braket's gates; those that circuits of ours cannot hold are left out."""
    lower = {name.lower() for name in names}
    return tuple(ours for ours, theirs in GATES.items() if theirs.lower() in lower)


def _times(found: Mapping[str, Any]) -> QubitProperties:
    def seconds(name: str) -> float | None:
        told = found.get(name)
        return float(told["value"]) * _UNITS.get(told["unit"].lower(), 1.0) if told else None

    return QubitProperties(t1=seconds("T1"), t2=seconds("T2"))


def _error(found: Mapping[str, Any], *, readout: bool) -> InstructionProperties | None:
    """The largest error of the kind that is told of a qubit."""
    kinds = [(entry["fidelityType"]["name"].lower(), entry["fidelity"]) for entry in found["oneQubitFidelity"]]
    told = [value for kind, value in kinds if (kind == "readout") == readout and "readout_error" not in kind]
    return InstructionProperties(error=1 - min(told)) if told else None


class DeviceList:
    """The devices of all regions, asked for on first use and kept for a while.

    Args:
        aws: The way to AWS.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._known: dict[str, AwsDevice] = {}
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def all(self) -> Sequence[AwsDevice]:
        """The gate-based devices that are not retired."""
        with self._lock:
            if time.monotonic() - self._asked > _KEEP_SECONDS:
                self._ask()
            return tuple(self._known.values())

    def _ask(self) -> None:
        try:
            self._known = {device.id: device for device in self._found()}
        except HaiquApiError as error:
            if not self._known:
                raise
            logger.warning("The AWS devices could not be asked for again, what was known serves on: %s", error)
        self._asked = time.monotonic()

    def device(self, name: str) -> AwsDevice:
        """One device.

        Raises:
            HaiquBackendNotFoundError: If there is none of that id.
        """
        self.all()
        if name not in self._known:
            raise HaiquBackendNotFoundError(f"Amazon Braket has no device '{name}': {', '.join(self._known)}.")
        return self._known[name]

    def refreshed(self, name: str) -> AwsDevice:
        """One device, asked for anew."""
        old = self.device(name)
        new = self._details(old.arn, old.region)
        self._known[name] = new
        return new

    def _found(self) -> Iterator[AwsDevice]:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="haiqu-braket") as pool:
            home = self._aws.home
            regions = (home, *(region for region in REGIONS if region != home))
            answers = list(zip(regions, pool.map(self._arns, regions), strict=True))
            failures = [found for _, found in answers if isinstance(found, HaiquApiError)]
            if len(failures) == len(answers):
                raise failures[0]
            where: dict[str, str] = {}
            for region, found in answers:
                if isinstance(found, HaiquApiError):
                    warnings.warn(f"The AWS devices of {region} are not shown. {found}", stacklevel=5)
                    continue
                for arn in found:
                    where.setdefault(arn, arn.split(":")[3] or region)
            read = list(pool.map(self._read, where, where.values()))
        yield from (device for device in read if device is not None)

    def _arns(self, region: str) -> Sequence[str] | HaiquApiError:
        try:
            session = self._aws.session(region)
            found = self._aws.ask(session.search_devices, f"the devices of {region}")
        except HaiquApiError as error:
            return error
        return [device["deviceArn"] for device in found if device["deviceStatus"] != "RETIRED"]

    def _read(self, arn: str, region: str) -> AwsDevice | None:
        try:
            device = self._details(arn, region)
            if "gate_model" not in device.capabilities["paradigm"]["braketSchemaHeader"]["name"]:
                return None  # machines that run no circuits
            device.record, device.gates, device.shots  # noqa: B018 - read now what would fail later
        except (HaiquResponseError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            warnings.warn(f"The AWS device {arn} cannot be read and is left out ({error!r}).", stacklevel=2)
            return None
        return device

    def _details(self, arn: str, region: str) -> AwsDevice:
        session = self._aws.session(region)
        answer = self._aws.ask(lambda: session.get_device(arn), f"the device {arn}")
        return AwsDevice(
            arn, region, answer["deviceStatus"].lower(), json.loads(answer["deviceCapabilities"]), _queue(answer)
        )


def _queue(answer: Mapping[str, Any]) -> int | None:
    """How many tasks wait; long queues are told as more than some number."""
    sizes = [
        str(queue["queueSize"]).lstrip(">")
        for queue in answer.get("deviceQueueInfo") or ()
        if queue["queue"] == "QUANTUM_TASKS_QUEUE"
    ]
    return sum(int(size) for size in sizes if size.isdigit()) if sizes else None
