"""Pages about circuits."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from qiskit_haiqu_provider.api.models import JobKind
from qiskit_haiqu_provider.gateway.dashboard.lists import (
    FIRST,
    PREVIEW,
    Choice,
    Limit,
    RecordId,
    Search,
    choices,
    experiments_of,
    rows,
)
from qiskit_haiqu_provider.gateway.dashboard.rendering import page
from qiskit_haiqu_provider.gateway.dashboard.visitors import PageRoute, Visiting
from qiskit_haiqu_provider.gateway.errors import not_found
from qiskit_haiqu_provider.gateway.routers.jobs import job_views
from qiskit_haiqu_provider.gateway.services import Gateway, Services
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs
from qiskit_haiqu_provider.gateway.store.tables import Circuit

router = APIRouter(prefix="/dashboard/circuits", include_in_schema=False, route_class=PageRoute)

USES = (JobKind.RUN, JobKind.HYBRID, JobKind.TRANSPILATION, JobKind.LOCAL)
"""Types of jobs that this gateway has."""


@router.get("")
def list_circuits(
    request: Request,
    visitor: Visiting,
    gateway: Gateway,
    search: Search = "",
    experiment: Choice = "",
    used_by: Choice = "",
    limit: Limit = FIRST,
) -> Response:
    """All circuits."""
    with gateway.database.read() as session:
        found = circuits.list_(
            session,
            visitor.user,
            search=search,
            experiment_id=experiment or None,
            job_type=used_by or None,
            limit=limit + 1,
        )
        uses = circuits.job_ids_of(session, found)
        known = experiments_of(session, visitor.user)
    return page(
        request,
        "circuits.html",
        circuits=rows(request, found, limit),
        uses=uses,
        experiments=known,
        experiment_choices=choices(known),
        kinds=[(kind, kind) for kind in USES],
        search=search,
        experiment=experiment,
        used_by=used_by,
    )


@router.get("/{circuit_id}")
def show(request: Request, circuit_id: RecordId, visitor: Visiting, gateway: Gateway) -> Response:
    """A circuit: its picture, its numbers, what was done with it."""
    with gateway.database.read() as session:
        circuit = circuits.get(session, visitor.user, circuit_id, content=True)
        if circuit is None:
            raise not_found("circuit", circuit_id, "The list of circuits shows yours.")
        parent = circuits.get(session, visitor.user, circuit.parent_id) if circuit.parent_id else None
        children = circuits.children(session, circuit)
        found = jobs.list_(session, visitor.user, circuit_id=circuit.id, limit=PREVIEW)
        uses = circuits.job_ids_of(session, [circuit, *children])
        experiment = experiments.get(session, visitor.user, circuit.experiment_id)
        views = job_views(session, gateway, found)
    return page(
        request,
        "circuit.html",
        circuit=circuit,
        drawing=_drawing(gateway, circuit),
        parent=parent,
        children=children,
        jobs=views,
        uses=uses,
        experiment=experiment,
    )


def _drawing(gateway: Services, circuit: Circuit) -> str:
    """The circuit as text; drawn in the process that reads uploads, the first time that somebody looks."""
    if circuit.drawing:
        return circuit.drawing
    drawing = gateway.intake.draw(circuit.qpy)
    with gateway.database.write() as session:
        circuits.put_drawing(session, circuit, drawing)
    return drawing
