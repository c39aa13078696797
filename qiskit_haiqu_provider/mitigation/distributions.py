"""Outcome distributions freed of noise: a small model of what the noise does, and its careful inversion.

Twirled noise damps every parity of outcome bits. The model says by how much: one factor for all parities, and flip
rates for bits and for pairs of bits. Nearly the same mathematics runs on all outcomes of few bits, and on the outcomes
seen of many bits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import MODEL_ERROR
from qiskit_haiqu_provider.mitigation.prior import LEAST_DAMPING, pairs_alone
from qiskit_haiqu_provider.mitigation.walsh import all_bits, walsh

Array = NDArray[np.float64]

DENSE_BITS = 14
"""Up to so many bits all outcomes are listed."""

_MOST_STRINGS = 4096
"""Outcomes seen that are worked on, the most frequent first; the table of all pairs takes 128 MiB."""

_PILOT = 10
"""Iterations of the estimate that tells how spread out the distribution is."""

_SHARP = 7
"""Outcomes that matter up to which the noise is inverted in one step."""

_PLENTY = 4000
"""Shots for each outcome that matters, beyond which it is so for any number of them."""

_SHOTS_AN_ITERATION = 10
_FEWEST, _MOST = 3, 12
"""Iterations."""

_MIX = 0.1
"""Part of the uniform distribution in the start of the iterations, so that outcomes not seen can appear."""

_SHARED_ERROR = 0.4
"""In place of ``MODEL_ERROR`` where many outcomes matter: part of the whole correction, which they share by the
roots of their probabilities.

What is wrong with a spread distribution is seldom where the correction was large. Fitted to the coverage of intervals.
"""

_SMALLEST = 1e-300


_NO_PAIRS: NDArray[np.intp] = np.zeros((0, 2), dtype=np.intp)


@dataclass(frozen=True)
class Model:
    """Damping of the parity of some bits: ``exp(everywhere + sum of the bits + sum of the pairs that it cuts)``."""

    everywhere: float
    """At most 0; of all parities but the empty one."""

    bits: Array
    """At most 0; of each bit."""

    error: float = 0.0
    """Standard error of the exponent of a parity, more or less."""

    pairs: NDArray[np.intp] = field(default_factory=lambda: _NO_PAIRS)
    """Bits that may be flipped together, shape ``(pairs, 2)``."""

    together: Array = field(default_factory=lambda: np.zeros(0))
    """At most 0; of each pair, for parities that have one of its bits."""

    def flips(self) -> Array:
        """The probability that each bit is flipped alone."""
        return (1 - np.exp(self.bits)) / 2

    @property
    def uniform(self) -> float:
        """The part of the outcomes that is uniformly random."""
        return float(1 - np.exp(self.everywhere))

    def dampings(self) -> Array:
        """Of all parities of few bits, in the order of their masks as numbers; that of none is 1."""
        exponents = np.full(1, self.everywhere)
        for each in self.bits:
            exponents = np.concatenate([exponents, exponents + each])
        masks = np.arange(len(exponents))
        for (one, other), each in zip(self.pairs, self.together, strict=True):
            exponents += each * ((masks >> one ^ masks >> other) & 1)
        exponents[0] = 0.0
        found: Array = np.exp(exponents)
        return found


_LEAST_ERROR = 1e-3
"""Of a damping; smaller ones come from too few companions."""

_RIDGE = 1e-3
"""Keeps what no parity tells at nothing; small against the weights of parities."""


def fit(masks: NDArray[np.uint8], factors: Array, errors: Array, *, everywhere: bool = True) -> Model:
    """The model that is nearest to measured dampings.

    Gates spread errors to two bits at once. So each pair of bits whose parity is among the masks has a rate of its own,
    where there are few enough bits to work on all outcomes.

    Args:
        masks: Parities as bits, shape ``(parities, bits)``.
        factors: Their dampings; those that are not well above 0 must be left out.
        errors: Standard errors of these.
        everywhere: Whether the model has the factor that all parities share, and pairs; readout errors need neither.
    """
    from scipy.optimize import nnls  # takes long to load

    width = masks.shape[1]
    paired = everywhere and width <= DENSE_BITS
    pairs = np.argwhere(masks[masks.sum(axis=1) == 2])[:, 1].reshape(-1, 2) if paired else _NO_PAIRS
    cut = masks[:, pairs[:, 0]] ^ masks[:, pairs[:, 1]]
    design = np.concatenate([np.full((len(masks), 1), float(everywhere)), masks, cut], axis=1)
    size = factors / np.maximum(errors, _LEAST_ERROR)  # the weight of a logarithm
    rows = np.concatenate([design * size[:, None], _RIDGE * np.eye(design.shape[1])])
    goal = np.concatenate([-np.log(np.minimum(factors, 1.0)) * size, np.zeros(design.shape[1])])
    found = -nnls(rows, goal)[0]
    return Model(
        everywhere=float(found[0]),
        bits=found[1 : width + 1],
        error=float(np.median(errors / factors)),
        pairs=pairs,
        together=found[width + 1 :],
    )


@dataclass(frozen=True)
class Mitigated:
    """A distribution without most of its noise."""

    outcomes: NDArray[np.uint8]
    """Bits, shape ``(entries, bits)``."""

    weights: Array
    """At least 0, summing to 1."""

    shrinkage: float
    """Weight of the corrected distribution against what was seen."""

    unshrunk: Array
    """The corrected distribution before the guard."""

    doubt: Array
    """Standard errors by what the model does not know."""


def mitigated(bits: NDArray[np.uint8], weights: Array, model: Model, *, shots: int, guard: bool) -> Mitigated:
    """Free a histogram of noise.

    Args:
        bits: Outcomes, shape ``(outcomes, bits)``; the same outcome may appear several times.
        weights: Their weights, summing to 1.
        model: The noise.
        shots: How many shots the histogram is made of.
        guard: Whether a correction that noise could have made is shrunk.
    """
    dense = bits.shape[1] <= DENSE_BITS
    outcomes, seen = _all_outcomes(bits, weights) if dense else _seen_outcomes(bits, weights)
    act = _dense_noise(model) if dense else _sparse_noise(model, outcomes)
    start = (1 - _MIX) * seen + _MIX / len(seen)
    spread = _perplexity(_iterated(seen, act, start, _PILOT))
    counts = float(shots)
    few = dense and spread < _SHARP
    if few or (dense and shots / spread > _PLENTY):
        found = on_simplex(_inverse(seen, model))
    elif dense:
        prior = pairs_alone(seen, model.dampings(), shots=shots)
        counts += prior.shots
        found = _iterated(seen, act, start, _steps(counts / spread), pull=prior.shots / counts, towards=prior.weights)
    else:
        found = _iterated(seen, act, start, _steps(counts / spread))
    weight = _guarded(found, seen, random=2 * spread / (4 * counts)) if guard else 1.0
    mixed = weight * found + (1 - weight) * seen
    mixed /= mixed.sum()
    return Mitigated(outcomes, mixed, weight, found, _doubt(mixed, mixed - seen, few=few))


def _steps(counts: float) -> int:
    """The iterations that some counts for each outcome that matters allow."""
    return int(np.clip(counts / _SHOTS_AN_ITERATION, _FEWEST, _MOST))


def _guarded(found: Array, seen: Array, *, random: float) -> float:
    """The part of a correction that is kept, if some of its infidelity with what was seen is random."""
    moved = 1 - np.sqrt(found * seen).sum() ** 2
    return float(moved / (moved + random)) if moved > 0 else 0.0


def _doubt(weights: Array, correction: Array, *, few: bool) -> Array:
    """Standard errors by what the model does not know."""
    if few:
        return MODEL_ERROR * np.abs(correction)
    shared: Array = _SHARED_ERROR * np.sqrt(weights * (correction**2).sum())
    return shared


def on_simplex(weights: Array) -> Array:
    """The distribution nearest to some weights."""
    descending = np.sort(weights)[::-1]
    excess = (np.cumsum(descending) - 1) / np.arange(1, len(weights) + 1)
    last = np.flatnonzero(descending > excess)[-1]
    found: Array = np.maximum(weights - excess[last], 0.0)
    return found


def histogram(places: NDArray[Any], weights: Array, size: int) -> Array:
    """The sum of the weights at each place."""
    return np.bincount(places, weights, size).astype(np.float64)


Noise = Callable[[Array], Array]
"""From a true distribution to the expected one; its transpose is the same, because flips are symmetric."""


def _iterated(
    seen: Array, act: Noise, start: Array, count: int, *, pull: float = 0.0, towards: Array | float = 0.0
) -> Array:
    """Expectation maximisation: each step raises the likelihood of what was seen, and early ones hardly fit noise.

    A prior ``towards`` adds its counts, the part ``pull`` of all, to those that outcomes are expected to have.
    """
    found = start
    for _ in range(count):
        found = found * act(seen / np.maximum(act(found), _SMALLEST))
        found = (1 - pull) * found + pull * towards
    found /= found.sum()
    return found


def _perplexity(weights: Array) -> float:
    """How many outcomes matter."""
    positive = weights[weights > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def _all_outcomes(bits: NDArray[np.uint8], weights: Array) -> tuple[NDArray[np.uint8], Array]:
    width = bits.shape[1]
    keys = bits.astype(np.int64) @ (1 << np.arange(width))
    return all_bits(width), histogram(keys, weights, 1 << width)


def _seen_outcomes(bits: NDArray[np.uint8], weights: Array) -> tuple[NDArray[np.uint8], Array]:
    outcomes, places = np.unique(bits, axis=0, return_inverse=True)
    total = histogram(places.reshape(-1), weights, len(outcomes))
    kept = np.sort(np.argsort(-total, kind="stable")[:_MOST_STRINGS])
    return outcomes[kept], total[kept] / total[kept].sum()


def _dense_noise(model: Model) -> Noise:
    """Noise between all outcomes: it damps their parities."""
    dampings = model.dampings()

    def act(weights: Array) -> Array:
        # Rounding alone makes it negative.
        return np.maximum(0.0, walsh(walsh(weights) * dampings) / len(weights))

    return act


def _sparse_noise(model: Model, outcomes: NDArray[np.uint8]) -> Noise:
    """Noise between the outcomes seen; the others keep what leaks to them."""
    flips, uniform = model.flips(), model.uniform
    ratio = np.log(np.maximum(flips, 1e-12) / (1 - flips))
    ones = outcomes.astype(np.float64)
    differing = (ones * ratio) @ (1 - ones).T
    table = np.exp(differing + differing.T + np.log1p(-flips).sum())
    level = uniform * 0.5 ** outcomes.shape[1]

    def act(weights: Array) -> Array:
        return np.asarray((1 - uniform) * (table @ weights) + level * weights.sum())

    return act


def _inverse(seen: Array, model: Model) -> Array:
    """The noise undone parity by parity, taken for one standard error stronger than it was seen.

    Where few outcomes matter, too strong a correction makes the others negative, which the simplex forgives; too weak
    a one leaves them there.
    """
    factors = np.maximum(model.dampings() * np.exp(-model.error), LEAST_DAMPING)
    factors[0] = 1.0
    found: Array = walsh(walsh(seen) / factors) / len(seen)
    return found
