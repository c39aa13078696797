"""Broadcasting observables against parameter values, without the full cross product.

A PUB asks for the cells of ``broadcast_shapes(observables.shape, parameters.shape)``. Here the cells are cut into
blocks, each the full cross product of some observables with some parameter sets. Axes that only one side has
become rows or columns of a block; axes that both have (element-wise) are cut apart. No cell is computed that was
not asked for, and equal observables are computed once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """A full cross product inside a broadcast."""

    observables: tuple[int, ...]
    """Ids of the distinct observables."""

    sets: NDArray[np.intp]
    """Flat indices of the parameter sets, ascending."""

    cells: tuple[NDArray[np.intp], ...]
    """For each observable: the flat indices of the cells that want it."""

    columns: tuple[NDArray[np.intp], ...]
    """For each observable: for each of its cells, the position in :attr:`sets`."""


def blocks(
    parameter_shape: tuple[int, ...],
    observable_shape: tuple[int, ...],
    observable_ids: Sequence[int],
) -> Iterator[Block]:
    """Cut a broadcast into blocks.

    Args:
        parameter_shape: Shape of the parameter sets.
        observable_shape: Shape of the array of observables.
        observable_ids: For each observable in C order, the id of the distinct observable that it equals.

    Yields:
        The blocks, in order of the first observable in each; together they cover every cell once.
    """
    shape = np.broadcast_shapes(parameter_shape, observable_shape)
    if 0 in shape:
        return
    if not shape:
        only = np.zeros(1, dtype=np.intp)
        yield Block((observable_ids[0],), only, (only,), (only,))
        return
    sets = _flat_indices(parameter_shape, shape)
    ids = np.asarray(observable_ids, dtype=np.intp)[_flat_indices(observable_shape, shape)]

    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    by_sets: dict[bytes, list[tuple[int, NDArray[np.intp]]]] = {}
    for cells in np.split(order, starts[1:]):
        wanted = sets[cells]
        if (np.diff(wanted) <= 0).any():  # mostly they ascend as they are
            wanted = np.unique(wanted)
        by_sets.setdefault(wanted.tobytes(), []).append((int(ids[cells[0]]), cells))

    for key, members in by_sets.items():
        wanted = np.frombuffer(key, dtype=np.intp)
        yield Block(
            observables=tuple(observable for observable, _ in members),
            sets=wanted,
            cells=tuple(cells for _, cells in members),
            columns=tuple(np.searchsorted(wanted, sets[cells]) for _, cells in members),
        )


def _flat_indices(shape: tuple[int, ...], target: tuple[int, ...]) -> NDArray[np.intp]:
    """The flat index into an array of ``shape`` for every cell of ``target``."""
    size = int(np.prod(shape, dtype=np.intp))
    return np.broadcast_to(np.arange(size, dtype=np.intp).reshape(shape), target).ravel()
