"""What an engine gives back: one task result per task, in the order of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Samples:
    """Shots, with all classical bits of a shot together."""

    outcomes: NDArray[np.uint8]
    """Shape ``(sets, shots, ceil(num_clbits / 8))``; big-endian packed, the last bit is classical bit 0."""

    num_clbits: int


@dataclass(frozen=True)
class Distributions:
    """Probabilities of bitstrings, where the service yields no shots."""

    outcomes: NDArray[np.uint8]
    """Shape ``(entries, ceil(num_clbits / 8))``; packed like the outcomes of :class:`Samples`."""

    weights: NDArray[np.float64]
    """Shape ``(entries,)``: quasi-probabilities as received; they may be negative or not sum to 1."""

    offsets: NDArray[np.int64]
    """Shape ``(sets + 1,)``: the entries of set ``i`` are ``offsets[i]:offsets[i + 1]``, each outcome at most once."""

    num_clbits: int

    @property
    def num_sets(self) -> int:
        """The number of parameter sets."""
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Expectations:
    """Expectation values and their standard errors, both of shape ``(observables, sets)``."""

    values: NDArray[np.float64]
    stds: NDArray[np.float64]


@dataclass(frozen=True)
class Statevectors:
    """Amplitudes of shape ``(sets, 2**num_qubits)`` in Qiskit order."""

    amplitudes: NDArray[np.complex128]


TaskResult = Samples | Distributions | Expectations | Statevectors


@dataclass(frozen=True)
class RunResult:
    """The answer to a run request."""

    tasks: tuple[TaskResult, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the execution, JSON values only (engine, method, circuits executed, seconds)."""

    task_facts: tuple[Mapping[str, Any], ...] = ()
    """Facts about each task, JSON values only (what mitigation did to it); empty if there are none."""
