"""Which companions the terms of a circuit need, and in which numbers."""

import math
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
    met: tuple[NDArray[np.int32], ...] = ()
    """Of Clifford companions, for each basis, what the terms meet on their paths."""

    def copies(self, shots: int) -> Copies:
        """To be run with some number of shots each."""
        return Copies(self.sets, self.changes, shots, self.unitaries, self.preparations)


CALIBRATION = "calibration"
"""The kind of circuits without gates."""


def known_circuits(
    structure: Structure,
    wanted: Sequence[Wanted],
    rows: int,
    *,
    twirled: bool,
    mirrored: float,
    rng: np.random.Generator,
) -> list[Known]:
    """Clifford companions and mirrors.

    Args:
        structure: The circuit.
        wanted: The terms of each basis.
        rows: Companions of each basis, more or less.
        twirled: Whether gates are twirled; otherwise errors may be coherent, which Clifford circuits do not show.
        mirrored: Which part of the companions are mirrors where the circuit has both kinds.
        rng: Source of randomness.

    Returns:
        None of them if the circuit has no companions.
    """
    if not structure.unitary:
        return []
    gates = sum(fixed.entangles for fixed in structure.fixed)
    with_cliffords = has_cliffords(structure)
    reflected = mirrors(structure) if gates >= _FEWEST_GATES or not with_cliffords else ()
    if reflected and not twirled:
        with_cliffords = False
    each = math.ceil(rows * (mirrored if with_cliffords else 1) / max(1, len(reflected)))
    count = max(0, rows - each * len(reflected)) if with_cliffords else 0
    found = [_cliffords(structure, wanted, count, rng)] if count and wanted else []
    return found + [_reflections(mirror, wanted, each, rng) for mirror in reflected if wanted]


def calibrations(structure: Structure, wanted: Sequence[Wanted], rows: int) -> list[Known]:
    """Circuits without gates: what is wrong with their outcomes is the readout."""
    idle = Builder(structure.width, 1).build(structure.circuit, structure.qubits, structure.measured)
    changes = np.tile(np.eye(2, dtype=np.complex128), (rows * len(wanted), structure.width, 1, 1))
    ideal = tuple(np.ones((rows, len(each.terms)), dtype=np.int8) for each in wanted)
    return [Known(idle, np.zeros(rows * len(wanted), dtype=np.intp), changes, ideal, CALIBRATION)]


def _cliffords(structure: Structure, wanted: Sequence[Wanted], count: int, rng: np.random.Generator) -> Known:
    found = [cliffords(structure, each.terms, each.weights, rows=count, rng=rng) for each in wanted]
    return Known(
        structure,
        np.zeros(count * len(wanted), dtype=np.intp),
        _repeated(wanted, count),
        tuple(each.ideal for each in found),
        "clifford",
        unitaries=np.concatenate([each.unitaries for each in found]),
        met=tuple(each.met for each in found),
    )


def _reflections(mirror: Structure, wanted: Sequence[Wanted], count: int, rng: np.random.Generator) -> Known:
    """Mirrors, prepared and measured in the basis of each group, so that all its terms are 1."""
    sets, total = len(mirror.unitaries), count * len(wanted)
    chosen = rng.permutation(max(sets, total))[:total] % sets
    changes = _repeated(wanted, count)
    ideal = tuple(np.ones((count, len(each.terms)), dtype=np.int8) for each in wanted)
    return Known(mirror, chosen, changes, ideal, "mirror", preparations=changes.conj().swapaxes(2, 3))


def _repeated(wanted: Sequence[Wanted], count: int) -> NDArray[np.complex128]:
    """The basis changes of each basis, as often as it has companions."""
    return np.repeat(np.stack([each.changes for each in wanted]), count, axis=0)
