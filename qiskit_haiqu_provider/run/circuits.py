"""Facts about circuits: registers, measurements and identity."""

from collections.abc import Iterator
from typing import NamedTuple

from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, CircuitInstruction

from qiskit_haiqu_provider.run.digest import content_digest as content_digest


class Register(NamedTuple):
    """A classical register as indices into the circuit's classical bits, lowest bit first."""

    name: str
    clbits: tuple[int, ...]


def registers(circuit: QuantumCircuit) -> tuple[Register, ...]:
    """The classical registers of a circuit; registers may share or re-order bits."""
    position = {bit: index for index, bit in enumerate(circuit.clbits)}
    return tuple([Register(creg.name, tuple([position[bit] for bit in creg])) for creg in circuit.cregs])


def measures(circuit: QuantumCircuit) -> bool:
    """Whether the circuit measures anything, inside control flow too."""
    names = circuit.count_ops()
    if CONTROL_FLOW_OP_NAMES.isdisjoint(names):
        return "measure" in names
    return any(instruction.name == "measure" for instruction in walk(circuit))


def walk(circuit: QuantumCircuit) -> Iterator[CircuitInstruction]:
    """Every instruction of the circuit, then those of the blocks inside it."""
    for instruction in circuit.data:
        yield instruction
        if instruction.name in CONTROL_FLOW_OP_NAMES:
            for block in instruction.operation.blocks:
                yield from walk(block)


def final_measurements(circuit: QuantumCircuit) -> list[int]:
    """The qubits that end in a measurement that nothing in the circuit reads afterwards.

    A measured qubit whose outcome steers a later operation is not among them.
    """
    if "measure" not in circuit.count_ops():
        return []
    qubit_index = {bit: index for index, bit in enumerate(circuit.qubits)}
    untouched, unread = set(circuit.qubits), set(circuit.clbits)
    found = []
    for instruction in reversed(circuit.data):
        if instruction.name in {"barrier", "delay"}:
            continue
        if instruction.name == "measure" and instruction.qubits[0] in untouched and instruction.clbits[0] in unread:
            found.append(qubit_index[instruction.qubits[0]])
        elif instruction.name != "measure":
            unread.difference_update(instruction.clbits)
        untouched.difference_update(instruction.qubits)
    return sorted(found)
