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
class Expectations:
    """Expectation values and their standard errors, both of shape ``(observables, sets)``."""

    values: NDArray[np.float64]
    stds: NDArray[np.float64]


@dataclass(frozen=True)
class Statevectors:
    """Amplitudes of shape ``(sets, 2**num_qubits)`` in Qiskit order."""

    amplitudes: NDArray[np.complex128]


TaskResult = Samples | Expectations | Statevectors


@dataclass(frozen=True)
class RunResult:
    """The answer to a run request."""

    tasks: tuple[TaskResult, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the execution, JSON values only (engine, method, circuits executed, seconds)."""
