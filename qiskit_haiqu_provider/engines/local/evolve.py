"""Statevectors of a circuit for many parameter sets at once, in numpy.

All sets go through a gate together. Three things make it fast: one-qubit gates wait until an entangling gate needs
their qubit, and are then applied in blocks of neighbouring qubits, one matrix product for a block; runs of CX, X and
SWAP become one permutation of amplitudes, because they are affine maps of the bits of a basis state; and the angles
of all gates of a kind go through sine and cosine together.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping

from qiskit_haiqu_provider.run.angles import constant_matrices, rotation_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

MAX_QUBITS = 20
"""Beyond this width Aer's threads win."""

_WIDE = 14

_BLOCK = 4
"""Neighbouring qubits whose one-qubit gates are applied by one matrix product."""

_PRODUCT = 4096
"""Size (rows x columns x depth) of a matrix product that BLAS keeps on one thread."""

_NOTHING = frozenset({"barrier", "delay", "id"})
_AFFINE = frozenset({"cx", "x", "swap"})


def supports(circuit: QuantumCircuit) -> bool:
    """Whether :func:`evolve` knows all gates of a circuit, and is the faster way."""
    width, counts = circuit.num_qubits, circuit.count_ops()
    if width > MAX_QUBITS or not set(counts) <= {*constant_matrices(), *ROTATIONS, *_NOTHING}:
        return False
    # Aer fuses gates: in wide circuits it wins where many gates on several qubits are no permutations.
    single = {"cx", "swap", "barrier"} | {name for name in counts if _width(name) == 1}
    entangling: int = sum(count for name, count in counts.items() if name not in single)
    return bool(width <= _WIDE or entangling <= 2 * width)


@lru_cache(maxsize=256)
def _width(name: str) -> int:
    return int(get_standard_gate_name_mapping()[name].num_qubits) if name != "barrier" else 0


def evolve(circuit: QuantumCircuit, values: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The final states without the circuit's global phase, which nothing observable depends on.

    Args:
        circuit: A circuit of gates that :func:`supports`, without measurements.
        values: Parameter values of shape ``(sets, parameters)``, in the order of ``circuit.parameters``.

    Returns:
        Shape ``(sets, 2**n)``, in Qiskit order.
    """
    position = {bit: index for index, bit in enumerate(circuit.qubits)}
    gates = [
        (instruction.name, [position[bit] for bit in instruction.qubits], instruction.params)
        for instruction in circuit.data
        if instruction.name not in _NOTHING
    ]
    rotations = rotation_matrices(gates, dict(zip(circuit.parameters, values.T, strict=True)))
    state = _States(circuit.num_qubits, len(values))
    for index, (name, qubits, _) in enumerate(gates):
        if name in _AFFINE:
            state.permute(name, qubits)
        else:
            state.apply(rotations[index] if index in rotations else constant_matrices()[name], qubits)
    return state.finished()


class _States:
    """States of all sets, with gates that wait to be applied: a permutation first, then one-qubit gates."""

    def __init__(self, num_qubits: int, sets: int) -> None:
        self._n = num_qubits
        self._amplitudes = np.zeros((sets, 1 << num_qubits), dtype=np.complex128)
        self._amplitudes[:, 0] = 1
        self._other = np.empty_like(self._amplitudes)  # results go there: fresh memory for each gate is slow
        self._order = np.empty(1 << num_qubits, dtype=np.intp)
        self._waiting: dict[int, NDArray[np.complex128]] = {}
        self._images = [1 << qubit for qubit in range(num_qubits)]
        self._shift = 0

    def apply(self, matrices: NDArray[np.complex128], qubits: Sequence[int]) -> None:
        """Apply a gate: matrices of shape ``(sets or 1, dim, dim)``."""
        if len(qubits) > 1:
            self._flush()
            self._apply_now(matrices, qubits)
            return
        before = self._waiting.get(qubits[0])
        self._waiting[qubits[0]] = matrices if before is None else matrices @ before

    def permute(self, name: str, qubits: Sequence[int]) -> None:
        """Apply CX, X or SWAP: the new amplitude of ``i`` is the old one of ``image(i)``, an affine map of bits."""
        if not self._waiting.keys().isdisjoint(qubits):
            self._flush()
        images = self._images
        if name == "x":
            self._shift ^= images[qubits[0]]
        elif name == "cx":
            control, target = qubits
            images[control] ^= images[target]
        else:
            first, second = qubits
            images[first], images[second] = images[second], images[first]

    def finished(self) -> NDArray[np.complex128]:
        """The amplitudes after all that waited."""
        self._flush()
        return self._amplitudes

    def _flush(self) -> None:
        if self._shift or any(image != 1 << qubit for qubit, image in enumerate(self._images)):
            self._order[0] = self._shift
            for qubit, image in enumerate(self._images):
                half = 1 << qubit
                np.bitwise_xor(self._order[:half], image, out=self._order[half : 2 * half])
            np.take(self._amplitudes, self._order, axis=1, out=self._other, mode="wrap")
            self._swap()
            self._images = [1 << qubit for qubit in range(self._n)]
            self._shift = 0
        for start in range(0, self._n, _BLOCK):
            members = [qubit for qubit in range(start, start + _BLOCK) if qubit in self._waiting]
            if members:
                self._apply_block(start, max(members) + 1)
        self._waiting = {}

    def _apply_block(self, start: int, stop: int) -> None:
        """Apply what waits on qubits ``start`` to ``stop - 1`` as one matrix product."""
        block = self._waiting.get(start, _IDENTITY)
        for qubit in range(start + 1, stop):
            upper = self._waiting.get(qubit, _IDENTITY)
            dim = 2 * block.shape[-1]
            block = (upper[:, :, None, :, None] * block[:, None, :, None, :]).reshape(-1, dim, dim)
        sets, dim = len(self._amplitudes), block.shape[-1]
        # In small pieces: a product that BLAS shares among threads stalls when another process is busy.
        piece = max(1, _PRODUCT // dim**2)
        if start == 0:
            piece = min(piece, (1 << self._n) // dim)
            shape: tuple[int, ...] = (sets, -1, piece, dim)
            before, after = self._amplitudes.reshape(shape), self._other.reshape(shape)
            np.matmul(before, block.transpose(0, 2, 1)[:, None], out=after)
        else:
            piece = min(piece, 1 << start)
            shape = (sets, -1, dim, (1 << start) // piece, piece)
            before = self._amplitudes.reshape(shape).swapaxes(2, 3)
            after = self._other.reshape(shape).swapaxes(2, 3)
            np.matmul(block[:, None, None], before, out=after)
        self._swap()

    def _swap(self) -> None:
        self._amplitudes, self._other = self._other, self._amplitudes

    def _apply_now(self, matrices: NDArray[np.complex128], qubits: Sequence[int]) -> None:
        """Apply a gate on several qubits, entry by entry: most entries are 0, and many rows change nothing."""
        dim = matrices.shape[-1]
        tensor = self._amplitudes.reshape(-1, *(2,) * self._n)
        parts = []
        for basis in range(dim):
            place: list[Any] = [slice(None)] * (self._n + 1)
            for bit, qubit in enumerate(qubits):
                place[self._n - qubit] = (basis >> bit) & 1
            parts.append(tensor[tuple(place)])
        nonzero = (matrices != 0).any(axis=0)
        changed = [row for row in range(dim) if nonzero[row].sum() > 1 or (matrices[:, row, row] != 1).any()]
        old = {row: parts[row].copy() for row in changed}
        tail = (1,) * (parts[0].ndim - 1)
        for row in changed:
            columns = np.flatnonzero(nonzero[row]).tolist()
            terms = [matrices[:, row, column].reshape(-1, *tail) * old.get(column, parts[column]) for column in columns]
            parts[row][...] = sum(terms[1:], start=terms[0])


_IDENTITY = np.eye(2, dtype=np.complex128)[None]
