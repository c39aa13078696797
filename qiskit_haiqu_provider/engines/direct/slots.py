"""Where the results of a vendor's jobs belong, in JSON values: enough to read them in another process."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.run.request import Task


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A part of a task that a vendor computes as one: some of its parameter sets, measured in one way."""

    task: int
    """Index of the task in the request."""

    first: int
    """The first of the task's parameter sets."""

    sets: int
    """How many of them."""

    group: int | None = None
    """Index of the measurement group of the task's observables; ``None`` where the task's own question is answered:
    samples of its circuit, or expectation values that the vendor works out."""

    def to_json(self) -> dict[str, Any]:
        """The slot as JSON values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class TaskShape:
    """What is needed of a task to put its results together."""

    pub: int
    num_sets: int
    num_clbits: int
    shots: int
    paulis: tuple[tuple[str, ...], ...] | None = None
    """For each observable its Pauli strings, the last letter on qubit 0; ``None`` for samples."""

    coeffs: tuple[tuple[float, ...], ...] = ()
    """For each observable the real coefficients of these."""

    @classmethod
    def of(cls, task: Task) -> Self:
        """The shape of a task."""
        shape: dict[str, Any] = {
            "pub": task.pub,
            "num_sets": task.num_sets,
            "num_clbits": task.circuit.num_clbits,
            "shots": int(task.shots or 0),
        }
        if task.observables is None:
            return cls(**shape)
        return cls(
            **shape,
            paulis=tuple(tuple(observable.paulis.to_labels()) for observable in task.observables),
            coeffs=tuple(tuple(np.real(observable.coeffs).tolist()) for observable in task.observables),
        )

    def observables(self) -> tuple[SparsePauliOp, ...]:
        """The observables."""
        pairs = zip(self.paulis or (), self.coeffs, strict=True)
        return tuple(SparsePauliOp(list(paulis), list(coeffs)) for paulis, coeffs in pairs)

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) != item.default}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        paulis = data.get("paulis")
        return cls(
            **{
                **data,
                "paulis": None if paulis is None else tuple(map(tuple, paulis)),
                "coeffs": tuple(map(tuple, data.get("coeffs", ()))),
            }
        )
