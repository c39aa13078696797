"""The identity of a circuit: one number that tells circuits apart which do not run the same.

What is hashed is three lists, written in one walk through the circuit: texts, and beside them the bits and the angles
of standard gates, whose number follows from the name of the gate. So the many plain gates cost next to nothing, and
everything else is spelled out in texts. Names that users chose are written as Python literals, so that no name can
pass for something else.
"""

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    BoxOp,
    Clbit,
    ControlFlowOp,
    Delay,
    IfElseOp,
    Measure,
    ParameterExpression,
    Reset,
    Store,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.classical import expr

_PLAIN = {Measure: "measure", Barrier: "barrier", Reset: "reset"}
"""Operations that their bits say everything about, if they have no label."""

_Index = Mapping[Any, int]
"""Bits by their index in the outermost circuit."""


def content_digest(circuit: QuantumCircuit) -> str:
    """The identity of a circuit: equal digests mean that the circuits run the same.

    Counts: bits and registers, every instruction with its qubits, clbits, parameters (expressions included),
    conditions, durations, labels and definition, the order of the parameters, the layout of a transpiled circuit, and
    the global phase. Does not count: names of the circuit and of custom gates, metadata, calibrations of the QPY
    format. Parameters count by name. A class derived from a standard gate counts as that gate, as it does in Qiskit.

    Args:
        circuit: Any circuit.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    content = _Content()
    content.add_circuit(circuit)
    return content.hexdigest()


def is_plain(circuit: QuantumCircuit) -> bool:
    """Whether the circuit consists of standard gates, measurements, barriers and resets, all without labels."""
    return all(
        instruction.label is None
        and (instruction.is_standard_gate() or getattr(instruction.operation, "base_class", None) in _PLAIN)
        for instruction in circuit.data
    )


class _Content:
    """What is hashed of a circuit, in the order of the circuit."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._places: list[int] = []
        """Bits of the standard gates."""

        self._angles: list[Any] = []
        """Parameters of the standard gates."""

    def hexdigest(self) -> str:
        """The hash of all. The lengths come first, so that no part can pass for another."""
        texts, places, angles = self._texts, self._places, self._angles
        if not set(map(type, angles)) <= {float}:
            formulas = [(at, angle) for at, angle in enumerate(angles) if type(angle) is not float]
            texts += [f"angle {at} {_value(angle, {})}" for at, angle in formulas]
            angles = [angle if type(angle) is float else 0.0 for angle in angles]
        digest = hashlib.sha256(f"{len(texts)} {len(places)} {len(angles)}\x00".encode())
        digest.update("\x00".join((*texts, "")).encode())
        digest.update(struct.pack(f"<{len(places)}Q", *places))
        digest.update(struct.pack(f"<{len(angles)}d", *angles))
        return digest.hexdigest()

    def add_circuit(self, circuit: QuantumCircuit) -> None:
        """A circuit that stands for itself."""
        qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
        clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
        texts = self._texts
        texts.append(f"circuit {len(qubits)} {len(clbits)}")
        texts.append(f"registers {[(creg.name, [clbits[bit] for bit in creg]) for creg in circuit.cregs]}")
        if circuit.layout is not None:  # it says where observables of the circuit before transpilation are
            texts.append(f"layout {circuit.layout.final_index_layout(filter_ancillas=True)}")
        texts.append(f"parameters {[parameter.name for parameter in circuit.parameters]}")  # values come in this order
        texts.append(f"inputs {[(var.name, str(var.type)) for var in circuit.iter_input_vars()]}")
        self._add_body(circuit, qubits, clbits)

    def _add_body(self, circuit: QuantumCircuit, qubits: _Index, clbits: _Index) -> None:
        """What a circuit, or a block of control flow inside one, does to bits of the outermost circuit."""
        texts, places, angles = self._texts, self._places, self._angles
        texts.append(f"body {len(circuit.data)} phase {_phase(circuit.global_phase)}")
        for instruction in circuit.data:  # all that is done here is done very often
            if instruction.is_standard_gate() and instruction.label is None:
                texts.append(instruction.name)
                for bit in instruction.qubits:
                    places.append(qubits[bit])
                angles += instruction.params
                continue
            operation = instruction.operation
            where = [qubits[bit] for bit in instruction.qubits], [clbits[bit] for bit in instruction.clbits]
            if isinstance(operation, ControlFlowOp):
                self._add_flow(operation, *where, clbits)
                continue
            texts.append(f"at {where}")
            self._add_operation(operation, clbits)

    def _add_flow(self, operation: ControlFlowOp, qargs: list[int], cargs: list[int], clbits: _Index) -> None:
        # The order in which a block lists its bits means nothing.
        self._texts.append(f"flow {operation.name} at {sorted(qargs)} {sorted(cargs)} label {operation.label!r}")
        self._texts += _steering(operation, clbits)
        for block in operation.blocks:
            inner_qubits = dict(zip(block.qubits, qargs, strict=True))
            inner_clbits = dict(zip(block.clbits, cargs, strict=True))
            self._add_body(block, inner_qubits, {**clbits, **inner_clbits})

    def _add_operation(self, operation: Any, clbits: _Index) -> None:
        base = getattr(operation, "base_class", type(operation))
        label = getattr(operation, "label", None)
        if base in _PLAIN and label is None:
            self._texts.append(_PLAIN[base])
            return
        params = getattr(operation, "params", [])
        definition = _defining_circuit(operation, params)
        self._texts += (
            f"operation {base.__module__!r} {base.__qualname__!r} {operation.num_qubits}",
            f"name {operation.name if definition is None else None!r}",
            f"label {label!r} {getattr(operation, 'ctrl_state', None)}",
            f"timing {getattr(operation, 'unit', None)} {len(params)}",
            *(_duration(param, clbits) if base is Delay else _value(param, clbits) for param in params),
        )
        if isinstance(operation, AnnotatedOperation):
            self._texts.append(f"modifiers {operation.modifiers}")
            self._add_operation(operation.base_op, clbits)
        elif isinstance(operation, Store):
            self._texts.append(f"store {_classical(operation.lvalue, clbits)} {_classical(operation.rvalue, clbits)}")
        elif definition is not None:
            self.add_circuit(definition)


def _steering(operation: ControlFlowOp, clbits: _Index) -> Iterable[str]:
    """What steers a control-flow operation."""
    if isinstance(operation, SwitchCaseOp):
        yield f"on {_classical(operation.target, clbits)}"
        yield f"cases {[labels for labels, _ in operation.cases_specifier()]}"
    elif isinstance(operation, (IfElseOp, WhileLoopOp)):
        yield f"condition {_classical(operation.condition, clbits)}"
    elif isinstance(operation, BoxOp):
        yield f"timing {_duration(operation.duration, clbits)} {operation.unit} {operation.annotations}"
    else:
        yield f"params {[_value(param, clbits) for param in operation.params if not isinstance(param, QuantumCircuit)]}"


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
        return f"(variable {node.name!r} {node.type})" if node.standalone else _classical(node.var, clbits)
    parts = [type(node).__name__, str(getattr(node, "type", None))]
    for name in ("op", "value", "operand", "left", "right", "target", "index", "name"):
        child = getattr(node, name, None)
        if child is not None:
            parts.append(_classical(child, clbits) if isinstance(child, expr.Expr) else _literal(child))
    return f"({' '.join(parts)})"


def _phase(phase: Any) -> str:
    """Below a full turn: Qiskit may keep a full turn, and makes it nothing on copying."""
    return _value(phase if isinstance(phase, ParameterExpression) else float(phase) % math.tau, {})


def _duration(duration: Any, clbits: _Index) -> str:
    """Whole or not, a number is the same time; QPY does not tell."""
    return _value(float(duration) if isinstance(duration, (int, np.integer)) else duration, clbits)


def _literal(leaf: Any) -> str:
    return repr(leaf) if isinstance(leaf, str) else str(leaf)


def _value(param: Any, clbits: _Index) -> str:
    """One instruction parameter, exactly: floats bit by bit, arrays by their bytes, expressions by their formula."""
    if isinstance(param, ParameterExpression):
        return f"expression {str(param)!r} of {sorted(p.name for p in param.parameters)}"
    if isinstance(param, expr.Expr):
        return _classical(param, clbits)
    if isinstance(param, np.ndarray):
        array = np.ascontiguousarray(param)
        return f"array {array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(param, (float, np.floating)):
        return f"float {float(param).hex()}"
    if isinstance(param, (complex, np.complexfloating)):
        number = complex(param)
        return f"complex {number.real.hex()} {number.imag.hex()}"
    if isinstance(param, (int, np.integer)):
        return f"int {int(param)}"
    return f"{type(param).__name__} {_literal(param)}"
