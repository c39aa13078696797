"""Segments become gates of the device: one circuit with parameters, and a row of values for each randomisation.

Angles are found for all rows and segments at once. Every form of a segment is a fixed sequence of gates whose angles
are linear in the three Euler angles, so that twirled copies of a circuit differ in nothing but numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import PhaseGate, RGate, RXGate, RYGate, RZGate, SXGate, U3Gate, UGate

from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.mitigation.structure import Structure

_PI = np.pi
_CLOSE = 1e-9

Linear = tuple[float, float, float, float]
"""An angle as multiples of theta, phi and lambda, and a constant."""

_THETA: Linear = (1, 0, 0, 0)
_PHI: Linear = (0, 1, 0, 0)
_LAM: Linear = (0, 0, 1, 0)


def _plus(linear: Linear, constant: float) -> Linear:
    return (*linear[:3], linear[3] + constant)


def _turns(theta: float, phi: float, lam: float, constant: float) -> Linear:
    return theta / (2 * _PI), phi / (2 * _PI), lam / (2 * _PI), constant


Step = tuple[str, tuple[Linear, ...]]
"""A gate, and its angles."""

_Z: tuple[Step, ...] = (("rz", ((0, 1, 1, 0),)),)


def _with_halves(rotation: str, half: Step) -> Mapping[str, tuple[Step, ...]]:
    """Forms made of Z rotations and a quarter turn about X."""
    return {
        "diagonal": ((rotation, ((0, 1, 1, 0),)),),
        "quarter": ((rotation, (_plus(_LAM, -_PI / 2),)), half, (rotation, (_plus(_PHI, _PI / 2),))),
        "any": ((rotation, (_LAM,)), half, (rotation, (_plus(_THETA, _PI),)), half, (rotation, (_plus(_PHI, _PI),))),
    }


@dataclass(frozen=True)
class Basis:
    """How a device writes any one-qubit unitary."""

    gates: frozenset[str]
    forms: Mapping[str, tuple[Step, ...]]
    """Under ``any`` gates for every unitary; perhaps shorter ones for diagonals and for quarter turns."""

    period: float = 2 * _PI
    """Of its angles."""


ANY = Basis(frozenset({"u"}), {"any": (("u", (_THETA, _PHI, _LAM)),)})
"""Of simulators that take any gate."""

_BASES = (
    Basis(frozenset({"rz", "sx"}), _with_halves("rz", ("sx", ()))),
    Basis(frozenset({"p", "sx"}), _with_halves("p", ("sx", ()))),
    Basis(frozenset({"rz", "rx"}), _with_halves("rz", ("rx", ((0, 0, 0, _PI / 2),)))),
    Basis(
        frozenset({"rz", "ry"}),
        {"diagonal": _Z, "any": (("rz", (_LAM,)), ("ry", (_THETA,)), ("rz", (_PHI,)))},
    ),
    Basis(
        frozenset({"r"}),
        {"any": (("r", (_plus(_THETA, _PI), (0, 0, -1, _PI / 2))), ("r", ((0, 0, 0, _PI), (0, 0.5, -0.5, _PI / 2))))},
    ),
    Basis(
        frozenset({"gpi", "gpi2"}),
        {
            "any": (
                ("gpi2", (_turns(0, 0, -1, 0.5),)),
                ("gpi", (_turns(0.5, 0.5, -0.5, 0),)),
                ("gpi2", (_turns(0, 1, 0, 0.5),)),
            )
        },
        period=1.0,
    ),
    ANY,
    Basis(frozenset({"u3"}), {"any": (("u3", (_THETA, _PHI, _LAM)),)}),
)


def choose_basis(available: Collection[str] | None, used: Collection[str]) -> Basis:
    """The basis that a device has, and among several the one that a circuit is written in.

    Noise is often given for some gates alone, so that a circuit has to stay with its gates.

    Args:
        available: Names of the device's gates; ``None`` for any.
        used: Names of the gates in the circuit.

    Raises:
        HaiquCircuitError: If the device has no gates for every one-qubit unitary.
    """
    fitting = [basis for basis in _BASES if available is None or basis.gates <= set(available)]
    if not fitting:
        raise HaiquCircuitError(
            f"use_mitigation: the device's gates {sorted(available or ())} make no general one-qubit unitary, which "
            "twirling needs. Set noise_tailoring, readout_mitigation and advanced_mitigation to False."
        )
    universal = {"u", "u3"}  # where nothing in the circuit tells, one gate is better than several
    return max(
        fitting, key=lambda basis: (len(basis.gates & set(used)) / len(basis.gates), bool(basis.gates & universal))
    )


def euler(unitaries: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The angles theta, phi and lambda of Qiskit's ``U`` gate, up to a phase.

    Args:
        unitaries: Shape ``(..., 2, 2)``.

    Returns:
        Shape ``(..., 3)``; ``phi`` is 0 where only a sum or difference of angles matters.
    """
    cos, sin = np.abs(unitaries[..., 0, 0]), np.abs(unitaries[..., 1, 0])
    theta = 2 * np.arctan2(sin, cos)
    diagonal, flip = sin < _CLOSE, cos < _CLOSE
    reference = np.where(flip, unitaries[..., 1, 0], unitaries[..., 0, 0])
    phi = np.where(diagonal | flip, 0.0, np.angle(unitaries[..., 1, 0]) - np.angle(reference))
    other = np.where(diagonal, unitaries[..., 1, 1], -unitaries[..., 0, 1])
    lam = np.angle(other) - np.angle(reference)
    theta = np.where(diagonal, 0.0, np.where(flip, _PI, theta))
    return np.stack([theta, phi, lam], axis=-1)


@dataclass(frozen=True)
class Template:
    """A circuit with parameters, and their values for each row."""

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    """Shape ``(rows, parameters)``, columns in the order of ``circuit.parameters``."""


def template(
    structure: Structure,
    angles: NDArray[np.float64],
    sets: NDArray[np.intp],
    *,
    basis: Basis,
    observed: Sequence[int] | None = None,
) -> Template:
    """One circuit for many versions of a structure that differ in their segments alone.

    Args:
        structure: What stays.
        angles: Euler angles of the segments, shape ``(rows, segments, 3)``.
        sets: For each row its parameter set, for gates that stay and have an angle.
        basis: How segments are written.
        observed: Wires that are measured into bits after all the circuit's own; ``None`` for the structure's own
            final measurements.
    """
    writer = _Writer(structure, angles, basis)
    for fixed in structure.fixed:
        for wire, segment in zip(fixed.wires, fixed.before, strict=True):
            writer.segment(segment, structure.qubits[wire])
        writer.fixed(fixed, sets)
    for wire, segment in enumerate(structure.last):
        writer.segment(segment, structure.qubits[wire])
    measure(writer.circuit, structure, observed)
    return Template(*writer.finished())


def measure(circuit: QuantumCircuit, structure: Structure, observed: Sequence[int] | None) -> None:
    """Add the measurements of a structure, or of some wires into bits after all the circuit's own."""
    if observed is None:
        for wire, clbit in structure.measured:
            circuit.measure(structure.qubits[wire], clbit)
        return
    names = {creg.name for creg in circuit.cregs}
    name = "observable"
    while name in names:
        name += "_"
    bits = ClassicalRegister(len(observed), name)
    circuit.add_register(bits)
    circuit.measure([structure.qubits[wire] for wire in observed], bits)


@dataclass
class _Writer:
    """Writes a template from left to right; equal values of all rows become numbers, others parameters."""

    structure: Structure
    angles: NDArray[np.float64]
    basis: Basis
    circuit: QuantumCircuit = field(init=False)
    columns: list[NDArray[np.float64]] = field(default_factory=list)
    _diagonal: NDArray[np.bool_] = field(init=False)
    _nothing: NDArray[np.bool_] = field(init=False)
    _quarter: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.circuit = self.structure.circuit.copy_empty_like()
        self.circuit.global_phase = 0
        theta: NDArray[np.float64] = self.angles[..., 0]
        plain = np.abs(np.sin((self.angles[..., 1] + self.angles[..., 2]) / 2)) < _CLOSE
        self._diagonal = np.asarray((theta < _CLOSE).all(axis=0))
        self._nothing = self._diagonal & plain.all(axis=0)
        self._quarter = np.asarray((np.abs(theta - _PI / 2) < _CLOSE).all(axis=0))

    def segment(self, segment: int, qubit: int) -> None:
        """Write a segment with the shortest form that serves all rows."""
        if self._nothing[segment]:
            return
        forms = self.basis.forms
        form = forms["any"]
        if self._diagonal[segment]:
            form = forms.get("diagonal", form)
        elif self._quarter[segment]:
            form = forms.get("quarter", form)
        angles = self.angles[:, segment]
        for name, linear in form:
            values = [angles @ np.array(each[:3]) + each[3] for each in linear]
            self.circuit.append(
                _gate(name, [self._value(_wrapped(each, self.basis.period)) for each in values]), [qubit]
            )

    def fixed(self, fixed: Any, sets: NDArray[np.intp]) -> None:
        """Write an instruction that stays."""
        instruction = fixed.instruction
        if fixed.angles is None or not instruction.is_parameterized():
            self.circuit.append(instruction)
            return
        rows = np.broadcast_to(
            fixed.angles, (max(len(fixed.angles), int(sets.max(initial=0)) + 1), fixed.angles.shape[1])
        )
        operation = instruction.operation.to_mutable()
        operation.params = [self._value(column) for column in rows[sets].T]
        self.circuit.append(operation, instruction.qubits, instruction.clbits)

    def _value(self, column: NDArray[np.float64]) -> Any:
        if np.ptp(column) < _CLOSE:
            return float(column[0])
        self.columns.append(column)
        return Parameter(f"angle_{len(self.columns):08d}")  # a circuit sorts its parameters by name

    def finished(self) -> tuple[QuantumCircuit, NDArray[np.float64]]:
        rows = len(self.angles)
        return self.circuit, np.stack(self.columns, axis=1) if self.columns else np.empty((rows, 0))


def _wrapped(angles: NDArray[np.float64], period: float) -> NDArray[np.float64]:
    """Angles from minus to plus half a period; turning once more changes a phase at most."""
    return angles - period * np.round(angles / period)


_CLASSES = {
    "rz": RZGate,
    "p": PhaseGate,
    "sx": SXGate,
    "rx": RXGate,
    "ry": RYGate,
    "r": RGate,
    "u": UGate,
    "u3": U3Gate,
}


def _gate(name: str, params: Sequence[Any]) -> Gate:
    standard = _CLASSES.get(name)
    return Gate(name, 1, list(params)) if standard is None else standard(*params)
