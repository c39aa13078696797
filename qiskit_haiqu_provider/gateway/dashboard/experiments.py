"""Pages about experiments."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from qiskit_haiqu_provider.api.models import ArtifactKind
from qiskit_haiqu_provider.gateway.dashboard.lists import FIRST, PREVIEW, Limit, RecordId, Search, rows
from qiskit_haiqu_provider.gateway.dashboard.rendering import page
from qiskit_haiqu_provider.gateway.dashboard.visitors import PageRoute, Visiting, Visitor
from qiskit_haiqu_provider.gateway.errors import ApiError, not_found
from qiskit_haiqu_provider.gateway.routers.jobs import job_views
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs
from qiskit_haiqu_provider.gateway.store.tables import Artifact, Experiment
from qiskit_haiqu_provider.run.checks import is_real

router = APIRouter(prefix="/dashboard/experiments", include_in_schema=False, route_class=PageRoute)

_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,", re.ASCII)
"""Pictures that are shown; others could hold scripts."""

_ARTIFACTS = 30


@router.get("")
def list_experiments(
    request: Request, visitor: Visiting, gateway: Gateway, search: Search = "", limit: Limit = FIRST
) -> Response:
    """All experiments."""
    with gateway.database.read() as session:
        found = experiments.list_(session, visitor.user, search=search, limit=limit + 1)
    return page(request, "experiments.html", experiments=rows(request, found, limit), search=search)


@router.get("/{experiment_id}")
def show(request: Request, experiment_id: RecordId, visitor: Visiting, gateway: Gateway) -> Response:
    """An experiment with what was last added to it."""
    with gateway.database.read() as session:
        experiment = _experiment(session, visitor, experiment_id)
        found = jobs.list_(session, visitor.user, experiment_id=experiment.id, limit=PREVIEW)
        made = circuits.list_(session, visitor.user, experiment_id=experiment.id, limit=PREVIEW)
        uses = circuits.job_ids_of(session, made)
        noted = experiments.artifacts(session, experiment, limit=_ARTIFACTS + 1)
        views = job_views(session, gateway, found)
    return page(
        request,
        "experiment.html",
        experiment=experiment,
        jobs=views,
        circuits=made,
        uses=uses,
        artifacts=[(artifact, _shape(artifact)) for artifact in noted[:_ARTIFACTS]],
        more_artifacts=len(noted) > _ARTIFACTS,
    )


@router.get("/{experiment_id}/image")
def image(
    experiment_id: RecordId, name: Annotated[str, Query(max_length=2000)], visitor: Visiting, gateway: Gateway
) -> Response:
    """An artifact that is a picture."""
    with gateway.database.read() as session:
        experiment = _experiment(session, visitor, experiment_id)
        artifact = experiments.artifact(session, experiment, name)
    data = artifact.artifact_data if artifact is not None else None
    text = data if isinstance(data, str) else ""
    start = _IMAGE.match(text)
    if start is None:
        raise not_found("picture", name, "The page of the experiment shows all of them.")
    try:
        content = base64.b64decode(text[start.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(404, f"The picture '{name[:200]}' is damaged. Log it again.") from None
    return Response(content, media_type=start[1])


def _experiment(session: Session, visitor: Visitor, experiment_id: str) -> Experiment:
    experiment = experiments.get(session, visitor.user, experiment_id, counts=True)
    if experiment is None:
        raise not_found("experiment", experiment_id, "The list of experiments shows yours.")
    return experiment


def _shape(artifact: Artifact) -> Mapping[str, Any]:
    """How an artifact is shown."""
    data = artifact.artifact_data
    if isinstance(data, str):
        return {"as": "image"} if _IMAGE.match(data) else {"as": "text", "text": data}
    points = _points(data) if artifact.artifact_type == ArtifactKind.TIMESERIES else None
    if points:
        series = [{"label": artifact.name, "values": [y for _, y in points], "errors": None}]
        chart = {"kind": "sweep", "x": [x for x, _ in points], "axis": "x", "series": series}
        return {"as": "chart", "chart": chart, "points": points}
    return {"as": "json", "data": data}


def _points(data: Any) -> list[tuple[float, float]] | None:
    """Pairs of numbers, if that is what the data are."""
    given = data.get("points") if isinstance(data, Mapping) else data
    if not isinstance(given, list) or not all(isinstance(point, Mapping) for point in given):
        return None
    pairs = [(point.get("x"), point.get("y")) for point in given]
    return pairs if all(is_real(x) and is_real(y) for x, y in pairs) else None
