"""From probabilities to shots, where a service yields no shots.

Quasi-probabilities become the nearest distribution, the distribution becomes whole numbers of shots by the method of
largest remainders, and these become shots in an order that is always the same. Probabilities that are whole shares of
the shots give exactly these shots. All sets are worked on at once; a set is a segment of the entries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.run.result import Distributions, Samples

_SUM_TOLERANCE = 1e-6
"""How far a sum may be from 1 by the rounding of its terms: services send few digits."""

_TIE_DIGITS = 9
"""Remainders that agree in so many digits are equal, so that the last bit of a float decides nothing."""

_SEED = 20240229
"""Of the order of the shots. Any number does."""


@dataclass(frozen=True)
class Shares:
    """Distributions that can be sampled, and what was done to make them so."""

    probabilities: NDArray[np.float64]
    """Shape ``(entries,)``; at least 0, and each set sums to 1."""

    projected: NDArray[np.bool_]
    """For each set whether negative weights were taken out by projection to the nearest distribution."""

    renormalised: NDArray[np.bool_]
    """For each set whether the weights did not sum to 1 and were scaled."""


def shares(distributions: Distributions) -> Shares:
    """The distribution nearest to the weights of each set.

    A sum other than 1 is scaled to 1. Negative weights are then removed by Euclidean projection onto the simplex,
    which lowers the others by a common amount; outcomes that are not listed have weight 0 before and after.

    Args:
        distributions: Weights; those of each set have a positive sum.
    """
    owner = _owners(distributions)
    sums = np.bincount(owner, distributions.weights, distributions.num_sets)
    renormalised = np.abs(sums - 1) > _SUM_TOLERANCE
    weights = distributions.weights / sums[owner]
    projected = np.zeros(distributions.num_sets, dtype=bool)
    projected[owner[weights < 0]] = True
    affected = projected[owner]
    if affected.any():
        weights[affected] = _projected(weights[affected], owner[affected])
    return Shares(weights, projected, renormalised)


def whole_shots(probabilities: NDArray[np.float64], distributions: Distributions, shots: int) -> NDArray[np.int64]:
    """Shots of each entry by largest remainders: each set has exactly ``shots`` in all, none is off by one or more.

    Equal remainders are served in the order of the outcomes.

    Args:
        probabilities: Probability of each entry, each set summing to 1.
        distributions: The outcomes and sets.
        shots: Shots of each set.
    """
    owner = _owners(distributions)
    ideal = probabilities * shots
    counts = np.floor(ideal).astype(np.int64)
    missing = shots - np.bincount(owner, counts, distributions.num_sets).astype(np.int64)
    remainders = np.round(ideal - counts, _TIE_DIGITS)
    order = np.lexsort((*distributions.outcomes.T[::-1], -remainders, owner))
    # The entries of a set keep their places together; the first ones of each set get one shot more.
    rank = np.arange(len(order)) - distributions.offsets[owner]
    counts[order[rank < missing[owner]]] += 1
    return counts


def as_samples(distributions: Distributions, found: Shares, shots: int) -> Samples:
    """Exactly ``shots`` shots of each set, shuffled with a fixed seed.

    Args:
        distributions: The outcomes and sets.
        found: Their probabilities.
        shots: Shots of each set.
    """
    counts = whole_shots(found.probabilities, distributions, shots)
    size = len(distributions.outcomes)
    each = np.repeat(np.arange(size, dtype=np.min_scalar_type(max(size - 1, 0))), counts)
    entries = each.reshape(distributions.num_sets, shots)
    # A sorted order would make the first half of the shots differ from the second.
    np.random.default_rng(_SEED).permuted(entries, axis=1, out=entries)
    return Samples(distributions.outcomes[entries], distributions.num_clbits)


def by_bitstring(distributions: Distributions) -> Iterator[dict[str, float]]:
    """For each set the weights as received, by bitstring without spaces, highest classical bit first."""
    keys = _bitstrings(distributions)
    weights = distributions.weights.tolist()
    for start, stop in zip(distributions.offsets[:-1].tolist(), distributions.offsets[1:].tolist(), strict=True):
        yield dict(zip(keys[start:stop], weights[start:stop], strict=True))


def _owners(distributions: Distributions) -> NDArray[np.intp]:
    """For each entry its set."""
    return np.repeat(np.arange(distributions.num_sets), np.diff(distributions.offsets))


def _projected(weights: NDArray[np.float64], owner: NDArray[np.intp]) -> NDArray[np.float64]:
    """Euclidean projection of every segment onto the simplex; ``owner`` ascends.

    The largest weights stay, all lowered by the amount that makes their sum 1; the others become 0.
    """
    _, first, segment = np.unique(owner, return_index=True, return_inverse=True)
    descending = weights[np.lexsort((-weights, segment))]
    sums = np.cumsum(descending)
    sums -= (sums[first] - descending[first])[segment]
    ranks = np.arange(len(weights)) - first[segment] + 1
    stays = descending * ranks > sums - 1  # holds for the largest, then for no other
    last = first + np.bincount(segment, stays, len(first)).astype(np.intp) - 1
    amount = (sums[last] - 1) / ranks[last]
    left: NDArray[np.float64] = np.maximum(weights - amount[segment], 0.0)
    return left / np.bincount(segment, left, len(first))[segment]


def _bitstrings(distributions: Distributions) -> list[Any]:
    """The outcomes as text."""
    width = distributions.num_clbits
    if not width:
        return [""] * len(distributions.outcomes)
    bits = np.unpackbits(distributions.outcomes, axis=-1)[:, -width:] + ord("0")
    keys: list[Any] = np.ascontiguousarray(bits).view(f"S{width}").reshape(-1).astype(f"U{width}").tolist()
    return keys
