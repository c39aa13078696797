"""Run results as bytes, one array after the other, with a layout in JSON values that says what the bytes mean."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, BinaryIO

import numpy as np

from qiskit_haiqu_provider.run.result import (
    Distributions,
    Expectations,
    RunResult,
    Samples,
    Statevectors,
    TaskResult,
)

Buffer = bytes | memoryview


def buffers(result: RunResult) -> Iterator[Buffer]:
    """The bytes of a result, array after array."""
    return (np.ascontiguousarray(array).data for task in result.tasks for array in _arrays(task))


def layout_of(result: RunResult) -> list[dict[str, Any]]:
    """For each task its kind, the shapes of its arrays, and the facts about it."""
    layout = []
    for task, facts in zip_longest(result.tasks, result.task_facts):
        entry: dict[str, Any] = {"kind": type(task).__name__, "shape": list(_arrays(task)[0].shape)}
        if isinstance(task, (Samples, Distributions)):
            entry["num_clbits"] = task.num_clbits
        if isinstance(task, Distributions):
            entry["sets"] = task.num_sets
        if facts is not None:
            entry["facts"] = dict(facts)
        layout.append(entry)
    return layout


def read_result(layout: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], file: BinaryIO) -> RunResult:
    """The result with that layout.

    Args:
        layout: What :func:`layout_of` gave.
        facts: Metadata of the result.
        file: Has its bytes.

    Raises:
        ValueError: If the layout is unknown, or bytes are missing.
        KeyError: If something is missing in the layout.
    """
    tasks = tuple(_task(entry, file) for entry in layout)
    return RunResult(tasks, facts, tuple(entry["facts"] for entry in layout if "facts" in entry))


def _arrays(task: TaskResult) -> tuple[np.ndarray[Any, Any], ...]:
    if isinstance(task, Samples):
        return (task.outcomes,)
    if isinstance(task, Distributions):
        return task.outcomes, task.weights, task.offsets
    if isinstance(task, Expectations):
        return task.values, task.stds
    return (task.amplitudes,)


def _task(entry: Mapping[str, Any], file: BinaryIO) -> TaskResult:
    shape = tuple(entry["shape"])
    if entry["kind"] == "Samples":
        return Samples(_array(file, shape, np.uint8), entry["num_clbits"])
    if entry["kind"] == "Distributions":
        outcomes, weights = _array(file, shape, np.uint8), _array(file, shape[:1], np.float64)
        return Distributions(outcomes, weights, _array(file, (entry["sets"] + 1,), np.int64), entry["num_clbits"])
    if entry["kind"] == "Expectations":
        return Expectations(_array(file, shape, np.float64), _array(file, shape, np.float64))
    if entry["kind"] == "Statevectors":
        return Statevectors(_array(file, shape, np.complex128))
    raise ValueError(f"unknown kind of result '{entry['kind']}'")


def _array(file: BinaryIO, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    size = math.prod(shape) * np.dtype(dtype).itemsize
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the file is too short")
    return np.frombuffer(data, dtype=dtype).reshape(shape)
