"""States whose amplitudes are kept together, set by set."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.program import Phases, Program, ranges
from qiskit_haiqu_provider.engines.local.states.tables import Tables, affine_map, places

_BLOCK = 3
"""Neighbouring qubits that one matrix product turns."""

_PRODUCT = 2**15
"""Size (rows x columns x depth) of a matrix product that BLAS keeps on one thread: threads of several stall."""

_ONE_TABLE = 13
"""Up to so many qubits phases are put into one table first: the matrix product that makes it stays on one thread."""

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
        """The product state at the start."""
        half = self._n // 2
        low = self._tables.product(program, range(half)) * self._tables.phase
        high = self._tables.product(program, range(half, self._n))
        _outer(np.ascontiguousarray(high.T), np.ascontiguousarray(low.T), self._states)

    def multiply(self, local: Sequence[tuple[int, Phases]], scattered: Sequence[Phases]) -> None:
        """Multiply by phases."""
        tables = [np.ascontiguousarray(self._tables.phases(phases).T) for _, phases in local]
        starts = [start for start, _ in local]
        if starts == [start for start, _ in ranges(self._n)] and self._n <= _ONE_TABLE:
            low, middle, high = tables
            self._states *= _outer(_outer(high, middle), low, self._other)
            starts.clear()
        elif len(starts) > 1 and tables[0].shape[1] == 1 << starts[1]:  # neighbours: small, so join them
            tables[:2], starts[:2] = [_outer(tables[1], tables[0])], starts[:1]
        for start, table in zip(starts, tables, strict=False):
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


def _outer(high: _States, low: _States, out: _States | None = None) -> _States:
    """For each set the products of all of one with all of the other."""
    sets, size = len(low), high.shape[1] * low.shape[1]
    found = np.empty((sets, size), dtype=np.complex128) if out is None else out
    if 4 * size > _PRODUCT:
        np.multiply(high[:, :, None], low[:, None, :], out=found.reshape(sets, high.shape[1], -1))
        return found
    # As a product of real matrices it takes half the time.
    pairs = np.empty((sets, 2, low.shape[1], 2))
    pairs[:, 0] = low.view(np.float64).reshape(sets, -1, 2)
    np.negative(low.imag, out=pairs[:, 1, :, 0])
    pairs[:, 1, :, 1] = low.real
    shape = sets, high.shape[1], -1
    np.matmul(_real(high, shape), pairs.reshape(sets, 2, -1), out=_real(found, shape))
    return found


def _real(states: NDArray[np.complex128], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Real and imaginary parts in turns."""
    return states.view(np.float64).reshape(shape)


def _blocks(qubits: Sequence[int]) -> Iterator[range]:
    """Ranges of neighbouring qubits that hold all of some, ascending; the first is larger where one would be left."""
    rest = list(qubits)
    while rest:
        further = rest[-1] - rest[0]
        size = _BLOCK + 1 if further and further % _BLOCK == 0 else _BLOCK
        inside = [qubit for qubit in rest if qubit < rest[0] + size]
        yield range(rest[0], inside[-1] + 1)
        rest = rest[len(inside) :]
