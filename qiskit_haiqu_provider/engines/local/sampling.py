"""Shots drawn from exact probabilities, and put into the packed bytes of classical bits without a loop over shots."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def draw(
    probabilities: NDArray[np.float64], shots: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Draw shots from one distribution.

    Args:
        probabilities: Shape ``(2**n,)``, summing to 1 up to rounding.
        shots: How many.
        rng: Source of randomness.

    Returns:
        The outcomes seen, ascending, and how often each was.
    """
    size = len(probabilities)
    if size <= max(4 * shots, 4096):
        # Rounded, so that the last digit of a probability does not decide what a seed gives.
        steady = np.round(probabilities, 12)
        counts = rng.multinomial(shots, steady / steady.sum())
        seen = np.flatnonzero(counts)
        return seen, counts[seen]
    cumulative = np.cumsum(probabilities)
    points = rng.random(shots)
    points.sort()
    points *= cumulative[-1]
    drawn = np.searchsorted(cumulative, points, side="right")
    return np.unique(np.minimum(drawn, size - 1), return_counts=True)


def spread(rows: NDArray[np.uint8], counts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shots in random order from the outcomes seen.

    Args:
        rows: Distinct outcomes as packed bytes, shape ``(outcomes, bytes)``.
        counts: How often each was seen.
        rng: Source of randomness; shots of one run are exchangeable, so any order is as good, but a sorted one
            would make the first half of the shots differ from the second.

    Returns:
        Shape ``(shots, bytes)``.
    """
    order = np.repeat(np.arange(len(rows)), counts)
    rng.shuffle(order)
    return rows[order]


def pack(states: NDArray[np.intp], measured: Sequence[tuple[int, int]], num_clbits: int) -> NDArray[np.uint8]:
    """Basis states as packed classical bits.

    Args:
        states: Basis states, shape ``(outcomes,)``; bit ``q`` is qubit ``q``.
        measured: (qubit, clbit) of each measurement.
        num_clbits: Number of classical bits; those not written are 0.

    Returns:
        Shape ``(outcomes, ceil(num_clbits / 8))``, big-endian; the last bit is classical bit 0.
    """
    size = -(-num_clbits // 8)
    packed = np.zeros((len(states), size), dtype=np.uint8)
    for qubit, clbit in measured:
        bit = ((states >> qubit) & 1).astype(np.uint8)
        packed[:, size - 1 - clbit // 8] |= bit << (clbit % 8)
    return packed


def unpack(rows: NDArray[np.uint8], clbits: Sequence[int]) -> NDArray[np.uint8]:
    """Single classical bits of packed outcomes, shape ``(outcomes, len(clbits))``."""
    width = rows.shape[-1] * 8
    bits: NDArray[np.uint8] = np.unpackbits(rows, axis=-1)[:, [width - 1 - clbit for clbit in clbits]]
    return bits
