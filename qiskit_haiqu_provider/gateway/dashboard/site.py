"""The dashboard as a part of the application."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from qiskit_haiqu_provider.gateway.dashboard import circuits, devices, experiments, jobs, login
from qiskit_haiqu_provider.gateway.dashboard.links import HOME, RecordLinks
from qiskit_haiqu_provider.gateway.dashboard.lists import RecordId
from qiskit_haiqu_provider.gateway.dashboard.rendering import STATIC, Assets
from qiskit_haiqu_provider.gateway.dashboard.visitors import PageRoute, Visiting
from qiskit_haiqu_provider.gateway.errors import ApiError

_entrances = APIRouter(include_in_schema=False)
_rest = APIRouter(include_in_schema=False, route_class=PageRoute)


def install(app: FastAPI) -> None:
    """Add the pages, their files, and the links that lead to them."""
    app.mount("/dashboard/static", Assets(directory=STATIC), name="dashboard-static")
    for module in (login, experiments, circuits, jobs, devices):
        app.include_router(module.router)
    app.include_router(_entrances)
    app.include_router(_rest)
    app.add_middleware(RecordLinks)


@_entrances.get("/")
@_entrances.get("/dashboard")
@_entrances.get("/dashboard/")
def home() -> Response:
    """The first page."""
    return RedirectResponse(HOME, status_code=303)


@_entrances.get("/experiment/{experiment_id}")
def experiment(experiment_id: RecordId) -> Response:
    """The page of an experiment, under the address that clients show."""
    return RedirectResponse(f"{HOME}/{experiment_id}", status_code=303)


@_rest.get("/dashboard/{path:path}")
def nothing(request: Request, _: Visiting) -> Response:
    """The answer for pages that do not exist."""
    raise ApiError(404, f"There is no page {request.url.path[:200]}.")
