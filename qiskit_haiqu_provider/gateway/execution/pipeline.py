"""From a recipe to the outcome of a job: recipe -> RunRequest -> engine -> results. Runs in a worker process."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import orjson
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquInputError
from qiskit_haiqu_provider.gateway.execution import quality, results
from qiskit_haiqu_provider.gateway.execution.prepare import Part, Prepared, observables_of, prepare, values_of
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe
from qiskit_haiqu_provider.run.request import Task
from qiskit_haiqu_provider.run.result import Distributions, Expectations, RunResult, Samples, Statevectors, TaskResult

Report = Callable[[str, int, int], None]
"""Called with the status, and the parameter sets done and in all."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker gets."""

    recipe: RunRecipe
    circuit_ids: tuple[str, ...]
    circuits: tuple[bytes, ...]
    """QPY of each circuit."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is stored of a job that ran to its end."""

    results: bytes | None = None
    """``quantum_results`` as JSON."""

    info: Mapping[str, Any] = field(default_factory=dict)
    time: float = 0.0
    """Seconds on the device."""

    logs: Sequence[str] = ()
    quality: float | None = None
    cost: Mapping[str, Any] | None = None
    """The estimate of a dry run."""

    def after(self, seconds: float, *, before: float | None = None) -> "Outcome":
        """The outcome with its times: seconds on the device, and in the steps before it."""
        info = self.info if before is None else {"pre_device_pipeline_time": before, **self.info}
        return replace(self, time=seconds, info=info)


def run(work: Work, circuits: Sequence[QuantumCircuit], *, engine: LocalEngine, limit: int, report: Report) -> Outcome:
    """Do a piece of work to its end.

    Args:
        work: What to do.
        circuits: Its circuits, read.
        engine: Where to run.
        limit: Largest size of the results as JSON, in bytes.
        report: Told of every step.

    Raises:
        HaiquError: If something cannot be run; the message says what and why.
    """
    started = time.perf_counter()
    report("Validating", 0, 0)
    prepared = prepare(work.recipe, circuits, engine)
    if work.recipe.statevector:
        _check_states(prepared, limit)
    before = time.perf_counter() - started
    if work.recipe.dry_run:
        estimate = engine.estimate(prepared.request)
        info = {"pre_device_pipeline_time": before}
        return Outcome(info=info, logs=[*prepared.logs, f"Dry run: {estimate}"], cost=estimate.to_dict())
    report("Running", 0, sum(task.num_sets for task in prepared.request.tasks))
    execution = engine.submit(prepared.request, progress=lambda done, of: report("Running", done, of))
    result = execution.result()
    seconds = time.perf_counter() - started - before
    outcome = outcome_of(prepared, result, circuit_ids=work.circuit_ids, limit=limit)
    return outcome.after(seconds, before=before)


def outcome_of(prepared: Prepared, result: RunResult, *, circuit_ids: Sequence[str], limit: int) -> Outcome:
    """The outcome of a run that an engine has done."""
    nested, uncertainty, merged = _nest(prepared, result)
    if not all(np.isfinite([one.values, one.stds]).all() for one in merged if isinstance(one, Expectations)):
        raise HaiquInputError("observables: the values are too large to be computed. Scale the coefficients down.")
    body = orjson.dumps(nested, option=orjson.OPT_SERIALIZE_NUMPY)
    if len(body) > limit:
        raise HaiquCapacityError(
            f"The results take {len(body) >> 20} MiB as JSON, at most {limit >> 20} MiB are allowed. "
            "Ask for observables instead of distributions, or for fewer parameter sets in one job."
        )
    info: dict[str, Any] = {} if uncertainty is None else {"uncertainty": uncertainty}
    if result.task_facts:
        info["mitigation"] = _told(prepared, result.task_facts)
    logs = [*prepared.logs, f"Ran on {prepared.recipe.device}; tasks: {len(prepared.request.tasks)}."]
    if not prepared.recipe.auto_quality:
        return Outcome(results=body, info=info, logs=logs)
    judge = LocalEngine()
    scores = [_score(prepared, index, measured, judge) for index, measured in enumerate(merged)]
    info["quality_assessment"] = {"per_circuit": dict(zip(circuit_ids, scores, strict=True))}
    known = [score for score in scores if score is not None]
    return Outcome(results=body, info=info, logs=logs, quality=float(np.mean(known)) if known else None)


def _check_states(prepared: Prepared, limit: int) -> None:
    """Refuse states that are too large as JSON before they are computed; a number takes about 20 characters."""
    needed = sum(task.num_sets * 2 * 20 * 2**task.circuit.num_qubits for task in prepared.request.tasks)
    if needed > limit:
        raise HaiquCapacityError(
            f"The statevectors take about {needed >> 20:,} MiB as JSON, at most {limit >> 20:,} MiB are allowed. Use "
            "fewer qubits, or estimate observables."
        )


_Merged = list[results.Distribution] | Expectations | None


def _nest(prepared: Prepared, result: RunResult) -> tuple[list[Any], list[Any] | None, list[_Merged]]:
    """The results nested, their uncertainties where there are any, and per circuit what quality is judged by."""
    swept = prepared.recipe.parameters is not None
    nested: list[Any] = []
    uncertainty: list[Any] = []
    merged: list[_Merged] = []
    tasks = iter(result.tasks)
    for group in prepared.parts:
        if group[0].observables is not None:
            estimated = _estimated(prepared.recipe, group[0], tasks)
            nested.append(results.nested_values(estimated.values, swept=swept))
            uncertainty.append(results.nested_values(estimated.stds, swept=swept))
            merged.append(estimated)
        elif prepared.recipe.statevector:
            nested.append(results.nested_states(cast("Statevectors", next(tasks)), swept=swept))
            merged.append(None)
        else:
            seen = [results.distributions(cast("Samples | Distributions", next(tasks)), part.copies) for part in group]
            by_basis = prepared.recipe.readout_bases is not None
            nested.append(results.nested_distributions(seen, by_basis=by_basis, swept=swept))
            merged.append(seen[0])
    return nested, uncertainty or None, merged


_TOO_LONG = ("raw_counts", "stds")
"""Left out of what is told, as each can be as large as the results, and is sent whenever somebody asks for the job."""


def _told(prepared: Prepared, facts: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """What mitigation did to each circuit: one entry for each of its bases, or each of its observables where split."""
    rest = iter(facts)
    return [
        [
            {name: value for name, value in next(rest).items() if name not in _TOO_LONG}
            for part in group
            for _ in range(_num_tasks(prepared.recipe, part))
        ]
        for group in prepared.parts
    ]


def _num_tasks(recipe: RunRecipe, part: Part) -> int:
    return len(part.observables) if recipe.split_observables and part.observables is not None else 1


def _estimated(recipe: RunRecipe, part: Part, tasks: Iterator[TaskResult]) -> Expectations:
    """The observables of one circuit, averaged over its copies."""
    return results.averaged(_joined(recipe, part, tasks), part.copies, -(-recipe.shots // part.copies))


def _joined(recipe: RunRecipe, part: Part, tasks: Iterator[TaskResult]) -> Expectations:
    """The observables of one part, which may have run as a task each."""
    if not recipe.split_observables:
        return cast("Expectations", next(tasks))
    single = [cast("Expectations", next(tasks)) for _ in part.observables or ()]
    return Expectations(np.concatenate([one.values for one in single]), np.concatenate([one.stds for one in single]))


def _score(prepared: Prepared, index: int, merged: _Merged, engine: LocalEngine) -> float | None:
    """The quality of the results of one circuit, judged on the circuit as it was sent."""
    circuit = prepared.circuits[index]
    values = values_of(prepared.recipe, circuit, circuit, index)
    if isinstance(merged, Expectations):
        observables = observables_of(prepared.recipe, len(prepared.circuits))[index]
        if circuit.layout is not None or observables is None:
            return None
        task = Task(circuit=circuit, parameter_values=values, observables=observables, shots=None)
        return quality.estimation_quality(task, merged, engine)
    if merged is None:
        return None
    return quality.sampling_quality(Task(circuit=circuit, parameter_values=values), merged, engine)
