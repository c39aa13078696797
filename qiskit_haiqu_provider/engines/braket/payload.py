"""From a request to tasks of Braket: program sets where the device takes them, single programs elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.braket.devices import AwsDevice
from qiskit_haiqu_provider.engines.braket.openqasm import Program, expanded, unrolled, write
from qiskit_haiqu_provider.engines.braket.options import DEBIAS
from qiskit_haiqu_provider.engines.direct.circuits import CircuitExecution, executions
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.engines.local.prepare import final_outcomes
from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.request import RunRequest


@dataclass(frozen=True, kw_only=True)
class Order:
    """A task as it is sent."""

    action: str
    """A program or a program set, in JSON."""

    shots: int
    """Over all executables."""

    parameters: str | None = None
    """Settings of the device, in JSON."""


@dataclass(frozen=True, kw_only=True)
class _Written:
    """An execution with its program."""

    slot: Slot
    shots: int
    program: Program
    outcome: Mapping[str, Any]
    """How its results become classical bits: their number, for each written one the qubit's number, and whether each
    parameter set is a copy of the program (there are no inputs) rather than a set of inputs."""

    def part(self, first: int, sets: int) -> "_Written":
        """Some of its parameter sets."""
        inputs = {name: values[first : first + sets] for name, values in self.program.inputs.items()}
        slot = replace(self.slot, first=self.slot.first + first, sets=sets)
        return replace(self, slot=slot, program=Program(self.program.source, inputs))


def prepared(request: RunRequest, device: AwsDevice) -> list[VendorJob]:
    """The tasks that a request takes.

    Raises:
        HaiquInputError: If the device cannot do what is asked.
    """
    if request.use_mitigation:
        own = " Its own is the option error_mitigation='debias'." if device.debias_shots is not None else ""
        raise HaiquInputError(
            f"use_mitigation: errors are not mitigated straight at Amazon Braket. Set use_mitigation=False.{own}"
        )
    options = request.options
    as_is = not device.simulator and bool(options.get("skip_transpilation", True))
    basis = device.native if as_is else None
    written = [_written(execution, device, as_is=as_is) for execution in executions(request, gates=basis, bind=False)]
    _check_shots(request, device, debias=options.get("error_mitigation") == DEBIAS)
    if options.get("error_mitigation") == DEBIAS:
        return [_single(part, _debias()) for part in _one_by_one(written)]
    if device.sets is None or not options.get("program_sets", True):
        return [_single(part) for part in _one_by_one(written)]
    return list(_in_sets(written, device.sets))


def _check_shots(request: RunRequest, device: AwsDevice, *, debias: bool) -> None:
    fewest = device.shots[0]
    least = max(fewest, device.debias_shots or 0) if debias else fewest
    why = " with error_mitigation='debias'" if debias and least > fewest else ""
    for task in request.tasks:
        if task.shots is not None and task.shots < least:
            raise HaiquInputError(
                f"PUB {task.pub}: shots is {task.shots}, but {request.device} takes at least "
                f"{least}{why}. Ask for more."
            )


def _one_by_one(written: Sequence[_Written]) -> Iterator[_Written]:
    for one in written:
        for first in range(one.slot.sets):
            yield one.part(first, 1)


def _single(part: _Written, parameters: str | None = None) -> VendorJob:
    """A task of one executable."""
    from braket.ir.openqasm import Program as Action  # in an extra

    inputs = part.program.of_set(0)
    action = Action(source=part.program.source, inputs=inputs or None).json(exclude_none=True)
    return VendorJob(
        slots=(part.slot,),
        content=Order(action=action, shots=part.shots, parameters=parameters),
        circuits=1,
        shots=part.shots,
        facts={"outcomes": [dict(part.outcome)]},
    )


def _in_sets(written: Sequence[_Written], limits: Mapping[str, Any]) -> Iterator[VendorJob]:
    """As few tasks as the limits of a program set allow. All executables of one have the same number of shots."""
    for shots in sorted({one.shots for one in written}):
        most = max(1, min(int(limits["maximumExecutables"]), int(limits["maximumTotalShots"]) // shots))
        for batch in _batches([one for one in written if one.shots == shots], most):
            total = shots * sum(part.slot.sets for part in batch)
            lone = len(batch) == 1 and batch[0].slot.sets == 1
            if lone or total < int(limits.get("minimumTotalShots") or 1):
                yield from (_single(part) for part in _one_by_one(batch))
            else:
                yield _set(batch)


def _batches(written: Sequence[_Written], most: int) -> Iterator[list[_Written]]:
    """Executables in their order, cut where a batch is full."""
    batch: list[_Written] = []
    room = most
    for one in written:
        first = 0
        while first < one.slot.sets:
            taken = min(room, one.slot.sets - first)
            batch.append(one.part(first, taken))
            first, room = first + taken, room - taken
            if room == 0:
                yield batch
                batch, room = [], most
    if batch:
        yield batch


def _set(batch: Sequence[_Written]) -> VendorJob:
    """A task of many executables."""
    from braket.ir.openqasm import Program as Action  # in an extra
    from braket.ir.openqasm import ProgramSet

    programs, slots, outcomes = [], [], []
    for part in batch:
        # Sets of a circuit without parameters are the same program, so that it is there once for each.
        copies = 1 if part.program.inputs else part.slot.sets
        inputs = {name: values.tolist() for name, values in part.program.inputs.items()} or None
        programs += [Action(source=part.program.source, inputs=inputs)] * copies
        slots.append(part.slot)
        outcomes.append(dict(part.outcome))
    executables = sum(slot.sets for slot in slots)
    shots = executables * batch[0].shots
    return VendorJob(
        slots=tuple(slots),
        content=Order(action=ProgramSet(programs=programs).json(exclude_none=True), shots=shots),
        circuits=executables,
        shots=shots,
        facts={"outcomes": outcomes},
    )


def _written(execution: CircuitExecution, device: AwsDevice, *, as_is: bool) -> _Written:
    where = f"PUB {execution.pub}"
    circuit = execution.circuit if as_is else expanded(execution.circuit, device.gates)
    outcomes = final_outcomes(circuit, channels="kraus" in device.gates)
    if outcomes is None:
        raise HaiquCircuitError(
            f"{where}: {device.id} runs gates and final measurements only, no mid-circuit measurement, reset, control "
            "flow or noise that the circuit brings along. Use another device, or aer_simulator, for this circuit."
        )
    body, places = _as_it_is(circuit, outcomes) if as_is else _compact(circuit, outcomes, device, where=where)
    measured = sorted({places[qubit] for qubit in outcomes.values()})
    labels = device.qubits.numbers if as_is else None
    program = write(body, execution.values, parameters=execution.circuit.parameters, measured=measured, labels=labels)
    shown = [[clbit, _label(places[qubit], labels)] for clbit, qubit in sorted(outcomes.items())]
    return _Written(
        slot=execution.slot,
        shots=execution.shots,
        program=program,
        outcome={"clbits": circuit.num_clbits, "shown": shown, "copies": not program.inputs},
    )


def _label(qubit: int, labels: Sequence[int] | None) -> int:
    return qubit if labels is None else labels[qubit]


def _as_it_is(circuit: QuantumCircuit, outcomes: Mapping[int, int]) -> tuple[QuantumCircuit, Mapping[int, int]]:
    """The circuit without measurements, and where its measured qubits are in it."""
    body = circuit.copy_empty_like()
    body.data = [instruction for instruction in circuit.data if instruction.name != "measure"]
    return body, {qubit: qubit for qubit in outcomes.values()}


def _compact(
    circuit: QuantumCircuit, outcomes: Mapping[int, int], device: AwsDevice, *, where: str
) -> tuple[QuantumCircuit, Mapping[int, int]]:
    """The circuit in the gates of the service, on as many qubits as it uses, and where its qubits are in it."""
    body = unrolled(_as_it_is(circuit, outcomes)[0], device.gates)
    index = {bit: place for place, bit in enumerate(body.qubits)}
    touched = {index[bit] for step in body.data if step.name not in {"barrier", "delay"} for bit in step.qubits}
    used = sorted(touched | set(outcomes.values()))
    if len(used) > len(device.qubits):
        raise HaiquCircuitError(
            f"{where}: the circuit uses {len(used)} qubits, but {device.id} has {len(device.qubits)}. "
            "Use fewer qubits or a wider device: provider.backends(min_num_qubits=...)."
        )
    places = {qubit: place for place, qubit in enumerate(used)}
    small = QuantumCircuit(len(used))
    for step in body.data:
        if step.name not in {"barrier", "delay"}:
            small.append(step.operation, [places[index[bit]] for bit in step.qubits])
    if "id" in device.gates:
        for qubit in set(used) - touched:
            small.id(places[qubit])  # a qubit that no gate names might be left out by the service
    return small, places


def _debias() -> str:
    """The settings that ask an IonQ device for debiasing."""
    from braket.device_schema import GateModelParameters  # in an extra
    from braket.device_schema.error_mitigation import Debias
    from braket.device_schema.ionq import IonqDeviceParameters

    settings = IonqDeviceParameters(paradigmParameters=GateModelParameters(qubitCount=0), errorMitigation=[Debias()])
    return str(settings.json(exclude_none=True))


def copies_of(outcome: Mapping[str, Any], slot: Slot) -> list[Any]:
    """For each set of a slot the program and the place in it that its result has, counted from the slot's first."""
    return [(index, 0) if outcome["copies"] else (0, index) for index in range(slot.sets)]
