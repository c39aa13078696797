"""Memory that a thread keeps for its next states: fresh memory takes more time than a gate."""

import threading

import numpy as np
from numpy.typing import NDArray

_KEPT = 2**18
"""Amplitudes of a buffer that is kept, 4 MiB."""

_memory = threading.local()


def lent(borrower: str, shape: tuple[int, int]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Two buffers, which the borrower has until it borrows again in this thread.

    Args:
        borrower: Whose buffers they are.
        shape: Their shape.
    """
    size = shape[0] * shape[1]
    if size > _KEPT:
        return fresh(shape)
    kept = vars(_memory).get(borrower)
    if kept is None or kept.shape[1] < size:
        kept = vars(_memory)[borrower] = np.empty((2, size), dtype=np.complex128)
    return kept[0, :size].reshape(shape), kept[1, :size].reshape(shape)


def fresh(shape: tuple[int, int]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Two buffers for good."""
    return np.empty(shape, dtype=np.complex128), np.empty(shape, dtype=np.complex128)
