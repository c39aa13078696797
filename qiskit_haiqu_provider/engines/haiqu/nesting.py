"""Nested lists of a service as arrays and flat lists of the shape that was asked for.

Axes of length 1 may be missing or added anywhere, as services differ in this and it changes neither the number nor the
order of what is inside. Any other difference is an error.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.exceptions import HaiquResponseError


def unreadable(where: str, what: str) -> HaiquResponseError:
    """The error for a result that does not fit what was asked for."""
    return HaiquResponseError(
        f"The service's result for {where} cannot be read: {what}. Nothing was made up for it; the job and what the "
        "service stored of it are still there. Report it to the service with the id of the job."
    )


def per_circuit(results: Any, count: int) -> list[Any]:
    """What is inside for each of ``count`` circuits; a single one may come without the list around it.

    Raises:
        HaiquResponseError: If the results are for another number of circuits.
    """
    if results is None:
        raise unreadable("the job", "it has no results, although it is done")
    if count == 1:
        return [results]
    if not isinstance(results, list) or len(results) != count:
        found = f"a list of {len(results)}" if isinstance(results, list) else f"a {type(results).__name__}"
        raise unreadable("the job", f"{found} came for {count} circuits")
    return results


def numbers(nested: Any, shape: tuple[int, ...], *, where: str) -> NDArray[np.float64]:
    """Finite numbers of a shape.

    Raises:
        HaiquResponseError: If they have another shape, or something is no finite number.
    """
    try:
        found = np.array(nested)
    except ValueError:
        raise unreadable(where, "its lists have different lengths, or something is missing in them") from None
    if found.dtype.kind not in "fiu":
        raise unreadable(where, "there is something else than numbers, or something is missing (null)")
    _check_shape(found.shape, shape, where=where)
    values = found.astype(np.float64).reshape(shape)
    if not np.isfinite(values).all():
        raise unreadable(where, "there are NaN or infinite numbers")
    return values


def known_numbers(nested: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers of a shape as far as they are there and at least 0; NaN elsewhere, or everywhere if they do not fit."""
    nothing = np.full(shape, np.nan)
    try:
        found = np.array(nested, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return nothing
    if _squeezed(found.shape) != _squeezed(shape):
        return nothing
    values = found.reshape(shape)
    return np.where((values >= 0) & np.isfinite(values), values, np.nan)


def leaves(nested: Any, shape: tuple[int, ...], *, where: str) -> list[Any]:
    """What nested lists of a shape hold, in order; leaves are no lists.

    Raises:
        HaiquResponseError: If the lists have another shape.
    """
    level, found = [nested], []
    while level and all(isinstance(item, list) for item in level):
        lengths = {len(item) for item in level}
        if len(lengths) > 1:
            raise unreadable(where, "its lists have different lengths")
        found.append(lengths.pop())
        level = [inner for item in level for inner in item]
    _check_shape(tuple(found), shape, where=where)
    return level


def _check_shape(found: Sequence[int], shape: Sequence[int], *, where: str) -> None:
    if _squeezed(found) != _squeezed(shape):
        raise unreadable(where, f"{_named(found)} came where {_named(shape)} was asked for ({math.prod(shape)} in all)")


def _squeezed(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]


def _named(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single one"
