r"""The damping of sums of paths: what companions, which follow one path each, say too little about.

A circuit turns a term into a sum of Paulis, over many paths with signed amplitudes. Clifford companions follow single
paths, by the squares of their amplitudes, so their mean weighs all paths as if they were added up with random signs.
In a circuit whose value is not small, many paths have equal signs, and these are paths over few qubits and gates, which
the noise damps less. In others paths nearly cancel, and what is left is mostly how differently they are damped.

So three rates are fitted to what the companions show: with :math:`g` gates and :math:`x` letters X and Y met on its
path, and :math:`w` qubits read, a companion's value is :math:`\exp(-a g - b x - c w)`. A path of the circuit has an
amplitude :math:`\alpha` and loses :math:`\ell = a g + b x`, in the mean by the squares of the amplitudes
:math:`\bar\ell`, and companions lose :math:`L`. Without noise paths add up to :math:`A = \sum \alpha`, and with it, to
first order and divided by what companions keep, to :math:`B = e^{L-\bar\ell} \sum \alpha (1 - \ell + \bar\ell)`.
What was measured, divided by the companions' damping, is multiplied by :math:`(A B + s^2) / (B^2 + s^2)`: how much
:math:`A` there is to :math:`B`, or 1 where there is too little of either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import LEAST, Damping, damping
from qiskit_haiqu_provider.mitigation.propagation import METERS, spread
from qiskit_haiqu_provider.mitigation.structure import Structure

Array = NDArray[np.float64]

_FEWEST = 3
"""Companions that must know a term."""

_DOUBT = 0.05**2
"""Square of a sum of amplitudes below which its paths tell too little: it nearly vanishes, or most was cut off."""

_LEAST_CHANGE, _MOST_CHANGE = 0.3, 2.0
"""Bounds of the change."""

_TYPICAL = np.array([0.005, 0.003, 0.015])
"""Rates to start the fit from."""

_WIDTH = 0.1
"""Rates are around 0 by that; holds what the companions cannot tell apart."""

_UNEVEN = 0.02
"""Relative error of the rates as a model: gates and qubits are not alike."""

_STEPS = 8
"""Of the fit, which is linear in each of them; it hardly moves after five."""


@dataclass(frozen=True)
class Paths:
    """What the terms of a basis meet: in their Clifford companions, and in the circuit itself."""

    companions: NDArray[np.int32]
    """Shape ``(Clifford companions, terms, METERS)``; these are the first among all companions."""

    circuit: Array
    """Sums over the circuit's paths, each times each, shape ``(terms, 1 + METERS, 1 + METERS)``: see ``Spread``."""

    typical: Array
    """What one of these paths meets, shape ``(terms, METERS)``."""


def paths_of(
    structure: Structure, terms: Sequence[NDArray[np.int8]], companions: Sequence[NDArray[np.int32]]
) -> tuple[Paths, ...]:
    """The paths of the terms of each basis.

    Args:
        structure: The circuit.
        terms: Of each basis, shape ``(terms, wires)``.
        companions: What they meet in the Clifford companions of each basis; empty if there are none.
    """
    if not companions:
        return tuple(
            Paths(
                np.zeros((0, size, METERS), np.int32),
                np.zeros((size, 1 + METERS, 1 + METERS)),
                np.zeros((size, METERS)),
            )
            for size in map(len, terms)
        )
    found = spread(structure, np.concatenate(terms))
    ends = np.cumsum([len(each) for each in terms])[:-1]
    return tuple(map(Paths, companions, np.split(found.products, ends), np.split(found.typical, ends)))


@dataclass(frozen=True)
class Seen:
    """Companions of a basis."""

    ideal: NDArray[np.int8]
    """Shape ``(companions, terms)``, 0 where a companion tells nothing about a term."""

    values: Array
    """Measured, same shape."""

    weights: NDArray[np.intp]
    """On how many qubits each term acts."""

    paths: Paths

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which Clifford companions know which terms."""
        found: NDArray[np.bool_] = self.ideal[: len(self.paths.companions)] != 0
        return found


def dampings(bases: Sequence[Seen], *, shots: int) -> list[Damping]:
    """What the noise does to the terms of each basis, where paths add up.

    Args:
        bases: Companions of all bases.
        shots: Of each companion.
    """
    lost = rates(bases, shots=shots)
    return [_as_sums(damping(each.ideal, each.values), each, lost) for each in bases]


def rates(bases: Sequence[Seen], *, shots: int) -> Array:
    """Fit what the noise takes: for each of the ``METERS``, and for each qubit that is read.

    Values are fitted, not their logarithms, which few shots would bias.

    Args:
        bases: Companions of all bases.
        shots: Of each companion.
    """
    from scipy.optimize import nnls  # takes long to load

    met = np.concatenate([np.zeros((0, METERS + 1)), *(_met(each)[each.known] for each in bases)])
    values = np.concatenate([np.zeros(0), *(_left(each)[each.known] for each in bases)])
    found = _TYPICAL
    for _ in range(_STEPS):
        expected = np.exp(-met @ found)
        errors = np.sqrt(np.maximum(1 - expected**2, _UNEVEN) / shots + (_UNEVEN * expected) ** 2)
        slopes = -met * expected[:, None]
        rows = np.concatenate([slopes / errors[:, None], np.eye(len(found)) / _WIDTH])
        aims = np.concatenate([(values - expected + slopes @ found) / errors, np.zeros(len(found))])
        found, _ = nnls(rows, aims)
    return found


def _as_sums(found: Damping, seen: Seen, rates: Array) -> Damping:
    """The damping where paths add up, from that of a typical path."""
    count = seen.known.sum(axis=0)
    left = (seen.known * np.exp(-seen.paths.companions @ rates[:METERS])).sum(axis=0) / np.maximum(count, 1)
    lost = -np.log(np.where(count > 0, left, 1.0))
    own = seen.paths.typical @ rates[:METERS]
    damped = np.concatenate([1 + own[:, None], np.tile(-rates[:METERS], (len(own), 1))], axis=1)
    damped *= np.exp(lost - own)[:, None]
    both = (seen.paths.circuit[:, 0] * damped).sum(axis=1)
    square = np.einsum("ti,tij,tj->t", damped, seen.paths.circuit, damped)
    change = np.clip((both + _DOUBT) / (square + _DOUBT), _LEAST_CHANGE, _MOST_CHANGE)
    changed = np.maximum(found.factors / change, LEAST)  # above 1 where paths cancel: noise makes such values larger
    factors = np.where(found.usable & (count >= _FEWEST), changed, found.factors)
    return Damping(factors, found.residuals * (factors / found.factors), found.usable)


def _met(seen: Seen) -> Array:
    """What each path meets, qubits that are read included; shape ``(Clifford companions, terms, METERS + 1)``."""
    companions = seen.paths.companions
    read = np.broadcast_to(seen.weights[:, None], (len(companions), len(seen.weights), 1))
    return np.concatenate([companions, read], axis=2).astype(np.float64)


def _left(seen: Seen) -> Array:
    """What is left of the ideal values in Clifford companions."""
    return (seen.ideal * seen.values)[: len(seen.paths.companions)]
