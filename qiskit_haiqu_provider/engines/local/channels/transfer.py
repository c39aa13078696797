"""Pauli transfer matrices: quantum channels as real matrices.

A state of k qubits is the vector of its 4**k coefficients ``Tr(P rho)``, with the Paulis of each qubit in the order I,
X, Y, Z and the last qubit first, as Qiskit orders matrices. A channel E maps it by ``R[i, j] = Tr(P_i E(P_j)) / 2**k``
(Greenbaum, arXiv:1509.02921, section 2.1). Both are real, and the first row of R is 1, 0, 0, ... because no channel
changes the trace.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

GROUND: Matrix = np.array([1.0, 0.0, 0.0, 1.0])
"""One qubit in its ground state."""

RESET: Matrix = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1.0, 0, 0, 0]])
"""The channel that leaves a qubit in its ground state."""

TRACE: Matrix = np.array([[1.0, 0.0, 0.0, 0.0]])
"""What is left of a qubit that nobody looks at."""

MEASURE: Matrix = np.array([[0.5, 0.0, 0.0, 0.5], [0.5, 0.0, 0.0, -0.5]])
"""The probabilities of the outcomes 0 and 1."""


def of_unitaries(unitaries: NDArray[np.complex128]) -> Matrix:
    """The transfer matrices of unitary gates.

    Args:
        unitaries: Shape ``(..., d, d)`` with ``d`` a power of 2, in Qiskit order.

    Returns:
        Shape ``(..., d**2, d**2)``.
    """
    return of_kraus(unitaries[..., None, :, :])


def of_kraus(operators: NDArray[np.complex128]) -> Matrix:
    """The transfer matrices of channels given by Kraus operators.

    Args:
        operators: Shape ``(..., operators, d, d)``.

    Returns:
        Shape ``(..., d**2, d**2)``.
    """
    dim = operators.shape[-1]
    paulis = _paulis(dim)
    # Row-major vectors: vec(K rho K+) = (K x K*) vec(rho).
    lifted = np.einsum("...kab,...kcd->...acbd", operators, operators.conj())
    lifted = lifted.reshape(*operators.shape[:-3], dim**2, dim**2)
    if dim == _SMALL:  # a product for many gates
        flat = _in_pieces(lifted.reshape(-1, dim**4), np.kron(paulis.conj(), paulis).T)
        return np.ascontiguousarray(flat.real / dim).reshape(lifted.shape)
    return np.ascontiguousarray((paulis.conj() @ lifted @ paulis.T).real / dim)


def of_pauli(label: str) -> Matrix:
    """The transfer matrix of a Pauli gate: diagonal, with -1 for what it anticommutes with."""
    signs = np.ones(1)
    for letter in label:
        signs = np.kron(signs, _SIGNS[letter]).reshape(-1)
    return np.diagflat(signs)


def embedded(matrix: Matrix, qubits: Sequence[int], width: int) -> Matrix:
    """A transfer matrix of some qubits as one of more qubits.

    Args:
        matrix: Shape ``(4**k, 4**k)``.
        qubits: Where its ``k`` qubits are.
        width: The number of qubits afterwards.

    Returns:
        Shape ``(4**width, 4**width)``.
    """
    count = len(qubits)
    if list(qubits) == list(range(width)):
        return matrix
    # The axes of the tensor hold the last qubit first.
    places = [width - 1 - qubit for qubit in reversed(qubits)]
    identity = np.eye(4**width).reshape(*(4,) * width, 4**width)
    moved = np.tensordot(matrix.reshape((4,) * 2 * count), identity, axes=(range(count, 2 * count), places))
    return np.moveaxis(moved, range(count), places).reshape(4**width, 4**width)


def together(matrices: Sequence[Matrix]) -> Matrix:
    """The tensor product of some matrices.

    Args:
        matrices: Each of shape ``(sets or 1, out, in)``.

    Returns:
        Shape ``(sets or 1, product of all out, product of all in)``.
    """
    found = matrices[0]
    for matrix in matrices[1:]:
        joined = found[:, :, None, :, None] * matrix[:, None, :, None, :]
        sets, one, other, inner, last = joined.shape
        found = joined.reshape(sets, one * other, inner * last)
    return found


_SMALL = 2

_PIECE = 128
"""Rows of a matrix product that BLAS keeps on one thread."""


def _in_pieces(rows: NDArray[np.complex128], matrix: NDArray[Any]) -> NDArray[np.complex128]:
    """A product of many rows with a small matrix, in pieces that BLAS does not share among threads."""
    whole = len(rows) // _PIECE * _PIECE
    found = np.empty((len(rows), matrix.shape[1]), dtype=np.complex128)
    np.matmul(rows[:whole].reshape(-1, _PIECE, len(matrix)), matrix, out=found[:whole].reshape(-1, _PIECE, len(matrix)))
    np.matmul(rows[whole:], matrix, out=found[whole:])
    return found


_SIGNS = {
    "I": np.array([1.0, 1, 1, 1]),
    "X": np.array([1.0, 1, -1, -1]),
    "Y": np.array([1.0, -1, 1, -1]),
    "Z": np.array([1.0, -1, -1, 1]),
}

_ONE_QUBIT = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


@lru_cache(maxsize=4)
def _paulis(dim: int) -> NDArray[np.complex128]:
    """All Paulis of that dimension as rows, shape ``(dim**2, dim**2)``."""
    found = np.ones((1, 1, 1), dtype=np.complex128)
    while found.shape[-1] < dim:
        found = np.einsum("iab,jcd->ijacbd", found, _ONE_QUBIT).reshape(-1, *(2 * found.shape[-1],) * 2)
    return np.ascontiguousarray(found.reshape(dim**2, dim**2))
