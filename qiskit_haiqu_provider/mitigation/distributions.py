"""Outcome distributions freed of noise: a small model of what the noise does, and its careful inversion.

Twirled noise damps every parity of outcome bits. The model says by how much: one factor for all parities, and a flip
rate for each bit. The same mathematics runs on all outcomes of few bits, and on the outcomes seen of many bits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DENSE_BITS = 14
"""Up to so many bits all outcomes are listed."""

_MOST_STRINGS = 4096
"""Outcomes seen that are worked on, the most frequent first; the table of all pairs takes 128 MiB."""

_PILOT = 10
"""Iterations of the estimate that tells how spread out the distribution is."""

_SPARSE = 1000
"""Shots for each outcome that matters beyond which the noise is inverted in one step."""

_SHOTS_AN_ITERATION = 15
_FEWEST, _MOST = 3, 12
"""Iterations."""

_MIX = 0.1
"""Part of the uniform distribution in the start of the iterations, so that outcomes not seen can appear."""

_SMALLEST = 1e-300


@dataclass(frozen=True)
class Model:
    """Damping of the parity of some bits: ``exp(everywhere + sum of each of the bits)``."""

    everywhere: float
    """At most 0; of all parities but the empty one."""

    bits: Array
    """At most 0; of each bit."""

    error: float = 0.0
    """Standard error of the exponent of a parity, more or less."""

    def flips(self) -> Array:
        """The probability that each bit is flipped."""
        return (1 - np.exp(self.bits)) / 2

    @property
    def uniform(self) -> float:
        """The part of the outcomes that is uniformly random."""
        return float(1 - np.exp(self.everywhere))


_SWEEPS = 500


def fit(masks: NDArray[np.uint8], factors: Array, errors: Array, *, everywhere: bool = True) -> Model:
    """The model that is nearest to measured dampings.

    Args:
        masks: Parities as bits, shape ``(parities, bits)``.
        factors: Their dampings; those that are not well above 0 must be left out.
        errors: Standard errors of these.
        everywhere: Whether the model has the factor that all parities share.
    """
    design = np.concatenate([np.full((len(masks), 1), float(everywhere)), masks.astype(np.float64)], axis=1)
    size = factors / np.maximum(errors, 1e-3)  # the weight of a logarithm
    scaled, goal = design * size[:, None], -np.log(np.minimum(factors, 1.0)) * size
    found = _at_least_zero(scaled, goal)
    return Model(-float(found[0]), -found[1:], float(np.median(errors / factors)))


def _at_least_zero(design: Array, goal: Array) -> Array:
    """Least squares without negative coefficients, one coordinate after the other."""
    gram, right = design.T @ design, design.T @ goal
    gram += 1e-9 * np.trace(gram) / max(1, len(gram)) * np.eye(len(gram))
    found = np.zeros(len(gram))
    for _ in range(_SWEEPS):
        before = found.copy()
        for index in range(len(gram)):
            if gram[index, index] > 0:
                rest = right[index] - gram[index] @ found
                found[index] = max(0.0, found[index] + rest / gram[index, index])
        if np.abs(found - before).max(initial=0.0) < 1e-10:
            break
    return found


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
    act = _dense_noise(model, bits.shape[1]) if dense else _sparse_noise(model, outcomes)
    start = (1 - _MIX) * seen + _MIX / len(seen)
    spread = _perplexity(_iterated(seen, act, start, _PILOT))
    if dense and shots / spread > _SPARSE:
        found = on_simplex(_inverse(seen, model))
    else:
        count = int(np.clip(shots / (_SHOTS_AN_ITERATION * spread), _FEWEST, _MOST))
        found = _iterated(seen, act, start, count)
    weight = 1.0
    if guard:
        moved = 1 - np.sqrt(found * seen).sum() ** 2
        random = 2 * spread / (4 * shots)
        weight = moved / (moved + random) if moved > 0 else 0.0
    mixed = weight * found + (1 - weight) * seen
    return Mitigated(outcomes, mixed / mixed.sum(), float(weight), found)


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


def _iterated(seen: Array, act: Noise, start: Array, count: int) -> Array:
    """Expectation maximisation: each step raises the likelihood of what was seen, and early ones hardly fit noise."""
    found = start
    for _ in range(count):
        found = np.multiply(found, act(seen / np.maximum(act(found), _SMALLEST)))
    found /= found.sum()
    return found


def _perplexity(weights: Array) -> float:
    """How many outcomes matter."""
    positive = weights[weights > 0]
    return float(np.exp(-(positive * np.log(positive)).sum()))


def _all_outcomes(bits: NDArray[np.uint8], weights: Array) -> tuple[NDArray[np.uint8], Array]:
    width = bits.shape[1]
    keys = bits.astype(np.int64) @ (1 << np.arange(width))
    every = (np.arange(1 << width)[:, None] >> np.arange(width) & 1).astype(np.uint8)
    return every, histogram(keys, weights, 1 << width)


def _seen_outcomes(bits: NDArray[np.uint8], weights: Array) -> tuple[NDArray[np.uint8], Array]:
    outcomes, places = np.unique(bits, axis=0, return_inverse=True)
    total = histogram(places.reshape(-1), weights, len(outcomes))
    kept = np.sort(np.argsort(-total, kind="stable")[:_MOST_STRINGS])
    return outcomes[kept], total[kept] / total[kept].sum()


def _dense_noise(model: Model, width: int) -> Noise:
    flips, uniform = model.flips(), model.uniform

    def act(weights: Array) -> Array:
        tensor: Array = weights
        for bit, flip in enumerate(flips):
            if flip > 0:
                pairs = tensor.reshape(-1, 2, 1 << bit)
                tensor = ((1 - flip) * pairs + flip * pairs[:, ::-1]).reshape(-1)
        mixed: Array = (1 - uniform) * tensor + uniform * weights.sum() / (1 << width)
        return mixed

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
    width = len(model.bits)
    parities = _walsh(seen)
    factors = np.full(1, np.exp(model.everywhere - model.error))
    for value in model.bits:
        factors = np.concatenate([factors, factors * np.exp(value)])
    factors[0] = 1.0
    found: Array = _walsh(parities / factors) / (1 << width)
    return found


def _walsh(weights: Array) -> Array:
    """The expectation values of all parities, unnormalised; twice gives back the weights times their number."""
    found = weights
    size = 1
    while size < len(weights):
        pairs = found.reshape(-1, 2, size)
        found = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        size *= 2
    return found
