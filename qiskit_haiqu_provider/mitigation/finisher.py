"""From the outcomes of randomised circuits to the results of the tasks that they were made from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.mitigation.bootstrap import Bootstrap
from qiskit_haiqu_provider.mitigation.codec import decoded, encoded
from qiskit_haiqu_provider.mitigation.corrections import Corrected, Correction, deconvolution
from qiskit_haiqu_provider.mitigation.damping import Damping, Estimates, Group, damping, estimates
from qiskit_haiqu_provider.mitigation.distributions import histogram
from qiskit_haiqu_provider.mitigation.m3 import m3_of
from qiskit_haiqu_provider.mitigation.paths import Paths, Seen, dampings
from qiskit_haiqu_provider.mitigation.readout import Ensemble, Outcomes, outcomes_of
from qiskit_haiqu_provider.mitigation.settings import M3, TWIRLED
from qiskit_haiqu_provider.run.result import Distributions, Expectations, RunResult, TaskResult

_NOTHING = 1e-9
"""Probability below which an outcome is not listed."""

_NO_STDS = "Probabilities have no error bars: there are too many outcomes, or distributions, for a bootstrap."

_VERSION = 2

Finished = tuple[TaskResult, dict[str, Any]]
"""A result, and the facts about it."""


@dataclass(frozen=True)
class Plain:
    """A task that runs as it is."""

    task: int
    """Its index in the request that runs."""

    tasks: tuple[int, ...]
    """Its index in the original request."""

    facts: Mapping[str, Any]

    def finish(self, raw: RunResult) -> Iterator[Finished]:
        """The result as it came."""
        yield raw.tasks[self.task], dict(self.facts)


@dataclass(frozen=True)
class Companions:
    """Circuits with known values, and the terms that they tell about."""

    ensembles: tuple[Ensemble, ...]
    ideal: NDArray[np.int8]
    """Ideal value of each term, 0 where it is not known; shape ``(copies of all ensembles, terms)``."""

    def damping(self, raw: RunResult, terms: NDArray[np.uint8]) -> Damping:
        """What the noise does to each term on a typical path."""
        return damping(self.ideal, self.seen(raw, terms))

    def seen(self, raw: RunResult, terms: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The value of each term in each companion."""
        if not self.ensembles:
            return np.zeros(self.ideal.shape)
        return np.concatenate([outcomes_of(each, raw.tasks[each.task]).values(terms) for each in self.ensembles])


@dataclass(frozen=True)
class Measured:
    """The terms that share a basis."""

    terms: NDArray[np.uint8]
    """The bits of each, shape ``(terms, bits)``."""

    weights: NDArray[np.float64]
    """Shape ``(observables, terms)``."""

    companions: Companions
    paths: Paths

    def seen(self, raw: RunResult) -> Seen:
        """What companions tell about the terms."""
        weights = self.terms.sum(axis=1, dtype=np.intp)
        return Seen(self.companions.ideal, self.companions.seen(raw, self.terms), weights, self.paths)


@dataclass(frozen=True)
class Values:
    """Observables of a circuit at some parameter sets."""

    tasks: tuple[int, ...]
    """Indices of the original tasks that share the circuits; their sets come one after the other."""

    sizes: tuple[int, ...]
    """Parameter sets of each."""

    targets: tuple[Ensemble, ...]
    """For each group the copies of every set, sets first."""

    groups: tuple[Measured, ...]
    constants: NDArray[np.float64]
    shots: int
    """Of each copy."""

    guard: bool
    facts: Mapping[str, Any]
    companion_shots: int = 0
    """Of each companion."""

    def finish(self, raw: RunResult) -> Iterator[Finished]:
        """Expectation values of each task."""
        sets = sum(self.sizes)
        factors = dampings([group.seen(raw) for group in self.groups], shots=self.companion_shots)
        groups = []
        for target, group, found in zip(self.targets, self.groups, factors, strict=True):
            outcomes = outcomes_of(target, raw.tasks[target.task])
            per_set = outcomes.values(group.terms).reshape(sets, -1, len(group.terms))
            noise = outcomes.shot_noise(group.terms, group.weights / found.factors, sets=sets, shots=self.shots)
            groups.append(Group(group.weights, per_set, found, self.shots, noise))
        whole = estimates(self.constants, groups, sets=sets, guard=self.guard)
        for part in _parts(self.sizes):
            yield Expectations(whole.values[:, part], whole.stds[:, part]), {**self.facts, **_facts(whole, part)}


@dataclass(frozen=True)
class Shares:
    """Outcome distributions of a circuit at some parameter sets."""

    tasks: tuple[int, ...]
    sizes: tuple[int, ...]
    target: Ensemble
    """The copies of every set, sets first."""

    parities: NDArray[np.uint8]
    """Those that the damping model is fitted to, shape ``(parities, bits)``."""

    companions: Companions
    num_clbits: int
    shots: int
    """Of each copy."""

    everywhere: bool
    """Whether all parities may be damped together; not so by readout errors alone."""

    guard: bool
    facts: Mapping[str, Any]
    method: str = TWIRLED
    """How readout errors are undone if nothing else is."""

    companion_shots: int = 0
    """Of each companion."""

    seed: int = 0
    """Of the error bars."""

    def finish(self, raw: RunResult) -> Iterator[Finished]:
        """Distributions of each task."""
        sets = sum(self.sizes)
        outcomes = outcomes_of(self.target, raw.tasks[self.target.task])
        correction = self._correction(raw)
        bootstrap = None if correction is None else Bootstrap(correction, self.seed, sets)
        copies = self.target.copies // sets
        for part in _parts(self.sizes):
            found, facts, warnings = [], [], []
            for index in range(part.start, part.stop):
                better, told = self._one(outcomes.part(index * copies, copies), bootstrap, copies, number=index)
                found.append((better.bits, better.weights))
                facts.append(told)
                warnings.append(better.warning)
            yield (
                self._distributions(found),
                {
                    **self.facts,
                    **({"unmitigated_share": 1.0} if correction is None else correction.facts()),
                    **_joined(facts),
                    "warnings": [*self.facts["warnings"], *filter(None, dict.fromkeys(warnings))],
                },
            )

    def _correction(self, raw: RunResult) -> Correction | None:
        """How the noise is undone; ``None`` if nothing is known of it."""
        known = self.companions.ensembles
        if not known:
            return None
        if self.method == M3:
            return m3_of(
                [(each.flips, outcomes_of(each, raw.tasks[each.task])) for each in known], shots=self.companion_shots
            )
        found = self.companions.damping(raw, self.parities)
        return deconvolution(found, self.parities, everywhere=self.everywhere, guard=self.guard)

    def _one(
        self, seen: Outcomes, bootstrap: Bootstrap | None, copies: int, *, number: int
    ) -> tuple[Corrected, dict[str, Any]]:
        """The distribution of a set, and what to tell of it."""
        weights = seen.weights / copies
        bits, places = np.unique(seen.bits, axis=0, return_inverse=True)
        raw = histogram(places.reshape(-1), weights, len(bits))
        shots = self.shots * copies
        told: dict[str, Any] = {"raw_counts": self._counts(bits, raw * shots)}
        if bootstrap is None:
            return Corrected(bits, raw), told
        better = bootstrap.correction.corrected(bits, raw, shots=shots)
        stds = bootstrap.stds(bits, raw, better, shots=shots, number=number)
        listed = better.weights > _NOTHING
        kept = better.weights[listed]
        told |= better.facts
        told["stds"] = (
            None if stds is None else dict(zip(self._strings(better.bits[listed]), stds[listed].tolist(), strict=True))
        )
        warning = better.warning or (_NO_STDS if stds is None else "")
        return Corrected(better.bits[listed], kept / kept.sum(), warning=warning), told

    def _counts(self, bits: NDArray[np.uint8], counts: NDArray[np.float64]) -> dict[str, int]:
        return {
            string: round(count) for string, count in zip(self._strings(bits), counts.tolist(), strict=True) if count
        }

    def _strings(self, bits: NDArray[np.uint8]) -> list[str]:
        """Outcomes as text, one letter for each classical bit of the circuit."""
        strings = np.full((len(bits), self.num_clbits), ord("0"), dtype=np.uint8)
        strings[:, [self.num_clbits - 1 - clbit for clbit in self.target.clbits]] += bits
        return [row.tobytes().decode() for row in strings]

    def _distributions(self, found: Sequence[tuple[NDArray[np.uint8], NDArray[np.float64]]]) -> Distributions:
        bits = np.concatenate([each for each, _ in found])
        size = -(-self.num_clbits // 8)
        every = np.zeros((len(bits), 8 * size), dtype=np.uint8)
        every[:, [8 * size - 1 - clbit for clbit in self.target.clbits]] = bits
        lengths = [len(each) for each, _ in found]
        return Distributions(
            outcomes=np.packbits(every, axis=1),
            weights=np.concatenate([weights for _, weights in found]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            num_clbits=self.num_clbits,
        )


Part = Plain | Values | Shares
_KINDS = {kind.__name__: kind for kind in (Plain, Values, Shares, Measured, Companions, Paths, Ensemble)}


@dataclass(frozen=True)
class Finisher:
    """All that it takes to turn the raw results of a mitigated request into results of the original one."""

    parts: tuple[Part, ...]
    num_tasks: int
    """Tasks of the original request."""

    def finish(self, raw: RunResult) -> RunResult:
        """The results of the original tasks.

        Args:
            raw: The result of the request that ran.

        Raises:
            HaiquResponseError: If it does not hold the outcomes that were asked for.
        """
        found: dict[int, Finished] = {}
        for part in self.parts:
            found.update(zip(part.tasks, part.finish(raw), strict=True))
        ordered = [found[index] for index in range(self.num_tasks)]
        return RunResult(
            tuple(result for result, _ in ordered), raw.metadata, task_facts=tuple(facts for _, facts in ordered)
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for the record of a job."""
        return {"version": _VERSION, "num_tasks": self.num_tasks, "parts": encoded(self.parts)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """From :meth:`to_json`, perhaps of another process.

        Raises:
            HaiquResponseError: If another version of this package wrote it.
        """
        if value.get("version") != _VERSION:
            raise HaiquResponseError(
                f"The record of the job's mitigation has version {value.get('version')}, but this package reads "
                f"version {_VERSION}. Read the job with the version of the package that submitted it."
            )
        return cls(decoded(value["parts"], _KINDS), int(value["num_tasks"]))


def finished(raw: RunResult, finish: Mapping[str, Any] | None) -> RunResult:
    """The results that were asked for.

    Args:
        raw: The results of the tasks that ran.
        finish: A finisher as JSON values; ``None`` if these are what was asked for.
    """
    return raw if finish is None else Finisher.from_json(finish).finish(raw)


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """The sets of each task."""
    start = 0
    for size in sizes:
        yield slice(start, start + size)
        start += size


def _facts(found: Estimates, part: slice) -> dict[str, Any]:
    """What a task's metadata says; arrays of shape (observables, sets) as nested lists."""
    return {
        "raw": found.raw[:, part].tolist(),
        "unshrunk": found.unshrunk[:, part].tolist(),
        "shrinkage": found.shrinkage[:, part].tolist(),
        "median_damping": found.median_damping.tolist(),
        "unmitigated_share": found.unmitigated.tolist(),
    }


def _joined(facts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """One list for each name, an entry for each set."""
    return {name: [each[name] for each in facts] for name in (facts[0] if facts else ())}
