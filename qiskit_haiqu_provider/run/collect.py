"""Task results come home: into PrimitiveResult for PUBs, into Result for ``backend.run``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from qiskit_haiqu_provider.run.broadcast import blocks
from qiskit_haiqu_provider.run.plan import (
    CircuitOutline,
    EstimatorOutline,
    Outline,
    Plan,
    SamplerOutline,
)
from qiskit_haiqu_provider.run.result import (
    Distributions,
    Expectations,
    RunResult,
    Samples,
    Statevectors,
    TaskResult,
)
from qiskit_haiqu_provider.run.told import of_samples, of_values

_Told = tuple[TaskResult, Mapping[str, Any] | None]
"""A result, and what is told of it."""


@dataclass(frozen=True)
class Origin:
    """Where a result came from, as the containers show it."""

    job_id: str
    backend_name: str
    via: str

    def metadata(self, run: RunResult) -> dict[str, Any]:
        """The package's facts about a run, for metadata under the key ``haiqu``."""
        return {
            "backend": self.backend_name,
            "via": self.via,
            "job_id": self.job_id,
            **run.metadata,
        }


def collect(plan: Plan, run: RunResult, origin: Origin) -> PrimitiveResult[Any] | Result:
    """Turn the results of a run into what the caller of the front door expects.

    Args:
        plan: The plan that the run was made from.
        run: One result per task of the plan.
        origin: Where the result came from.

    Returns:
        ``PrimitiveResult`` for sampler and estimator plans, ``qiskit.result.Result`` for ``backend.run``.
    """
    results = zip(run.tasks, run.task_facts or repeat(None), strict=False)
    if plan.kind == "run":
        outlines = cast("Sequence[CircuitOutline]", plan.outlines)
        return _run_result(outlines, results, run, origin)
    pub_results = [
        _sampler_pub(outline, results)
        if isinstance(outline, SamplerOutline)
        else _estimator_pub(cast("EstimatorOutline", outline), results)
        for outline in plan.outlines
    ]
    return PrimitiveResult(pub_results, metadata={"version": 2, "haiqu": origin.metadata(run)})


def collect_some(
    plan: Plan, tasks: Mapping[int, TaskResult], facts: Mapping[str, Any], origin: Origin
) -> PrimitiveResult[Any] | Result:
    """Like :func:`collect`, of those PUBs or circuits alone whose tasks are all there.

    Args:
        plan: The plan that the run was made from.
        tasks: The results that there are, by the index of the task.
        facts: What the metadata is to say of the run; ``pubs`` is added, the indices of the PUBs that are there.
        origin: Where the results came from.
    """
    outlines, results, pubs, first = [], [], [], 0
    for index, outline in enumerate(plan.outlines):
        own = range(first, first + _num_tasks(outline))
        first = own.stop
        if all(task in tasks for task in own):
            outlines.append(outline)
            results += [tasks[task] for task in own]
            pubs.append(index)
    run = RunResult(tuple(results), {**facts, "pubs": pubs})
    return collect(Plan(plan.kind, tuple(outlines)), run, origin)


def _num_tasks(outline: Outline) -> int:
    if not isinstance(outline, EstimatorOutline):
        return 1
    return sum(1 for _ in blocks(outline.parameter_shape, outline.observable_shape, outline.observable_ids))


def _sampler_pub(outline: SamplerOutline, results: Iterator[_Told]) -> SamplerPubResult:
    task, told = next(results)
    metadata: dict[str, Any] = {"shots": outline.shots, "circuit_metadata": outline.circuit_metadata}
    more = of_samples(told)
    if isinstance(task, Distributions):
        task, facts = _rounded(task, outline.shots)
        more = {**_together(facts), **more}
    if more:
        metadata["haiqu"] = more
    samples = cast("Samples", task)
    shape = outline.shape
    data: dict[str, Any] = {}
    for register in outline.registers:
        size = len(register.clbits)
        packed = select_bits(samples, register.clbits)
        data[register.name] = BitArray(packed.reshape(*shape, outline.shots, -(-size // 8)), size)
    return SamplerPubResult(DataBin(**data, shape=shape), metadata)


def _rounded(distributions: Distributions, shots: int) -> tuple[Samples, list[dict[str, Any]]]:
    """Shots that follow the distributions, and for each set how they came about."""
    from qiskit_haiqu_provider.run.rounding import as_samples, by_bitstring, shares  # services alone give those

    found = shares(distributions)
    facts = [
        {"projected": projected, "renormalised": renormalised, "distribution": distribution}
        for projected, renormalised, distribution in zip(
            found.projected.tolist(), found.renormalised.tolist(), by_bitstring(distributions), strict=True
        )
    ]
    return as_samples(distributions, found, shots), facts


def _together(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How the shots of a PUB came about: whether any set was changed, and the distributions as received."""
    return {
        **_FROM_DISTRIBUTION,
        "projected": any(each["projected"] for each in facts),
        "renormalised": any(each["renormalised"] for each in facts),
        "distributions": [each["distribution"] for each in facts],
    }


_FROM_DISTRIBUTION = {"shots_from": "distribution"}


def _estimator_pub(outline: EstimatorOutline, results: Iterator[_Told]) -> PubResult:
    shape = outline.shape
    evs, stds = np.zeros(shape), np.zeros(shape)
    told = []
    for block in blocks(outline.parameter_shape, outline.observable_shape, outline.observable_ids):
        result, facts = next(results)
        told.append((block, facts))
        task = cast("Expectations", result)
        for row, (cells, columns) in enumerate(zip(block.cells, block.columns, strict=True)):
            evs.reshape(-1)[cells] = task.values[row, columns]
            stds.reshape(-1)[cells] = task.stds[row, columns]
    metadata = {
        "target_precision": outline.precision,
        "shots": outline.shots or 0,
        "circuit_metadata": outline.circuit_metadata,
    }
    more = of_values(shape, told)
    if more:
        metadata["haiqu"] = more
    return PubResult(DataBin(evs=evs, stds=stds, shape=shape), metadata)


def select_bits(samples: Samples, clbits: tuple[int, ...]) -> NDArray[np.uint8]:
    """The bits of one register for every shot, big-endian packed, shape ``(sets, shots, bytes)``.

    Args:
        samples: Shots of all classical bits.
        clbits: The classical bits of the register, lowest bit first; any order, any overlap with others.
    """
    if clbits == tuple(range(samples.num_clbits)):
        return samples.outcomes
    width = samples.outcomes.shape[-1] * 8
    columns = [width - 1 - clbit for clbit in reversed(clbits)]
    bits = np.unpackbits(samples.outcomes, axis=-1)[..., columns]
    padding = np.zeros((*bits.shape[:-1], -len(clbits) % 8), dtype=np.uint8)
    return np.packbits(np.concatenate([padding, bits], axis=-1), axis=-1)


def _run_result(
    outlines: Sequence[CircuitOutline],
    results: Iterator[_Told],
    run: RunResult,
    origin: Origin,
) -> Result:
    experiments = [
        experiment for outline in outlines for experiment in _experiments(outline, *next(results), origin.metadata(run))
    ]
    return Result(
        backend_name=origin.backend_name,
        backend_version="",
        qobj_id=None,
        job_id=origin.job_id,
        success=True,
        results=experiments,
        status="COMPLETED",
        haiqu=origin.metadata(run),
    )


def _experiments(
    outline: CircuitOutline, task: TaskResult, told: Mapping[str, Any] | None, facts: Mapping[str, Any]
) -> Iterator[ExperimentResult]:
    """One experiment per parameter set."""
    header = {
        "name": outline.name,
        "n_qubits": outline.num_qubits,
        "memory_slots": outline.num_clbits,
        "creg_sizes": [list(creg) for creg in outline.creg_sizes],
        "metadata": dict(outline.circuit_metadata),
    }
    notes: Iterable[Mapping[str, Any]] = repeat({})
    if isinstance(task, Distributions):
        task, rounded = _rounded(task, outline.shots)
        notes = [{"haiqu": {**_FROM_DISTRIBUTION, **each, **of_samples(told)}} for each in rounded]
    for data, note in zip(_experiment_data(outline, task), notes, strict=False):
        yield ExperimentResult(
            shots=outline.shots,
            success=True,
            data=data,
            status="DONE",
            seed=facts.get("seed"),
            header=dict(header),
            meas_level=2,
            **note,
        )


def _experiment_data(outline: CircuitOutline, task: TaskResult) -> Iterator[ExperimentResultData]:
    if isinstance(task, Statevectors):
        yield from (ExperimentResultData(statevector=amplitudes) for amplitudes in task.amplitudes)
        return
    samples = cast("Samples", task)
    if not outline.num_clbits:  # there is nothing to count, and Aer does not either
        yield from (ExperimentResultData() for _ in samples.outcomes)
        return
    for shots in samples.outcomes:
        values, positions = np.unique(shots, axis=0, return_inverse=True)
        keys = np.array(list(map(hex, _integers(values))), dtype=object)
        positions = positions.reshape(-1)
        counts = dict(zip(keys, np.bincount(positions).tolist(), strict=True))
        if outline.memory:
            yield ExperimentResultData(counts=counts, memory=keys[positions].tolist())
        else:
            yield ExperimentResultData(counts=counts)


def _integers(packed: NDArray[np.uint8]) -> list[int]:
    """Rows of big-endian bytes as integers."""
    return [int.from_bytes(row, "big") for row in packed.tolist()]
