"""Experiments, and the values noted in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import ApiError, not_found
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import experiments
from qiskit_haiqu_provider.gateway.store.tables import Experiment
from qiskit_haiqu_provider.gateway.submissions import experiment_of
from qiskit_haiqu_provider.gateway.views import artifact_view, experiment_view, json_response

router = APIRouter(prefix="/experiments", tags=["Experiments"], route_class=KeyedRoute)

ExperimentId = Annotated[str, Path(min_length=1, max_length=200, description="Id of the experiment.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many, the newest first.")]


@router.post("/init", response_model=models.Experiment, responses=answers(401))
def init(body: models.ExperimentCreate, caller: Authorized, gateway: Gateway) -> Response:
    """Open the experiment of that name or id, or make it."""
    with gateway.database.write() as session:
        experiment = experiments.get_or_create(
            session,
            caller.user,
            name_or_id=body.name,
            description=body.description,
            tags=body.tags,
            metrics=body.metrics,
        )
        return _answer(session, experiment, caller)


@router.post("", response_model=models.Experiment, responses=answers(401, 409))
def create(body: models.ExperimentCreate, caller: Authorized, gateway: Gateway) -> Response:
    """Make a new experiment."""
    with gateway.database.write() as session:
        experiment = experiments.create(
            session,
            caller.user,
            name=body.name,
            description=body.description,
            tags=body.tags,
            metrics=body.metrics,
        )
        if experiment is None:
            raise ApiError(409, f"There is an experiment '{body.name}' already. POST /experiments/init opens it.")
        return _answer(session, experiment, caller)


@router.get("", response_model=list[models.Experiment], responses=answers(401))
def list_experiments(
    caller: Authorized,
    gateway: Gateway,
    name: Annotated[str | None, Query(max_length=200, description="Only the one of exactly this name.")] = None,
) -> Response:
    """Your experiments, the one last used first."""
    with gateway.database.read() as session:
        found = experiments.list_(session, caller.user, name=name)
    return json_response([experiment_view(experiment, caller.user) for experiment in found])


@router.get("/{experiment_id}", response_model=models.Experiment, responses=answers(401, 404))
def get(experiment_id: ExperimentId, caller: Authorized, gateway: Gateway) -> Response:
    """One experiment with its noted values."""
    with gateway.database.read() as session:
        return _answer(session, experiment_of(session, caller, experiment_id), caller)


@router.put("/{experiment_id}", response_model=models.Experiment, responses=answers(400, 401, 404))
def update(
    experiment_id: ExperimentId, body: models.ExperimentUpdate, caller: Authorized, gateway: Gateway
) -> Response:
    """Change name or description; what is null stays."""
    with gateway.database.write() as session:
        experiment = experiment_of(session, caller, experiment_id)
        experiments.update(session, caller.user, experiment.id, name=body.name, description=body.description)
        return _answer(session, experiment, caller)


@router.post("/{experiment_id}/metrics", response_model=models.Experiment, responses=answers(401, 404))
def put_metrics(
    experiment_id: ExperimentId, body: models.MetricsCreate, caller: Authorized, gateway: Gateway
) -> Response:
    """Note values in the experiment; one of the same name is replaced. Each is an artifact."""
    with gateway.database.write() as session:
        experiment = experiment_of(session, caller, experiment_id)
        experiments.put_metrics(session, experiment, body.metrics)
        return _answer(session, experiment, caller)


@router.get("/{experiment_id}/artifacts", response_model=list[models.Artifact], responses=answers(401, 404))
def list_artifacts(experiment_id: ExperimentId, caller: Authorized, gateway: Gateway, limit: Limit = 10) -> Response:
    """The noted values, the last changed first."""
    with gateway.database.read() as session:
        experiment = experiment_of(session, caller, experiment_id)
        return json_response([artifact_view(item) for item in experiments.artifacts(session, experiment, limit=limit)])


@router.get(
    "/{experiment_id}/artifacts/{artifact_name:path}", response_model=models.Artifact, responses=answers(401, 404)
)
def get_artifact(
    experiment_id: ExperimentId,
    artifact_name: Annotated[str, Path(min_length=1, max_length=1024, description="Name of the value.")],
    caller: Authorized,
    gateway: Gateway,
) -> Response:
    """One noted value."""
    with gateway.database.read() as session:
        experiment = experiment_of(session, caller, experiment_id)
        found = experiments.artifact(session, experiment, artifact_name)
    if found is None:
        raise not_found("artifact", artifact_name, f"GET /experiments/{experiment_id}/artifacts lists them.")
    return json_response(artifact_view(found))


def _answer(session: Any, experiment: Experiment, caller: Caller) -> Response:
    counted = experiments.get(session, caller.user, experiment.id, counts=True) or experiment
    noted = {item.name: item.artifact_data for item in experiments.artifacts(session, counted, limit=None)}
    return json_response(experiment_view(counted, caller.user, noted))
