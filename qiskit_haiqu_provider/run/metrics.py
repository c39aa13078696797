"""The structure of a circuit in numbers: the core metrics of the Haiqu REST API."""

from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate


def core_metrics(circuit: QuantumCircuit) -> dict[str, Any]:
    """Widths, depths and counts of the circuit as it stands; definitions and control flow are not opened.

    Returns:
        ``qubits``, ``num_qubits_active`` (qubits that an instruction other than a barrier acts on),
        ``num_parameters``, ``depth``, ``depth_2q`` (of two-qubit gates alone), ``gates_1q``, ``gates_2q``,
        ``other_gates`` (of three or more qubits, or none), ``gates_total``, ``other_ops`` (measurements, resets,
        barriers, delays, control flow), ``instructions_total`` and ``operations_counts``.
    """
    widths = [len(instruction.qubits) for instruction in circuit.data if _is_gate(instruction)]
    active = {qubit for instruction in circuit.data if instruction.name != "barrier" for qubit in instruction.qubits}
    gates_1q, gates_2q = widths.count(1), widths.count(2)
    return {
        "qubits": circuit.num_qubits,
        "num_qubits_active": len(active),
        "num_parameters": circuit.num_parameters,
        "depth": circuit.depth(),
        "depth_2q": circuit.depth(lambda instruction: _is_gate(instruction) and len(instruction.qubits) == 2),
        "gates_1q": gates_1q,
        "gates_2q": gates_2q,
        "other_gates": len(widths) - gates_1q - gates_2q,
        "gates_total": len(widths),
        "other_ops": len(circuit.data) - len(widths),
        "instructions_total": len(circuit.data),
        "operations_counts": {str(name): int(count) for name, count in circuit.count_ops().items()},
    }


def _is_gate(instruction: CircuitInstruction) -> bool:
    return instruction.is_standard_gate() or isinstance(instruction.operation, Gate)
