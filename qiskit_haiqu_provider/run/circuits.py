"""Facts about circuits: registers, measurements and identity."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import (
    CONTROL_FLOW_OP_NAMES,
    AnnotatedOperation,
    CircuitInstruction,
    Clbit,
    ControlFlowOp,
    IfElseOp,
    ParameterExpression,
    Store,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.classical import expr


class Register(NamedTuple):
    """A classical register as indices into the circuit's classical bits, lowest bit first."""

    name: str
    clbits: tuple[int, ...]


def registers(circuit: QuantumCircuit) -> tuple[Register, ...]:
    """The classical registers of a circuit; registers may share or re-order bits."""
    position = {bit: index for index, bit in enumerate(circuit.clbits)}
    return tuple(Register(creg.name, tuple(position[bit] for bit in creg)) for creg in circuit.cregs)


def measures(circuit: QuantumCircuit) -> bool:
    """Whether the circuit measures anything, inside control flow too."""
    names = set(circuit.count_ops())
    if names.isdisjoint(CONTROL_FLOW_OP_NAMES):
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


def content_digest(circuit: QuantumCircuit) -> str:
    """The identity of a circuit: equal digests mean that the circuits run the same.

    Counts: bits and registers, every instruction with its qubits, clbits, parameters (expressions included),
    conditions, durations, labels and definition, the order of the parameters, the layout of a transpiled circuit, and
    the global phase. Does not count: names of the circuit and of custom gates, metadata, calibrations of the QPY
    format. Parameters count by name.

    Args:
        circuit: Any circuit.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    digest = hashlib.sha256()
    for token in _circuit_tokens(circuit):
        digest.update(token.encode())
        digest.update(b"\x00")
    return digest.hexdigest()


_Index = Mapping[Any, int]
"""Bits by their index in the outermost circuit."""


def _circuit_tokens(circuit: QuantumCircuit) -> Iterator[str]:
    """A canonical text of a circuit that stands for itself."""
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    yield f"circuit {len(qubits)} {len(clbits)}"
    yield from (f"register {register}" for register in registers(circuit))
    layout = getattr(circuit, "layout", None)
    if layout is not None:  # it says where observables of the circuit before transpilation are
        yield f"layout {layout.final_index_layout(filter_ancillas=True)}"
    yield f"parameters {[parameter.name for parameter in circuit.parameters]}"  # values are given in this order
    yield f"inputs {[(var.name, str(var.type)) for var in circuit.iter_input_vars()]}"
    yield from _body_tokens(circuit, qubits, clbits)


def _body_tokens(circuit: QuantumCircuit, qubits: _Index, clbits: _Index) -> Iterator[str]:
    """What a circuit, or a block of control flow inside one, does to bits of the outermost circuit."""
    yield f"body {len(circuit.data)} phase {_value(circuit.global_phase)}"
    for instruction in circuit.data:
        where = [qubits[bit] for bit in instruction.qubits], [clbits[bit] for bit in instruction.clbits]
        operation = instruction.operation
        if not isinstance(operation, ControlFlowOp):
            yield f"at {where}"
            yield from _operation_tokens(operation, clbits)
            continue
        # The order in which a block lists its bits means nothing.
        yield f"flow {operation.name} at {sorted(where[0])} {sorted(where[1])}"
        yield from _flow_tokens(operation, clbits)
        for block in operation.blocks:
            inner_qubits = dict(zip(block.qubits, where[0], strict=True))
            inner_clbits = dict(zip(block.clbits, where[1], strict=True))
            yield from _body_tokens(block, inner_qubits, {**clbits, **inner_clbits})


def _flow_tokens(operation: ControlFlowOp, clbits: _Index) -> Iterator[str]:
    """What steers a control-flow operation."""
    condition = getattr(operation, "condition", getattr(operation, "target", None))
    yield f"condition {None if condition is None else _classical(condition, clbits)} label {operation.label}"
    if isinstance(operation, SwitchCaseOp):
        yield f"cases {[labels for labels, _ in operation.cases_specifier()]}"
    elif not isinstance(operation, (IfElseOp, WhileLoopOp)):
        yield f"params {[_value(param) for param in operation.params if not isinstance(param, QuantumCircuit)]}"


def _operation_tokens(operation: Any, clbits: _Index) -> Iterator[str]:
    base = getattr(operation, "base_class", type(operation))
    params = getattr(operation, "params", [])
    definition = _defining_circuit(operation, params)
    yield f"operation {base.__module__}.{base.__qualname__} {operation.num_qubits}"
    yield f"name {operation.name if definition is None else None}"
    yield f"label {getattr(operation, 'label', None)} {getattr(operation, 'ctrl_state', None)}"
    yield f"timing {getattr(operation, 'unit', None)} {len(params)}"
    yield from map(_value, params)
    if isinstance(operation, AnnotatedOperation):
        yield f"modifiers {operation.modifiers}"
        yield from _operation_tokens(operation.base_op, clbits)
    elif isinstance(operation, Store):
        yield f"store {_classical(operation.lvalue, clbits)} {_classical(operation.rvalue, clbits)}"
    elif definition is not None:
        yield from _circuit_tokens(definition)


def _defining_circuit(operation: Any, params: Any) -> QuantumCircuit | None:
    """What says what a non-standard operation does, where its class and parameters do not.

    The names of such operations are left out of the identity: Qiskit draws them at random.
    """
    if getattr(operation, "_standard_gate", None) is not None or isinstance(operation, Store):
        return None
    if any(isinstance(param, np.ndarray) for param in params):
        return None  # a matrix says it all, and its definition is costly to synthesise
    definition = getattr(operation, "definition", None)
    return definition if isinstance(definition, QuantumCircuit) else None


def _classical(node: Any, clbits: _Index) -> str:
    """A condition in prefix form, with its bits named by index.

    A condition is a bit, a register, a pair of one of these and a value, or a classical expression.
    """
    if isinstance(node, tuple):
        return f"({_classical(node[0], clbits)} == {int(node[1])})"
    if isinstance(node, Clbit):
        return f"bit {clbits[node]}"
    if isinstance(node, ClassicalRegister):
        return f"register {[clbits[bit] for bit in node]}"
    if isinstance(node, expr.Var):
        return f"variable {node.name} {node.type}" if node.standalone else _classical(node.var, clbits)
    parts = [type(node).__name__, str(getattr(node, "type", None))]
    for name in ("op", "value", "operand", "left", "right", "target", "index", "name"):
        child = getattr(node, name, None)
        if child is not None:
            parts.append(_classical(child, clbits) if isinstance(child, expr.Expr) else str(child))
    return f"({' '.join(parts)})"


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
