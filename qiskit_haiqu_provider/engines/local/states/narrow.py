"""States of few qubits, whose sets are kept together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.program import Phases, Program
from qiskit_haiqu_provider.engines.local.states.tables import Tables, affine_map, places


class NarrowStates:
    """States of shape ``(2**n, sets)``."""

    def __init__(self, program: Program, tables: Tables) -> None:
        self._n = program.num_qubits
        self._tables = tables
        # Twice each: real and imaginary parts are turned alike.
        self._cosines, self._sines = np.repeat(tables.cosines, 2, axis=1), np.repeat(tables.sines, 2, axis=1)
        self._states = tables.product(program, range(self._n))
        self._states *= tables.phase
        # Results go there: fresh memory for each gate is slow.
        self._other = np.empty_like(self._states)

    def multiply(self, local: Sequence[tuple[int, Phases]], scattered: Sequence[Phases]) -> None:
        """Multiply by phases."""
        for start, phases in local:
            table = self._tables.phases(phases)
            view = self._states.reshape(-1, len(table), 1 << start, self._states.shape[1])
            view *= table[:, None]
        for phases in scattered:
            self._states *= self._tables.phases(phases)[places(phases, self._n)]

    def permute(self, images: tuple[int, ...], origin: int) -> None:
        """Give every basis state the amplitude of another one."""
        np.take(self._states, affine_map(images, origin), axis=0, out=self._other, mode="clip")
        self._states, self._other = self._other, self._states

    def turn(self, turns: Sequence[tuple[int, int]]) -> None:
        """Turn qubits about Y."""
        for qubit, angle in turns:
            cosine, sine = self._cosines[angle], self._sines[angle]
            shape = (-1, 2, 1 << qubit, len(cosine))
            pairs, turned = (array.view(np.float64).reshape(shape) for array in (self._states, self._other))
            np.multiply(pairs[:, ::-1], sine, out=turned)
            pairs *= cosine
            pairs[:, 0] -= turned[:, 0]
            pairs[:, 1] += turned[:, 1]

    def amplitudes(self) -> NDArray[np.complex128]:
        """Shape ``(sets, 2**n)``."""
        return np.ascontiguousarray(self._states.T)
