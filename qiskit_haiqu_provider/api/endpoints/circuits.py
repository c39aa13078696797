"""Circuits: upload, look-up, numbers, and those that the service makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.calls import get, send
from qiskit_haiqu_provider.api.endpoints.base import Endpoints, made
from qiskit_haiqu_provider.exceptions import HaiquNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_BY_HASH = "/experiments/{experiment_id}/circuits/{circuit_hash}"


class CircuitEndpoints(Endpoints):
    """Circuits."""

    def upload_circuit(self, body: models.CircuitCreate) -> models.Circuit:
        """Store a circuit. Repeated when an answer is lost: a second record of the same circuit is harmless."""
        return self._link.one(models.Circuit, send("POST", "/circuits", body, safe=True))

    def circuit(self, circuit_id: str) -> models.Circuit:
        """One circuit with its content."""
        return self._link.one(models.Circuit, get("/circuits/{circuit_id}", circuit_id=circuit_id))

    def circuit_by_hash(self, experiment_id: str, circuit_hash: str) -> models.Circuit | None:
        """The circuit that was uploaded with that hash; None if there is none."""
        call = get(_BY_HASH, experiment_id=experiment_id, circuit_hash=circuit_hash)
        try:
            return self._link.one(models.Circuit, call)
        except HaiquNotFoundError:
            return None

    def circuits(
        self,
        experiment_id: str,
        *,
        limit: int = 10,
        circuit_ids: Sequence[str] = (),
        job_type: models.JobKind | str | None = None,
    ) -> list[models.Circuit]:
        """Circuits of an experiment, the newest first.

        Args:
            experiment_id: The experiment.
            limit: At most so many.
            circuit_ids: Only these.
            job_type: Only circuits of such jobs.
        """
        query = {"limit": limit, "circuit_ids": list(circuit_ids), "job_type": job_type}
        call = get("/experiments/{experiment_id}/circuits", query=query, experiment_id=experiment_id)
        return self._link.many(models.Circuit, call, what="circuit")

    def compute_analytics(self, circuit_id: str, kind: models.AnalyticsKind | str) -> None:
        """Have numbers of a circuit computed; ``circuit`` shows them later."""
        path = "/circuits/{circuit_id}/compute_analytics/{kind}"
        self._link.done(send("POST", path, safe=True, circuit_id=circuit_id, kind=str(kind)))

    def log_circuit_metrics(self, experiment_id: str, circuit_hash: str, metrics: Mapping[str, Any]) -> None:
        """Note values with a circuit, by name; one of the same name is replaced."""
        body = made(models.MetricsCreate, metrics=dict(metrics))
        path = f"{_BY_HASH}/metrics"
        self._link.done(send("POST", path, body, safe=True, experiment_id=experiment_id, circuit_hash=circuit_hash))

    def circuit_metrics(self, circuit_id: str) -> dict[str, Any]:
        """The numbers of a circuit: those computed, and those noted."""
        return self._link.fields(get("/circuits/{circuit_id}/metrics", circuit_id=circuit_id))

    def metrics_evolution(self, circuit_id: str) -> Any:
        """How the numbers of a circuit develop along it, as the service gives it: its form is not documented."""
        return self._link.value(get("/circuits/{circuit_id}/metrics_evolution", circuit_id=circuit_id))

    def benchmarks(self) -> list[models.ReferenceCircuit]:
        """Well-known circuits, to compare the numbers of others with."""
        return self._link.many(models.ReferenceCircuit, get("/help/benchmarks"), what="reference circuit")

    def transpile(self, body: models.TranspileCreate) -> models.TranspileJob:
        """Transpile stored circuits for a device. Never sent again unless it certainly took no effect."""
        return self._link.one(models.TranspileJob, send("POST", "/circuits/transpile", body))

    def backpropagate_observables(self, body: models.BackpropagationCreate) -> models.Backpropagation:
        """Shorten a stored circuit, and give the observables that then belong to it.

        The service computes and stores new circuits: never sent again unless it certainly took no effect.
        """
        path = "/circuits/{circuit_id}/backpropagate_observables"
        return self._link.one(models.Backpropagation, send("POST", path, body, circuit_id=body.circuit_id))

    def lr_qaoa(self, body: models.LrQaoaCreate) -> models.Circuit:
        """Build the circuit of a linear-ramp QAOA for a problem.

        The service stores a new circuit: never sent again unless it certainly took no effect.
        """
        return self._link.one(models.Circuit, send("POST", "/circuits/lr_qaoa", body))
