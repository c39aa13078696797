"""Run results as the REST API nests them: circuits, then observables or bases, then parameter sets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.run.result import Distributions, Expectations, Samples, Statevectors
from qiskit_haiqu_provider.run.rounding import by_bitstring, shares

Distribution = dict[str, float]


def distributions(measured: Samples | Distributions, copies: int = 1) -> list[Distribution]:
    """For each parameter set the probability of every bitstring seen, highest classical bit first, without spaces.

    Args:
        measured: Shots of all classical bits, or their probabilities where there are no shots; those of packed
            circuits hold the bits of all copies.
        copies: How many copies of the circuit ran side by side; each counts as a shot.
    """
    if isinstance(measured, Samples):
        return [_distribution(shots, measured.num_clbits, copies) for shots in measured.outcomes]
    bits = measured.num_clbits // copies
    probable = replace(measured, weights=shares(measured).probabilities)
    return [_split(weights, bits, copies) for weights in by_bitstring(probable)]


def _split(weights: Distribution, bits: int, copies: int) -> Distribution:
    """The probabilities of one copy: the mean over all."""
    found: Distribution = {}
    for text, weight in weights.items():
        for copy in range(copies):
            key = text[copy * bits : (copy + 1) * bits]
            found[key] = found.get(key, 0.0) + weight / copies
    return {text: weight for text, weight in found.items() if weight}


def _distribution(shots: NDArray[np.uint8], num_clbits: int, copies: int) -> Distribution:
    bits = num_clbits // copies
    if copies > 1:
        single = np.unpackbits(shots, axis=-1)[:, -num_clbits:].reshape(-1, bits)
        padding = np.zeros((len(single), -bits % 8), dtype=np.uint8)
        shots = np.packbits(np.concatenate([padding, single], axis=-1), axis=-1)
    if not bits:
        return {"": 1.0}
    rows = np.ascontiguousarray(shots).view(np.dtype((np.void, shots.shape[-1]))).reshape(-1)
    distinct, counts = np.unique(rows, return_counts=True)
    total = float(counts.sum())
    values = (int.from_bytes(row.tobytes(), "big") for row in distinct)
    return {format(value, f"0{bits}b"): count / total for value, count in zip(values, counts.tolist(), strict=True)}


def averaged(task: Expectations, copies: int, shots: int) -> Expectations:
    """Expectation values over the copies of a packed circuit; the copies are independent.

    The variance of the mean is estimated from the shots within each copy and from the spread between copies, each
    weighted by its degrees of freedom: with one shot per copy, only the spread tells anything.

    Args:
        task: Values and standard errors of every observable on every copy.
        copies: How many copies there are.
        shots: Shots of each copy.
    """
    if copies == 1:
        return task
    shape = (-1, copies, task.values.shape[-1])
    values = task.values.reshape(shape)
    within = (task.stds**2).reshape(shape).mean(axis=1) / copies
    between = values.var(axis=1, ddof=1) / copies
    variances = ((copies - 1) * between + copies * (shots - 1) * within) / (copies * shots - 1)
    return Expectations(values.mean(axis=1), np.sqrt(variances))


def nested_values(values: NDArray[np.float64], *, swept: bool) -> list[Any]:
    """Values of shape ``(observables, sets)``: ``[observable]``, or ``[observable][set]`` if there is a sweep."""
    nested: list[Any] = values.tolist() if swept else values[:, 0].tolist()
    return nested


def nested_states(task: Statevectors, *, swept: bool) -> Any:
    """``[real parts, imaginary parts]``, or a list of them if there is a sweep."""
    states = [[np.ascontiguousarray(state.real), np.ascontiguousarray(state.imag)] for state in task.amplitudes]
    return states if swept else states[0]


def nested_distributions(bases: Sequence[list[Distribution]], *, by_basis: bool, swept: bool) -> Any:
    """``dist``, with the axes ``[basis]`` and ``[set]`` before it where they were asked for."""
    rows = [sets if swept else sets[0] for sets in bases]
    return rows if by_basis else rows[0]
