"""Randomised copies of circuits, written as tasks: one circuit with parameters, and a row of values for each copy."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qiskit_haiqu_provider.mitigation.decoupling import decoupled
from qiskit_haiqu_provider.mitigation.readout import Ensemble, random_flips
from qiskit_haiqu_provider.mitigation.structure import Structure
from qiskit_haiqu_provider.mitigation.synthesis import ANY, Basis, euler, template
from qiskit_haiqu_provider.mitigation.twirling import composed, identity_twirl, random_twirl
from qiskit_haiqu_provider.run.request import Task

_MATRICES_AT_ONCE = 2**18
"""Unitaries of segments held at a time: 16 MiB."""


@dataclass(frozen=True)
class Copies:
    """Copies of one structure that are to run with the same number of shots."""

    sets: NDArray[np.intp]
    """The parameter set of each copy."""

    changes: NDArray[np.complex128]
    """Basis changes at the end of the wires, shape ``(copies, wires, 2, 2)``."""

    shots: int
    unitaries: NDArray[np.complex128] | None = None
    """Of the segments, instead of the structure's, shape ``(copies, segments, 2, 2)``."""

    preparations: NDArray[np.complex128] | None = None
    """At the start of the wires, shape ``(copies, wires, 2, 2)``."""

    flip: bool = True
    """Whether bits are flipped before they are measured, if any are."""


@dataclass
class Workshop:
    """Turns copies into tasks, and keeps count of what they cost."""

    target: Target | None
    """The device if gaps are to be filled with echoes."""

    twirl: bool
    flip: bool
    rng: np.random.Generator
    basis: Basis = ANY
    """How segments are written."""

    tasks: list[Task] = field(default_factory=list)
    echoes: bool | None = None
    """Whether echoes were put in; ``None`` if they were not asked for."""

    def make(
        self,
        structure: Structure,
        batches: Sequence[Copies],
        *,
        bits: Sequence[tuple[int, int]],
        observed: Sequence[int] | None,
        pub: int,
    ) -> list[Ensemble]:
        """Write copies of one structure as tasks with one circuit.

        Args:
            structure: What the copies share.
            batches: The copies; each batch has its own number of shots and becomes a task of its own.
            bits: Wire, or -1, and classical bit of each bit that results are made of.
            observed: As for :func:`~qiskit_haiqu_provider.mitigation.synthesis.template`.
            pub: Index of the PUB that is answered.

        Returns:
            One ensemble for each batch.
        """
        angles, flips = [], []
        for batch in batches:
            found, flipped = self._randomised(structure, batch, [wire for wire, _ in bits if wire >= 0])
            angles.append(found)
            flips.append(flipped)
        sets = np.concatenate([batch.sets for batch in batches])
        written = template(structure, np.concatenate(angles), sets, basis=self.basis, observed=observed)
        circuit = self._padded(written.circuit, structure)
        ensembles, first = [], 0
        for batch, flipped in zip(batches, flips, strict=True):
            values = written.values[first : first + len(batch.sets)]
            first += len(batch.sets)
            clbits = tuple(clbit for _, clbit in bits)
            undo = np.zeros((len(flipped), len(bits)), dtype=bool)
            for place, (wire, _) in enumerate(bits):
                if wire >= 0:
                    undo[:, place] = flipped[:, wire]
            ensembles.append(Ensemble(len(self.tasks), 0, undo, clbits))
            self.tasks.append(Task(circuit=circuit, parameter_values=values, shots=batch.shots, pub=pub))
        return ensembles

    def _randomised(
        self, structure: Structure, batch: Copies, measured: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Euler angles of all segments of all copies, and the flips of the wires."""
        copies, segments = len(batch.sets), structure.unitaries.shape[1]
        twirl = random_twirl(structure, copies, self.rng) if self.twirl else identity_twirl(structure, copies)
        flips = np.zeros((copies, structure.width), dtype=bool)
        if self.flip and batch.flip:
            flips[:, measured] = random_flips(copies, len(measured), self.rng)
        angles = np.empty((copies, segments, 3))
        first, last = list(structure.first), list(structure.last)
        step = max(1, _MATRICES_AT_ONCE // max(1, segments))
        for start in range(0, copies, step):
            rows = slice(start, start + step)
            own = batch.unitaries
            unitaries = structure.unitaries[batch.sets[rows]] if own is None else own[rows].copy()
            if batch.preparations is not None:
                unitaries[:, first] = unitaries[:, first] @ batch.preparations[rows]
            unitaries[:, last] = batch.changes[rows] @ unitaries[:, last]
            angles[rows] = euler(composed(unitaries, structure, twirl.part(rows), flips[rows]))
        return angles, flips

    def _padded(self, circuit: QuantumCircuit, structure: Structure) -> QuantumCircuit:
        if self.target is None:
            return circuit
        padded = decoupled(circuit, self.target, structure.qubits)
        self.echoes = padded is not None and self.echoes is not False
        return circuit if padded is None else padded
