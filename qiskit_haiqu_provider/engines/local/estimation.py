"""Expectation values and standard errors from the outcomes of measurement groups.

Where shots are asked for, no single one is drawn: what a group contributes to the observables depends on how often
each of its values is seen, so counts of these are drawn, from the same multinomial distribution that shots would
follow. All covariances between observables stay as they are.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.sampling import MOST_TALLIED, draw, tally
from qiskit_haiqu_provider.engines.local.units import Piece, Unit, rows_of
from qiskit_haiqu_provider.run.measure import Measurements
from qiskit_haiqu_provider.run.result import Expectations

_ROUNDING = 1e-13
"""What is left of a certain outcome by rounding, in units of its square."""


def estimated(
    unit: Unit, piece: Piece, distributions: Iterable[NDArray[np.float64]], *, measured_only: bool = False
) -> Expectations:
    """Estimates as if every group were measured ``shots`` times.

    Args:
        unit: Has the random streams.
        piece: What is estimated; exactly, if it has no shots.
        distributions: For each group the probabilities of all outcomes of all qubits in its bases, in Qiskit order,
            shape ``(sets, outcomes)``; one row may serve all sets.
        measured_only: Whether outcomes have bits for the group's qubits alone.
    """
    estimates = Estimates(piece.plan, len(piece.values))
    waiting = iter(distributions)
    for number in range(len(piece.plan.groups)):  # handed on at once, so that memory holds those of one group
        _add_group(unit, piece, number, next(waiting), estimates, measured_only=measured_only)
    return estimates.result()


def _add_group(
    unit: Unit,
    piece: Piece,
    number: int,
    probabilities: NDArray[np.float64],
    estimates: "Estimates",
    *,
    measured_only: bool,
) -> None:
    group = piece.plan.groups[number]
    qubits = range(len(group.qubits)) if measured_only else group.qubits
    if piece.shots is None:
        values = group.values(bits_of(np.arange(probabilities.shape[1]), qubits))
        estimates.add(slice(None), values, rows_of(probabilities, slice(0, len(piece.values))), exact=True)
    elif 1 << len(group.qubits) <= MOST_TALLIED:
        _add_levels(unit, piece, number, _of_qubits(probabilities, qubits), estimates)
    else:
        _add_shots(unit, piece, number, qubits, probabilities, estimates)


def bits_of(states: NDArray[np.intp], qubits: Sequence[int]) -> NDArray[np.uint8]:
    """Single bits of basis states, shape ``(states, qubits)``."""
    bits: NDArray[np.uint8] = ((states[:, None] >> np.array(qubits)) & 1).astype(np.uint8)
    return bits


class Estimates:
    """Means and variances of observables, added up over measurement groups."""

    def __init__(self, plan: Measurements, sets: int) -> None:
        self.values = np.repeat(plan.constants[:, None], sets, axis=1)
        self.variances = np.zeros_like(self.values)

    def add(self, sets: slice, values: NDArray[np.float64], counts: NDArray[Any], *, exact: bool = False) -> None:
        """Add one group's outcomes for some sets.

        Args:
            sets: Which sets.
            values: What each outcome contributes to each observable, shape ``(outcomes, observables)``.
            counts: How often each outcome was seen, shape ``(sets, outcomes)``; probabilities if ``exact``.
            exact: Whether there is no sampling error.
        """
        total = counts.sum(axis=1, keepdims=True)
        means = counts @ values / total
        self.values[:, sets] += means.T
        if exact:
            return
        variances = counts @ values**2 / total - means**2
        variances[variances < _ROUNDING * (values**2).max(axis=0, initial=0.0)] = 0.0
        self.variances[:, sets] += (variances / total).T

    def result(self) -> Expectations:
        """What was added up."""
        return Expectations(self.values, np.sqrt(self.variances))


def _add_levels(
    unit: Unit, piece: Piece, number: int, probabilities: NDArray[np.float64], estimates: Estimates
) -> None:
    """Draw counts of all levels of a group."""
    levels = piece.plan.groups[number].levels
    found = levels.probabilities(probabilities)
    for block in piece.blocks():
        counts = tally(rows_of(found, block), piece.shots or 0, unit.generator(piece, block, number))
        estimates.add(block, levels.values, counts)


def _of_qubits(probabilities: NDArray[np.float64], qubits: Sequence[int]) -> NDArray[np.float64]:
    """Probabilities of the outcomes of some qubits, ascending, whatever the others show."""
    rows = len(probabilities)
    for qubit in reversed(range(probabilities.shape[1].bit_length() - 1)):
        if qubit not in qubits:
            probabilities = probabilities.reshape(rows, -1, 2, 1 << qubit).sum(axis=2).reshape(rows, -1)
    return probabilities


def _add_shots(
    unit: Unit,
    piece: Piece,
    number: int,
    qubits: Sequence[int],
    probabilities: NDArray[np.float64],
    estimates: Estimates,
) -> None:
    """Draw single outcomes, where there are more than shots."""
    group = piece.plan.groups[number]
    for block in piece.blocks():
        rng = unit.generator(piece, block, number)
        for index, row in enumerate(rows_of(probabilities, block), start=block.start):
            seen, counts = draw(row, piece.shots or 0, rng)
            estimates.add(slice(index, index + 1), group.values(bits_of(seen, qubits)), counts[None])
