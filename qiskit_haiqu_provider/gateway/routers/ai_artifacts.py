"""Tools for agents: artifacts, the values and pictures noted in an experiment."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway import artifacts
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import not_found
from qiskit_haiqu_provider.gateway.paths import segment
from qiskit_haiqu_provider.gateway.routers.ai_circuits import Limit
from qiskit_haiqu_provider.gateway.routers.ai_experiments import ExperimentId
from qiskit_haiqu_provider.gateway.routers.answers import Answers, answers
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import experiments
from qiskit_haiqu_provider.gateway.store.tables import Artifact
from qiskit_haiqu_provider.gateway.submissions import experiment_of
from qiskit_haiqu_provider.gateway.views import json_response

router = APIRouter(route_class=KeyedRoute)

ArtifactName = Annotated[
    str, Path(min_length=1, max_length=1024, description="Name of the artifact.", examples=["energy"])
]

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_CONTENT: Answers = {
    200: {
        "description": "The bytes of the artifact.",
        "content": {
            **{name: {"schema": {"type": "string", "format": "binary"}} for name in _PICTURES},
            "text/plain": {"schema": {"type": "string"}},
            "application/json": {"schema": {}},
        },
    }
}


@router.post(
    "/{experiment_id}/log_artifact",
    operation_id="log_artifact_in_experiment",
    response_class=Response,
    responses={200: {"description": "It is noted; the answer is empty."}, **answers(400, 401, 404)},
)
def log_artifact(
    experiment_id: ExperimentId, body: models.ArtifactCreate, caller: Authorized, gateway: Gateway
) -> Response:
    """Note a value, a text, a picture or a series in an experiment, where the dashboard shows it.

    What goes where, by `kind`: text (default), value (a number), list and dict (any JSON inside), image (a PNG, JPEG,
    GIF or WebP file as `data:image/png;base64,...`) go into `value`; timeseries goes into `points`, a list of
    `{"x": number or text, "y": number}`, and `value` stays out. A name that exists in the experiment is overwritten.
    The answer is empty.
    """
    with gateway.database.write() as session:
        experiment = experiment_of(session, caller, experiment_id)
        data = artifacts.checked(body)
        experiments.put_artifact(session, experiment, name=body.name, data=data, artifact_type=body.kind.value)
    return Response()


@router.get(
    "/{experiment_id}/artifacts",
    operation_id="list_artifacts_in_experiment",
    response_model=list[models.ArtifactRecord],
    responses=answers(401, 404),
)
def list_artifacts(
    experiment_id: ExperimentId, caller: Authorized, gateway: Gateway, request: Request, limit: Limit = 100
) -> Response:
    """List what is noted in an experiment, the last changed first.

    Short values are in the list; for others `value` is null, and `get_artifact_in_experiment` has them.
    """
    with gateway.database.read() as session:
        experiment = experiment_of(session, caller, experiment_id)
        found = experiments.artifacts(session, experiment, limit=limit)
    views = [
        artifacts.descriptor(item, _content_url(request, experiment_id, item.name), limit=artifacts.LISTED_BYTES)
        for item in found
    ]
    return json_response(views)


@router.get(
    "/{experiment_id}/artifacts/{artifact_name:path}/content",
    operation_id="get_artifact_content_in_experiment",
    response_class=Response,
    responses={**_CONTENT, **answers(401, 404)},
)
def get_artifact_content(
    experiment_id: ExperimentId, artifact_name: ArtifactName, caller: Authorized, gateway: Gateway
) -> Response:
    """Get the content of an artifact as it is: the file of a picture, the text, or the value as JSON."""
    with gateway.database.read() as session:
        found = _artifact_of(session, caller, experiment_id, artifact_name)
    data, media_type = artifacts.content(found)
    return Response(data, media_type=media_type, headers=_as_file(artifact_name, media_type))


@router.get(
    "/{experiment_id}/artifacts/{artifact_name:path}",
    operation_id="get_artifact_in_experiment",
    response_model=models.ArtifactRecord,
    responses=answers(401, 404),
)
def get_artifact(
    experiment_id: ExperimentId, artifact_name: ArtifactName, caller: Authorized, gateway: Gateway, request: Request
) -> Response:
    """Get one artifact of an experiment: its kind, its value, and where its content is.

    A timeseries has `points`, and the same as `x` and `y`. For pictures, and for values of more than 100 kB, `value`
    is null: `get_artifact_content_in_experiment` has the content.
    """
    with gateway.database.read() as session:
        found = _artifact_of(session, caller, experiment_id, artifact_name)
    url = _content_url(request, experiment_id, artifact_name)
    return json_response(artifacts.descriptor(found, url, limit=artifacts.VALUE_BYTES))


def _artifact_of(session: Session, caller: Caller, experiment_id: str, name: str) -> Artifact:
    found = experiments.artifact(session, experiment_of(session, caller, experiment_id), name)
    if found is None:
        raise not_found("artifact", name, "The tool list_artifacts_in_experiment shows all names.")
    return found


def _content_url(request: Request, experiment_id: str, name: str) -> str:
    return f"{request.base_url}ai/{segment(experiment_id)}/artifacts/{segment(name)}/content"


def _as_file(name: str, media_type: str) -> dict[str, str]:
    """Headers that have a browser save the content, never interpret it."""
    ending = {"text/plain": "txt", "image/jpeg": "jpg"}.get(media_type, media_type.rpartition("/")[2])
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)[:100].strip("._") or "artifact"
    return {"content-disposition": f'attachment; filename="{plain}.{ending}"', "x-content-type-options": "nosniff"}
