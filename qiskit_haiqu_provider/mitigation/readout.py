"""Outcomes of randomised circuits: read from results, with the flips before the measurements undone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.result import Distributions, Samples, TaskResult

_VALUES_AT_ONCE = 2**22
"""Parities (outcomes x terms) held at a time: 32 MiB."""


def random_flips(rows: int, wires: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which wires are flipped before they are measured, so that both outcomes of a bit suffer alike.

    Rows come in pairs of opposite flips: over both, every bit is flipped exactly once.
    """
    half = rng.random(((rows + 1) // 2, wires)) < 0.5
    return np.stack([half, ~half], axis=1).reshape(-1, wires)[:rows]


@dataclass(frozen=True)
class Ensemble:
    """Randomised copies of circuits among the tasks of a request: the parameter sets of one task, or some of them."""

    task: int
    first: int
    flips: NDArray[np.bool_]
    """Shape ``(copies, bits)``; what to undo."""

    clbits: tuple[int, ...]
    """The classical bit of each measured bit."""

    @property
    def copies(self) -> int:
        """How many there are."""
        return len(self.flips)

    def part(self, first: int, copies: int) -> "Ensemble":
        """Some of them."""
        return Ensemble(self.task, self.first + first, self.flips[first : first + copies], self.clbits)


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of an ensemble, copy after copy."""

    bits: NDArray[np.uint8]
    """Shape ``(outcomes, bits)``."""

    weights: NDArray[np.float64]
    """Those of each copy sum to 1."""

    offsets: NDArray[np.int64]
    """The outcomes of copy ``i`` are ``offsets[i]:offsets[i + 1]``."""

    def values(self, terms: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The mean of each parity in each copy.

        Args:
            terms: The bits of each parity, shape ``(terms, bits)``.

        Returns:
            Shape ``(copies, terms)``.
        """
        copies = len(self.offsets) - 1
        found = np.empty((copies, len(terms)))
        step = max(1, _VALUES_AT_ONCE // max(1, len(self.bits)))
        bits, owner = self.bits.astype(np.float32), np.repeat(np.arange(copies), np.diff(self.offsets))
        for start in range(0, len(terms), step):
            odd = (bits @ terms[start : start + step].T.astype(np.float32)) % 2
            for place, column in enumerate(odd.T, start=start):
                found[:, place] = 1 - 2 * np.bincount(owner, column * self.weights, copies)
        return found

    def shot_noise(
        self, terms: NDArray[np.uint8], weights: NDArray[np.float64], *, sets: int, shots: int
    ) -> NDArray[np.float64]:
        """The variance that shots alone give to sums of parities: that of the outcomes of all copies of a set together.

        Args:
            terms: The bits of each parity, shape ``(terms, bits)``.
            weights: Of the parities in each sum, shape ``(sums, terms)``.
            sets: How many sets the copies belong to; the copies of a set come one after the other.
            shots: Shots of each copy.

        Returns:
            Variances of the means over all copies of a set, shape ``(sums, sets)``.
        """
        per_set = (len(self.offsets) - 1) // sets
        bits, owner = self.bits.astype(np.float32), np.repeat(np.arange(sets), np.diff(self.offsets[::per_set]))
        moments = np.zeros((2, len(weights), sets))
        step = max(1, _VALUES_AT_ONCE // max(1, len(terms), len(weights)))
        for start in range(0, len(bits), step):
            rows = slice(start, start + step)
            sums = (1 - 2 * ((bits[rows] @ terms.T.astype(np.float32)) % 2)) @ weights.T
            for index, column in enumerate(sums.T):
                for moment, power in zip(moments, (column, column**2), strict=True):
                    moment[index] += np.bincount(owner[rows], power * self.weights[rows], sets) / per_set
        variances: NDArray[np.float64] = np.maximum(0.0, moments[1] - moments[0] ** 2) / (per_set * shots)
        return variances

    def part(self, first: int, copies: int) -> "Outcomes":
        """Those of some copies."""
        start, stop = self.offsets[first], self.offsets[first + copies]
        offsets = self.offsets[first : first + copies + 1] - start
        return Outcomes(self.bits[start:stop], self.weights[start:stop], offsets)


def outcomes_of(ensemble: Ensemble, result: TaskResult) -> Outcomes:
    """The outcomes of an ensemble without their flips.

    Args:
        ensemble: Which part of the task's result, and what to undo.
        result: The result of the task.

    Raises:
        HaiquResponseError: If the result holds no outcomes, or not those of all copies.
    """
    rows = slice(ensemble.first, ensemble.first + ensemble.copies)
    if isinstance(result, Samples):
        packed = result.outcomes[rows]
        found, shots = packed.reshape(-1, packed.shape[-1]), packed.shape[1]
        weights, offsets = np.full(len(found), 1 / max(1, shots)), np.arange(len(packed) + 1) * shots
        have = len(packed)
    elif isinstance(result, Distributions):
        have = max(0, min(result.num_sets, rows.stop) - rows.start)
        start, stop = result.offsets[rows.start], result.offsets[rows.start + have]
        found, weights = result.outcomes[start:stop], result.weights[start:stop]
        offsets = result.offsets[rows.start : rows.start + have + 1] - start
        sums = np.add.reduceat(weights, offsets[:-1]) if len(weights) else np.ones(have)
        weights = weights / np.repeat(sums, np.diff(offsets))
    else:
        raise HaiquResponseError("Mitigation needs the outcomes of circuits, and the device returned other results.")
    if have < ensemble.copies:
        raise HaiquResponseError(f"The device returned {have} of the {ensemble.copies} randomised circuits of a task.")
    bits = _unpacked(found, ensemble.clbits) ^ np.repeat(ensemble.flips, np.diff(offsets), axis=0)
    return Outcomes(bits, weights, offsets)


def _unpacked(rows: NDArray[np.uint8], clbits: tuple[int, ...]) -> NDArray[np.uint8]:
    """Single classical bits of packed outcomes, shape ``(outcomes, bits)``."""
    width = rows.shape[-1] * 8
    bits: NDArray[np.uint8] = np.unpackbits(rows, axis=-1)[:, [width - 1 - clbit for clbit in clbits]]
    return bits
