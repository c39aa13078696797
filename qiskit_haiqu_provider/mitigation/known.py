"""Which companions the terms of a circuit need, and in which numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.companions import cliffords, has_cliffords, mirrors
from qiskit_haiqu_provider.mitigation.ensembles import Copies
from qiskit_haiqu_provider.mitigation.structure import Builder, Structure

_FEWEST_GATES = 2
"""Two-qubit gates from which on half of them, run forth and back, are as many as the circuit has."""


@dataclass(frozen=True)
class Wanted:
    """Terms that share a basis."""

    terms: NDArray[np.int8]
    """Paulis by the letters' numbers on each wire, shape ``(terms, wires)``."""

    weights: NDArray[np.float64]
    changes: NDArray[np.complex128]
    """Basis change of each wire."""

    def heavy(self) -> NDArray[np.bool_]:
        """Which terms act on more than half of the wires."""
        heavy: NDArray[np.bool_] = (self.terms != 0).sum(axis=1) > self.terms.shape[1] / 2
        return heavy


@dataclass(frozen=True)
class Known:
    """Companions of one structure for all bases, one basis after the other."""

    structure: Structure
    sets: NDArray[np.intp]
    changes: NDArray[np.complex128]
    ideal: tuple[NDArray[np.int8], ...]
    """For each basis the ideal values, shape ``(copies, terms)``."""

    kind: str
    unitaries: NDArray[np.complex128] | None = None
    preparations: NDArray[np.complex128] | None = None

    def copies(self, shots: int) -> Copies:
        """To be run with some number of shots each."""
        return Copies(self.sets, self.changes, shots, self.unitaries, self.preparations)


CALIBRATION = "calibration"
"""The kind of circuits without gates."""


def known_circuits(
    structure: Structure, wanted: Sequence[Wanted], rows: int, *, twirled: bool, rng: np.random.Generator
) -> list[Known]:
    """Clifford companions for terms on few qubits, mirrors for the others and as a check of the first.

    Args:
        structure: The circuit.
        wanted: The terms of each basis.
        rows: Companions of each basis, more or less.
        twirled: Whether gates are twirled; otherwise errors may be coherent, which Clifford circuits do not show.
        rng: Source of randomness.

    Returns:
        None if the circuit has no companions.
    """
    if not structure.unitary:
        return []
    gates = sum(fixed.entangles for fixed in structure.fixed)
    with_cliffords = has_cliffords(structure)
    reflected = mirrors(structure) if gates >= _FEWEST_GATES or not with_cliffords else ()
    if reflected and not twirled:
        with_cliffords = False
    counts = [_counts(each, rows, cliffords=with_cliffords, reflections=len(reflected)) for each in wanted]
    found = []
    if with_cliffords and any(count for count, _ in counts):
        found.append(_cliffords(structure, wanted, [count for count, _ in counts], mirrored=bool(reflected), rng=rng))
    found += [
        _reflections(each, wanted, [count for _, count in counts], rows, alone=not with_cliffords, rng=rng)
        for each in reflected
        if any(count for _, count in counts)
    ]
    return found


def calibrations(structure: Structure, wanted: Sequence[Wanted], rows: int) -> list[Known]:
    """Circuits without gates: what is wrong with their outcomes is the readout."""
    idle = Builder(structure.width, 1).build(structure.circuit, structure.qubits, structure.measured)
    changes = np.tile(np.eye(2, dtype=np.complex128), (rows * len(wanted), structure.width, 1, 1))
    ideal = tuple(np.ones((rows, len(each.terms)), dtype=np.int8) for each in wanted)
    return [Known(idle, np.zeros(rows * len(wanted), dtype=np.intp), changes, ideal, CALIBRATION)]


def _counts(wanted: Wanted, rows: int, *, cliffords: bool, reflections: int) -> tuple[int, int]:
    """Clifford companions of a basis, and mirrors of each kind."""
    if not reflections:
        return rows, 0
    if not cliffords:
        return 0, -(-rows // reflections)
    heavy = wanted.heavy()
    if heavy.all():
        return 0, -(-rows // reflections)
    most = -(-3 * rows // 4)
    return most, -(-(most if heavy.any() else rows - most) // reflections)


def _cliffords(
    structure: Structure,
    wanted: Sequence[Wanted],
    counts: Sequence[int],
    *,
    mirrored: bool,
    rng: np.random.Generator,
) -> Known:
    unitaries, ideal = [], []
    for each, count in zip(wanted, counts, strict=True):
        light = ~each.heavy() if mirrored else np.ones(len(each.terms), dtype=bool)
        values = np.zeros((count, len(each.terms)), dtype=np.int8)
        if count:
            found = cliffords(structure, each.terms[light], each.weights[light], rows=count, rng=rng)
            values[:, light] = found.ideal
            unitaries.append(found.unitaries)
        ideal.append(values)
    return Known(
        structure,
        np.zeros(sum(counts), dtype=np.intp),
        _repeated(wanted, counts),
        tuple(ideal),
        "clifford",
        unitaries=np.concatenate(unitaries),
    )


def _reflections(
    structure: Structure,
    wanted: Sequence[Wanted],
    counts: Sequence[int],
    rows: int,
    *,
    alone: bool,
    rng: np.random.Generator,
) -> Known:
    """Mirrors, prepared and measured in the basis of each group, so that all its terms are 1."""
    sets = len(structure.unitaries)
    ideal = []
    for each, count in zip(wanted, counts, strict=True):
        values = np.ones((count, len(each.terms)), dtype=np.int8)
        if not alone:  # light terms: a quarter of what is known of them
            values[max(1, -(-rows // 8)) :, ~each.heavy()] = 0
        ideal.append(values)
    changes = _repeated(wanted, counts)
    chosen = rng.permutation(max(sets, sum(counts)))[: sum(counts)] % sets
    return Known(structure, chosen, changes, tuple(ideal), "mirror", preparations=changes.conj().swapaxes(2, 3))


def _repeated(wanted: Sequence[Wanted], counts: Sequence[int]) -> NDArray[np.complex128]:
    """The basis changes of each basis, as often as it has companions."""
    return np.concatenate(
        [np.repeat(each.changes[None], count, axis=0) for each, count in zip(wanted, counts, strict=True)]
    )
