"""Experiments, and the values noted in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.calls import get, send
from qiskit_haiqu_provider.api.endpoints.base import Endpoints, made

if TYPE_CHECKING:
    from collections.abc import Mapping


_ONE = "/experiments/{experiment_id}"


class ExperimentEndpoints(Endpoints):
    """Experiments."""

    def init_experiment(
        self, name: str, *, description: str = "", tags: str = "", metrics: Mapping[str, Any] | None = None
    ) -> models.Experiment:
        """Open the experiment of that name or id, or make it. Harmless to repeat."""
        body = made(models.ExperimentCreate, name=name, description=description, tags=tags, metrics=dict(metrics or {}))
        return _private(self._link.one(models.Experiment, send("POST", "/experiments/init", body, safe=True)))

    def create_experiment(
        self, name: str, *, description: str = "", tags: str = "", metrics: Mapping[str, Any] | None = None
    ) -> models.Experiment:
        """Make a new experiment."""
        body = made(models.ExperimentCreate, name=name, description=description, tags=tags, metrics=dict(metrics or {}))
        return _private(self._link.one(models.Experiment, send("POST", "/experiments", body)))

    def experiments(self, *, name: str | None = None) -> list[models.Experiment]:
        """All experiments, or the one of exactly this name."""
        found = self._link.many(models.Experiment, get("/experiments", query={"name": name}), what="experiment")
        return [_private(experiment) for experiment in found]

    def experiment(self, experiment_id: str) -> models.Experiment:
        """One experiment with its noted values."""
        return _private(self._link.one(models.Experiment, get(_ONE, experiment_id=experiment_id)))

    def update_experiment(
        self, experiment_id: str, *, name: str | None = None, description: str | None = None
    ) -> models.Experiment:
        """Change name or description of an experiment; None keeps what is there."""
        body = made(models.ExperimentUpdate, name=name, description=description)
        call = send("PUT", _ONE, body, safe=True, experiment_id=experiment_id)
        return _private(self._link.one(models.Experiment, call))

    def log_metrics(self, experiment_id: str, metrics: Mapping[str, Any]) -> None:
        """Note values in an experiment, by name; one of the same name is replaced."""
        body = made(models.MetricsCreate, metrics=dict(metrics))
        self._link.done(send("POST", f"{_ONE}/metrics", body, safe=True, experiment_id=experiment_id))

    def artifacts(self, experiment_id: str, *, limit: int = 10) -> list[models.Artifact]:
        """The values noted in an experiment, the last changed first."""
        call = get(f"{_ONE}/artifacts", query={"limit": limit}, experiment_id=experiment_id)
        return self._link.many(models.Artifact, call, what="artifact")

    def artifact(self, experiment_id: str, name: str) -> models.Artifact:
        """One value noted in an experiment."""
        return self._link.one(
            models.Artifact, get(f"{_ONE}/artifacts/{{name}}", experiment_id=experiment_id, name=name)
        )


def _private(experiment: models.Experiment) -> models.Experiment:
    """The experiment without the key of its owner, which some services repeat."""
    owner = experiment.user.model_copy(update={"api_access_key": models.MASK})
    return experiment.model_copy(update={"user": owner})
