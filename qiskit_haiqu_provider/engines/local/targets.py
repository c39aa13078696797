"""Targets of local devices."""

from functools import lru_cache

from qiskit.circuit import ForLoopOp, IfElseOp, SwitchCaseOp, WhileLoopOp
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import Target

_ONE_QUBIT = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "p", "r", "rx", "ry", "rz"),
    *("u", "u1", "u2", "u3", "measure", "reset", "delay"),
)
_TWO_QUBIT = (
    *("cx", "cy", "cz", "ch", "csx", "cp", "cu", "crx", "cry", "crz"),
    *("swap", "ecr", "rxx", "ryy", "rzz", "rzx"),
)

TARGET_QUBITS = 63
"""Widest Target of a simulator: as wide as Aer's own for methods that are not bound by memory."""


@lru_cache(maxsize=8)
def simulator_target(num_qubits: int) -> Target:
    """All-to-all and without errors, with the qubits of every instruction spelled out.

    Tools that read the coupling map find one; three-qubit gates are left to the transpiler.
    """
    gates = get_standard_gate_name_mapping()
    target = Target(description="ideal simulator", num_qubits=num_qubits)
    single = {(qubit,): None for qubit in range(num_qubits)}
    pairs = {(a, b): None for a in range(num_qubits) for b in range(num_qubits) if a != b}
    for name in _ONE_QUBIT:
        target.add_instruction(gates[name], dict(single))
    if num_qubits > 1:
        for name in _TWO_QUBIT:
            target.add_instruction(gates[name], dict(pairs))
    for operation, name in _CONTROL_FLOW.items():
        target.add_instruction(operation, name=name)
    return target


_CONTROL_FLOW = {
    IfElseOp: "if_else",
    ForLoopOp: "for_loop",
    WhileLoopOp: "while_loop",
    SwitchCaseOp: "switch_case",
}

SIMULATOR_OPERATIONS = (*_ONE_QUBIT, *_TWO_QUBIT, *_CONTROL_FLOW.values())
"""Names of the instructions of a simulator's Target."""
