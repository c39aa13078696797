"""A circuit as what mitigation leaves alone, and what it may write anew.

Two-qubit gates stay. Between them every qubit has one unitary, its segment. All that twirling, readout flips, basis
changes and companions do to a circuit is done to its segments, as arrays over all parameter sets and randomisations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, CircuitInstruction, Gate
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.run.angles import angle_values, constant_matrices, rotation_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

_TIMING = frozenset({"barrier", "delay"})


@dataclass(frozen=True)
class Fixed:
    """An instruction that stays as it is."""

    instruction: CircuitInstruction
    """With the bits of the original circuit."""

    wires: tuple[int, ...]
    before: tuple[int, ...]
    """For each of its wires the segment that comes before it."""

    after: tuple[int, ...]
    """For each of its wires the segment that comes after it."""

    matrices: NDArray[np.complex128] | None = None
    """Of a gate, shape ``(sets or 1, dim, dim)``; ``None`` where there is no matrix to reason about."""

    angles: NDArray[np.float64] | None = None
    """Values of its parameters, shape ``(sets or 1, parameters)``."""

    @property
    def passive(self) -> bool:
        """Whether it does nothing to the state: a barrier or a delay."""
        return str(self.instruction.name) in _TIMING

    @property
    def entangles(self) -> bool:
        """Whether it is a two-qubit gate."""
        return self.matrices is not None and len(self.wires) == 2


@dataclass(frozen=True)
class Structure:
    """A circuit: fixed instructions in order, and segments around them."""

    circuit: QuantumCircuit
    """The original, for its bits and registers."""

    qubits: tuple[int, ...]
    """The qubit of each wire."""

    fixed: tuple[Fixed, ...]
    unitaries: NDArray[np.complex128]
    """Of the segments, shape ``(sets, segments, 2, 2)``."""

    first: tuple[int, ...]
    """The segment at the start of each wire."""

    last: tuple[int, ...]
    """The segment at the end of each wire."""

    measured: tuple[tuple[int, int], ...] = ()
    """Wire and classical bit of each final measurement."""

    @property
    def width(self) -> int:
        """The number of wires."""
        return len(self.qubits)

    @property
    def unitary(self) -> bool:
        """Whether it is made of gates of at most two qubits alone."""
        return all(fixed.passive or fixed.entangles for fixed in self.fixed)

    def neighbours(self) -> list[tuple[int, int]]:
        """The pairs of wires that share a two-qubit gate."""
        found = {(min(fixed.wires), max(fixed.wires)) for fixed in self.fixed if fixed.entangles}
        return sorted(found)


class Builder:
    """Puts a structure together from left to right.

    Args:
        width: Number of wires.
        sets: Number of parameter sets.
    """

    def __init__(self, width: int, sets: int) -> None:
        self._sets = sets
        self._segments: list[list[NDArray[np.complex128]]] = [[] for _ in range(width)]
        self._current = list(range(width))
        self._fixed: list[Fixed] = []

    def rotate(self, wire: int, matrices: NDArray[np.complex128]) -> None:
        """Add a one-qubit unitary of shape ``(sets or 1, 2, 2)``."""
        self._segments[self._current[wire]].append(matrices)

    def fix(
        self,
        instruction: CircuitInstruction,
        wires: Sequence[int],
        *,
        matrices: NDArray[np.complex128] | None = None,
        angles: NDArray[np.float64] | None = None,
    ) -> None:
        """Add an instruction that stays as it is."""
        before = tuple(self._current[wire] for wire in wires)
        for wire in wires:
            self._current[wire] = len(self._segments)
            self._segments.append([])
        after = tuple(self._current[wire] for wire in wires)
        self._fixed.append(Fixed(instruction, tuple(wires), before, after, matrices, angles))

    def build(
        self, circuit: QuantumCircuit, qubits: Sequence[int], measured: Iterable[tuple[int, int]] = ()
    ) -> Structure:
        """The finished structure."""
        return Structure(
            circuit=circuit,
            qubits=tuple(qubits),
            fixed=tuple(self._fixed),
            unitaries=self._composed(),
            first=tuple(range(len(qubits))),
            last=tuple(self._current),
            measured=tuple(measured),
        )

    def _composed(self) -> NDArray[np.complex128]:
        """The product of each segment; the n-th unitaries of all segments are multiplied at once."""
        found = np.tile(np.eye(2, dtype=np.complex128), (self._sets, len(self._segments), 1, 1))
        depth = 0
        while members := [index for index, segment in enumerate(self._segments) if len(segment) > depth]:
            matrices = [np.broadcast_to(self._segments[index][depth], (self._sets, 2, 2)) for index in members]
            found[:, members] = np.stack(matrices, axis=1) @ found[:, members]
            depth += 1
        return found


def structure_of(
    circuit: QuantumCircuit, values: NDArray[np.float64], *, keep: Iterable[int] = (), measured: bool = True
) -> Structure:
    """Read a circuit.

    Args:
        circuit: A circuit of the device's instructions.
        values: Parameter values of shape ``(sets, parameters)``.
        keep: Qubits that get a wire even if nothing acts on them.
        measured: Whether measurements at the end are taken off and listed; otherwise they stay where they are.
    """
    data = list(circuit.data)
    ends = final_measures(circuit) if measured else []
    taken = {index for index, _, _ in ends}
    body = [instruction for index, instruction in enumerate(data) if index not in taken]
    while body and body[-1].name == "barrier":  # it only kept the measurements apart
        body.pop()
    position = {bit: index for index, bit in enumerate(circuit.qubits)}
    active = {position[bit] for each in body if each.name not in _TIMING for bit in each.qubits}
    qubits = sorted(active | set(keep) | {qubit for _, qubit, _ in ends})
    wires = {circuit.qubits[qubit]: wire for wire, qubit in enumerate(qubits)}
    builder = Builder(len(qubits), len(values))
    columns = dict(zip(circuit.parameters, values.T, strict=True))
    for instruction, matrices in zip(body, _matrices(body, columns), strict=True):
        where = [wires[bit] for bit in instruction.qubits if bit in wires]
        if not where:
            continue  # a barrier or delay where nothing else acts
        if matrices is not None and len(where) == 1:
            builder.rotate(where[0], matrices)
        else:
            builder.fix(instruction, where, matrices=matrices, angles=_angles(instruction, columns))
    wire_of = {qubit: wire for wire, qubit in enumerate(qubits)}
    return builder.build(circuit, qubits, [(wire_of[qubit], clbit) for _, qubit, clbit in ends])


def final_measures(circuit: QuantumCircuit) -> list[tuple[int, int, int]]:
    """The measurements after which nothing acts on their qubit or uses their bit.

    Returns:
        For each its index in the circuit's data, its qubit and its classical bit, in the order of the classical bits.
    """
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    found = []
    touched: set[Any] = set()
    for index in range(len(circuit.data) - 1, -1, -1):
        instruction = circuit.data[index]
        if instruction.name in _TIMING:
            continue
        bits = {*instruction.qubits, *instruction.clbits}
        if instruction.name == "measure" and touched.isdisjoint(bits):
            found.append((index, qubits[instruction.qubits[0]], clbits[instruction.clbits[0]]))
        touched |= bits
    return sorted(found, key=lambda each: each[2])


def _matrices(body: Sequence[CircuitInstruction], columns: Any) -> list[NDArray[np.complex128] | None]:
    """For each instruction its matrices; ``None`` for what has none or acts on more than two qubits."""
    gates = [(each.name, list(range(len(each.qubits))), each.params) for each in body]
    known = [index for index, (name, _, params) in enumerate(gates) if params and name in ROTATIONS]
    rotations = rotation_matrices([gates[index] for index in known], columns)
    angled = {index: rotations[place] for place, index in enumerate(known)}
    return [angled.get(index, _matrix(each, columns)) for index, each in enumerate(body)]


def _matrix(instruction: CircuitInstruction, columns: Any) -> NDArray[np.complex128] | None:
    """The matrices of a gate that is none of the standard rotations."""
    if instruction.name in ROTATIONS or instruction.name in CONTROL_FLOW_OP_NAMES:
        return None
    if not instruction.params and instruction.name in constant_matrices() and len(instruction.qubits) <= 2:
        return constant_matrices()[instruction.name]
    operation = instruction.operation
    if not isinstance(operation, Gate) or len(instruction.qubits) > 2 or instruction.clbits:
        return None
    if instruction.name == "unitary":
        return np.asarray(operation.to_matrix(), dtype=np.complex128)[None]
    rows = _angles(instruction, columns)
    try:
        return np.array([_bound(operation, row) for row in ([()] if rows is None else rows.tolist())])
    except QiskitError:  # it does not say what it does
        return None


def _bound(operation: Any, params: Sequence[float]) -> NDArray[np.complex128]:
    """The matrix of a gate with numbers for its parameters."""
    gate = operation.to_mutable()
    gate.params = list(params)
    return np.asarray(Operator(gate).data, dtype=np.complex128)


def _angles(instruction: CircuitInstruction, columns: Any) -> NDArray[np.float64] | None:
    """The values of a gate's parameters, shape ``(sets or 1, parameters)``."""
    if not instruction.params or instruction.name == "unitary" or not isinstance(instruction.operation, Gate):
        return None
    found = [angle_values(param, columns) for param in instruction.params]
    return np.stack(np.broadcast_arrays(*found), axis=1)
