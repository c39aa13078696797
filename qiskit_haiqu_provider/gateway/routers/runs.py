"""Submissions: direct runs and programs of layers."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.orders import order_flow, order_run
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.services import Gateway, Services
from qiskit_haiqu_provider.gateway.store import jobs
from qiskit_haiqu_provider.gateway.store.tables import Circuit, Job
from qiskit_haiqu_provider.gateway.submissions import IdempotencyKey, chosen_key, circuits_of, submit
from qiskit_haiqu_provider.gateway.views import job_response, job_view

router = APIRouter(tags=["Runs"], route_class=KeyedRoute)


@router.post("/run", response_model=models.RunJob, responses=answers(400, 401, 404, 409))
def run(body: models.RunCreate, caller: Authorized, gateway: Gateway, key: IdempotencyKey = None) -> Response:
    """Run circuits on a device, or compute their exact states.

    The answer is the job as accepted; `GET /jobs/{id}` follows it. Several circuits, observables and parameter sets
    give results nested in this order. The same `Idempotency-Key` never makes a second job.
    """
    found = circuits_of(gateway, caller, body.circuit_ids)
    job = submit_run(body, found, caller, gateway, key)
    return _accepted(gateway, job, [circuit.id for circuit in found])


def submit_run(
    body: models.RunCreate | models.AiRunCreate,
    found: Sequence[Circuit],
    caller: Caller,
    gateway: Services,
    key: str | None,
) -> Job:
    """Store a direct run and have it run.

    Raises:
        ApiError: 404 for what is not there, 409 for a key that was used for something else.
        RequestValidationError: If a field cannot be used.
    """
    order = order_run(body, found, catalogue=gateway.catalogue, limits=gateway.settings.limits)
    echo: dict[str, Any] = {
        "parameters": body.parameters,
        "shots": body.shots,
        "observables": order.recipe.observables,
        "readout_bases": getattr(body, "readout_bases", None),
        "options": models.redacted(body.options),
        "use_mitigation": body.use_mitigation,
        "dry_run": body.dry_run,
        "run_type": body.run_type.value,
    }
    return submit(
        gateway,
        caller,
        body=body,
        echo=echo,
        recipe=order.recipe,
        kind=models.JobKind.RUN,
        experiment_id=body.experiment_id,
        circuit_ids=[circuit.id for circuit in found],
        key=chosen_key(key, body.description),
        secrets=order.secrets,
    )


@router.post("/flow", response_model=models.FlowJob, responses=answers(400, 401, 404, 409))
def flow(body: models.FlowCreate, caller: Authorized, gateway: Gateway, key: IdempotencyKey = None) -> Response:
    """Run circuits through a program of layers.

    A layer that this gateway cannot do is refused with 422; none is ever left out silently.
    """
    found = circuits_of(gateway, caller, body.circuit_ids)
    order = order_flow(body, found, catalogue=gateway.catalogue, limits=gateway.settings.limits)
    echo = {
        "program": models.redacted(body.program.model_dump(mode="json")),
        "parameters": body.parameters,
        "shots": body.shots,
        "observables": order.recipe.observables,
        "readout_bases": body.readout_bases,
        "dry_run": body.dry_run,
    }
    job = submit(
        gateway,
        caller,
        body=body,
        echo=echo,
        recipe=order.recipe,
        kind=models.JobKind.HYBRID,
        experiment_id=body.experiment_id,
        circuit_ids=body.circuit_ids,
        key=chosen_key(key, body.description),
        secrets=order.secrets,
    )
    return _accepted(gateway, job, body.circuit_ids)


def _accepted(gateway: Services, job: Job, circuit_ids: Sequence[str]) -> Response:
    """The job as accepted; with its results if it is that of an earlier submit and has ended."""
    results = None
    if models.JobState(job.status).final:
        with gateway.database.read() as session:
            results = jobs.result_bytes(session, job.id)
    return job_response(job_view(job, circuit_ids), results)
