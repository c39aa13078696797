"""States seen in other bases, as measurements of X and Y see them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.buffers import lent
from qiskit_haiqu_provider.engines.local.states.wide import turned

_QUARTER_BACK = np.sqrt(0.5) * np.array([[1.0, 1.0], [-1.0, 1.0]])[..., None]
"""Turns X into Z."""


def probabilities_in(states: NDArray[np.complex128], qubits: Sequence[int], bases: str) -> NDArray[np.float64]:
    """Probabilities of all outcomes when some qubits are measured in other bases.

    Args:
        states: Shape ``(sets, 2**n)``; left as it is.
        qubits: The qubits, ascending.
        bases: For each of them ``X``, ``Y`` or ``Z``; all others are measured in Z.

    Returns:
        Shape ``(sets, 2**n)``, in Qiskit order; in memory that the next call in this thread takes back.
    """
    if set(bases) != {"Z"}:
        states = _turned(states, qubits, bases)
    return _squares(states)


def _turned(states: NDArray[np.complex128], qubits: Sequence[int], bases: str) -> NDArray[np.complex128]:
    """The states with X and Y turned into Z."""
    one, other = lent("bases", (states.shape[0], states.shape[1]))
    if "Y" in bases:
        other[...] = states
        states = other
        for qubit, basis in zip(qubits, bases, strict=True):
            if basis == "Y":
                states.reshape(len(states), -1, 2, 1 << qubit)[:, :, 1] *= -1j
    moved = {qubit: _QUARTER_BACK for qubit, basis in zip(qubits, bases, strict=True) if basis != "Z"}
    return turned(states, (one, other), moved)


def _squares(states: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The squares of all amplitudes, by magnitude."""
    found, other = (buffer.view(np.float64) for buffer in lent("squares", (len(states), states.shape[1] // 2)))
    np.square(states.real, out=found)
    np.square(states.imag, out=other)
    found += other
    return found
