"""Shots drawn from exact probabilities, and put into the packed bytes of classical bits without a loop over shots."""

from collections.abc import Sequence
from functools import lru_cache
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


def cumulated(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative probabilities of several distributions, shape ``(sets, outcomes)``; the last of each row is 1."""
    sums = np.maximum(probabilities, 0.0).cumsum(axis=1)  # rounding may leave less than nothing
    sums /= sums[:, -1:]
    return sums


def singles(
    cumulative: NDArray[np.float64], rows: NDArray[np.uint8], shots: int, sources: Sequence[np.random.Generator]
) -> NDArray[np.uint8]:
    """Single shots in the order in which they are drawn, for several distributions.

    A shot is the first outcome whose cumulative probability is above a uniform random number.

    Args:
        cumulative: Cumulative probabilities, shape ``(sets, outcomes)``.
        rows: What is shown of each outcome, its packed bits, shape ``(sets, outcomes, bytes)``; one row of sets may
            serve all.
        shots: Shots for each set.
        sources: For each set its source of randomness; several may have the same, and take turns then.

    Returns:
        The packed bits of the shots, shape ``(sets, shots, bytes)``.
    """
    sets, outcomes = cumulative.shape
    shown = np.empty((sets, shots, rows.shape[2]), dtype=np.uint8)
    if not rows.shape[2]:
        return shown  # there are no bits
    if sets == 1 and shots * outcomes.bit_length() <= _FEW:
        shown[0] = pick(rows[0], cumulative[0].searchsorted(sources[0].random(shots), side="right"))
        return shown
    step = max(1, AT_ONCE // shots)
    for first in range(0, sets, step):
        some = slice(first, min(first + step, sets))
        index, own = _Index(cumulative[some], finer=shots), rows if len(rows) == 1 else rows[some]
        for start in range(0, shots, AT_ONCE):  # in one go, unless a set has more shots than are looked up at a time
            points = np.empty((some.stop - first, min(AT_ONCE, shots - start)))
            for source, numbers in zip(sources[some], points, strict=True):
                source.random(out=numbers)
            shown[some, start : start + AT_ONCE] = index.look_up(points, own)
    return shown


_FEW = 6 * 2**10
"""Shots, times bits of an outcome, up to which a search by halves is as quick as an index."""

AT_ONCE = 2**15
"""Shots looked up at a time, so that they stay in the processor's cache."""


class _Index:
    """Finds the outcomes of random numbers by a table (Chen and Asau, 1974).

    The table has for each of many equal parts of the range from 0 to 1 the first outcome in it. The outcome of a number
    in that part is the same, or one of the next.
    """

    def __init__(self, cumulative: NDArray[np.float64], *, finer: int) -> None:
        self._cumulative = cumulative
        sets, outcomes = cumulative.shape
        self._parts = 1 << max(outcomes.bit_length(), min(14, finer.bit_length() - 2))
        begins = np.ceil(cumulative * self._parts).astype(np.intp)
        lengths = np.diff(begins, axis=1, prepend=0).reshape(-1)
        self._firsts = np.repeat(np.arange(sets * outcomes), lengths)
        self._rows = np.arange(sets)[:, None] * self._parts

    def look_up(self, points: NDArray[np.float64], rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What is shown of the outcomes of points of shape ``(sets, points)``; see :func:`singles` for the rows."""
        if len(rows) < len(points):
            rows = np.broadcast_to(rows, (len(points), *rows.shape[1:]))
        found = pick(rows.reshape(-1, rows.shape[2]), self.search(points))
        return found.reshape(*points.shape, rows.shape[2])

    def search(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """The outcome of each point, of shape ``(sets, points)``, those of all sets counted on; shape ``(points,)``."""
        cumulative, outcomes = self._cumulative, self._cumulative.shape[1]
        parts = (points * self._parts).astype(np.intp)
        if len(cumulative) > 1:
            parts += self._rows
        places: NDArray[np.intp] = self._firsts.take(parts).reshape(-1)
        flat, numbers = cumulative.reshape(-1), points.reshape(-1)
        later = np.flatnonzero(flat.take(places) <= numbers)
        for _ in range(_STEPS):
            if not len(later):
                return places
            places[later] += 1
            later = later[flat.take(places[later]) <= numbers[later]]
        rows = later // points.shape[1]
        for row in np.unique(rows).tolist():
            mine = later[rows == row]
            places[mine] = row * outcomes + cumulative[row].searchsorted(numbers[mine], side="right")
        return places


_STEPS = 4
"""Outcomes that are looked at one after the other; what is further off is searched by halves."""


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


def pick(rows: NDArray[np.uint8], found: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """The packed bits of outcomes.

    Args:
        rows: Packed bits of each outcome, shape ``(outcomes, bytes)``.
        found: Outcomes, of any shape.

    Returns:
        Shape ``(*found.shape, bytes)``.
    """
    size = rows.shape[1]
    if size not in {1, 2, 4, 8}:
        return rows.take(found, axis=0)
    whole: NDArray[Any] = rows.view(f"u{size}").reshape(-1)  # as numbers, which are copied much faster than rows
    return whole.take(found)[..., None].view(np.uint8)


@lru_cache(maxsize=64)
def packed_outcomes(num_qubits: int, measured: tuple[tuple[int, int], ...], num_clbits: int) -> NDArray[np.uint8]:
    """Every outcome of a few qubits as packed classical bits, as :func:`pack` gives them; not to be written to."""
    packed = pack(np.arange(1 << num_qubits), measured, num_clbits)
    packed.flags.writeable = False
    return packed


def unpack(rows: NDArray[np.uint8], clbits: Sequence[int]) -> NDArray[np.uint8]:
    """Single classical bits of packed outcomes, shape ``(outcomes, len(clbits))``."""
    width = rows.shape[-1] * 8
    bits: NDArray[np.uint8] = np.unpackbits(rows, axis=-1)[:, [width - 1 - clbit for clbit in clbits]]
    return bits
