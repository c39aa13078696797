"""The damping of sums of paths: what companions, which follow one path each, say too little about.

A circuit turns a term into a sum of Paulis, over many paths with signed amplitudes. Clifford companions follow single
paths, by the squares of their amplitudes, so their mean weighs all paths as if they were added up with random signs.
In a circuit whose value is not small, many paths have equal signs, and these are paths over few qubits and gates, which
the noise damps less. How much less is not known, but it can only be as much as paths differ, and that is seen.
"""

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import Damping

_SHARE = 4.0
"""How far towards the less damped paths; fitted to simulated circuits, for which 2 to 6 are better than nothing."""

_MOST = 0.3
"""Most that the logarithm of a factor is raised by."""

_FEWEST = 3
"""Companions that must know a term."""


def less_damped(
    found: Damping, ideal: NDArray[np.int8], seen: NDArray[np.float64], *, terms: NDArray[np.uint8], shots: int
) -> Damping:
    r"""Raise the factors of terms on at most half of the bits, by the scatter of their paths.

    With :math:`v` the variance of the damping between companions, without that of their shots, a factor
    :math:`\lambda` becomes :math:`\lambda \exp(4 v / \lambda^2)`. The relative variance :math:`v / \lambda^2` is that
    of all terms on as many bits. Terms on more bits have paths over all of the circuit, whatever their signs.

    Args:
        found: What the mean of the companions says.
        ideal: Shape ``(companions, terms)``, 0 where a companion tells nothing about a term.
        seen: Measured values, same shape.
        terms: The bits of each term, shape ``(terms, bits)``.
        shots: Of each companion.
    """
    weight = terms.sum(axis=1)
    raised = np.minimum(_SHARE * _scatter(found, ideal, seen, weight, shots), _MOST)
    light = found.usable & (2 * weight <= terms.shape[1])
    factors = np.where(light, np.minimum(found.factors * np.exp(raised), 1.0), found.factors)
    return Damping(factors, found.residuals * (factors / found.factors), found.usable)


def _scatter(
    found: Damping, ideal: NDArray[np.int8], seen: NDArray[np.float64], weight: NDArray[np.intp], shots: int
) -> NDArray[np.float64]:
    """Relative variance of the damping between companions, the same for all terms on as many bits."""
    count = (ideal != 0).sum(axis=0)
    known = found.usable & (count >= _FEWEST)
    whole = (found.residuals**2).sum(axis=0) * count**2 / np.maximum(count - 1, 1)
    by_shots = np.where(ideal != 0, 1 - seen**2, 0.0).sum(axis=0) / np.maximum(count, 1) / max(1, shots - 1)
    relative = np.zeros(len(weight))
    for size in np.unique(weight[known]):
        alike = known & (weight == size)
        relative[weight == size] = (whole - by_shots)[alike].sum() / (found.factors[alike] ** 2).sum()
    return np.maximum(relative, 0.0)
