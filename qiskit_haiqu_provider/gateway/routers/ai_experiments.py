"""Tools for agents: experiments."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import not_found
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import experiments
from qiskit_haiqu_provider.gateway.store.tables import Experiment, User
from qiskit_haiqu_provider.gateway.submissions import experiment_of
from qiskit_haiqu_provider.gateway.views import json_response

router = APIRouter(route_class=KeyedRoute)

ExperimentId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        description="Id of the experiment; it starts with `exp-`.",
        examples=["exp-6f0c1e1a"],
    ),
]


@router.post(
    "/create_new_experiment",
    operation_id="create_new_experiment",
    response_model=models.ContextExperiment,
    responses=answers(401),
)
def create_new_experiment(
    body: models.AiExperimentCreate, caller: Authorized, gateway: Gateway, request: Request
) -> Response:
    """Make an experiment, the folder that circuits, jobs and artifacts are kept in.

    Begin with this: every other tool needs the `id` that it answers. If you have an experiment of exactly this name,
    that one is the answer, unchanged, and nothing is made. In `context` write down why the experiment is made, so that
    whoever goes on with it later knows; `description` is what people read on the dashboard.
    """
    with gateway.database.write() as session:
        made = experiments.create(
            session, caller.user, name=body.name, description=body.description, context=body.context
        )
        experiment = made or _named(session, caller.user, body.name)
        return json_response(experiment_context(experiment, request))


@router.get(
    "/list_experiments",
    operation_id="list_experiments_mcp",
    response_model=list[models.ContextExperiment],
    responses=answers(401),
)
def list_experiments(caller: Authorized, gateway: Gateway, request: Request) -> Response:
    """List all your experiments, the one last used first, with how many circuits and jobs each has.

    The list is empty if there are none; `create_new_experiment` makes one.
    """
    with gateway.database.read() as session:
        found = experiments.list_(session, caller.user)
    return json_response([experiment_context(experiment, request) for experiment in found])


@router.get(
    "/get_experiment/{experiment_id}",
    operation_id="get_experiment",
    response_model=models.ContextExperiment,
    responses=answers(401, 404),
)
def get_experiment(experiment_id: ExperimentId, caller: Authorized, gateway: Gateway, request: Request) -> Response:
    """Get one experiment by its id: what it is about, why it was made, and how much is in it."""
    with gateway.database.read() as session:
        return json_response(experiment_context(_counted(session, caller.user, experiment_id), request))


@router.get(
    "/by_name/{experiment_name:path}",
    operation_id="get_experiment_by_name",
    response_model=models.ContextExperiment,
    responses=answers(401, 404),
)
def get_experiment_by_name(
    experiment_name: Annotated[
        str, Path(min_length=1, max_length=200, description="The exact name.", examples=["Ising chain"])
    ],
    caller: Authorized,
    gateway: Gateway,
    request: Request,
) -> Response:
    """Get one of your experiments by its exact name. Upper and lower case count."""
    with gateway.database.read() as session:
        return json_response(experiment_context(_named(session, caller.user, experiment_name), request))


@router.put(
    "/update_experiment/{experiment_id}",
    operation_id="update_experiment",
    response_model=models.ContextExperiment,
    responses=answers(400, 401, 404),
)
def update_experiment(
    experiment_id: ExperimentId,
    body: models.ExperimentUpdate,
    caller: Authorized,
    gateway: Gateway,
    request: Request,
) -> Response:
    """Rename an experiment, or replace its description. What is null or left out stays as it is.

    A description is replaced as a whole: to add to it, read it with `get_experiment` and send old and new text.
    """
    with gateway.database.write() as session:
        experiment_of(session, caller, experiment_id)
        experiments.update(session, caller.user, experiment_id, name=body.name, description=body.description)
        return json_response(experiment_context(_counted(session, caller.user, experiment_id), request))


def experiment_context(experiment: Experiment, request: Request) -> dict[str, Any]:
    """An experiment as agents see it."""
    return {
        "id": experiment.id,
        "name": experiment.name,
        "context": experiment.context,
        "description": experiment.description,
        "creation_date": experiment.creation_date,
        "tags": experiment.tags,
        "circuits_count": experiment.circuits_count or 0,
        "jobs_count": experiment.jobs_count or 0,
        "last_action_date": experiment.last_action_date,
        "url": page_of("experiments", experiment.id, request),
    }


def page_of(kind: str, id_: str, request: Request) -> str:
    """The address of something's page on the dashboard, as the caller reaches this gateway."""
    return f"{request.base_url}dashboard/{kind}/{id_}"


def _counted(session: Session, user: User, experiment_id: str) -> Experiment:
    experiment = experiments.get(session, user, experiment_id, counts=True)
    if experiment is None:
        raise not_found("experiment", experiment_id, "The tool list_experiments_mcp shows all ids.")
    return experiment


def _named(session: Session, user: User, name: str) -> Experiment:
    experiment = experiments.by_name(session, user, name, counts=True)
    if experiment is None:
        raise not_found("experiment", name, "The tool list_experiments_mcp shows all names.")
    return experiment
