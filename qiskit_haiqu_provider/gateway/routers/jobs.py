"""Jobs: those that run here, and those that ran elsewhere and are noted here."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import not_found
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.experiments import ExperimentId, Limit
from qiskit_haiqu_provider.gateway.services import Gateway, Services
from qiskit_haiqu_provider.gateway.store import circuits, jobs
from qiskit_haiqu_provider.gateway.store.tables import Job
from qiskit_haiqu_provider.gateway.submissions import IdempotencyKey, chosen_key, experiment_of, stored
from qiskit_haiqu_provider.gateway.uploads import is_sdk
from qiskit_haiqu_provider.gateway.views import job_response, job_view, json_response, with_results

router = APIRouter(tags=["Jobs"], route_class=KeyedRoute)

JobId = Annotated[str, Path(min_length=1, max_length=200, description="Id of the job.")]
JobMark = Annotated[
    str, Path(min_length=1, max_length=200, description="Id of the job, or the hash that the client gave it.")
]

AnyJob = models.RunJob | models.FlowJob | models.TranspileJob | models.LocalJob
"""Jobs differ in their fields; ``job_type`` says which it is."""


@router.get("/jobs/{job_id}", response_model=AnyJob, responses=answers(401, 404))
def get(job_id: JobId, request: Request, caller: Authorized, gateway: Gateway) -> Response:
    """A job, where it stands, and its results once it is done.

    With the header `Prefer: wait=SECONDS` the answer to a job that has not ended waits for its end, for at most 30
    seconds.
    """
    with gateway.database.read() as session:
        job = job_of(session, caller, job_id)
    if not models.JobState(job.status).final:
        gateway.scheduler.wait(job_id, _patience(request.headers))
    with gateway.database.read() as session:
        job = job_of(session, caller, job_id)
        return whole_job(session, gateway, job)


@router.get("/experiments/{experiment_id}/jobs", response_model=list[AnyJob], responses=answers(401, 404))
def list_jobs(
    experiment_id: ExperimentId,
    caller: Authorized,
    gateway: Gateway,
    limit: Limit = 10,
    job_type: Annotated[models.JobKind | None, Query(description="Only jobs of this type.")] = None,
    circuit_id: Annotated[str | None, Query(max_length=200, description="Only jobs of this circuit.")] = None,
) -> Response:
    """Jobs of an experiment, the newest first.

    Results are included up to 32 MiB in all; those of further jobs are null here, and `GET /jobs/{id}` has them.
    """
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
        if circuit_id is not None and circuits.get(session, caller.user, circuit_id) is None:
            raise not_found("circuit", circuit_id, "POST /circuits stores one.")
        found = jobs.list_(
            session,
            caller.user,
            experiment_id=experiment_id,
            job_type=job_type,
            limit=limit,
            circuit_id=circuit_id,
        )
        results = jobs.results_of(session, found, limit=_LISTED_BYTES)
        views = job_views(session, gateway, found)
    parts = [with_results(view, results.get(job.id)) for job, view in zip(found, views, strict=True)]
    return Response(b"[" + b",".join(parts) + b"]", media_type="application/json")


@router.post("/jobs/{job_id}/cancel", response_model=models.Job, responses=answers(401, 404))
def cancel(job_id: JobId, caller: Authorized, gateway: Gateway) -> Response:
    """Stop a job, also one that runs. A job that has ended stays as it is."""
    with gateway.database.write() as session:
        job = job_of(session, caller, job_id)
        cancelled = jobs.cancel(session, job)
    if cancelled:
        gateway.scheduler.cancel(job.id)
    return json_response(_base(job))


@router.post("/jobs/{job_id}/restart", response_model=models.Job, responses=answers(401, 404))
def restart(job_id: JobId, caller: Authorized, gateway: Gateway) -> Response:
    """Run a job that has ended once more; its results are replaced. A job that has not ended stays as it is."""
    with gateway.database.write() as session:
        job = job_of(session, caller, job_id)
        ended = models.JobState(job.status).final and job.job_type != models.JobKind.LOCAL
        restarted = ended and jobs.restart(session, job)
    if restarted:
        gateway.scheduler.enqueue(job.id, job.device_id, {})
    return json_response(_base(job))


@router.post("/jobs", response_model=models.LocalJob, responses=answers(401, 404, 409))
def submit_local(
    body: models.LocalJobCreate, caller: Authorized, gateway: Gateway, key: IdempotencyKey = None
) -> Response:
    """Note a job that ran elsewhere, with its results."""
    with gateway.database.write() as session:
        experiment_of(session, caller, body.experiment_id)
        known = (
            circuits.by_hash(session, caller.user, body.experiment_id, body.circuit_hash) if body.circuit_hash else []
        )
        fields: dict[str, Any] = {
            "experiment_id": body.experiment_id,
            "job_type": models.JobKind.LOCAL.value,
            "device_id": body.device_id or "Haiqu OS",
            "name": body.name,
            "status": body.status or models.JobState.DONE.value,
            "hash": body.hash,
            "metrics": body.metrics,
            "body": {
                "backend_name": body.device_id,
                "circuit_id": known[0].id if known else "",
                "results": body.results,
                "shot_local": body.shots,
            },
        }
        linked = [known[0].id] if known else []
        job, _ = stored(session, caller, body, key=chosen_key(key, None), circuit_ids=linked, **fields)
    return json_response(job_view(job, linked))


@router.get("/experiments/{experiment_id}/jobs/{job_hash}", response_model=models.LocalJob, responses=answers(401, 404))
def by_hash(experiment_id: ExperimentId, job_hash: JobMark, caller: Authorized, gateway: Gateway) -> Response:
    """The job that was noted with that hash."""
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
        job = jobs.by_hash(session, caller.user, experiment_id, job_hash)
        if job is None:
            raise not_found("job with hash", job_hash, "POST /jobs notes one.")
        return json_response(job_view(job, jobs.circuit_ids(session, job)))


@router.post("/experiments/{experiment_id}/jobs/{job_id}/metrics", response_model=AnyJob, responses=answers(401, 404))
def put_metrics(
    experiment_id: ExperimentId, job_id: JobMark, body: models.MetricsCreate, caller: Authorized, gateway: Gateway
) -> Response:
    """Note values with a job."""
    with gateway.database.write() as session:
        experiment_of(session, caller, experiment_id)
        job = jobs.get(session, caller.user, job_id) or jobs.by_hash(session, caller.user, experiment_id, job_id)
        if job is None or job.experiment_id != experiment_id:
            raise not_found("job", job_id, f"GET /experiments/{experiment_id}/jobs lists them.")
        return whole_job(session, gateway, jobs.put_metrics(session, job, body.metrics))


def job_of(session: Any, caller: Caller, job_id: str) -> Job:
    """The caller's job.

    Raises:
        ApiError: 404 if there is none of that id.
    """
    job = jobs.get(session, caller.user, job_id)
    if job is None:
        raise not_found("job", job_id, "GET /experiments/{id}/jobs lists yours.")
    return job


def whole_job(session: Any, gateway: Services, job: Job) -> Response:
    """A job with its results."""
    view = job_view(job, jobs.circuit_ids(session, job), gateway.scheduler.live(job.id))
    return job_response(view, jobs.result_bytes(session, job.id))


def job_views(session: Any, gateway: Services, found: Sequence[Job]) -> list[dict[str, Any]]:
    """Jobs without results."""
    ids = jobs.circuit_ids_of(session, found)
    return [job_view(job, ids.get(job.id, ()), gateway.scheduler.live(job.id)) for job in found]


def _patience(headers: Mapping[str, str]) -> float:
    """Seconds that the caller is ready to wait; haiqu-sdk, which asks again after five, waits for one."""
    asked = _WAIT.search(headers.get("prefer", ""))
    if asked is None:
        return _SDK_SECONDS if is_sdk(headers) else 0.0
    return min(float(asked[1]), _LONGEST_SECONDS)


_WAIT = re.compile(r"\bwait=(\d{1,4})\b")
_LISTED_BYTES = 32 << 20
_SDK_SECONDS = 1.0
_LONGEST_SECONDS = 30.0


def _base(job: Job) -> dict[str, Any]:
    """What all jobs have in common, as this request has left it."""
    view = job_view(job, ())
    return {name: view[name] for name in models.Job.model_fields if name in view}
