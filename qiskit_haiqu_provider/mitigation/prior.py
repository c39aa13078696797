"""What a distribution probably is: the one that has its correlations of pairs of bits, and nothing else.

Few shots tell much about pairs and little about single outcomes. Of all distributions with the same pairs that of most
entropy (`Jaynes 1957 <https://doi.org/10.1103/PhysRev.106.620>`_) adds nothing of its own: an Ising model. The parities
of three bits and more say how far the true one may be from it, and so how many shots it is worth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import MODEL_ERROR
from qiskit_haiqu_provider.mitigation.walsh import all_bits, walsh

Array = NDArray[np.float64]

LEAST_DAMPING = 1e-6
"""Smaller ones tell nothing, and would be divided by."""

_LEAST_VARIANCE = 1e-12
"""Surer than that no parity is: rounding would make the equations of Newton's method singular."""

_STEPS = 50
_CLOSE = 1e-6
"""Newton's method ends after so many steps, or when the next one would hardly raise its goal."""


@dataclass(frozen=True)
class Prior:
    """A distribution, and how sure it is: a Dirichlet distribution around it."""

    weights: Array
    """Of all outcomes, summing to 1."""

    shots: float
    """The counts that it adds to those that were seen."""


def pairs_alone(seen: Array, dampings: Array, *, shots: int) -> Prior:
    r"""The distribution with the seen correlations of pairs, freed of noise.

    The variance :math:`v` of the true parities of three bits and more around those that pairs foretell is found by the
    method of `Paule and Mandel <https://doi.org/10.6028/jres.087.022>`_: with it the squares of what is missed are in
    the mean what they should be. Parities of a Dirichlet distribution with parameters :math:`c q_x` scatter by
    :math:`(1 - \sum_x q_x^2) / (c + 1)` in the mean over all parities, that of no bits, which is always 1, among them.

    The mode of such a distribution, together with counts, is that of the counts and :math:`c q_x - 1` more for each
    outcome. So it adds :math:`\sum_x \max(0, c q_x - 1)` counts: none where :math:`c` is small against the number of
    outcomes, and says hardly anything about most of them.

    Args:
        seen: Weights of all outcomes with noise, summing to 1.
        dampings: What the noise leaves of each parity.
        shots: How many shots were seen.
    """
    size, order = len(seen), all_bits(len(seen).bit_length() - 1).sum(axis=1)
    low, high = np.flatnonzero((order > 0) & (order <= 2)), order > 2
    factors, parities = np.maximum(dampings, LEAST_DAMPING), walsh(seen)
    values = parities / factors
    by_shots = np.maximum(1 - parities**2, 1 / shots) / (shots * factors**2)
    uncertain = by_shots[low] + (MODEL_ERROR * np.log(factors[low]) * values[low]) ** 2
    weights = most_entropy(low, values[low], uncertain, size=size)
    missed = _excess((values - walsh(weights))[high] ** 2, by_shots[high])
    variance = (missed * high.sum() + np.minimum(uncertain, 1.0).sum()) / size
    concentration = (1 - (weights**2).sum()) / variance - 1
    return Prior(weights, float(np.maximum(concentration * weights - 1, 0.0).sum()))


def most_entropy(masks: NDArray[np.intp], values: Array, variances: Array, *, size: int) -> Array:
    r"""The distribution of most entropy that has some parities, as far as they are known.

    Each parity has a coupling in the exponent. The couplings maximise
    :math:`\theta \cdot z - \log Z(\theta) - \sum_s \sigma_s^2 \theta_s^2 / 2`, which is concave and bounded, also where
    noise has made a parity larger than 1. Newton's method finds them in few steps, because the covariances of parities
    are parities again. It ends when the next step would gain less than 1e-6, or after 50, with what it has reached.

    Args:
        masks: The parities, as numbers.
        values: :math:`z`, what they should be.
        variances: :math:`\sigma^2`, how well that is known; at least 1e-12.
        size: The number of outcomes.
    """
    couplings, variances = np.zeros(len(masks)), np.maximum(variances, _LEAST_VARIANCE)
    weights, goal = _exponential(couplings, masks, values, variances, size)
    for _ in range(_STEPS):
        means = walsh(weights)
        slope = values - means[masks] - variances * couplings
        curvature = means[masks[:, None] ^ masks] - np.outer(means[masks], means[masks]) + np.diag(variances)
        step = np.linalg.solve(curvature, slope)
        gain = float(slope @ step)
        if gain < _CLOSE:
            break
        length = 1.0
        while True:  # as far as the goal rises with the step
            moved = _exponential(couplings + length * step, masks, values, variances, size)
            if moved[1] >= goal + length * gain / 4 or length < _CLOSE:
                break
            length /= 2
        couplings, (weights, goal) = couplings + length * step, moved
    return weights


def _exponential(
    couplings: Array, masks: NDArray[np.intp], values: Array, variances: Array, size: int
) -> tuple[Array, float]:
    """The distribution of some couplings, and what is to be maximised."""
    every = np.zeros(size)
    every[masks] = couplings
    logarithms = walsh(every)
    top = logarithms.max()
    weights = np.exp(logarithms - top)
    total = weights.sum()
    return weights / total, float(couplings @ values - top - np.log(total) - variances @ couplings**2 / 2)


def _excess(squares: Array, variances: Array) -> float:
    """The variance that must be added to known ones to explain some squares."""
    if not len(squares) or np.mean(squares / variances) <= 1:
        return 0.0
    from scipy.optimize import brentq  # takes long to load

    return float(brentq(lambda added: np.mean(squares / (added + variances)) - 1, 0.0, squares.max()))
