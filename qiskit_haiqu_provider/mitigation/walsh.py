"""All parities of outcome bits at once: the Walsh-Hadamard transform of the weights of all outcomes."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def walsh(weights: Array) -> Array:
    """The expectation values of all parities, unnormalised; twice gives back the weights times their number.

    Args:
        weights: Of all outcomes of some bits, in the order of the outcomes as numbers; shape ``(2**bits,)``.

    Returns:
        In the order of the masks of the parities as numbers.
    """
    width = len(weights).bit_length() - 1
    low = width // 2
    grid = weights.reshape(-1, 1 << low)
    found: Array = (_signs(width - low) @ grid @ _signs(low)).reshape(-1)
    return found


@lru_cache(maxsize=16)
def all_bits(width: int) -> NDArray[np.uint8]:
    """The bits of all outcomes, or of the masks of all parities; shape ``(2**width, width)``, not to be written to."""
    found = (np.arange(1 << width)[:, None] >> np.arange(width) & 1).astype(np.uint8)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=16)
def _signs(width: int) -> Array:
    """The values of all parities at all outcomes."""
    found = np.ones((1, 1))
    for _ in range(width):
        found = np.block([[found, found], [found, -found]])
    return found
