"""The damping of sums of paths: what companions, which follow one path each, say too little about.

A circuit turns a term into a sum of Paulis, over many paths with signed amplitudes. Clifford companions follow single
paths, by the squares of their amplitudes, so their mean weighs all paths as if they were added up with random signs.
In a circuit whose value is not small, many paths have equal signs, and these are paths over few qubits and gates, which
the noise damps less. How much less is not known, but it can only be as much as paths differ, and that is seen.
"""

import math

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import Damping

_SHARE = 4.0
"""How far towards the less damped paths; fitted to simulated circuits, for which 2 to 6 are better than nothing."""

_MOST = 0.3
"""Most that the logarithm of a factor is raised by."""

_FEWEST = 3
"""Companions that must know a term."""

_CHANCE = 1.0
"""Standard errors of the scatter of shots that are taken off with it, so that few shots hardly ever raise a factor."""


def less_damped(
    found: Damping, ideal: NDArray[np.int8], seen: NDArray[np.float64], *, weights: NDArray[np.intp], shots: int
) -> Damping:
    r"""Raise factors by the scatter of the paths.

    With :math:`v` the variance of the damping between companions, without that of their shots, a factor
    :math:`\lambda` becomes :math:`\lambda \exp(4 v / \lambda^2)`. The relative variance :math:`v / \lambda^2` is that
    of all terms of the same weight. With few shots nothing is seen of it, and nothing is raised.

    Args:
        found: What the mean of the companions says.
        ideal: Shape ``(companions, terms)``, 0 where a companion tells nothing about a term.
        seen: Measured values, same shape.
        weights: On how many qubits each term acts; 0 for terms whose factors stay.
        shots: Of each companion.
    """
    raised = np.minimum(_SHARE * _scatter(found, ideal, seen, weights, shots), _MOST)
    factors = np.where(found.usable, np.minimum(found.factors * np.exp(raised), 1.0), found.factors)
    return Damping(factors, found.residuals * (factors / found.factors), found.usable)


def _scatter(
    found: Damping, ideal: NDArray[np.int8], seen: NDArray[np.float64], weights: NDArray[np.intp], shots: int
) -> NDArray[np.float64]:
    """Relative variance of the damping between companions, the same for all terms of a weight."""
    relative = np.zeros(len(weights))
    if shots < 2:
        return relative  # a single shot does not tell its own scatter
    count = (ideal != 0).sum(axis=0)
    known = found.usable & (count >= _FEWEST)
    whole = (found.residuals**2).sum(axis=0) * count**2 / np.maximum(count - 1, 1)
    by_shots = np.where(ideal != 0, 1 - seen**2, 0.0).sum(axis=0) / np.maximum(count, 1) / (shots - 1)
    for weight in np.unique(weights[known & (weights > 0)]):
        alike = known & (weights == weight)
        expected = by_shots[alike].sum() * (1 + _CHANCE * math.sqrt(2 / (count[alike] - 1).sum()))
        relative[weights == weight] = (whole[alike].sum() - expected) / (found.factors[alike] ** 2).sum()
    return np.maximum(relative, 0.0)
