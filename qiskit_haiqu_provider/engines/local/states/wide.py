"""States whose amplitudes are kept together, set by set."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.program import Phases, Program
from qiskit_haiqu_provider.engines.local.states.tables import Tables, affine_map, places

_BLOCK = 3
"""Neighbouring qubits that one matrix product turns."""

_PRODUCT = 2**15
"""Size (rows x columns x depth) of a matrix product that BLAS keeps on one thread: threads of several stall."""


_States = NDArray[np.complex128]


class WideStates:
    """States of shape ``(sets, 2**n)``.

    Turns are real, so that they take real and imaginary parts alike: a product with a real matrix costs half of a
    complex one.
    """

    def __init__(self, program: Program, tables: Tables, buffers: tuple[_States, _States]) -> None:
        self._n = program.num_qubits
        self._tables = tables
        cosines, sines = tables.cosines, tables.sines
        self._matrices = np.empty((cosines.shape[0], 2, 2, cosines.shape[1]))
        self._matrices[:, 0, 0] = self._matrices[:, 1, 1] = cosines
        self._matrices[:, 1, 0] = sines
        np.negative(sines, out=self._matrices[:, 0, 1])
        self._states, self._other = buffers  # results go to the other: fresh memory for each gate is slow
        self._start(program)

    def _start(self, program: Program) -> None:
        """The product state after the first turns."""
        halves = []
        for qubits in (range(self._n // 2), range(self._n // 2, self._n)):
            half = np.ones((len(self._states), 1))
            for qubit in qubits:
                pair = np.empty((len(half), 2))
                pair[:, 0], pair[:, 1] = self._tables.starting(program, qubit)
                half = _outer(pair, half)
            halves.append(half)
        low, high = halves[0] * self._tables.phase[:, None], halves[1] + 0j
        np.multiply(high[:, :, None], low[:, None, :], out=self._states.reshape(len(low), -1, low.shape[1]))

    def multiply(self, local: Sequence[tuple[int, Phases]], scattered: Sequence[Phases]) -> None:
        """Multiply by phases."""
        found = [(start, np.ascontiguousarray(self._tables.phases(phases).T)) for start, phases in local]
        if len(found) > 1 and found[0][1].shape[1] == 1 << found[1][0]:  # neighbours: small, so join them
            (start, low), (_, high) = found[:2]
            found[:2] = [(start, _outer(high, low))]
        for start, table in found:
            view = self._states.reshape(len(table), -1, table.shape[1], 1 << start)
            view *= table[:, None, :, None]
        for phases in scattered:
            table = np.ascontiguousarray(self._tables.phases(phases).T)
            self._states *= np.take(table, places(phases, self._n), axis=1, out=self._other, mode="clip")

    def permute(self, images: tuple[int, ...], origin: int) -> None:
        """Give every basis state the amplitude of another one."""
        np.take(self._states, affine_map(images, origin), axis=1, out=self._other, mode="clip")
        self._states, self._other = self._other, self._states

    def turn(self, turns: Sequence[tuple[int, int]]) -> None:
        """Turn qubits about Y."""
        matrices = {qubit: self._matrices[angle] for qubit, angle in turns}
        before, other = self._states, self._other
        self._states = turned(before, (other, before), matrices)
        self._other = before if self._states is other else other

    def amplitudes(self) -> NDArray[np.complex128]:
        """Shape ``(sets, 2**n)``."""
        return self._states


def turned(states: _States, buffers: tuple[_States, _States], matrices: Mapping[int, NDArray[np.float64]]) -> _States:
    """States with some qubits turned.

    Args:
        states: Shape ``(sets, 2**n)``; left as they are unless they are the second of the buffers.
        buffers: Memory of the same shape.
        matrices: For each qubit, ascending, its real matrices, of shape ``(2, 2, sets or 1)``.

    Returns:
        The turned states, in one of the buffers; or what was given if no qubit is turned.
    """
    outs = cycle(buffers)
    lowest = min(_BLOCK, states.shape[1].bit_length() - 1)
    if any(qubit < lowest for qubit in matrices):
        back = {qubit: matrix.swapaxes(0, 1) for qubit, matrix in matrices.items()}
        states = _turn_lowest(states, _block(back, range(lowest)), next(outs))
    for qubits in _blocks([qubit for qubit in matrices if qubit >= lowest]):
        states = _turn(states, _block(matrices, qubits), qubits.start, next(outs))
    return states


def _block(matrices: Mapping[int, NDArray[np.float64]], qubits: range) -> NDArray[np.float64]:
    """The matrices that turn neighbouring qubits together, shape ``(sets or 1, dim, dim)``."""
    block = np.ones((1, 1, 1))
    for qubit in qubits:
        upper = matrices.get(qubit, _IDENTITY)
        dim = 2 * len(block)
        block = (upper[:, None, :, None] * block[None, :, None, :]).reshape(dim, dim, -1)
    return np.ascontiguousarray(block.transpose(2, 0, 1))


def _turn_lowest(states: _States, block: NDArray[np.float64], out: _States) -> _States:
    """Turn the lowest qubits by the transposed block; real and imaginary part are one more bit below them."""
    dim = 2 * block.shape[-1]
    both = np.zeros((len(block), dim, dim))
    both[:, ::2, ::2] = both[:, 1::2, 1::2] = block
    shape = (len(states), -1, min(_PRODUCT // dim**2, 2 * states.shape[1] // dim), dim)
    np.matmul(_real(states, shape), both[:, None], out=_real(out, shape))
    return out


def _turn(states: _States, block: NDArray[np.float64], start: int, out: _States) -> _States:
    """Turn qubits from ``start`` on."""
    dim = block.shape[-1]
    piece = min(_PRODUCT // dim**2, 2 << start)
    shape = (len(states), -1, dim, (2 << start) // piece, piece)
    np.matmul(block[:, None, None], _real(states, shape).swapaxes(2, 3), out=_real(out, shape).swapaxes(2, 3))
    return out


_IDENTITY = np.eye(2)[..., None]


def _outer(high: NDArray[Any], low: NDArray[Any]) -> NDArray[Any]:
    """For each set the products of all of one with all of the other."""
    return np.asarray(high[:, :, None] * low[:, None, :]).reshape(len(low), -1)


def _real(states: NDArray[np.complex128], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Real and imaginary parts in turns."""
    return states.view(np.float64).reshape(shape)


def _blocks(qubits: Sequence[int]) -> Iterator[range]:
    """Ranges of neighbouring qubits that hold all of some, ascending."""
    rest = list(qubits)
    while rest:
        inside = [qubit for qubit in rest if qubit < rest[0] + _BLOCK]
        yield range(rest[0], inside[-1] + 1)
        rest = rest[len(inside) :]
