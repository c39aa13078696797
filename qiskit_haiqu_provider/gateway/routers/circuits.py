"""Circuits: upload, look-up, numbers, transpilation."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import ApiError, invalid, not_found
from qiskit_haiqu_provider.gateway.execution.recipe import TranspileRecipe
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.experiments import ExperimentId, Limit
from qiskit_haiqu_provider.gateway.services import Gateway, Services
from qiskit_haiqu_provider.gateway.store import circuits
from qiskit_haiqu_provider.gateway.store.tables import Circuit, Job
from qiskit_haiqu_provider.gateway.submissions import IdempotencyKey, chosen_key, circuits_of, experiment_of, submit
from qiskit_haiqu_provider.gateway.uploads import decoded, found_by_hash, is_sdk, keep
from qiskit_haiqu_provider.gateway.views import circuit_view, job_response, job_view, json_response

router = APIRouter(tags=["Circuits"], route_class=KeyedRoute)

CircuitId = Annotated[str, Path(min_length=1, max_length=200, description="Id of the circuit.")]
CircuitHash = Annotated[
    str, Path(min_length=1, max_length=200, description="The hash that the client gave the circuit.")
]


@router.post("/circuits", response_model=models.Circuit, responses=answers(400, 401, 404))
def upload(body: models.CircuitCreate, request: Request, caller: Authorized, gateway: Gateway) -> Response:
    """Store a circuit. One with the same content and name is stored once."""
    with gateway.database.read() as session:
        experiment_of(session, caller, body.experiment_id)
    reading = gateway.intake.read_qpy(decoded(body.qpy_dump))
    if not reading.num_qubits:
        raise ApiError(400, "qpy_dump: the circuit has no qubits. Send one with at least one qubit.")
    with gateway.database.write() as session:
        circuit = keep(
            session,
            caller,
            reading,
            experiment_id=body.experiment_id,
            name=body.name,
            client_hash=body.hash,
            reliable=not is_sdk(request.headers),
            description=body.description,
            tags=body.tags,
            metrics=body.metrics,
        )
        return json_response(_with_content(session, circuit, reading.qpy))


@router.get("/circuits/{circuit_id}", response_model=models.Circuit, responses=answers(401, 404))
def get(circuit_id: CircuitId, caller: Authorized, gateway: Gateway) -> Response:
    """One circuit with its content."""
    with gateway.database.read() as session:
        circuit = circuit_of(session, caller, circuit_id, content=True)
        return json_response(_with_content(session, circuit, circuit.qpy))


@router.get("/circuits/{circuit_id}/metrics", response_model=dict[str, Any], responses=answers(401, 404))
def metrics(circuit_id: CircuitId, caller: Authorized, gateway: Gateway) -> Response:
    """The numbers of a circuit: those computed, and those noted."""
    with gateway.database.read() as session:
        circuit = circuit_of(session, caller, circuit_id)
    return json_response({**(circuit.analytics or {}), **circuit.metrics})


@router.post(
    "/circuits/{circuit_id}/compute_analytics/{analytics_type}",
    response_model=models.Circuit,
    responses=answers(401, 404, 501),
)
def compute_analytics(
    circuit_id: CircuitId,
    analytics_type: Annotated[models.AnalyticsKind, Path(description="Which numbers.")],
    caller: Authorized,
    gateway: Gateway,
) -> Response:
    """Compute numbers of a circuit. Core numbers are there from the upload on; others are not offered."""
    with gateway.database.read() as session:
        circuit = circuit_of(session, caller, circuit_id)
        if analytics_type is not models.AnalyticsKind.CORE:
            raise ApiError(501, f"compute_analytics/{analytics_type.value} is not offered by this gateway; core is.")
        return json_response(circuit_views(session, [circuit])[0])


@router.get(
    "/experiments/{experiment_id}/circuits/{circuit_hash}", response_model=models.Circuit, responses=answers(401, 404)
)
def by_hash(
    experiment_id: ExperimentId, circuit_hash: CircuitHash, request: Request, caller: Authorized, gateway: Gateway
) -> Response:
    """The circuit with that hash. 404 where the hash cannot tell circuits apart: then upload yours."""
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
        known = circuits.by_hash(session, caller.user, experiment_id, circuit_hash, content=True)
        circuit = found_by_hash(known, request.headers)
        if circuit is None:
            raise not_found("circuit with hash", circuit_hash, "POST /circuits stores one.")
        return json_response(_with_content(session, circuit, circuit.qpy))


@router.get("/experiments/{experiment_id}/circuits", response_model=list[models.Circuit], responses=answers(401, 404))
def list_circuits(
    experiment_id: ExperimentId,
    caller: Authorized,
    gateway: Gateway,
    limit: Limit = 10,
    circuit_ids: Annotated[list[str] | None, Query(description="Only these.")] = None,
    job_type: Annotated[models.JobKind | None, Query(description="Only circuits of such jobs.")] = None,
) -> Response:
    """Circuits of an experiment, the newest first, without their content."""
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
        found = circuits.list_(
            session,
            caller.user,
            experiment_id=experiment_id,
            limit=limit,
            circuit_ids=circuit_ids,
            job_type=job_type,
        )
        return json_response(circuit_views(session, found))


@router.post(
    "/experiments/{experiment_id}/circuits/{circuit_hash}/metrics",
    response_model=models.Circuit,
    responses=answers(401, 404),
)
def put_metrics(
    experiment_id: ExperimentId,
    circuit_hash: CircuitHash,
    body: models.MetricsCreate,
    caller: Authorized,
    gateway: Gateway,
) -> Response:
    """Note values with a circuit: the one last stored with that hash."""
    with gateway.database.write() as session:
        experiment_of(session, caller, experiment_id)
        known = circuits.by_hash(session, caller.user, experiment_id, circuit_hash)
        if not known:
            raise not_found("circuit with hash", circuit_hash, "POST /circuits stores one.")
        circuit = circuits.put_metrics(session, known[0], body.metrics)
        return json_response(circuit_views(session, [circuit])[0])


@router.post("/circuits/transpile", response_model=models.TranspileJob, responses=answers(400, 401, 404, 409))
def transpile(
    body: models.TranspileCreate, caller: Authorized, gateway: Gateway, key: IdempotencyKey = None
) -> Response:
    """Transpile circuits for a device. The job ends with the ids of the new circuits."""
    found = circuits_of(gateway, caller, body.circuit_ids)
    job = submit_transpilation(body, found, caller, gateway, key)
    return job_response(job_view(job, [circuit.id for circuit in found]), None)


def submit_transpilation(
    body: models.TranspileCreate, found: Sequence[Circuit], caller: Caller, gateway: Services, key: str | None
) -> Job:
    """Store a transpilation and have it run.

    Raises:
        ApiError: 404 for what is not there.
        RequestValidationError: If there is no circuit, or an option that no device has.
    """
    if not found:
        raise invalid("circuit_ids", "there is no circuit to transpile. Give at least one id.")
    if body.use_fractional_gates:
        raise invalid("use_fractional_gates", "no device of this gateway has them. Leave it out.")
    device = gateway.catalogue.get(body.device_id)
    given = body.transpilation_options.model_dump()
    options = {name: value for name, value in given.items() if value is not None}
    seeds = body.seed_transpiler if isinstance(body.seed_transpiler, list) else [body.seed_transpiler]
    recipe = TranspileRecipe(device=device.id, options=options, seeds=[seed for seed in seeds if seed is not None])
    return submit(
        gateway,
        caller,
        body=body,
        echo={"transpilation_options": given, "use_fractional_gates": False},
        recipe=recipe,
        kind=models.JobKind.TRANSPILATION,
        experiment_id=body.experiment_id,
        circuit_ids=[circuit.id for circuit in found],
        key=chosen_key(key, body.description),
    )


def circuit_of(session: Any, caller: Caller, circuit_id: str, *, content: bool = False) -> Circuit:
    """The caller's circuit.

    Raises:
        ApiError: 404 if there is none of that id.
    """
    circuit = circuits.get(session, caller.user, circuit_id, content=content)
    if circuit is None:
        raise not_found("circuit", circuit_id, "POST /circuits stores one.")
    return circuit


def circuit_views(session: Any, found: Sequence[Circuit]) -> list[dict[str, Any]]:
    """Circuits without content, with what was made of them."""
    children, jobs = circuits.children_of(session, found), circuits.job_ids_of(session, found)
    return [
        circuit_view(circuit, children=children.get(circuit.id, ()), job_ids=jobs.get(circuit.id, ()))
        for circuit in found
    ]


def _with_content(session: Any, circuit: Circuit, qpy: bytes) -> dict[str, Any]:
    children, jobs = circuits.children(session, circuit), circuits.job_ids(session, circuit)
    return circuit_view(circuit, children=children, job_ids=jobs, qpy=qpy)
