"""Expectation values divided by what the noise does to known ones, with error bars, and a guard against bad divisions.

Every function works on all parameter sets of a circuit at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.scatter import variance_to_tell

Array = NDArray[np.float64]

LEAST = 0.03
"""Damping below which a term is not divided."""

_SIGNIFICANT = 3.0
"""Standard errors that a damping must be away from nothing."""

MODEL_ERROR = 0.15
"""Part of a correction that is taken for the error of the noise model; fitted to the coverage of intervals."""

_FEWEST = 2
"""Companions that must know a term."""


@dataclass(frozen=True)
class Damping:
    """By how much each term is too small, and how that was found."""

    factors: Array
    """Shape ``(terms,)``; 1 for terms that are not divided, above 1 for terms that the noise makes larger."""

    residuals: Array
    """What each companion adds to a factor's error, shape ``(companions, terms)``; 0 where it adds nothing."""

    usable: NDArray[np.bool_]


def damping(ideal: NDArray[np.int8], seen: Array) -> Damping:
    """Compare companions with their ideal values.

    Args:
        ideal: Shape ``(companions, terms)``, 0 where a companion tells nothing about a term.
        seen: Measured values, same shape.
    """
    count = (ideal != 0).sum(axis=0)
    counted = np.maximum(count, 1)
    factors = (ideal * seen).sum(axis=0) / counted
    residuals = np.where(ideal != 0, ideal * seen - factors, 0.0) / counted
    errors = np.sqrt((residuals**2).sum(axis=0) * counted / np.maximum(counted - 1, 1))
    usable = (count >= _FEWEST) & (factors > LEAST) & (factors > _SIGNIFICANT * errors)
    return Damping(np.where(usable, np.minimum(factors, 1.0), 1.0), np.where(usable, residuals, 0.0), usable)


@dataclass(frozen=True)
class Group:
    """What was measured of the terms that share a basis."""

    weights: Array
    """Shape ``(observables, terms)``."""

    values: Array
    """Of each randomisation, shape ``(sets, randomisations, terms)``."""

    damping: Damping
    shots: int
    """Shots of each randomisation."""

    shot_noise: Array | None = None
    """Variance of the divided values by shots alone, shape ``(observables, sets)``; ``None`` if it is not known."""


@dataclass(frozen=True)
class Estimates:
    """Mitigated values and all about them; arrays have the shape ``(observables, sets)``."""

    values: Array
    stds: Array
    raw: Array
    unshrunk: Array
    shrinkage: Array
    """Part of the correction that the guard let pass."""

    median_damping: Array
    """Shape ``(observables,)``; weighted by the coefficients, among terms that are divided; 1 if none is."""

    unmitigated: Array
    """Shape ``(observables,)``: share of the coefficients whose terms are not divided."""


def estimates(constants: Array, groups: Sequence[Group], *, sets: int, guard: bool) -> Estimates:
    """Add up the groups of some observables.

    Args:
        constants: Exact part of each observable.
        groups: Everything measured.
        sets: Number of parameter sets.
        guard: Whether corrections that noise could have made are shrunk.
    """
    shape = len(constants), sets
    raw, unshrunk = np.repeat(constants[:, None], sets, axis=1), np.repeat(constants[:, None], sets, axis=1)
    noise = _Noise(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))
    told = np.zeros(shape)
    for group in groups:
        scaled = group.weights / group.damping.factors
        mean = group.values.mean(axis=1)
        raw += group.weights @ mean.T
        unshrunk += scaled @ mean.T
        own = _noise(group, scaled, mean)
        noise = noise.plus(own)
        told += variance_to_tell(own.target, group.shot_noise, copies=group.values.shape[1])
    change = unshrunk - raw
    shrinkage = _shrinkage(change, noise) if guard else np.ones(shape)
    bound = (
        np.sum([np.abs(group.weights).sum(axis=1) for group in groups], axis=0) if groups else np.zeros(len(constants))
    )
    values = np.clip(raw + shrinkage * change, (constants - bound)[:, None], (constants + bound)[:, None])
    stds = np.sqrt(told + noise.companions + (MODEL_ERROR * change) ** 2)
    return Estimates(values, stds, raw, unshrunk, shrinkage, *_overview(groups, len(constants)))


@dataclass(frozen=True)
class _Noise:
    """Variances, shape ``(observables, sets)``."""

    target: Array
    """Of the divided values, from the target's outcomes."""

    companions: Array
    """Of the divided values, from the companions' outcomes."""

    raw: Array
    shared: Array
    """Covariance of divided and raw values."""

    def plus(self, other: "_Noise") -> "_Noise":
        return _Noise(
            self.target + other.target,
            self.companions + other.companions,
            self.raw + other.raw,
            self.shared + other.shared,
        )


def _noise(group: Group, scaled: Array, mean: Array) -> _Noise:
    divided = np.einsum("skt,ot->osk", group.values, scaled)
    plain = np.einsum("skt,ot->osk", group.values, group.weights)
    count = group.values.shape[1]
    if count > 1:
        divided -= divided.mean(axis=2, keepdims=True)
        plain -= plain.mean(axis=2, keepdims=True)
        per = count * (count - 1)
        target, raw, shared = (
            (one * other).sum(axis=2) / per for one, other in ((divided, divided), (plain, plain), (divided, plain))
        )
    else:  # one copy tells nothing about its scatter: that of shots, as if terms were independent
        single = (1 - mean**2) / group.shots
        target, raw, shared = (
            (one * other) @ single.T
            for one, other in ((scaled, scaled), (group.weights, group.weights), (scaled, group.weights))
        )
    return _Noise(target, _companion_noise(group, scaled, mean), raw, shared)


def _companion_noise(group: Group, scaled: Array, mean: Array) -> Array:
    """Variance that the factors bring in; residuals of one companion move all its terms together."""
    residuals = group.damping.residuals
    rows = len(residuals)
    if rows < _FEWEST:
        return np.zeros((len(scaled), len(mean)))
    slopes = (scaled / group.damping.factors)[:, None, :] * mean[None]
    moved = slopes @ residuals.T
    found: Array = (moved**2).sum(axis=2) * rows / (rows - 1)
    return found


def _shrinkage(change: Array, noise: _Noise) -> Array:
    """The part of a correction that minimises the expected error, if noise alone could have made some of it."""
    certain = np.maximum(0.0, change**2 - (noise.target + noise.companions + noise.raw - 2 * noise.shared))
    added = np.maximum(0.0, noise.target + noise.companions - noise.raw)
    whole = certain + 2 * added
    found: Array = np.divide(certain, whole, out=np.ones_like(whole), where=whole > 0)
    return found


def _overview(groups: Sequence[Group], observables: int) -> tuple[Array, Array]:
    """Median damping and unmitigated share of each observable."""
    if not groups:
        return np.ones(observables), np.zeros(observables)
    size = np.abs(np.concatenate([group.weights for group in groups], axis=1))
    factors = np.concatenate([group.damping.factors for group in groups])
    usable = np.concatenate([group.damping.usable for group in groups])
    total = size.sum(axis=1)
    share = np.divide((size * ~usable).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    order = np.argsort(factors[usable])
    ranked = size[:, usable][:, order].cumsum(axis=1)
    if not ranked.shape[1]:
        return np.ones(observables), share
    middle = (ranked < ranked[:, -1:] / 2).sum(axis=1)
    medians: Array = factors[usable][order][middle]
    return medians, share
