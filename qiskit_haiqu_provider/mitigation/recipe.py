"""The recipe: from a request to the circuits to run instead, and what turns their outcomes into its results."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.transpiler import Target

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.mitigation.budget import Budget, budget_for, companions_for
from qiskit_haiqu_provider.mitigation.companions import is_clifford
from qiskit_haiqu_provider.mitigation.decoupling import has_durations
from qiskit_haiqu_provider.mitigation.ensembles import Copies, Workshop
from qiskit_haiqu_provider.mitigation.families import Family, families
from qiskit_haiqu_provider.mitigation.finisher import Companions, Finisher, Measured, Part, Plain, Shares, Values
from qiskit_haiqu_provider.mitigation.known import CALIBRATION, Known, Wanted, calibrations, known_circuits
from qiskit_haiqu_provider.mitigation.parities import fitted_parities
from qiskit_haiqu_provider.mitigation.paths import paths_of
from qiskit_haiqu_provider.mitigation.readout import Ensemble
from qiskit_haiqu_provider.mitigation.settings import BY_CLIENT, MitigationSettings, check_readout_method
from qiskit_haiqu_provider.mitigation.structure import Structure
from qiskit_haiqu_provider.mitigation.synthesis import choose_basis
from qiskit_haiqu_provider.mitigation.twirling import basis_changes
from qiskit_haiqu_provider.run.measure import MeasurementGroup, measurements
from qiskit_haiqu_provider.run.request import RunRequest, RunType

_LETTERS = "IXYZ"

_FEWEST = 4
"""With fewer companions than that their noise would be no guide."""

_MIRRORED_VALUES, _MIRRORED_SHARES = 0.25, 0.5
"""Parts of the companions that are mirrors: light cones matter to single terms, all parities to a distribution."""

_MIDWAY = (
    "advanced_mitigation was left out: the circuit measures or resets qubits before its end, or has instructions "
    "that are no gates of one or two qubits."
)
_FEW_SHOTS = "Nothing was mitigated but by twirling: there are too few shots for circuits with known values."
_NO_COMPANIONS = "advanced_mitigation was left out: the circuit's two-qubit gates have no circuits with known values."
_CLIFFORD = "The circuit is a Clifford circuit: a computer finds its values without a device, and companions repeat it."
_COHERENT = (
    "noise_tailoring is off: coherent errors are then not averaged, and can make mitigated values wrong by more than "
    "their error bars."
)
_NO_ECHOES = "dynamical_decoupling was left out: the circuit could not be scheduled."


@dataclass(frozen=True)
class Mitigated:
    """A request to run instead of another, and what makes the other's results from its own."""

    request: RunRequest
    """Tasks to be sampled; the device runs them as they are, without mitigation of its own."""

    finisher: Finisher


def mitigate(request: RunRequest, *, target: Target | None, settings: MitigationSettings) -> Mitigated:
    """Plan a mitigated run.

    Args:
        request: Tasks whose circuits the device runs as they are.
        target: What the device can do; ``None`` if it takes any gate.
        settings: Which parts of mitigation are used.

    Raises:
        HaiquInputError: If exact values or states are asked for, which have no errors to mitigate, or expectation
            values by a method for samples.
        HaiquCircuitError: If the device has no gates for what mitigation adds.
    """
    refuse_exact(request)
    for task in request.tasks:
        check_readout_method(settings, observables=task.observables is not None, where=f"PUB {task.pub}: ")
    recipe = _Recipe(settings, target, np.random.default_rng(request.seed))
    parts = tuple(recipe.part(family) for family in families(request.tasks))
    ready = replace(request, tasks=tuple(recipe.workshop.tasks), use_mitigation=False, mitigation={})
    return Mitigated(ready, Finisher(parts, len(request.tasks)))


def refuse_exact(request: RunRequest) -> None:
    """Refuse what has no errors to mitigate.

    Args:
        request: A request with ``use_mitigation``.

    Raises:
        HaiquInputError: If states or exact values are asked for.
    """
    if request.run_type is not RunType.RUN:
        raise HaiquInputError("use_mitigation: a statevector has no errors. Set use_mitigation=False.")
    for task in request.tasks:
        if task.shots is None:
            raise HaiquInputError(
                f"PUB {task.pub}: precision=0 asks for the exact value, which mitigation does not give. Give a "
                "precision above 0, for example 0.01, or set use_mitigation=False."
            )


@dataclass(frozen=True)
class _Planned:
    """The circuits of a family."""

    budget: Budget
    targets: tuple[Ensemble, ...]
    """For each basis."""

    companions: tuple[Companions, ...]
    """For each basis."""

    known: Sequence[Known]
    companion_shots: int
    """Of each companion."""

    facts: dict[str, Any]


@dataclass
class _Recipe:
    """Works through the families of a request."""

    settings: MitigationSettings
    device: Target | None
    rng: np.random.Generator
    workshop: Workshop = field(init=False)

    def __post_init__(self) -> None:
        echoes = self.settings.dynamical_decoupling and has_durations(self.device)
        self.workshop = Workshop(
            target=self.device if echoes else None,
            twirl=self.settings.noise_tailoring,
            flip=self.settings.readout_mitigation,
            rng=self.rng,
        )

    def part(self, family: Family) -> Part:
        """Add the circuits of a family, and say how its results are found."""
        structure = family.structure
        if structure is None:
            self.workshop.tasks.append(family.task)
            return Plain(len(self.workshop.tasks) - 1, family.tasks, {**BY_CLIENT, "warnings": list(family.warnings)})
        gates = None if self.device is None else frozenset(self.device.operation_names)
        self.workshop.basis = choose_basis(gates, set(family.task.circuit.count_ops()))
        if family.task.observables is None:
            return self._shares(family, structure)
        return self._values(family, structure)

    def _values(self, family: Family, structure: Structure) -> Values:
        plan = measurements(family.task.observables or ())
        wire_of = {qubit: wire for wire, qubit in enumerate(structure.qubits)}
        observed = sorted({wire_of[qubit] for group in plan.groups for qubit in group.qubits})
        own = family.task.circuit.num_clbits
        bits = [(wire, own + index) for index, wire in enumerate(observed)]
        wanted = [_wanted(group, wire_of, structure.width) for group in plan.groups]
        planned = self._plan(family, structure, wanted, bits, observed)
        met = next((each.met for each in planned.known if each.met), ())
        paths = paths_of(structure, [each.terms for each in wanted], met) if wanted else ()
        groups = tuple(
            Measured((each.terms[:, observed] != 0).astype(np.uint8), group.weights, companions, way)
            for each, group, companions, way in zip(wanted, plan.groups, planned.companions, paths, strict=True)
        )
        return Values(
            tasks=family.tasks,
            sizes=family.sizes,
            targets=planned.targets,
            groups=groups,
            constants=plan.constants,
            shots=planned.budget.shots,
            guard=self.settings.guard,
            facts=planned.facts,
            companion_shots=planned.companion_shots,
        )

    def _shares(self, family: Family, structure: Structure) -> Shares:
        bits = _bits(structure)
        wires = [wire for wire, _ in bits]
        parities = fitted_parities(structure, wires)
        terms = np.zeros((len(parities), structure.width), dtype=np.int8)
        places = [place for place, wire in enumerate(wires) if wire >= 0]
        terms[:, [wires[place] for place in places]] = parities[:, places] * _LETTERS.index("Z")
        wanted = Wanted(terms, np.ones(len(terms)), basis_changes("Z" * structure.width))
        planned = self._plan(family, structure, [wanted], bits, None)
        return Shares(
            tasks=family.tasks,
            sizes=family.sizes,
            target=planned.targets[0],
            parities=parities,
            companions=planned.companions[0],
            num_clbits=family.task.circuit.num_clbits,
            shots=planned.budget.shots,
            everywhere=CALIBRATION not in planned.facts["companions"],
            guard=self.settings.guard,
            facts=planned.facts,
            method=self.settings.readout_method,
            companion_shots=planned.companion_shots,
            seed=self._own_seed(),
        )

    def _own_seed(self) -> int:
        """A seed for what is drawn after the run; what is drawn before it stays the same."""
        (own,) = self.rng.spawn(1)
        return int(own.integers(2**32))

    def _plan(
        self,
        family: Family,
        structure: Structure,
        wanted: Sequence[Wanted],
        bits: Sequence[tuple[int, int]],
        observed: Sequence[int] | None,
    ) -> _Planned:
        """Make targets and companions of a family for some bases."""
        known, budget, few = self._affordable(family, structure, wanted, observables=observed is not None)
        first = len(self.workshop.tasks)
        shots = budget.shots_of(sum(len(each.sets) for each in known) / max(1, len(wanted)))
        targets, companions = self._make(family, structure, wanted, known, budget, shots, bits=bits, observed=observed)
        tasks = self.workshop.tasks[first:]
        kinds = [each.kind for each in known]
        facts = {
            **BY_CLIENT,
            "randomizations": budget.copies,
            "companions": {
                kind: sum(len(each.sets) for each in known if each.kind == kind) for kind in dict.fromkeys(kinds)
            },
            "circuits": sum(task.num_sets for task in tasks),
            "shots": sum(task.num_sets * (task.shots or 0) for task in tasks),
            "shared_by_tasks": len(family.tasks),
            "dynamical_decoupling": bool(self.workshop.echoes),
            "warnings": [*family.warnings, *(self._warnings(structure, kinds, few=few) if wanted else ())],
        }
        return _Planned(budget, targets, companions, known, shots, facts)

    def _affordable(
        self, family: Family, structure: Structure, wanted: Sequence[Wanted], *, observables: bool
    ) -> tuple[list[Known], Budget, bool]:
        """Circuits with known values, how the shots are divided, and whether these are too few for any such circuit.

        Each needs a shot at least, so few shots have fewer of them, and very few have none: no run costs more than
        its budget.
        """
        rows = companions_for(self.settings, family.sets)
        fewest = min(rows, _FEWEST)
        while True:
            mirrored = _MIRRORED_VALUES if observables else _MIRRORED_SHARES
            known = self._known(structure, wanted, rows, mirrored) if rows >= fewest else []
            budget = budget_for(
                family.task.shots or 0,
                self.settings,
                sets=family.sets,
                observables=observables,
                advanced=any(each.kind != CALIBRATION for each in known),
                calibrated=bool(known),
            )
            if sum(len(each.sets) for each in known) <= budget.companion_shots * len(wanted):
                return known, budget, rows < fewest
            rows //= 2

    def _known(self, structure: Structure, wanted: Sequence[Wanted], rows: int, mirrored: float) -> list[Known]:
        settings = self.settings
        found: list[Known] = []
        if settings.advanced_mitigation and structure.unitary:
            twirled = settings.noise_tailoring
            found = known_circuits(structure, wanted, rows, twirled=twirled, mirrored=mirrored, rng=self.rng)
        if settings.readout_mitigation and not found and wanted:
            found = calibrations(structure, wanted, rows)
        return found

    def _make(
        self,
        family: Family,
        structure: Structure,
        wanted: Sequence[Wanted],
        known: Sequence[Known],
        budget: Budget,
        shots: int,
        *,
        bits: Sequence[tuple[int, int]],
        observed: Sequence[int] | None,
    ) -> tuple[tuple[Ensemble, ...], tuple[Companions, ...]]:
        """Write targets and companions as tasks, and say for each basis where its outcomes will be."""
        if not wanted:
            return (), ()
        copies = family.sets * budget.copies
        targets = Copies(
            np.tile(np.repeat(np.arange(family.sets), budget.copies), len(wanted)),
            np.repeat(np.stack([basis.changes for basis in wanted]), copies, axis=0),
            budget.shots,
            flip=self.settings.flips,
        )
        alike = [companions for companions in known if companions.structure is structure]
        others = [companions for companions in known if companions.structure is not structure]
        made = self.workshop.make(
            structure,
            [targets, *(companions.copies(shots) for companions in alike)],
            bits=bits,
            observed=observed,
            pub=family.task.pub,
        )
        for companions in others:
            made += self.workshop.make(
                companions.structure,
                [companions.copies(shots)],
                bits=bits,
                observed=observed,
                pub=family.task.pub,
            )
        ordered = [*alike, *others]
        cut = [_cut(ensemble, companions.ideal) for ensemble, companions in zip(made[1:], ordered, strict=True)]
        found = tuple(
            Companions(
                tuple(ensembles[index] for ensembles in cut if ensembles[index].copies),
                np.concatenate(
                    [np.zeros((0, len(basis.terms)), dtype=np.int8), *(each.ideal[index] for each in ordered)]
                ),
            )
            for index, basis in enumerate(wanted)
        )
        return tuple(made[0].part(index * copies, copies) for index in range(len(wanted))), found

    def _warnings(self, structure: Structure, kinds: Collection[str], *, few: bool) -> list[str]:
        found = []
        advanced = any(kind != CALIBRATION for kind in kinds)
        if few:
            found.append(_FEW_SHOTS)
        elif self.settings.advanced_mitigation and not advanced:
            found.append(_NO_COMPANIONS if structure.unitary else _MIDWAY)
        if advanced and is_clifford(structure):
            found.append(_CLIFFORD)
        if advanced and not self.settings.noise_tailoring:
            found.append(_COHERENT)
        if self.workshop.echoes is False:
            found.append(_NO_ECHOES)
        return found


def _cut(ensemble: Ensemble, ideal: Sequence[NDArray[np.int8]]) -> list[Ensemble]:
    """The copies of each basis."""
    ends = np.cumsum([len(each) for each in ideal]).tolist()
    return [ensemble.part(end - len(each), len(each)) for end, each in zip(ends, ideal, strict=True)]


def _wanted(group: MeasurementGroup, wire_of: Mapping[int, int], width: int) -> Wanted:
    """A measurement group on the wires of a structure."""
    wires = [wire_of[qubit] for qubit in group.qubits]
    letters = ["Z"] * width
    for wire, basis in zip(wires, group.bases, strict=True):
        letters[wire] = basis
    terms = np.zeros((len(group.terms), width), dtype=np.int8)
    terms[:, wires] = group.terms * np.array([_LETTERS.index(basis) for basis in group.bases], dtype=np.int8)
    return Wanted(terms, np.abs(group.weights).sum(axis=0), basis_changes("".join(letters)))


def _bits(structure: Structure) -> list[tuple[int, int]]:
    """Wire and classical bit of each bit of the outcomes; -1 for bits that are written midway."""
    final = {clbit: wire for wire, clbit in structure.measured}
    written = set(final)
    if any(fixed.instruction.clbits for fixed in structure.fixed):
        written |= set(range(structure.circuit.num_clbits))
    return [(final.get(clbit, -1), clbit) for clbit in sorted(written)]
