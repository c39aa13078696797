"""Rows of the store in the form of the REST API."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Response

from qiskit_haiqu_provider.api.models import MASK, ArtifactKind, JobKind, JobState
from qiskit_haiqu_provider.gateway.execution.scheduler import Live
from qiskit_haiqu_provider.gateway.store.tables import Artifact, Circuit, Experiment, Job, User


def json_response(content: Any, status: int = 200) -> Response:
    """An answer written as it is; the shapes are those of the views."""
    return Response(orjson.dumps(content, option=orjson.OPT_UTC_Z), status_code=status, media_type="application/json")


def user_view(user: User) -> dict[str, Any]:
    """An account; keys are stored as digests only, so that there is none to show."""
    return {
        "email": user.email,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "api_access_key": MASK,
    }


def experiment_view(experiment: Experiment, user: User, metrics: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An experiment with its owner."""
    return {
        "id": experiment.id,
        "name": experiment.name,
        "description": experiment.description,
        "creation_date": experiment.creation_date,
        "user_id": experiment.user_id,
        "user": user_view(user),
        "tags": experiment.tags,
        "circuits_count": experiment.circuits_count or 0,
        "jobs_count": experiment.jobs_count or 0,
        "last_action_date": experiment.last_action_date,
        "metrics": dict(metrics or {}),
    }


def artifact_view(artifact: Artifact) -> dict[str, Any]:
    """A noted value; clients expect its data as values by time, or by the x of a series."""
    data = artifact.artifact_data
    if artifact.artifact_type == ArtifactKind.TIMESERIES:
        data = {str(point["x"]): point["y"] for point in data}
    else:
        data = {artifact.last_updated.isoformat(): data}
    return {
        "name": artifact.name,
        "artifact_type": artifact.artifact_type,
        "artifact_data": data,
        "creation_date": artifact.creation_date,
        "last_updated": artifact.last_updated,
    }


def circuit_view(
    circuit: Circuit, *, children: Sequence[Circuit] = (), job_ids: Sequence[str] = (), qpy: bytes | None = None
) -> dict[str, Any]:
    """A circuit, with its content where that was read."""
    view = {
        "id": circuit.id,
        "hash": circuit.hash,
        "name": circuit.name,
        "experiment_id": circuit.experiment_id,
        "user_id": circuit.user_id,
        "creation_date": circuit.creation_date,
        "status": circuit.status,
        "generated": circuit.generated,
        "description": circuit.description,
        "tags": circuit.tags,
        "parameters": None,
        "analytics": circuit.analytics,
        "transpilation_target": circuit.transpilation_target,
        "transpilation_options": circuit.transpilation_options,
        "transpiled_circuit_ids": [child.id for child in children if child.transpilation_target],
        "compressed_circuit_ids": [],
        "job_ids": list(job_ids),
        "evolution": None,
        "metrics": circuit.metrics,
    }
    return view if qpy is None else {**view, "qpy": base64.b64encode(qpy).decode()}


def job_view(job: Job, circuit_ids: Sequence[str], live: Live | None = None) -> dict[str, Any]:
    """A job without its results."""
    info = dict(job.info)
    made = info.pop("transpiled_circuit_ids", None)
    view = {
        "id": job.id,
        "user_id": job.user_id,
        "experiment_id": job.experiment_id,
        "status": job.status,
        "job_type": job.job_type,
        "creation_date": job.creation_date,
        "name": job.name,
        "description": job.description,
        "device_id": job.device_id,
        "run_date": job.run_date,
        "finish_date": job.finish_date,
        "logs": job.logs,
        "quality": job.quality,
        "info": info,
        "time": job.time,
        **job.body,
    }
    if job.job_type in _RUNS:
        view["input_circuit_ids" if job.job_type == JobKind.HYBRID else "circuit_ids"] = list(circuit_ids)
        view["estimated_qpu_cost"] = job.estimated_qpu_cost
    elif job.job_type == JobKind.TRANSPILATION:
        view["circuit_ids"] = list(circuit_ids)
        view["transpiled_circuit_ids"] = made
    elif job.job_type == JobKind.LOCAL:
        view.update(hash=job.hash or "", metrics=job.metrics)
    return {**view, **_current(job, live)}


_RUNS = (JobKind.RUN, JobKind.HYBRID)


def _current(job: Job, live: Live | None) -> dict[str, Any]:
    """Where a job stands that has not ended; the database only knows that it was accepted."""
    if JobState(job.status).final or live is None:
        return {}
    lines = [line for line in (job.logs, f"{live.status}: {_progress(live)}") if line]
    return {"status": live.status, "logs": "\n".join(lines)}


def _progress(live: Live) -> str:
    return f"{live.done} of {live.total} parameter sets" if live.total else "no parameter set yet"


def job_response(view: Mapping[str, Any], results: bytes | None, status: int = 200) -> Response:
    """A job with its results, which are stored as JSON and never parsed on the way."""
    return Response(with_results(view, results), status_code=status, media_type="application/json")


def with_results(view: Mapping[str, Any], results: bytes | None) -> bytes:
    """The job as JSON."""
    head = orjson.dumps(view, option=orjson.OPT_UTC_Z)
    if view["job_type"] not in _RUNS:
        return head
    return head[:-1] + b',"quantum_results":' + (results or b"null") + b"}"
