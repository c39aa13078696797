"""Which parities of outcome bits tell what the noise does to a distribution."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.distributions import DENSE_BITS
from qiskit_haiqu_provider.mitigation.structure import Structure
from qiskit_haiqu_provider.mitigation.walsh import all_bits

_MOST = 64
"""Parities, where others than those of single bits and neighbours are among them."""


def fitted_parities(structure: Structure, wires: Sequence[int]) -> NDArray[np.uint8]:
    """The parities that a damping model is fitted to.

    Single bits, pairs of neighbours, and all bits together. Of few bits also others of three bits and more: the chances
    of flips that single bits and neighbours show do not add up to what is left of these.

    Args:
        structure: The circuit.
        wires: The wire of each bit; -1 for bits that are written midway.

    Returns:
        Distinct ones, shape ``(parities, bits)``.
    """
    place = {wire: index for index, wire in enumerate(wires) if wire >= 0}
    sets: list[tuple[int, ...]] = [(each,) for each in place]
    sets += [(one, other) for one, other in structure.neighbours() if one in place and other in place]
    sets += [tuple(place)] if len(place) > 1 else []
    parities = np.zeros((len(sets), len(wires)), dtype=np.uint8)
    for row, members in zip(parities, sets, strict=True):
        row[[place[wire] for wire in members]] = 1
    if len(wires) <= DENSE_BITS:
        parities = np.concatenate([parities, _heavy(list(place.values()), len(wires), _MOST - len(parities))])
    return np.unique(parities, axis=0)


def _heavy(places: Sequence[int], width: int, most: int) -> NDArray[np.uint8]:
    """Parities of three bits and more: all, or some that are the same in every run."""
    every = all_bits(len(places))
    heavy = np.flatnonzero(every.sum(axis=1) > 2)
    if len(heavy) > most:
        heavy = np.random.default_rng(0).choice(heavy, max(0, most), replace=False)
    found = np.zeros((len(heavy), width), dtype=np.uint8)
    found[:, places] = every[heavy]
    return found
