"""What an engine is asked to do."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.run.result import RunResult

Progress = Callable[[int, int], None]
"""Called with the parameter sets done and the parameter sets in all, from the thread that runs the job."""


class RunType(StrEnum):
    """The kind of run, in the words of the Haiqu REST API."""

    RUN = "Run"
    STATEVECTOR = "StatevectorRun"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One circuit with all the work that is asked of it.

    A task is a full cross product: every observable is estimated for every parameter set. Broadcasts that are
    not a cross product become several tasks (see :mod:`~qiskit_haiqu_provider.run.broadcast`), so that an
    engine never computes, and nobody ever pays for, an evaluation that was not asked for.
    """

    circuit: QuantumCircuit
    parameter_values: NDArray[np.float64]
    """Values of shape ``(sets, circuit.num_parameters)``, columns in the order of ``circuit.parameters``."""

    observables: tuple[SparsePauliOp, ...] | None = None
    """Observables to estimate; ``None`` samples the circuit's classical bits instead."""

    shots: int | None = 1024
    """Shots per circuit execution; ``None`` asks for the exact value."""

    pub: int = 0
    """Index of the PUB or circuit that asked for it."""

    @property
    def num_sets(self) -> int:
        """The number of parameter sets."""
        return int(self.parameter_values.shape[0])


class Finish(Protocol):
    """Makes results of a run out of the results of other tasks that ran in its place."""

    def finish(self, raw: RunResult) -> RunResult:
        """The results that were asked for."""
        ...

    def to_json(self) -> Mapping[str, Any]:
        """All that it knows, in JSON values, so that another process can finish the run."""
        ...


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Everything that an engine needs for one job."""

    device: str
    tasks: tuple[Task, ...]
    run_type: RunType = RunType.RUN
    seed: int | None = None
    """Seed of all simulated randomness; each task draws from a stream of its own."""

    use_mitigation: bool = False
    """Whether who executes is to mitigate errors."""

    mitigation: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the engine, validated by the backend."""

    name: str = ""
    description: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Client token: the identity of this submission, chosen before anything is sent."""

    finish: Finish | None = None
    """What the results of the tasks still have to go through; ``None`` if they are what was asked for."""
