"""Pauli twirling: random Paulis around two-qubit gates that cancel in the ideal circuit, and flips before measurements.

Coherent errors of the gates average to Pauli errors, which mitigation can divide out, and readout errors become the
same for both outcomes. Gates that are no Clifford gates, such as ``rzz``, are twirled by the Paulis that they carry
over as Paulis.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.paulis import PAULIS, common_images
from qiskit_haiqu_provider.mitigation.structure import Fixed, Structure


@dataclass(frozen=True)
class Twirl:
    """Paulis around every segment, shape ``(rows, segments)`` each."""

    before: NDArray[np.int8]
    """Applied before the segment: what undoes the Pauli ahead of the gate before it."""

    after: NDArray[np.int8]
    """Applied after the segment."""

    def part(self, rows: slice) -> "Twirl":
        """Those of some rows."""
        return Twirl(self.before[rows], self.after[rows])


def identity_twirl(structure: Structure, rows: int) -> Twirl:
    """No Paulis at all."""
    shape = rows, structure.unitaries.shape[1]
    return Twirl(np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=np.int8))


def random_twirl(structure: Structure, rows: int, rng: np.random.Generator) -> Twirl:
    """Independent Paulis around every two-qubit gate, for every row."""
    found = identity_twirl(structure, rows)
    for fixed in structure.fixed:
        choices = twirling_set(fixed)
        if len(choices) > 1:
            ahead, behind = choices[rng.integers(len(choices), size=rows)].T
            for place, (segment, following) in enumerate(zip(fixed.before, fixed.after, strict=True)):
                shift = 2 - 2 * place  # the first qubit's Pauli is the upper half of a pair's index
                found.after[:, segment] = ahead >> shift & 3
                found.before[:, following] = behind >> shift & 3
    return found


def twirling_set(fixed: Fixed) -> NDArray[np.int8]:
    """The Paulis that may stand around an instruction.

    Returns:
        Shape ``(choices, 2)``: the pair ahead and the pair behind, which cancel up to a sign at all its angles.
    """
    if not fixed.entangles or fixed.matrices is None:
        return np.zeros((1, 2), dtype=np.int8)
    ahead, behind = common_images(fixed.matrices).image, np.arange(16, dtype=np.int8)
    return np.stack([ahead, behind], axis=1)[ahead >= 0]


def composed(
    unitaries: NDArray[np.complex128], structure: Structure, twirl: Twirl, flips: NDArray[np.bool_]
) -> NDArray[np.complex128]:
    """Segments with their Paulis and with flips at the end of the wires.

    Args:
        unitaries: Shape ``(rows, segments, 2, 2)``, perhaps with basis changes at the end; overwritten.
        structure: Where the wires end.
        twirl: The Paulis.
        flips: Shape ``(rows, wires)``: which wires are flipped just before they are measured.
    """
    last = list(structure.last)
    unitaries = PAULIS[twirl.after] @ unitaries @ PAULIS[twirl.before]
    unitaries[:, last] = np.where(flips[:, :, None, None], unitaries[:, last][:, :, ::-1], unitaries[:, last])
    return unitaries


_QUARTER = np.sqrt(0.5)
BASIS_CHANGES = {
    "X": np.array([[1, 1], [1, -1]]) * _QUARTER,
    "Y": np.array([[1, -1j], [1, 1j]]) * _QUARTER,
    "Z": np.eye(2, dtype=np.complex128),
}
"""Unitaries that turn a measurement of Z into one of the basis."""


def basis_changes(bases: str) -> NDArray[np.complex128]:
    """One basis change for each letter, shape ``(letters, 2, 2)``."""
    return np.array([BASIS_CHANGES[basis] for basis in bases], dtype=np.complex128).reshape(-1, 2, 2)
