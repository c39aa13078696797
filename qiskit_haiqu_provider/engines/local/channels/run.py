"""Runs a program for many parameter sets at once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.channels.network import transfers
from qiskit_haiqu_provider.engines.local.channels.program import Program, Recipe, Step, matrix_of, product
from qiskit_haiqu_provider.engines.local.channels.readings import Reading
from qiskit_haiqu_provider.engines.local.channels.transfer import Matrix
from qiskit_haiqu_provider.engines.local.pauli import walsh_hadamard
from qiskit_haiqu_provider.run.angles import rotation_matrices


def correlations(readings: Sequence[Reading], values: NDArray[np.float64]) -> Iterator[Matrix]:
    """For each measurement circuit the expectation values of all products of its outcomes, each +1 or -1.

    Args:
        readings: What to run, and what to look at.
        values: Parameter values of shape ``(sets, parameters)``.

    Yields:
        Shape ``(sets, 2**qubits)``: bit ``k`` of the index tells whether the outcome of the ``k``-th measured qubit is
        a factor. One row serves all sets if nothing depends on parameters.
    """
    for reading in readings:
        found = _result(reading.program, values)
        tensor = found.reshape(len(found), *reading.program.result_shape)
        for view in reading.views:
            looked_at = tensor[np.ix_(range(len(tensor)), *view)] if len(reading.views) > 1 else tensor
            yield looked_at.reshape(len(tensor), -1)


def distributions(readings: Sequence[Reading], values: NDArray[np.float64]) -> Iterator[Matrix]:
    """For each measurement circuit the probabilities of its outcomes.

    Args:
        readings: What to run, and what to look at.
        values: Parameter values of shape ``(sets, parameters)``.

    Yields:
        Shape ``(sets, 2**qubits)``; bit ``k`` of an outcome is the ``k``-th measured qubit. One row serves all sets if
        nothing depends on parameters.
    """
    for found in correlations(readings, values):
        sums = walsh_hadamard(found) / found.shape[1]
        yield np.maximum(sums, 0.0, out=sums)  # what is below zero is rounding


def _result(program: Program, values: NDArray[np.float64]) -> Matrix:
    """What a program leaves, shape ``(sets, components)``."""
    if not program.moving:
        return _run(program, values[:1])
    step = program.at_once(len(values))
    if step >= len(values):
        return _run(program, values)
    parts = [values[start : start + step] for start in range(0, len(values), step)]
    found = [_run(program, part) for part in parts]
    # What does not depend on the parameters in the end is a single row.
    return np.concatenate(
        [np.broadcast_to(rows, (len(part), rows.shape[1])) for part, rows in zip(parts, found, strict=True)]
    )


def _run(program: Program, values: NDArray[np.float64]) -> Matrix:
    moving = _moving(program, values)
    parts: dict[int, Matrix] = {}
    for lone in program.lone:
        found = product(lone.factors, moving)
        parts[lone.result] = found.reshape(len(found), -1)
    for step in program.steps:
        state = _joined([parts.pop(part) for part in step.parts])
        matrix = matrix_of(step.matrix, moving) if isinstance(step.matrix, Recipe) else step.matrix[None]
        parts[step.result] = _applied(step, matrix, state)
    state = _joined([parts.pop(part) for part in program.ends])
    if program.end_move:
        state = state.reshape(len(state), *program.end_shape).transpose(program.end_move)
    return state.reshape(len(state), -1)


def _moving(program: Program, values: NDArray[np.float64]) -> Sequence[Matrix]:
    columns: Any = dict(zip(program.parameters, values.T, strict=True))
    found = rotation_matrices(program.moving, columns)
    return transfers([found[index] for index in range(len(found))])


def _joined(parts: Sequence[Matrix]) -> Matrix:
    """The tensor product of some parts, shape ``(sets or 1, numbers)``."""
    if not parts:
        return np.ones((1, 1))
    state = parts[0]
    for part in parts[1:]:
        joined = state[:, :, None] * part[:, None, :]
        state = joined.reshape(len(joined), -1)
    return state


def _applied(step: Step, matrix: Matrix, state: Matrix) -> Matrix:
    """The state after a step, shape ``(sets or 1, numbers)``."""
    if step.move:
        state = state.reshape(len(state), *step.shape).transpose(step.move).reshape(len(state), -1)
    _, out, inner = matrix.shape
    sets, lead = max(len(state), len(matrix)), state.shape[1] // (inner * step.trail)
    most = max(1, _PRODUCT // (out * inner))
    if step.trail == 1:
        rows = state.reshape(len(state), -1, _divisor(lead, most), inner)
        found: Matrix = np.matmul(rows, matrix.transpose(0, 2, 1)[:, None])
        return found.reshape(sets, -1)
    piece = _divisor(step.trail, most)
    columns = state.reshape(len(state), lead, inner, -1, piece).swapaxes(2, 3)
    found = np.empty((sets, lead, out, step.trail // piece, piece))
    np.matmul(matrix[:, None, None], columns, out=found.swapaxes(2, 3))
    return found.reshape(sets, -1)


_PRODUCT = 2**17
"""Size (rows x columns x depth) of a matrix product that BLAS keeps on one thread.

One that it shares among threads stalls when another process is busy.
"""


def _divisor(number: int, most: int) -> int:
    """A large divisor that is at most so large, of a product of 2 and 3."""
    while number > most:
        number //= 3 if number % 2 else 2
    return number
