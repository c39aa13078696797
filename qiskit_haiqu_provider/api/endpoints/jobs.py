"""Submissions, and the jobs that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.calls import get, send
from qiskit_haiqu_provider.api.endpoints.base import Endpoints, made
from qiskit_haiqu_provider.exceptions import HaiquNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qiskit_haiqu_provider.api.replies import AnyJob

_ONE = "/jobs/{job_id}"


class RunEndpoints(Endpoints):
    """Submissions. None is sent again unless it certainly took no effect, because a second job would cost money."""

    def run(self, body: models.RunCreate, *, idempotency_key: str | None = None) -> models.RunJob:
        """Run stored circuits.

        Args:
            body: What to run, where, and how.
            idempotency_key: Name of the submission; services that honour it never make a second job of it.

        Returns:
            The job as accepted; ``job`` follows it.
        """
        return self._link.one(models.RunJob, send("POST", "/run", body, idempotency_key=idempotency_key))

    def flow(self, body: models.FlowCreate, *, idempotency_key: str | None = None) -> models.FlowJob:
        """Run stored circuits through a program of layers.

        Args:
            body: What to run, where, and how.
            idempotency_key: Name of the submission; services that honour it never make a second job of it.

        Returns:
            The job as accepted; ``job`` follows it.
        """
        return self._link.one(models.FlowJob, send("POST", "/flow", body, idempotency_key=idempotency_key))

    def submit(self, body: models.RunCreate | models.FlowCreate, *, idempotency_key: str | None = None) -> str:
        """Submit as ``run`` or ``flow`` do, and return only the id of the job.

        The service repeats parameters and observables in its answer; large ones take longer to read than to send.

        Args:
            body: What to run, where, and how.
            idempotency_key: Name of the submission; services that honour it never make a second job of it.
        """
        path = "/run" if isinstance(body, models.RunCreate) else "/flow"
        return self._link.one(models.Accepted, send("POST", path, body, idempotency_key=idempotency_key)).id

    def ai_run(self, body: models.AiRunCreate) -> models.ContextReply:
        """Run circuits, stored ones or OpenQASM; the answer is a text that names the job."""
        return self._link.one(models.ContextReply, send("POST", "/ai/run_circuits_on_qpu_or_simulator", body))


class JobEndpoints(Endpoints):
    """Jobs: those of the service, and those that ran elsewhere and are noted there."""

    def job(self, job_id: str, *, wait: float | None = None, patience: float | None = None) -> AnyJob:
        """A job, where it stands, and its results once it is done.

        Args:
            job_id: The job.
            wait: Whole seconds that the service may wait for the job's end before it answers; services that do not
                know this answer at once.
            patience: Seconds after which an answer that has not come is given up, attempts included, if that is
                earlier than the client would.
        """
        return self._link.job(get(_ONE, wait=wait, patience=patience, job_id=job_id))

    def jobs(
        self,
        experiment_id: str,
        *,
        limit: int = 10,
        job_type: models.JobKind | str | None = None,
        circuit_id: str | None = None,
        patience: float | None = None,
    ) -> list[AnyJob]:
        """Jobs of an experiment, the newest first.

        Of a job in a form that is not known here, what all jobs have in common is returned; one that has not even that
        is left out, with one warning for all.

        Args:
            experiment_id: The experiment.
            limit: At most so many.
            job_type: Only jobs of this type.
            circuit_id: Only jobs of this circuit.
            patience: Seconds after which an answer that has not come is given up, attempts included.
        """
        query = {"limit": limit, "job_type": job_type, "circuit_id": circuit_id}
        path = "/experiments/{experiment_id}/jobs"
        return self._link.jobs(get(path, query=query, patience=patience, experiment_id=experiment_id))

    def cancel(self, job_id: str) -> models.Job:
        """Stop a job. One that has ended stays as it is, so look at the status."""
        return self._link.one(models.Job, send("POST", f"{_ONE}/cancel", safe=True, job_id=job_id))

    def restart(self, job_id: str) -> models.Job:
        """Run a job that has ended once more. Never sent again unless it certainly took no effect."""
        return self._link.one(models.Job, send("POST", f"{_ONE}/restart", job_id=job_id))

    def submit_local_job(self, body: models.LocalJobCreate) -> models.LocalJob:
        """Note a job that ran elsewhere. Never sent again unless it certainly took no effect."""
        return self._link.one(models.LocalJob, send("POST", "/jobs", body))

    def local_job(self, experiment_id: str, job_hash: str) -> models.LocalJob | None:
        """The job that was noted with that hash; None if there is none."""
        path = "/experiments/{experiment_id}/jobs/{job_hash}"
        try:
            return self._link.one(models.LocalJob, get(path, experiment_id=experiment_id, job_hash=job_hash))
        except HaiquNotFoundError:
            return None

    def log_job_metrics(self, experiment_id: str, job_id: str, metrics: Mapping[str, Any]) -> None:
        """Note values with a job, by name; one of the same name is replaced."""
        body = made(models.MetricsCreate, metrics=dict(metrics))
        path = "/experiments/{experiment_id}/jobs/{job_id}/metrics"
        self._link.done(send("POST", path, body, safe=True, experiment_id=experiment_id, job_id=job_id))
