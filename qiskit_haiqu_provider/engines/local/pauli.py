"""Expectation values of Pauli sums in many states at once, and exact outcome probabilities.

A Pauli with X mask ``x`` and Z mask ``z`` maps basis state ``i`` to ``i ^ x`` with a sign that depends on ``i & z``.
All terms that share an X mask therefore share one product ``conj(psi[i ^ x]) * psi[i]``; each further term costs a
signed sum over it. No circuit is run for a Pauli.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

_SIGNS_AT_ONCE = 2**22
"""Entries of a table of signs (basis states x terms) held at a time: 32 MiB."""


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
    for members in np.split(order, starts[1:]):
        mask = int(x[members[0]])
        product = _product(states, mask)
        terms = _signed_sums(product, z[members])
        # i to the number of Ys: each Y is i X Z
        ys = np.bitwise_count(x[members] & z[members]) % 4
        real = np.where(ys % 2 == 0, terms.real, -terms.imag) * np.where(ys < 2, 1.0, -1.0)
        values += weights[:, members] @ real.T
    return values


def _product(states: NDArray[np.complex128], mask: int) -> NDArray[np.complex128] | NDArray[np.float64]:
    """``conj(psi[i ^ mask]) * psi[i]`` for every state and ``i``."""
    if mask == 0:
        return states.real**2 + states.imag**2
    flipped = states[:, np.arange(states.shape[1]) ^ mask]
    np.conjugate(flipped, out=flipped)
    flipped *= states
    return flipped


def _signed_sums(
    product: NDArray[np.complex128] | NDArray[np.float64], z: NDArray[np.int64]
) -> NDArray[np.complex128] | NDArray[np.float64]:
    """``sum_i (-1)**popcount(i & z) product[i]`` for every state and Z mask, shape ``(sets, masks)``."""
    size = product.shape[1]
    if len(z) == 1 and z[0] == 0:
        return product.sum(axis=1, keepdims=True)
    if len(z) > 2 * size.bit_length():
        transformed = walsh_hadamard(product)
        return transformed[:, z]
    step = max(1, _SIGNS_AT_ONCE // size)
    parts = []
    for start in range(0, len(z), step):
        overlap = np.arange(size, dtype=np.int64)[:, None] & z[start : start + step]
        signs = 1.0 - 2.0 * (np.bitwise_count(overlap) & 1)
        # Real and imaginary parts apart: a complex product with real signs would cost twice.
        sums = product.real @ signs
        parts.append(sums + 1j * (product.imag @ signs) if np.iscomplexobj(product) else sums)
    return np.concatenate(parts, axis=1)


def walsh_hadamard(
    values: NDArray[np.complex128] | NDArray[np.float64],
) -> NDArray[np.complex128] | NDArray[np.float64]:
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
