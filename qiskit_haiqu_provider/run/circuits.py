"""Facts about circuits: registers, measurements and identity."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    CircuitInstruction,
    ControlFlowOp,
    ParameterExpression,
    Store,
    SwitchCaseOp,
)


@dataclass(frozen=True)
class Register:
    """A classical register as indices into the circuit's classical bits, lowest bit first."""

    name: str
    clbits: tuple[int, ...]


def registers(circuit: QuantumCircuit) -> tuple[Register, ...]:
    """The classical registers of a circuit; registers may share or re-order bits."""
    position = {bit: index for index, bit in enumerate(circuit.clbits)}
    return tuple(Register(creg.name, tuple(position[bit] for bit in creg)) for creg in circuit.cregs)


def measures(circuit: QuantumCircuit) -> bool:
    """Whether the circuit measures anything, inside control flow too."""
    return any(instruction.operation.name == "measure" for instruction in walk(circuit))


def walk(circuit: QuantumCircuit) -> Iterator[CircuitInstruction]:
    """Every instruction of the circuit, then those of the blocks inside it."""
    for instruction in circuit.data:
        yield instruction
        if isinstance(instruction.operation, ControlFlowOp):
            for block in instruction.operation.blocks:
                yield from walk(block)


def final_measurements(circuit: QuantumCircuit) -> list[int]:
    """The qubits that end in a measurement that nothing in the circuit reads afterwards.

    A measured qubit whose outcome steers a later operation is not among them.
    """
    qubit_index = {bit: index for index, bit in enumerate(circuit.qubits)}
    untouched, unread = set(circuit.qubits), set(circuit.clbits)
    found = []
    for instruction in reversed(circuit.data):
        if instruction.operation.name == "barrier":
            continue
        if (
            instruction.operation.name == "measure"
            and instruction.qubits[0] in untouched
            and instruction.clbits[0] in unread
        ):
            found.append(qubit_index[instruction.qubits[0]])
        elif instruction.operation.name != "measure":
            unread.difference_update(instruction.clbits)
        untouched.difference_update(instruction.qubits)
    return sorted(found)


def content_digest(circuit: QuantumCircuit) -> str:
    """The identity of a circuit: equal digests mean that the circuits run the same.

    Counts: bits and registers, every instruction with its qubits, clbits, parameters (expressions included),
    conditions, durations, labels and definition, and the global phase. Does not count: names of the circuit and
    of custom gates, metadata, calibrations of the QPY format. Parameters count by name.

    Args:
        circuit: Any circuit.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    digest = hashlib.sha256()
    for token in _tokens(circuit):
        digest.update(token.encode())
        digest.update(b"\x00")
    return digest.hexdigest()


def _tokens(circuit: QuantumCircuit) -> Iterator[str]:
    """A canonical text of the circuit; every list is preceded by its length, so that no two texts run together."""
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    yield f"circuit {len(qubits)} {len(clbits)} {len(circuit.data)}"
    yield from (f"register {register}" for register in registers(circuit))
    yield f"variables {sorted((var.name, str(var.type)) for var in circuit.iter_vars())}"
    yield f"phase {_value(circuit.global_phase)}"
    for instruction in circuit.data:
        yield f"at {[qubits[q] for q in instruction.qubits]} {[clbits[c] for c in instruction.clbits]}"
        yield from _operation_tokens(instruction.operation, clbits)


def _operation_tokens(operation: Any, clbits: Mapping[Any, int]) -> Iterator[str]:
    base = getattr(operation, "base_class", type(operation))
    params = getattr(operation, "params", [])
    definition = _defining_circuit(operation, params)
    yield f"operation {base.__module__}.{base.__qualname__} {operation.num_qubits}"
    yield f"name {operation.name if definition is None else None}"
    yield f"label {getattr(operation, 'label', None)} {getattr(operation, 'ctrl_state', None)}"
    yield f"timing {getattr(operation, 'unit', None)} {len(params)}"
    if isinstance(operation, ControlFlowOp):
        condition = getattr(operation, "condition", getattr(operation, "target", None))
        yield f"condition {None if condition is None else _condition(condition, clbits)}"
        if isinstance(operation, SwitchCaseOp):
            yield f"cases {[labels for labels, _ in operation.cases_specifier()]}"
    for param in params:
        if isinstance(param, QuantumCircuit):
            yield from _tokens(param)
        else:
            yield _value(param)
    if isinstance(operation, AnnotatedOperation):
        yield f"modifiers {operation.modifiers}"
        yield from _operation_tokens(operation.base_op, clbits)
    elif isinstance(operation, Store):
        yield f"store {_expression(operation.lvalue, clbits)} {_expression(operation.rvalue, clbits)}"
    elif definition is not None:
        yield from _tokens(definition)


def _defining_circuit(operation: Any, params: Any) -> QuantumCircuit | None:
    """What says what a non-standard operation does, where its class and parameters do not.

    The names of such operations are left out of the identity: Qiskit draws them at random.
    """
    if getattr(operation, "_standard_gate", None) is not None or isinstance(operation, ControlFlowOp):
        return None
    if any(isinstance(param, np.ndarray) for param in params):
        return None  # a matrix says it all, and its definition is costly to synthesise
    definition = getattr(operation, "definition", None)
    return definition if isinstance(definition, QuantumCircuit) else None


def _condition(condition: Any, clbits: Mapping[Any, int]) -> str:
    """A condition with its bits named by index: a bit, a register, a (bits, value) pair or an expression."""
    if isinstance(condition, tuple):
        target, value = condition
        return f"{_condition(target, clbits)} == {int(value)}"
    if condition in clbits:
        return f"bit {clbits[condition]}"
    if hasattr(condition, "__iter__") and hasattr(condition, "name"):
        return f"register {[clbits[bit] for bit in condition]}"
    return _expression(condition, clbits)


def _expression(node: Any, clbits: Mapping[Any, int]) -> str:
    """A classical expression, in prefix form."""
    parts = [type(node).__name__, str(node.type)]
    for field in ("op", "value", "var", "operand", "left", "right", "target", "index"):
        if not hasattr(node, field):
            continue
        child = getattr(node, field)
        if field in {"operand", "left", "right", "target", "index"} and hasattr(child, "type"):
            parts.append(_expression(child, clbits))
        elif field == "var":
            parts.append(_condition(child, clbits) if _is_classical(child, clbits) else str(node.name))
        else:
            parts.append(str(child))
    return f"({' '.join(parts)})"


def _is_classical(thing: Any, clbits: Mapping[Any, int]) -> bool:
    return thing in clbits or (hasattr(thing, "__iter__") and hasattr(thing, "size"))


def _value(param: Any) -> str:
    """One instruction parameter, exactly: floats bit by bit, arrays by their bytes, expressions by their formula."""
    if isinstance(param, ParameterExpression):
        return f"expression {param} of {sorted(p.name for p in param.parameters)}"
    if isinstance(param, np.ndarray):
        array = np.ascontiguousarray(param)
        return f"array {array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(param, (float, np.floating)):
        return f"float {float(param).hex()}"
    if isinstance(param, (complex, np.complexfloating)):
        number = complex(param)
        return f"complex {number.real.hex()} {number.imag.hex()}"
    return f"{type(param).__name__} {param}"
