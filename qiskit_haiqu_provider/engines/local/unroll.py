"""Gates that the simulator does not know, made of those that it knows."""

from collections.abc import Iterable
from functools import cache, lru_cache

from qiskit import QuantumCircuit
from qiskit.circuit import (
    CONTROL_FLOW_OP_NAMES,
    BreakLoopOp,
    CircuitInstruction,
    ContinueLoopOp,
    ForLoopOp,
    Gate,
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


def operation_names(circuit: QuantumCircuit) -> set[str]:
    """Names of all operations, inside control flow too."""
    names = set(circuit.count_ops())
    if names.isdisjoint(CONTROL_FLOW_OP_NAMES):
        return names
    return {instruction.operation.name for instruction in walk(circuit)}


def borrows_names(instructions: Iterable[CircuitInstruction]) -> bool:
    """Whether a gate of one's own has the name of a standard gate, by which it would run."""
    return not _gate_names().isdisjoint([each.name for each in instructions if not each.is_standard_gate()])


@lru_cache(maxsize=1)
def _gate_names() -> frozenset[str]:
    """Names that gates of Qiskit alone may have, each for gates of one number of qubits."""
    mapping = get_standard_gate_name_mapping()
    return frozenset([name for name, gate in mapping.items() if isinstance(gate, Gate)]) - {"mcx"}


def renamed(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with names of their own for gates that have the name of another."""
    made = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if not instruction.is_standard_gate() and instruction.name in _gate_names():
            operation = operation.copy(name=f"own_{instruction.name}")
        elif instruction.name in CONTROL_FLOW_OP_NAMES:
            operation = operation.replace_blocks([renamed(block) for block in operation.blocks])
        made.append(instruction.replace(operation=operation))
    return made


@cache
def known_gates(method: str) -> frozenset[str]:
    """Names of the instructions that Aer runs as they are; those that are no standard gates, with any method."""
    everywhere = aer_operations("automatic")
    if method in {"automatic", "statevector", "stabilizer"}:  # what is no Clifford gate is not made of any either
        return everywhere
    names = set(aer_operations(method))
    if method == "extended_stabilizer":
        names.discard("rz")  # of which it only takes quarter turns, while it takes any angle of p
    return frozenset(everywhere - (set(get_standard_gate_name_mapping()) - names))


@cache
def aer_operations(method: str) -> frozenset[str]:
    """Names of all instructions that a method of Aer's runs."""
    from qiskit_aer import AerSimulator  # loaded when something is simulated

    return frozenset(AerSimulator(method=method).target.operation_names) | {"barrier", "delay", "measure"}


@lru_cache(maxsize=16)
def _unroller(num_qubits: int, method: str) -> PassManager:
    """Unrolls to the standard gates that Aer knows; keeps matrices, initial states and control flow."""
    target = Target(num_qubits=num_qubits)
    standard = get_standard_gate_name_mapping()
    for name in sorted(known_gates(method) & standard.keys()):
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


def unrolled(circuit: QuantumCircuit, method: str, *, where: str = "The circuit") -> QuantumCircuit:
    """The circuit with all gates unrolled that the simulator does not know.

    Args:
        circuit: Any circuit.
        method: Aer's method, which decides what gates it knows.
        where: How errors call the circuit.

    Raises:
        HaiquCircuitError: If a gate cannot be unrolled.
    """
    try:
        return _unroller(circuit.num_qubits, method).run(circuit)
    except QiskitError as error:
        foreign = sorted(operation_names(circuit) - known_gates(method))
        raise HaiquCircuitError(
            f"{where}: {', '.join(map(repr, foreign))} cannot be simulated: "
            f"{str(getattr(error, 'message', error)).rstrip('.')}. Decompose them into standard gates first."
        ) from error
