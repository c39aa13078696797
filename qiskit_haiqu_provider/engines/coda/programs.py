"""Circuits -> programs for Coda, and the outcomes that come back -> classical bits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm2, qasm3
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, Barrier, CircuitInstruction, Clbit, Measure, Qubit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler.passes import HighLevelSynthesis

from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquResponseError

LAST_FIRST, FIRST_FIRST = "last_first", "first_first"
BIT_ORDERS = (LAST_FIRST, FIRST_FIRST)
"""Whether the last or the first measured bit is the first character of an outcome.

No page of Coda tells. Its documented source is Qiskit, which writes the last bit first, and that is assumed. But where
Coda hands circuits to a machine of one's own, the published drivers write the first measured bit first, so that either
may reach the user. A circuit that flips one of two qubits shows which.
"""

OPENQASM3, QISKIT = "openqasm3", "qiskit"


@dataclass(frozen=True)
class Program:
    """A circuit in the form in which Coda cannot misread it.

    Its gates are those of the circuit, on the qubits that it uses; then each bit that was measured is measured once,
    in ascending order, into one register without gaps. So it makes no difference whether outcomes come back in the
    order of the measurements or of the bits, and with or without bits that nothing was written to.
    """

    circuit: QuantumCircuit
    clbits: tuple[int, ...]
    """For each bit of the program the classical bit of the original circuit."""

    def bound(self, values: Mapping[Any, float]) -> QuantumCircuit:
        """The program with values for its parameters."""
        own = {parameter: values[parameter] for parameter in self.circuit.parameters}
        return self.circuit.assign_parameters(own) if own else self.circuit


def program_of(circuit: QuantumCircuit, *, where: str) -> Program:
    """The program of a circuit.

    Args:
        circuit: The circuit; it measures something.
        where: What it is, for messages.

    Raises:
        HaiquCircuitError: If it does anything but gates and measurements after them.
    """
    gates, sources = _parts(_spelled_out(circuit, where), where)
    used = {qubit for gate in gates if gate.name != "barrier" for qubit in gate.qubits} | set(sources.values())
    kept = [qubit for qubit in circuit.qubits if qubit in used]
    clbits = [index for index, bit in enumerate(circuit.clbits) if bit in sources]
    qubits, bits = QuantumRegister(len(kept), "q"), ClassicalRegister(len(clbits), "c")
    place = dict(zip(kept, qubits, strict=True))
    moved = [_moved(gate, [place[qubit] for qubit in gate.qubits if qubit in place]) for gate in gates]
    measures = [
        CircuitInstruction(Measure(), [place[sources[circuit.clbits[index]]]], [bit])
        for bit, index in zip(bits, clbits, strict=True)
    ]
    program = QuantumCircuit.from_instructions([*moved, *measures], qubits=qubits, clbits=bits)
    program.add_register(qubits, bits)
    return Program(program, tuple(clbits))


def written(circuit: QuantumCircuit, framework: str) -> str:
    """The text of a program: a Qiskit program for ``qiskit``, OpenQASM 3 for any other framework."""
    if framework == QISKIT:
        return f'from qiskit import qasm2\n\nqc = qasm2.loads("""{qasm2.dumps(circuit)}""")\n'
    return str(qasm3.dumps(circuit))


def counts_of(results: Mapping[str, int], clbits: Sequence[int], num_clbits: int, *, bit_order: str) -> dict[str, int]:
    """Counts over all classical bits of the original circuit, the last one first; what was not measured is 0.

    Args:
        results: How often Coda saw each outcome.
        clbits: For each bit of the program the classical bit of the original circuit.
        num_clbits: How many of these there are.
        bit_order: One of BIT_ORDERS.

    Raises:
        HaiquResponseError: If an outcome has another width than the program.
    """
    counts: dict[str, int] = {}
    for outcome, count in results.items():
        text = outcome.replace(" ", "")
        if len(text) != len(clbits):
            raise HaiquResponseError(f"Coda returned an outcome {outcome!r} where {len(clbits)} bits were expected.")
        bits = ["0"] * num_clbits
        for clbit, bit in zip(clbits, text if bit_order == FIRST_FIRST else reversed(text), strict=True):
            bits[clbit] = bit
        whole = "".join(reversed(bits))
        counts[whole] = counts.get(whole, 0) + count
    return counts


def _moved(gate: CircuitInstruction, qubits: Sequence[Qubit]) -> CircuitInstruction:
    """A gate on the qubits of the program; a barrier is narrower where qubits were left out."""
    if len(qubits) < len(gate.qubits):
        return CircuitInstruction(Barrier(len(qubits)), qubits)
    return gate.replace(qubits=qubits)


def _spelled_out(circuit: QuantumCircuit, where: str) -> QuantumCircuit:
    """The circuit with standard gates only, which OpenQASM can write; itself if it has no others."""
    flow = sorted(set(circuit.count_ops()) & set(CONTROL_FLOW_OP_NAMES))
    if flow:
        raise _refusal(f"'{flow[0]}' decides something while the circuit runs", where)
    if all(map(_is_plain, circuit.data)):
        return circuit
    return HighLevelSynthesis(basis_gates=_standard_names())(circuit)


def _is_plain(instruction: CircuitInstruction) -> bool:
    return instruction.is_standard_gate() or instruction.name in _OTHERS


@cache
def _standard_names() -> list[str]:
    return list(get_standard_gate_name_mapping())


_OTHERS = frozenset({"barrier", "measure", "reset", "delay"})


def _parts(circuit: QuantumCircuit, where: str) -> tuple[list[CircuitInstruction], dict[Clbit, Qubit]]:
    """The gates, and for each classical bit the qubit that is measured into it at the end."""
    gates: list[CircuitInstruction] = []
    sources: dict[Clbit, Qubit] = {}
    touched: set[Qubit] = set()
    measured: set[Qubit] = set()
    for instruction in circuit.data:
        if instruction.name in {"barrier", "delay"} and measured & set(instruction.qubits):
            continue  # after a measurement they change nothing
        if instruction.name == "reset" and not touched & set(instruction.qubits):
            continue  # qubits begin so
        _check(instruction, measured, where)
        if instruction.name == "measure":
            sources[instruction.clbits[0]] = instruction.qubits[0]
            measured.update(instruction.qubits)
        else:
            gates.append(instruction)
        if instruction.name != "barrier":
            touched.update(instruction.qubits)
    return gates, sources


def _check(instruction: CircuitInstruction, measured: set[Qubit], where: str) -> None:
    if instruction.name == "reset":
        raise _refusal("a qubit is reset after it was used", where)
    if measured & set(instruction.qubits):
        raise _refusal(f"'{instruction.name}' acts on a qubit after its measurement", where)
    if not _is_plain(instruction):
        raise _refusal(f"'{instruction.name}' cannot be written with gates", where)


def _refusal(what: str, where: str) -> HaiquCircuitError:
    return HaiquCircuitError(
        f"{where}: {what}, but Coda hands gates to its machines, and after them the qubits to measure. Measure each "
        "qubit once and at the end, or use aer_simulator."
    )
