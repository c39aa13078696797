"""Results of slots come together as results of tasks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.direct.slots import Slot, TaskShape
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.measure import MeasurementGroup, measurements
from qiskit_haiqu_provider.run.result import Distributions, Expectations, Samples, TaskResult
from qiskit_haiqu_provider.run.rounding import shares

Part = tuple[Slot, TaskResult]
"""A slot, and what the vendor returned for it."""


def assemble(tasks: Sequence[TaskShape], parts: Sequence[Part]) -> tuple[TaskResult, ...]:
    """The result of each task.

    Args:
        tasks: The tasks of the request.
        parts: The results of all slots.

    Raises:
        HaiquResponseError: If a result is not of the kind or size that its slot asks for.
    """
    found: dict[int, list[Part]] = {index: [] for index in range(len(tasks))}
    for slot, result in parts:
        found[slot.task].append((slot, result))
    return tuple(
        _samples(task, found[index]) if task.paulis is None else _expectations(task, found[index])
        for index, task in enumerate(tasks)
    )


def _samples(task: TaskShape, parts: Sequence[Part]) -> TaskResult:
    """The outcomes of all sets; of a circuit that measures nothing, which was not sent, they are all 0."""
    results: list[Any] = []
    for slot, result in sorted(parts, key=lambda part: part[0].first):
        _check(result, slot, task.num_clbits, where=f"PUB {task.pub}")
        results.append(result)
    if not results:
        shape = task.num_sets, task.shots, -(-task.num_clbits // 8)
        return Samples(np.zeros(shape, dtype=np.uint8), task.num_clbits)
    if all(isinstance(result, Samples) and result.outcomes.shape[1] == task.shots for result in results):
        return Samples(np.concatenate([result.outcomes for result in results]), task.num_clbits)
    return _joined_distributions(task, results)  # also where shots were lost at the vendor


def _joined_distributions(task: TaskShape, parts: Sequence[Any]) -> Distributions:
    parts = [_as_distribution(part) for part in parts]
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Distributions(
        outcomes=np.concatenate([part.outcomes for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        num_clbits=task.num_clbits,
    )


def _expectations(task: TaskShape, parts: Sequence[Part]) -> Expectations:
    """Values that the vendor worked out, or those of measurement groups added up.

    A value is the sum of the means of its groups and of the identity's part; shots of different groups are
    independent, so their variances add. Inside a group every shot gives a value of the observable's whole share, so
    that its variance holds all covariances.
    """
    plan = measurements(task.observables())
    shape = len(plan.constants), task.num_sets
    values, variances = np.zeros(shape), np.zeros(shape)
    if not any(slot.group is None for slot, _ in parts):
        values += plan.constants[:, None]
    for slot, result in parts:
        columns = slice(slot.first, slot.first + slot.sets)
        if slot.group is None:
            found = _checked_values(result, slot, shape, where=f"PUB {task.pub}")
            values[:, columns], variances[:, columns] = found.values, found.stds**2
            continue
        group = plan.groups[slot.group]
        _check(result, slot, task.num_clbits + len(group.qubits), where=f"PUB {task.pub}")
        for offset, (bits, weights) in enumerate(_outcomes(result, task.num_clbits, len(group.qubits))):
            mean, variance = _estimate(group, bits, weights)
            values[:, slot.first + offset] += mean
            variances[:, slot.first + offset] += variance / task.shots
    return Expectations(values, np.sqrt(variances))


def _estimate(
    group: MeasurementGroup, bits: NDArray[np.uint8], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of what single shots contribute to each observable; weights sum to 1."""
    values = group.values(bits)
    means = weights @ values
    variances = weights @ (values - means) ** 2
    return means, np.maximum(variances, 0.0)


def _outcomes(result: TaskResult, first: int, size: int) -> Sequence[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """For each set the measured bits of the outcomes that were seen, and their share of the shots."""
    if isinstance(result, Samples):
        rows = (np.unique(shots, axis=0, return_counts=True) for shots in result.outcomes)
        return [(_bits(seen, first, size), counts / counts.sum()) for seen, counts in rows]
    distribution = _as_distribution(result)
    probabilities = shares(distribution).probabilities
    ends = zip(distribution.offsets[:-1], distribution.offsets[1:], strict=True)
    return [(_bits(distribution.outcomes[a:b], first, size), probabilities[a:b]) for a, b in ends]


def _bits(rows: NDArray[np.uint8], first: int, size: int) -> NDArray[np.uint8]:
    """Some bits of packed rows, the lowest first."""
    return np.unpackbits(rows, axis=1)[:, ::-1][:, first : first + size]


def _as_distribution(result: Any) -> Distributions:
    if isinstance(result, Distributions):
        return result
    rows = [np.unique(shots, axis=0, return_counts=True) for shots in result.outcomes]
    return Distributions(
        outcomes=np.concatenate([seen for seen, _ in rows]),
        weights=np.concatenate([counts / counts.sum() for _, counts in rows]),
        offsets=np.concatenate([[0], np.cumsum([len(seen) for seen, _ in rows])]).astype(np.int64),
        num_clbits=result.num_clbits,
    )


def _check(result: TaskResult, slot: Slot, num_clbits: int, *, where: str) -> None:
    if not isinstance(result, (Samples, Distributions)):
        raise HaiquResponseError(f"{where}: outcomes were asked for, but the vendor returned something else.")
    sets = len(result.outcomes) if isinstance(result, Samples) else result.num_sets
    if (sets, result.num_clbits) != (slot.sets, num_clbits):
        raise HaiquResponseError(
            f"{where}: {slot.sets} sets of {num_clbits} bits were asked for, but the vendor returned {sets} sets of "
            f"{result.num_clbits} bits."
        )


def _checked_values(result: TaskResult, slot: Slot, shape: tuple[int, int], *, where: str) -> Expectations:
    if not isinstance(result, Expectations) or result.values.shape != (shape[0], slot.sets):
        raise HaiquResponseError(
            f"{where}: {shape[0]} expectation values of {slot.sets} sets were asked for, but the vendor returned "
            "something else."
        )
    return result
