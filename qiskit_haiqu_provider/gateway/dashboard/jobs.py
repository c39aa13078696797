"""Pages about jobs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.responses import Response

from qiskit_haiqu_provider.api.models import JobKind, JobState
from qiskit_haiqu_provider.gateway.dashboard.circuits import USES
from qiskit_haiqu_provider.gateway.dashboard.lists import (
    FIRST,
    Choice,
    Limit,
    RecordId,
    Search,
    choices,
    experiments_of,
    rows,
)
from qiskit_haiqu_provider.gateway.dashboard.rendering import cut, page
from qiskit_haiqu_provider.gateway.dashboard.results import Selection, Shown, asked, shown
from qiskit_haiqu_provider.gateway.dashboard.visitors import Confirmed, PageRoute, Visiting, Visitor
from qiskit_haiqu_provider.gateway.errors import not_found
from qiskit_haiqu_provider.gateway.inputs import parameter_sets
from qiskit_haiqu_provider.gateway.routers import jobs as api
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs
from qiskit_haiqu_provider.gateway.store.tables import Circuit, Job
from qiskit_haiqu_provider.gateway.views import job_view, json_response

router = APIRouter(prefix="/dashboard/jobs", include_in_schema=False, route_class=PageRoute)

MAX_READ = 8 << 20
"""Bytes of results that a page reads; larger ones can be had as JSON."""

MAX_LINKS = 50
"""Circuits of a job that its page links to."""

_STATES = (JobState.SUBMITTED, JobState.RUNNING, JobState.DONE, JobState.ERROR, JobState.CANCELLED)
"""Those that the database has; the others come and go within Running."""

Place = Annotated[int, Query(ge=1)]
"""Counted from 1."""


@router.get("")
def list_jobs(
    request: Request,
    visitor: Visiting,
    gateway: Gateway,
    search: Search = "",
    status: Choice = "",
    kind: Choice = "",
    experiment: Choice = "",
    limit: Limit = FIRST,
) -> Response:
    """All jobs."""
    with gateway.database.read() as session:
        found = jobs.list_(
            session,
            visitor.user,
            search=search,
            status=status or None,
            job_type=kind or None,
            experiment_id=experiment or None,
            limit=limit + 1,
        )
        views = api.job_views(session, gateway, found)
        known = experiments_of(session, visitor.user)
    return page(
        request,
        "jobs.html",
        jobs=rows(request, views, limit),
        experiments=known,
        experiment_choices=choices(known),
        states=[(state, state) for state in _STATES],
        kinds=[(kind, kind) for kind in USES],
        search=search,
        status=status,
        kind=kind,
        experiment=experiment,
    )


@router.get("/live.json")
def live(visitor: Visiting, gateway: Gateway, ids: Annotated[list[str], Query(alias="id", max_length=200)]) -> Response:
    """Where jobs stand now, by id."""
    with gateway.database.read() as session:
        found = list(jobs.get_many(session, visitor.user, ids).values())
        views = api.job_views(session, gateway, found)
    return json_response({job.id: _standing(gateway, job, view) for job, view in zip(found, views, strict=True)})


def _standing(gateway: Gateway, job: Job, view: Mapping[str, Any]) -> dict[str, Any]:
    now = gateway.scheduler.live(job.id)
    return {
        "status": view["status"],
        "final": JobState(view["status"]).final,
        "logs": cut(view["logs"]),
        "done": now.done if now else 0,
        "total": now.total if now else 0,
    }


@router.get("/{job_id}")
def show(
    request: Request,
    job_id: RecordId,
    visitor: Visiting,
    gateway: Gateway,
    circuit: Place = 1,
    basis: Place = 1,
    set_: Annotated[int, Query(alias="set", ge=1)] = 1,
) -> Response:
    """A job: where it stands, what came out, what was asked for."""
    with gateway.database.read() as session:
        job = _job(session, visitor, job_id)
        ids = jobs.circuit_ids(session, job)
        known = circuits.get_many(session, visitor.user, ids)
        experiment = experiments.get(session, visitor.user, job.experiment_id)
        size = jobs.result_size(session, job.id)
        body = jobs.result_bytes(session, job.id) if size is not None and size <= MAX_READ else None
        view = job_view(job, ids, gateway.scheduler.live(job.id))
        made = circuits.get_many(session, visitor.user, view.get("transpiled_circuit_ids") or ())
    used = [known[circuit_id] for circuit_id in ids if circuit_id in known]
    results = _shown(view, used, body, Selection(circuit=circuit - 1, basis=basis - 1, set=set_ - 1))
    places = {"circuit": circuit, "basis": basis, "set": set_}
    return page(
        request,
        "job.html",
        job=job,
        view=view,
        now=_standing(gateway, job, view),
        experiment=experiment,
        circuits=used,
        max_links=MAX_LINKS,
        made=list(made.values()),
        results=results,
        chosen={name: min(places[name], count) for name, count in results.sizes.items()} if results else {},
        size=size,
        again=job.job_type != JobKind.LOCAL,
        echo={name: value for name in _ECHO if (value := job.body.get(name)) not in (None, False, {}, [], "")},
    )


_ECHO = (
    "options",
    "transpilation_options",
    "use_fractional_gates",
    "use_mitigation",
    "dry_run",
    "readout_bases",
    "observables",
    "parameters",
)


@router.get("/{job_id}/results.json")
def results_json(job_id: RecordId, visitor: Visiting, gateway: Gateway) -> Response:
    """The results, whole."""
    with gateway.database.read() as session:
        job = _job(session, visitor, job_id)
        body = jobs.result_bytes(session, job.id)
    return Response(body or b"null", media_type="application/json")


@router.post("/{job_id}/cancel")
def cancel(job_id: RecordId, visitor: Confirmed, gateway: Gateway) -> Response:
    """Stop a job."""
    api.cancel(job_id, visitor.caller, gateway)
    return RedirectResponse(f"/dashboard/jobs/{job_id}", status_code=303)


@router.post("/{job_id}/restart")
def restart(job_id: RecordId, visitor: Confirmed, gateway: Gateway) -> Response:
    """Run a job that has ended once more."""
    api.restart(job_id, visitor.caller, gateway)
    return RedirectResponse(f"/dashboard/jobs/{job_id}", status_code=303)


def _job(session: Session, visitor: Visitor, job_id: str) -> Job:
    job = jobs.get(session, visitor.user, job_id)
    if job is None:
        raise not_found("job", job_id, "The list of jobs shows yours.")
    return job


def _shown(view: Mapping[str, Any], used: Sequence[Circuit], body: bytes | None, chosen: Selection) -> Shown | None:
    """The chosen part of the results; nothing if there are none, or they are too large to read."""
    results = orjson.loads(body) if body is not None else None
    if not results or view["job_type"] not in (JobKind.RUN, JobKind.HYBRID):
        return None
    try:
        sets = parameter_sets(view.get("parameters"), used)
    except RequestValidationError:
        sets = None
    return shown(asked(view, sets), results, view["info"].get("uncertainty"), chosen)
