"""Expectation values of Pauli sums in many states at once.

A Pauli with X mask ``x`` and Z mask ``z`` maps basis state ``i`` to ``i ^ x`` with a sign that depends on ``i & z``.
All terms that share an X mask therefore share the products ``conj(psi[i ^ x]) * psi[i]``, of which one half is the
conjugate of the other; each further term costs a signed sum over them. No circuit is run for a Pauli.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

_PRODUCT = 2**15
"""Size (rows x columns x depth) of a matrix product that BLAS keeps on one thread: threads of several stall."""

_PART, _STATES = 2**14, 8
"""Products of amplitudes of one state, for several X masks if it is small, and how many states are worked on at a time:
2 MiB in all. They do not depend on how many states there are, so that neither do the last digits of a value."""

_Reals = NDArray[np.float64]
_Masks = NDArray[np.int64]
_States = NDArray[np.complex128]


def expectations(states: _States, observables: Sequence[SparsePauliOp]) -> _Reals:
    """Exact expectation values.

    Args:
        states: Statevectors of shape ``(sets, 2**n)``.
        observables: Hermitian Pauli sums on ``n`` qubits.

    Returns:
        Shape ``(observables, sets)``.
    """
    masks, terms = _distinct_paulis(observables)
    coeffs = np.concatenate([observable.coeffs.real for observable in observables])
    if len(observables) == 1:
        weights = np.bincount(terms, weights=coeffs, minlength=len(masks)).astype(np.float64)
        return _sum_values(states, masks[:, 0], masks[:, 1], weights)[None]
    values = _pauli_values(states, masks[:, 0], masks[:, 1])
    starts = np.cumsum([0, *[len(observable) for observable in observables[:-1]]])
    return np.add.reduceat(np.ascontiguousarray(values[terms].T) * coeffs, starts, axis=1).T


def _distinct_paulis(observables: Sequence[SparsePauliOp]) -> tuple[_Masks, NDArray[np.intp]]:
    """X and Z masks of the distinct Paulis, and for all terms in turn which of them it is."""
    bits = 1 << np.arange(observables[0].num_qubits, dtype=np.int64)
    x = np.concatenate([observable.paulis.x @ bits for observable in observables])
    z = np.concatenate([observable.paulis.z @ bits for observable in observables])
    masks, terms = np.unique(np.stack([x, z], axis=1), axis=0, return_inverse=True)
    return masks, terms.reshape(-1)


def _groups(keys: NDArray[Any]) -> Iterator[slice]:
    """Runs of equal keys, which are sorted."""
    edges = np.flatnonzero(np.diff(keys, prepend=-1, append=-1)).tolist()
    return (slice(start, stop) for start, stop in pairwise(edges))


def _pauli_values(states: _States, x: _Masks, z: _Masks) -> _Reals:
    """The expectation value of every Pauli, shape ``(paulis, sets)``; Paulis sorted by their X masks."""
    values = np.empty((len(x), len(states)))
    for group in _groups(x):
        mask = int(x[group.start])
        if mask == 0:
            values[group] = _signed_sums(_probabilities(states), z[group]).T
            continue
        one, other = _partners(states, mask)
        products = np.conjugate(other)
        products *= one
        sums = _signed_sums(products.reshape(len(states), -1), _without_bit(z[group], mask.bit_length() - 1))
        # Each Y is i X Z, and the other half of the products is the conjugate of this one.
        values[group] = 2 * (1j ** np.bitwise_count(x[group] & z[group]) * sums).real.T
    return values


def _sum_values(states: _States, x: _Masks, z: _Masks, weights: _Reals) -> _Reals:
    """The expectation value of one sum of Paulis, sorted by their X masks, shape ``(sets,)``."""
    diagonal = x == 0
    total = np.zeros(len(states))
    if diagonal.any():
        total += np.matmul(_signed_sums(_probabilities(states), z[diagonal])[:, None], weights[diagonal])[:, 0]
    alone = (z == 0) & (np.bitwise_count(x) == 1)
    for mask, weight in zip(x[alone].tolist(), weights[alone].tolist(), strict=True):
        one, other = _partners(states, mask)
        total += 2 * weight * np.einsum("sij,sij->s", _real(one), _real(other))
    rest = ~(diagonal | alone)
    return total + _weighted_overlaps(states, x[rest], z[rest], weights[rest])


def _weighted_overlaps(states: _States, x: _Masks, z: _Masks, weights: _Reals) -> _Reals:
    """The value of a sum of Paulis with X masks: several masks at a time where states are small, else in parts.

    All terms of a mask share one diagonal: real weights of the real and of the imaginary parts of the products.
    """
    half = states.shape[1] // 2
    total = np.zeros(len(states))
    groups = list(_groups(x))
    step, part = max(1, _PART // half), min(half, _PART)
    buffers = np.empty((2, min(len(states), _STATES) * part * min(step, len(groups))), dtype=np.complex128)
    for first in range(0, len(groups), step):
        batch = groups[first : first + step]
        terms = slice(batch[0].start, batch[-1].stop)
        masks = x[[group.start for group in batch]]
        for start in range(0, half, part):
            index = np.arange(start, start + part)
            places, partners = _places(masks, index)
            diagonals = _diagonals(x[terms], z[terms], weights[terms], half, index).reshape(-1)
            for row in range(0, len(states), _STATES):
                rows = states[row : row + _STATES]
                ones, others = buffers[:, : len(rows) * len(places)].reshape(2, len(rows), -1)
                np.take(rows, places, axis=1, out=ones, mode="clip")
                np.take(rows, partners, axis=1, out=others, mode="clip")
                np.conjugate(others, out=others)
                ones *= others
                total[row : row + _STATES] += _dots(_real(ones), diagonals)
    return total


def _places(masks: _Masks, index: _Masks) -> tuple[_Masks, _Masks]:
    """For several masks, one after the other, some ``i`` without the highest bit of the mask, and ``i ^ mask``.

    Args:
        masks: The masks.
        index: Which ``i``, counted among those without the bit.
    """
    low = (np.int64(1) << _top_bit(masks)[:, None]) - 1
    places = (index & low) | ((index & ~low) << 1)
    return places.reshape(-1), (places ^ masks[:, None]).reshape(-1)


def _diagonals(x: _Masks, z: _Masks, weights: _Reals, half: int, index: _Masks) -> _Reals:
    """For each X mask the weights of real and imaginary parts, shape ``(masks, len(index), 2)``."""
    masks = _without_bit(z, _top_bit(x))
    ys = np.bitwise_count(x & z).astype(np.intp)
    odd = ys % 2
    # Twice the real part of i**ys times the product.
    factors = 2 * weights * (1 - (ys + odd) % 4)
    # Signs are products of those of the high and of the low bits.
    low = _cut(half)[1]
    left = _signs(index[:: 1 << low] >> low, masks >> low) * factors[:, None]
    right = np.zeros((len(x), 1 << low, 2))
    right[np.arange(len(x)), :, odd] = _signs(np.arange(1 << low), masks & ((1 << low) - 1))
    groups = list(_groups(x))
    found = np.empty((len(groups), left.shape[1], 2 << low))
    for group, out in zip(groups, found, strict=True):
        _multiply(left[group].T, right[group].reshape(-1, 2 << low), out)
    return found


def _partners(states: _States, mask: int) -> tuple[_States, _States]:
    """``psi[i]`` and ``psi[i ^ mask]`` for every ``i`` without the highest bit of the mask."""
    low = 1 << (mask.bit_length() - 1)
    pairs, rest = states.reshape(len(states), -1, 2, low), mask ^ low
    lower, upper = pairs[:, :, 0], pairs[:, :, 1]
    return lower, np.take(upper, np.arange(low) ^ rest, axis=2, mode="clip") if rest else upper


def _top_bit(masks: _Masks) -> _Masks:
    """The position of the highest bit."""
    return np.asarray(np.frexp(masks.astype(np.float64))[1].astype(np.int64) - 1)


def _without_bit(z: _Masks, bit: Any) -> _Masks:
    """The masks with one bit taken out and the higher ones moved down."""
    low = (np.int64(1) << bit) - 1
    return np.asarray((z & low) | ((z >> 1) & ~low))


def _probabilities(states: _States) -> _Reals:
    found: _Reals = np.square(states.real)
    found += np.square(states.imag)
    return found


def _real(states: _States) -> _Reals:
    """Real and imaginary parts in turns."""
    return states.view(np.float64)


def _cut(size: int) -> tuple[int, int]:
    """Bits of the high and the low part of an index."""
    bits = size.bit_length() - 1
    return bits - bits // 2, bits // 2


def _signs(index: _Masks, z: _Masks) -> _Reals:
    """``(-1)**popcount(i & z)``, shape ``(masks, len(index))``."""
    found: _Reals = 1.0 - 2.0 * (np.bitwise_count(index & z[:, None]) & 1)
    return found


def _signed_sums(values: NDArray[Any], z: _Masks) -> NDArray[Any]:
    """``sum_i (-1)**popcount(i & z) values[i]`` for every state and Z mask, shape ``(sets, masks)``.

    First over the high bits of ``i``, for each different mask of these, then over the low bits.
    """
    if not z.any():
        return np.repeat(values.sum(axis=1, keepdims=True), len(z), axis=1)
    bits = values.shape[1].bit_length() - 1
    high, low = _cut(values.shape[1]) if bits > _FEW_BITS else (bits, 0)
    parts = 2 if np.iscomplexobj(values) else 1
    uppers, upper = np.unique(z >> low, return_inverse=True)
    lowers, lower = np.unique(z & ((1 << low) - 1), return_inverse=True)
    rows = np.ascontiguousarray(values).view(np.float64).reshape(len(values), 1 << high, parts << low)
    sums = np.empty((len(values), len(uppers), parts << low))
    _multiply(_signs(np.arange(1 << high), uppers), rows, sums)
    columns = np.repeat(_signs(np.arange(1 << low), lowers).T, parts, axis=0)
    found = [np.matmul(sums[..., part::parts], columns[part::parts])[:, upper, lower] for part in range(parts)]
    return np.ascontiguousarray(found[0] if parts == 1 else found[0] + 1j * found[1])


_FEW_BITS = 7
"""Sums over so few bits take less time than being done in two steps."""


def walsh_hadamard(values: NDArray[Any]) -> NDArray[Any]:
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


def _multiply(left: _Reals, right: _Reals, out: _Reals) -> None:
    """A matrix product in pieces of columns."""
    piece = max(8, _PRODUCT // left.size)
    for start in range(0, right.shape[-1], piece):
        np.matmul(left, right[..., start : start + piece], out=out[..., start : start + piece])


def _dots(rows: _Reals, weights: _Reals) -> _Reals:
    """The products of all rows with a vector, in pieces."""
    piece = min(_PIECE, len(weights) & -len(weights))
    found: _Reals = (rows.reshape(len(rows), -1, 1, piece) @ weights.reshape(-1, piece, 1)).sum(axis=(1, 2, 3))
    return found


_PIECE = 2**12
"""Length of a dot product that BLAS keeps on one thread."""
