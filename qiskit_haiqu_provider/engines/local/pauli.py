"""Expectation values of Pauli sums in many states at once.

A Pauli with X mask ``x`` and Z mask ``z`` maps basis state ``i`` to ``i ^ x`` with a sign that depends on ``i & z``.
All terms that share an X mask therefore share the products ``conj(psi[i ^ x]) * psi[i]``, of which one half is the
conjugate of the other; each further term costs a signed sum over them. No circuit is run for a Pauli.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

_TABLE = 2**20
"""Largest table of signs (basis states x terms) to build: 8 MiB."""

_Values = NDArray[Any]
"""Real or complex."""


def expectations(states: NDArray[np.complex128], observables: Sequence[SparsePauliOp]) -> NDArray[np.float64]:
    """Exact expectation values.

    Args:
        states: Statevectors of shape ``(sets, 2**n)``.
        observables: Hermitian Pauli sums on ``n`` qubits.

    Returns:
        Shape ``(observables, sets)``.
    """
    x, z, weights = _terms(observables)
    values = np.zeros((len(observables), len(states)))
    order = np.argsort(x, kind="stable")
    starts = np.flatnonzero(np.diff(x[order], prepend=-1))
    products = np.empty((len(states), states.shape[1] // 2), dtype=np.complex128)
    for members in np.split(order, starts[1:]):
        mask = int(x[members[0]])
        if mask == 0:
            probabilities = np.square(states.real)
            probabilities += np.square(states.imag)
            terms = _signed_sums(probabilities, z[members])
        else:
            _overlaps(states, mask, out=products)
            sums = _signed_sums(products, _without_bit(z[members], mask.bit_length() - 1))
            # Each Y is i X Z, and the other half of the products is the conjugate of this one.
            terms = 2 * (1j ** np.bitwise_count(x[members] & z[members]) * sums).real
        values += weights[:, members] @ terms.T
    return values


def _overlaps(states: NDArray[np.complex128], mask: int, *, out: NDArray[np.complex128]) -> None:
    """``conj(psi[i ^ mask]) * psi[i]`` for every ``i`` without the highest bit of the mask, that bit left out."""
    low = 1 << (mask.bit_length() - 1)
    pairs = states.reshape(len(states), -1, 2, low)
    products, rest = out.reshape(len(states), -1, low), mask ^ low
    if rest:
        np.take(pairs[:, :, 1, :], np.arange(low) ^ rest, axis=2, out=products, mode="wrap")
        np.conjugate(products, out=products)
    else:
        np.conjugate(pairs[:, :, 1, :], out=products)
    products *= pairs[:, :, 0, :]


def _without_bit(z: NDArray[np.int64], bit: int) -> NDArray[np.int64]:
    """The masks with one bit taken out and the higher ones moved down."""
    low = (1 << bit) - 1
    return (z & low) | ((z >> 1) & ~low)


def _signed_sums(values: _Values, z: NDArray[np.int64]) -> _Values:
    """``sum_i (-1)**popcount(i & z) values[i]`` for every state and Z mask, shape ``(sets, masks)``."""
    size = values.shape[1]
    if len(z) == 1 and z[0] == 0:
        return np.asarray(values.sum(axis=1, keepdims=True))
    if size * len(z) <= _TABLE:
        overlap = np.arange(size, dtype=np.int64)[:, None] & z
        signs = 1.0 - 2.0 * (np.bitwise_count(overlap) & 1)
        if not np.iscomplexobj(values):
            return np.asarray(values @ signs)
        # Real and imaginary parts apart: a complex product with real signs would cost twice.
        return np.asarray(values.real @ signs + 1j * (values.imag @ signs))
    if len(z) < size.bit_length():
        scratch = np.empty((len(values), size // 2), dtype=values.dtype)
        return np.stack([_folded(values, int(mask), scratch) for mask in z], axis=1)
    return walsh_hadamard(values)[:, z]


def _folded(values: _Values, mask: int, scratch: _Values) -> _Values:
    """The signed sum for one Z mask: halve the values bit by bit, adding or subtracting the upper half."""
    for bit in reversed(range(values.shape[1].bit_length() - 1)):
        half = 1 << bit
        combine = np.subtract if mask >> bit & 1 else np.add
        values = combine(values[:, :half], values[:, half:], out=scratch[:, :half])
    return values[:, 0].copy()


def walsh_hadamard(values: _Values) -> _Values:
    """The signed sums for all Z masks at once, by the fast Walsh-Hadamard transform of the last axis."""
    sets, size = values.shape
    transformed = values.copy()
    half = 1
    while half < size:
        pairs = transformed.reshape(sets, size // (2 * half), 2, half)
        low = pairs[:, :, 0, :].copy()
        pairs[:, :, 0, :] += pairs[:, :, 1, :]
        np.subtract(low, pairs[:, :, 1, :], out=pairs[:, :, 1, :])
        half *= 2
    return transformed


def _terms(
    observables: Sequence[SparsePauliOp],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """X and Z masks of the distinct Paulis, and weights of shape ``(observables, paulis)``."""
    bits = 1 << np.arange(observables[0].num_qubits, dtype=np.int64)
    x = np.concatenate([observable.paulis.x @ bits for observable in observables])
    z = np.concatenate([observable.paulis.z @ bits for observable in observables])
    owner = np.repeat(np.arange(len(observables)), [len(observable) for observable in observables])
    masks, index = np.unique(np.stack([x, z], axis=1), axis=0, return_inverse=True)
    weights = np.zeros((len(observables), len(masks)))
    coeffs = np.concatenate([observable.coeffs.real for observable in observables])
    np.add.at(weights, (owner, index.reshape(-1)), coeffs)
    return masks[:, 0], masks[:, 1], weights
