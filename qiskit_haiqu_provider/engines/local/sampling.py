"""Shots drawn from exact probabilities, and put into the packed bytes of classical bits without a loop over shots."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_TALLIED = 2**14
"""Outcomes up to which counts of all of them are drawn at once; beyond, shots are drawn one by one."""


def tally(probabilities: NDArray[np.float64], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts of every outcome, for several distributions.

    Args:
        probabilities: Shape ``(sets, outcomes)``, each row summing to 1 up to rounding.
        shots: Shots for each row.
        rng: Source of randomness.

    Returns:
        Shape ``(sets, outcomes)``.
    """
    # Rounded, so that the last digit of a probability does not decide what a seed gives.
    steady = np.round(probabilities, 12)
    return rng.multinomial(shots, steady / steady.sum(axis=1, keepdims=True))


def draw(
    probabilities: NDArray[np.float64], shots: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Shots from one distribution over many outcomes.

    Args:
        probabilities: Shape ``(outcomes,)``, summing to 1 up to rounding.
        shots: How many.
        rng: Source of randomness.

    Returns:
        The outcomes seen, ascending, and how often each was.
    """
    cumulative = np.cumsum(probabilities)
    points = rng.random(shots)
    points.sort()
    points *= cumulative[-1]
    drawn = np.searchsorted(cumulative, points, side="right")
    return np.unique(np.minimum(drawn, len(probabilities) - 1), return_counts=True)


def shuffled(outcomes: NDArray[Any], counts: NDArray[np.int64], shots: int, rng: np.random.Generator) -> NDArray[Any]:
    """Single shots in random order from counts, for several distributions over the same outcomes.

    Shots of one run are exchangeable, so any order is as good; a sorted one would make the first half of the shots
    differ from the second.

    Args:
        outcomes: Shape ``(outcomes,)``.
        counts: How often each was seen, shape ``(sets, outcomes)``, each row summing to ``shots``.
        shots: Shots for each row.
        rng: Source of randomness.

    Returns:
        Shape ``(sets, shots)``.
    """
    order = np.repeat(np.tile(outcomes, len(counts)), counts.reshape(-1)).reshape(len(counts), shots)
    return rng.permuted(order, axis=1, out=order)


def pack(states: NDArray[Any], measured: Sequence[tuple[int, int]], num_clbits: int) -> NDArray[np.uint8]:
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
