"""Error bars of mitigated probabilities: what comes out where all shots are drawn once more.

A bootstrap: the counts of the circuit are drawn from those that were seen, and the noise as its companions might also
have shown it. It knows nothing of what no companion shows, so that an allowance is added, as for expectation values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.corrections import Corrected, Correction
from qiskit_haiqu_provider.mitigation.damping import MODEL_ERROR

Array = NDArray[np.float64]

RESAMPLES = 100
"""Error bars are then known to 7 %."""

_FEWEST = 20
"""With fewer resamples an error bar is wrong by more than 16 %, and is not told."""

_IN_ALL = 5000
"""Resamples of all distributions of a sweep, as long as each has the fewest: 4 to 7 s for up to 8 bits."""

_STEPS = 10_000_000
"""Work on one distribution, in the number of its outcomes times what each of them depends on: up to 1 s."""

_STEPS_IN_ALL = 5 * _STEPS
"""The same of all distributions of a sweep."""


@dataclass
class Bootstrap:
    """Resamples of one calibration, shared by all distributions that it corrects.

    Args:
        correction: What the distributions were corrected with.
        seed: Seed of all that is drawn.
        distributions: How many there are.
    """

    correction: Correction
    seed: int
    distributions: int = 1
    _drawn: list[Correction] = field(default_factory=list)

    def stds(
        self, bits: NDArray[np.uint8], weights: Array, found: Corrected, *, shots: int, number: int
    ) -> Array | None:
        """Standard errors of corrected probabilities.

        Those of the resamples, and what no companion shows, in quadrature.

        Args:
            bits: Distinct outcomes that were seen, shape ``(outcomes, bits)``.
            weights: How often, summing to 1.
            found: The corrected distribution.
            shots: How many shots it is made of.
            number: Which distribution this is; each has a random stream of its own.

        Returns:
            One for each outcome of ``found``; ``None`` if they take too long, as they do for thousands of outcomes of
            many bits, and in sweeps of many distributions of 10 bits and more.
        """
        steps = max(1, self.correction.steps(*bits.shape))
        count = min(
            RESAMPLES,
            _STEPS // steps,
            _STEPS_IN_ALL // (steps * self.distributions),
            max(_FEWEST, _IN_ALL // self.distributions),
        )
        if count < _FEWEST:
            return None
        rng = np.random.default_rng([self.seed, 1, number])
        places = _Places(found.bits)
        values = np.zeros((count, len(found.bits)))
        for row, correction in zip(values, self._corrections(count), strict=True):
            counts = rng.multinomial(shots, weights / weights.sum())
            kept = counts > 0
            again = correction.corrected(bits[kept], counts[kept] / shots, shots=shots)
            row[places.of(again.bits)] = again.weights
        raw = np.zeros(len(found.bits))
        raw[places.of(bits)] = weights
        doubt = MODEL_ERROR * (found.weights - raw) if found.doubt is None else found.doubt
        stds: Array = np.hypot(values.std(axis=0, ddof=1), doubt)
        return stds

    def _corrections(self, count: int) -> Sequence[Correction]:
        for index in range(len(self._drawn), count):
            self._drawn.append(self.correction.drawn(np.random.default_rng([self.seed, 0, index])))
        return self._drawn[:count]


class _Places:
    """Where outcomes are in a list of some."""

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._bits = bits
        self._index = {row.tobytes(): index for index, row in enumerate(bits)}

    def of(self, bits: NDArray[np.uint8]) -> list[int] | slice:
        if bits.shape == self._bits.shape and np.array_equal(bits, self._bits):
            return slice(None)
        return [self._index[row.tobytes()] for row in bits]
