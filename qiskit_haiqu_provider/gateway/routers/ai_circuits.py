"""Tools for agents: circuits."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway import programs
from qiskit_haiqu_provider.gateway.auth import Authorized, KeyedRoute
from qiskit_haiqu_provider.gateway.routers.ai_experiments import ExperimentId
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.circuits import circuit_of, circuit_views
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import circuits
from qiskit_haiqu_provider.gateway.store.tables import Circuit
from qiskit_haiqu_provider.gateway.submissions import experiment_of
from qiskit_haiqu_provider.gateway.views import json_response

router = APIRouter(route_class=KeyedRoute)

CircuitId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        description="Id of the circuit; it starts with `circ-`.",
        examples=["circ-0b7c7e3e"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many, the newest first.")]


@router.post(
    "/submit_circuit_for_analytics",
    operation_id="submit_circuit_for_analytics",
    response_model=models.ContextCircuit,
    responses=answers(400, 401, 404, 413),
)
def submit_circuit_for_analytics(body: models.AiCircuitCreate, caller: Authorized, gateway: Gateway) -> Response:
    """Store a circuit and count what is in it: qubits, depth, gates by size and by name, free parameters.

    The circuit is OpenQASM 2 or 3 text; a first line `OPENQASM 2.0;` marks version 2, anything else is read as
    version 3. Only the standard libraries can be included (`qelib1.inc`, `stdgates.inc`). Free parameters are
    `input float name;` in OpenQASM 3. A circuit is stored once: if the experiment has one with the same content, that
    one is the answer, with the name that it was first given. The numbers are in `analytics` at once, no job is needed.
    Use the `id` in the answer as one of the `circuit_ids` of other tools.
    """
    with gateway.database.read() as session:
        experiment_of(session, caller, body.experiment_id)
    program = programs.read(gateway, body.circuit_qasm, "circuit_qasm", body.name)
    with gateway.database.write() as session:
        circuit = programs.keep_once(
            session,
            caller,
            program,
            experiment_id=body.experiment_id,
            name=body.name,
            description=body.description,
            context=body.context,
        )
        return json_response(_contexts(session, [circuit])[0])


@router.get(
    "/list_circuits_in_experiment/{experiment_id}",
    operation_id="list_circuits_in_experiment",
    response_model=list[models.ContextCircuit],
    responses=answers(401, 404),
)
def list_circuits_in_experiment(
    experiment_id: ExperimentId,
    caller: Authorized,
    gateway: Gateway,
    circuit_ids: Annotated[list[str] | None, Query(description="Only these circuits; all if left out.")] = None,
    job_type: Annotated[
        models.JobKind | None, Query(description="Only circuits that a job of this type has used.")
    ] = None,
    limit: Limit = 100,
) -> Response:
    """List circuits of an experiment, the newest first: their numbers, their jobs, and what was made of them.

    Circuits that were transpiled from others are in the list, too; `transpilation_target` is null for all others.
    """
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
        return json_response(_contexts(session, found))


@router.get(
    "/list_children_circuits/{circuit_id}",
    operation_id="list_children_circuits",
    response_model=list[models.ChildCircuit],
    responses=answers(401, 404),
)
def list_children_circuits(circuit_id: CircuitId, caller: Authorized, gateway: Gateway) -> Response:
    """List the circuits that were made from a circuit, for instance by transpilation, the oldest first.

    Each can be run or looked at like any other circuit. The list is empty if nothing was made from it.
    """
    with gateway.database.read() as session:
        found = circuits.children(session, circuit_of(session, caller, circuit_id))
    return json_response([_child(circuit) for circuit in found])


def _child(circuit: Circuit) -> dict[str, Any]:
    made = f"Transpiled for {circuit.transpilation_target}." if circuit.transpilation_target else ""
    return {"id": circuit.id, "name": circuit.name, "description": made or circuit.description}


def _contexts(session: Any, found: list[Circuit]) -> list[dict[str, Any]]:
    views = circuit_views(session, found)
    return [{**view, "context": circuit.context} for view, circuit in zip(views, found, strict=True)]
