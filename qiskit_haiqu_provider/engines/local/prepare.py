"""Circuits made ready for simulation: active qubits only, known gates only, final measurements taken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import (
    CONTROL_FLOW_OP_NAMES,
    BreakLoopOp,
    CircuitInstruction,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.circuit.library import Initialize, UnitaryGate, get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError
from qiskit.passmanager import ConditionalController
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager
from qiskit.transpiler.passes import CountOps, HighLevelSynthesis

from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.run.circuits import walk

_CLIFFORD = frozenset(
    {"id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cx", "cy", "cz", "swap", "ecr"}
    | {"delay", "barrier", "measure", "reset"}
)


@dataclass(frozen=True)
class Prepared:
    """A circuit as the simulator gets it."""

    circuit: QuantumCircuit
    """On the kept qubits only. Without its final measurements if :attr:`static`."""

    kept: tuple[int, ...]
    """For each qubit of :attr:`circuit` the qubit of the original circuit."""

    static: bool
    """Whether it is unitary up to final measurements: one evolution tells all outcomes."""

    measured: tuple[tuple[int, int], ...]
    """For static circuits: (qubit of :attr:`circuit`, clbit) of each final measurement."""

    num_clbits: int
    clifford: bool
    width: int
    """How many qubits take part; others of :attr:`circuit` are idle, and Aer leaves them out."""

    columns: tuple[int, ...]
    """For each parameter of :attr:`circuit` its place among those of the original circuit."""

    @property
    def num_qubits(self) -> int:
        """The number of kept qubits."""
        return len(self.kept)


def prepare(
    circuit: QuantumCircuit, *, keep: Sequence[int] = (), shrink: bool = True, channels: bool = False
) -> Prepared:
    """Make a circuit ready for simulation.

    Args:
        circuit: Any circuit; gates that the simulator does not know are unrolled.
        keep: Qubits that must stay even if idle (an observable acts on them).
        shrink: Drop idle qubits.
        channels: Whether the simulator evolves density matrices, so that channels count as gates.
    """
    known = _unrolled(circuit)
    data = list(known.data)
    active = _active(known, data)
    kept = sorted(active | set(keep)) if shrink else list(range(known.num_qubits))
    if not kept and known.num_qubits:
        kept = [0]  # a circuit that does nothing is still a state
    measured = final_outcomes(known, channels=channels)
    if not measured and len(kept) == known.num_qubits and known.layout is None:
        body = known.copy() if known is circuit else known  # the caller may go on building the circuit
    else:
        body = _body(known, data, kept, drop_measurements=measured is not None)
    position = {qubit: index for index, qubit in enumerate(kept)}
    places = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return Prepared(
        circuit=body,
        kept=tuple(kept),
        static=measured is not None,
        measured=tuple((position[qubit], clbit) for clbit, qubit in (measured or {}).items()),
        num_clbits=known.num_clbits,
        clifford=operation_names(known) <= _CLIFFORD,
        width=max(1, len(active | set(keep))),
        columns=tuple(places[parameter] for parameter in body.parameters),
    )


def operation_names(circuit: QuantumCircuit) -> set[str]:
    """Names of all operations, inside control flow too."""
    names = set(circuit.count_ops())
    if names.isdisjoint(CONTROL_FLOW_OP_NAMES):
        return names
    return {instruction.operation.name for instruction in walk(circuit)}


def _active(circuit: QuantumCircuit, data: Sequence[CircuitInstruction]) -> set[int]:
    """Qubits on which anything but barriers and delays acts."""
    active = {bit for instruction in data if instruction.name not in {"barrier", "delay"} for bit in instruction.qubits}
    return {index for index, bit in enumerate(circuit.qubits) if bit in active}


def final_outcomes(circuit: QuantumCircuit, *, channels: bool = False) -> dict[int, int] | None:
    """For static circuits the qubit that each written clbit shows; ``None`` if the circuit is not static.

    Args:
        circuit: Any circuit.
        channels: Whether channels count as gates.
    """
    forbidden = _NOT_UNITARY - _CHANNELS if channels else _NOT_UNITARY
    measured: set[Any] = set()
    shown: dict[Any, Any] = {}
    touched: set[Any] = set()
    for instruction in circuit.data:
        name, qubits = instruction.name, instruction.qubits
        if name == "measure":
            measured.add(qubits[0])
            shown[instruction.clbits[0]] = qubits[0]
        elif name == "barrier" or (name == "delay" and measured.isdisjoint(qubits)):
            continue
        elif (
            instruction.clbits
            or name in forbidden
            or not measured.isdisjoint(qubits)
            or (name in _RESETTING and not touched.isdisjoint(qubits))
        ):
            return None
        touched.update(qubits)
    qubit_index = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbit_index = {bit: index for index, bit in enumerate(circuit.clbits)}
    return {clbit_index[clbit]: qubit_index[qubit] for clbit, qubit in shown.items()}


_RESETTING = frozenset({"reset", "initialize"})
_CHANNELS = frozenset({"kraus", "superop", "quantum_channel"})
_NOT_UNITARY = frozenset(
    {"store", "set_statevector", "set_density_matrix", "set_stabilizer"} | _CHANNELS | CONTROL_FLOW_OP_NAMES
)


def _body(
    circuit: QuantumCircuit,
    data: Sequence[CircuitInstruction],
    kept: Sequence[int],
    *,
    drop_measurements: bool,
) -> QuantumCircuit:
    """The circuit on the kept qubits, with all its classical bits and registers."""
    body = QuantumCircuit(len(kept), global_phase=circuit.global_phase, name=circuit.name)
    body.add_bits(circuit.clbits)
    for creg in circuit.cregs:
        body.add_register(creg)
    qubits = dict(zip([circuit.qubits[index] for index in kept], body.qubits, strict=True))
    for instruction in data:
        if instruction.name == "barrier" or (drop_measurements and instruction.name == "measure"):
            continue
        where = tuple([qubits[bit] for bit in instruction.qubits if bit in qubits])
        if len(where) == len(instruction.qubits):
            body._append(instruction.replace(qubits=where))  # noqa: SLF001 - checked in the original
    return body


@lru_cache(maxsize=1)
def _known_gates() -> frozenset[str]:
    """Names of the instructions that Aer runs as they are."""
    from qiskit_aer import AerSimulator  # loaded when something is simulated

    return frozenset(AerSimulator().target.operation_names) | {"barrier", "delay", "measure"}


@lru_cache(maxsize=16)
def _unroller(num_qubits: int) -> PassManager:
    """Unrolls to the standard gates that Aer knows; keeps matrices, initial states and control flow."""
    target = Target(num_qubits=num_qubits)
    standard = get_standard_gate_name_mapping()
    for name in sorted(_known_gates() & standard.keys()):
        target.add_instruction(standard[name])
    target.add_instruction(UnitaryGate, name="unitary")
    target.add_instruction(Initialize, name="initialize")
    for operation, name in _CONTROL_FLOW.items():
        target.add_instruction(operation, name=name)
    manager = generate_preset_pass_manager(optimization_level=0, target=target)
    # The translation of Qiskit 2.2 panics where a matrix stands beside gates to translate, so none are left to it then.
    manager.pre_translation = PassManager(
        [
            HighLevelSynthesis(target=target, equivalence_library=SessionEquivalenceLibrary),
            CountOps(),
            ConditionalController(
                HighLevelSynthesis(target=target), condition=lambda found: "unitary" in found["count_ops"]
            ),
        ]
    )
    return manager


_CONTROL_FLOW = {
    IfElseOp: "if_else",
    ForLoopOp: "for_loop",
    WhileLoopOp: "while_loop",
    SwitchCaseOp: "switch_case",
    BreakLoopOp: "break_loop",
    ContinueLoopOp: "continue_loop",
}


def _unrolled(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit itself if the simulator knows all its gates, else with the others unrolled."""
    if operation_names(circuit) <= _known_gates():
        return circuit
    try:
        return _unroller(circuit.num_qubits).run(circuit)
    except QiskitError as error:
        foreign = sorted(operation_names(circuit) - _known_gates())
        raise HaiquCircuitError(
            f"The circuit '{circuit.name}' has instructions that cannot be simulated ({', '.join(foreign)}): "
            f"{getattr(error, 'message', error)}. Decompose them into standard gates first."
        ) from error
