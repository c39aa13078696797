"""Paulis as small numbers: I, X, Y, Z are 0, 1, 2, 3, and what gates do to them."""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=np.complex128)
"""The matrices of I, X, Y, Z."""

_PAIRS = np.array([np.kron(PAULIS[second], PAULIS[first]) for first, second in product(range(4), repeat=2)])
"""Of two qubits: ``4 * first + second`` is the index of a pair; the first qubit is the last factor, as in Qiskit."""

_CLOSE = 1e-7


class Images(NamedTuple):
    """What a gate makes of each Pauli: ``gate^dagger P gate = sign * image``."""

    image: NDArray[np.int8]
    """Index of the image; -1 where it is no Pauli."""

    sign: NDArray[np.int8]

    @property
    def clifford(self) -> bool:
        """Whether the image of every Pauli is one, and its sign is known."""
        return bool((self.image >= 0).all() and self.sign.all())


def images(matrix: NDArray[np.complex128]) -> Images:
    """The images of all Paulis under a gate on one or two qubits.

    Args:
        matrix: The gate, in Qiskit's order of qubits.
    """
    return _images(_key(matrix), len(matrix))


@lru_cache(maxsize=1024)
def _images(key: bytes, dim: int) -> Images:
    gate = np.frombuffer(key, dtype=np.complex128).reshape(dim, dim)
    basis = PAULIS if dim == 2 else _PAIRS
    turned = gate.conj().T @ basis @ gate
    overlaps = np.einsum("pij,qji->pq", turned, basis).real / dim
    image = np.abs(overlaps).argmax(axis=1)
    found = overlaps[np.arange(len(basis)), image]
    valid = np.abs(np.abs(found) - 1) < _CLOSE
    return Images(np.where(valid, image, -1).astype(np.int8), np.sign(found).astype(np.int8))


def inverting_pairs(matrices: NDArray[np.complex128]) -> tuple[int, int] | None:
    """Paulis that make a two-qubit gate its own inverse: ``after gate before`` is its inverse up to a phase.

    Args:
        matrices: The gate at all its angles, shape ``(angles, 4, 4)``; the Paulis serve all of them.

    Returns:
        Indices of the pairs ``(before, after)``; ``None`` if there are none.
    """
    fitting = np.logical_and.reduce([_inverting(key) for key in {_key(matrix) for matrix in matrices}])
    found = np.argwhere(fitting).tolist()
    if not found:
        return None
    before, after = min(found, key=lambda pair: (_weight(pair[0]) + _weight(pair[1]), pair))
    return before, after


@lru_cache(maxsize=1024)
def _inverting(key: bytes) -> NDArray[np.bool_]:
    """For every pair before and every pair after whether they invert the gate."""
    gate = np.frombuffer(key, dtype=np.complex128).reshape(4, 4)
    # The trace of gate after gate before has the absolute value 4 exactly where the product is a phase.
    traces = np.abs(np.einsum("ij,ajk,kl,bli->ba", gate, _PAIRS, gate, _PAIRS, optimize=True))
    found: NDArray[np.bool_] = np.abs(traces - 4) < _CLOSE
    return found


def common_images(matrices: NDArray[np.complex128]) -> Images:
    """Like :func:`images`, for a gate at several angles: images that are the same, signs included, at all of them.

    Args:
        matrices: Shape ``(angles, dim, dim)``.
    """
    tables = [_images(key, matrices.shape[1]) for key in {_key(matrix) for matrix in matrices}]
    image, sign = np.stack([each.image for each in tables]), np.stack([each.sign for each in tables])
    same = (image == image[0]).all(axis=0)
    return Images(np.where(same, image[0], -1).astype(np.int8), np.where((sign == sign[0]).all(axis=0), sign[0], 0))


def _key(matrix: NDArray[np.complex128]) -> bytes:
    """Equal for gates that are equal up to rounding."""
    return bytes((np.round(matrix, 9) + 0.0).tobytes())  # adding nothing makes negative zeros positive


def _weight(pair: int) -> int:
    return int(pair // 4 != 0) + int(pair % 4 != 0)
