"""What a program needs for its parameter sets: sines and cosines, tables of phases, maps of basis states."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.program import Phases, Program

_KEPT_BITS = 14
"""Maps of wider states are not kept: one takes more than 128 KiB."""


class Tables:
    """Turns and phases of a program for some parameter sets."""

    def __init__(self, program: Program, values: NDArray[np.float64]) -> None:
        halves = program.angles.values(values)
        halves *= 0.5
        cosines, sines = np.cos(halves), np.sin(halves)
        turns = program.num_turns
        self.cosines, self.sines = cosines[:turns], sines[:turns]
        """Of half of the angles of all turns, shape ``(turns, sets)``."""

        self._factors = np.empty((len(halves) - turns, 2, len(values)), dtype=np.complex128)
        self._factors.real = cosines[turns:, None]
        np.negative(sines[turns:], out=self._factors[:, 0].imag)
        self._factors[:, 1].imag = sines[turns:]

    @property
    def phase(self) -> NDArray[np.complex128]:
        """What all amplitudes are multiplied by, shape ``(sets,)``."""
        phase: NDArray[np.complex128] = self._factors[-1, 1] ** 2
        return phase

    def product(self, program: Program, qubits: Sequence[int]) -> NDArray[np.complex128]:
        """The state of neighbouring qubits at the start, shape ``(2**len(qubits), sets)``."""
        found = np.empty((1 << len(qubits), self._factors.shape[2]), dtype=np.complex128)
        found[0] = 1.0
        for place, qubit in enumerate(qubits):
            zero, one = self._starting(program, qubit)
            half = 1 << place
            np.multiply(found[:half], one, out=found[half : 2 * half])
            found[:half] *= zero
        return found

    def _starting(self, program: Program, qubit: int) -> tuple[Any, Any]:
        """The amplitudes of a qubit at the start, for each set or for all."""
        turn, spin = dict(program.stages[0].turns).get(qubit), dict(program.spins).get(qubit)
        flipped = program.start >> qubit & 1
        zero, one = (1.0 - flipped, float(flipped)) if turn is None else (self.cosines[turn], self.sines[turn])
        if flipped and turn is not None:
            zero, one = -one, zero
        return (zero, one) if spin is None else (zero * self._factors[spin, 0], one * self._factors[spin, 1])

    def phases(self, phases: Phases) -> NDArray[np.complex128]:
        """The table of some phases, shape ``(places, sets)``."""
        alone = {mask: self._factors[angle] for mask, angle in zip(phases.masks, phases.angles, strict=True)}
        table = np.ones((1, self._factors.shape[2]), dtype=np.complex128)
        for bit in range(len(phases.bits)):
            pair = alone.pop(1 << bit, _NOTHING)
            table = np.asarray(pair[:, None] * table).reshape(2 << bit, -1)
        for mask, pair in alone.items():
            table *= pair[phases.signs(mask)]
        return table


_NOTHING = np.ones((2, 1), dtype=np.complex128)


def places(phases: Phases, num_qubits: int) -> NDArray[np.intp]:
    """For each basis state its place in the table of some phases."""
    columns = tuple(
        sum((mask >> qubit & 1) << bit for bit, mask in enumerate(phases.bits)) for qubit in range(num_qubits)
    )
    return affine_map(columns, 0)


def affine_map(columns: tuple[int, ...], origin: int) -> NDArray[np.intp]:
    """The map of basis states that takes 0 to ``origin`` and flips ``columns[q]`` with bit ``q``.

    Returns:
        Shape ``(2**len(columns),)``; not to be written to.
    """
    return _kept_map(columns, origin) if len(columns) <= _KEPT_BITS else _map(columns, origin)


def _map(columns: Sequence[int], origin: int) -> NDArray[np.intp]:
    found = np.empty(1 << len(columns), dtype=np.intp)
    found[0] = origin
    for bit, column in enumerate(columns):
        half = 1 << bit
        np.bitwise_xor(found[:half], column, out=found[half : 2 * half])
    return found


_kept_map = lru_cache(maxsize=64)(_map)
