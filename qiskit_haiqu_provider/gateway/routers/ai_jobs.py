"""Tools for agents: jobs and their results."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway import replies
from qiskit_haiqu_provider.gateway.auth import Authorized, KeyedRoute
from qiskit_haiqu_provider.gateway.routers.ai_circuits import CircuitId, Limit
from qiskit_haiqu_provider.gateway.routers.ai_experiments import ExperimentId
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.circuits import circuit_of
from qiskit_haiqu_provider.gateway.routers.jobs import job_of, job_views
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import jobs
from qiskit_haiqu_provider.gateway.submissions import experiment_of
from qiskit_haiqu_provider.gateway.views import job_view, json_response

router = APIRouter(route_class=KeyedRoute)

JobId = Annotated[
    str,
    Path(min_length=1, max_length=200, description="Id of the job; it starts with `jb-`.", examples=["jb-5f1e1d0a"]),
]


@router.get(
    "/get_job_results_and_status/{job_id}",
    operation_id="get_job_results_and_status",
    response_model=models.JobContext,
    responses=answers(401, 404),
)
def get_job_results_and_status(job_id: JobId, caller: Authorized, gateway: Gateway) -> Response:
    """Get where a job stands and, once it is done, its results.

    `status` is Submitted, Initializing, Queued, Validating or Running while the job goes on: call again after a second
    or so. Done, Error and Cancelled are final. `context` is the results of a run that is Done, else text that says
    where the job stands, why it failed, what a dry run would cost, or which circuits a transpilation has made.

    Results are a list with one entry per circuit, in the order of submission. Each entry is:

    - shots without observables: an object from bitstring to its share of the shots, from 0 to 1. The rightmost bit is
      the first classical bit; registers are joined without spaces.
    - observables: a list of expectation values, one per observable; `info.uncertainty` holds their standard errors in
      the same nesting.
    - StatevectorRun: `[real parts, imaginary parts]` of the amplitudes, where bit 0 of an amplitude's index is qubit 0.

    Where parameters were given, each of these is a list again, with one item per parameter set. `time` is in seconds.
    """
    with gateway.database.read() as session:
        job = job_of(session, caller, job_id)
        view = job_view(job, jobs.circuit_ids(session, job), gateway.scheduler.live(job.id))
        wanted = _has_results(view)
        results = jobs.result_bytes(session, job.id) if wanted else None
    context = results if results is not None else orjson.dumps(replies.standing(view))
    head = orjson.dumps(_base(view), option=orjson.OPT_UTC_Z)
    # The results are stored as JSON, so they need not be read to be sent.
    return Response(head[:-1] + b',"context":' + context + b"}", media_type="application/json")


@router.get(
    "/list_jobs_for_circuit/{circuit_id}",
    operation_id="list_jobs_for_circuit",
    response_model=list[models.Job],
    responses=answers(401, 404),
)
def list_jobs_for_circuit(circuit_id: CircuitId, caller: Authorized, gateway: Gateway, limit: Limit = 100) -> Response:
    """List the jobs that have used a circuit, the newest first, without their results.

    `get_job_results_and_status` has the results.
    """
    with gateway.database.read() as session:
        circuit = circuit_of(session, caller, circuit_id)
        found = jobs.list_(session, caller.user, circuit_id=circuit.id, limit=limit)
        return json_response(_listed(job_views(session, gateway, found)))


@router.get(
    "/list_jobs_in_experiment/{experiment_id}",
    operation_id="list_jobs_in_experiment",
    response_model=list[models.Job],
    responses=answers(401, 404),
)
def list_jobs_in_experiment(
    experiment_id: ExperimentId, caller: Authorized, gateway: Gateway, limit: Limit = 100
) -> Response:
    """List the jobs of an experiment, the newest first, without their results.

    `get_job_results_and_status` has the results.
    """
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
        found = jobs.list_(session, caller.user, experiment_id=experiment_id, limit=limit)
        return json_response(_listed(job_views(session, gateway, found)))


def _has_results(view: Mapping[str, Any]) -> bool:
    runs = view["job_type"] in (models.JobKind.RUN, models.JobKind.HYBRID)
    return runs and view["status"] == models.JobState.DONE and not view["dry_run"]


def _base(view: Mapping[str, Any]) -> dict[str, Any]:
    """What all jobs have in common."""
    return {name: view[name] for name in models.Job.model_fields if name in view}


def _listed(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Jobs in lists; parameters can be long, so they are left to the answer about a single job."""
    return [{**_base(view), "parameters": None} for view in views]
