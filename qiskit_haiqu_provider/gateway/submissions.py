"""How jobs come into being: once for each idempotency key, in the database before the answer leaves."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import Header
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Caller
from qiskit_haiqu_provider.gateway.errors import ApiError, not_found
from qiskit_haiqu_provider.gateway.execution.recipe import WITH_CREDENTIALS, Recipe, recipe_to_json
from qiskit_haiqu_provider.gateway.inputs import check_count
from qiskit_haiqu_provider.gateway.services import Services
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs
from qiskit_haiqu_provider.gateway.store.tables import Circuit, Experiment, Job

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="Submits with the same key are one job. A client token in the description does the same.",
    ),
]

CLIENT_TOKEN = re.compile(r"\[client-token:([0-9a-f]{32})\]")
"""How a client marks its submission in the description of the job."""


def chosen_key(header: str | None, description: str | None) -> str | None:
    """The key of a submission: the header, else the client token in the description."""
    if header and header.strip():
        return header.strip()
    token = CLIENT_TOKEN.search(description or "")
    return None if token is None else f"token:{token[1]}"


def submit(
    gateway: Services,
    caller: Caller,
    *,
    body: models.Wire,
    echo: Mapping[str, Any],
    recipe: Recipe,
    kind: models.JobKind,
    experiment_id: str,
    circuit_ids: Sequence[str],
    key: str | None,
    secrets: Mapping[str, Any] | None = None,
) -> Job:
    """Store a job and have it run; the job of an earlier submit with the same key stays the only one.

    Args:
        gateway: The running gateway.
        caller: Whose job.
        body: The submission.
        echo: The fields of the job that repeat the submission, without secrets.
        recipe: What is to run.
        kind: Type of the job.
        experiment_id: Experiment of the job.
        circuit_ids: Its circuits.
        key: Identity of the submission.
        secrets: Credentials for the device; they go to the scheduler, and nowhere else.

    Raises:
        ApiError: 404 if the experiment is not the caller's; 409 if the key was used for something else.
    """
    fields: dict[str, Any] = {
        "experiment_id": experiment_id,
        "job_type": kind.value,
        "device_id": recipe.device,
        "name": getattr(body, "name", "") or f"{kind.value} on {recipe.device}",
        "description": getattr(body, "description", "") or "",
        "body": dict(echo),
        "recipe": {**recipe_to_json(recipe), WITH_CREDENTIALS: bool(secrets)},
        "status": models.JobState.SUBMITTED.value,
    }
    with gateway.database.write() as session:
        experiment_of(session, caller, experiment_id)
        job, created = stored(session, caller, body, key=key, circuit_ids=circuit_ids, **fields)
    if created:
        gateway.scheduler.enqueue(job.id, recipe.device, secrets or {})
    return job


def stored(
    session: Session, caller: Caller, asked: models.Wire, *, key: str | None, circuit_ids: Sequence[str], **fields: Any
) -> tuple[Job, bool]:
    """The job of what was asked, and whether it is new.

    Raises:
        ApiError: 409 if the key was used for something else.
    """
    if key is None:
        return jobs.add(session, caller.user, circuit_ids=circuit_ids, **fields), True
    digest = _digest(asked)
    job, created = jobs.add_once(
        session, caller.user, idempotency_key=key, body_digest=digest, circuit_ids=circuit_ids, **fields
    )
    if job.body_digest != digest:
        raise ApiError(
            409, f"This idempotency key belongs to job {job.id}, which asks for something else. Use a new key."
        )
    return job, created


def _digest(body: models.Wire) -> str:
    """What tells one submission from another; credentials and names do not count."""
    content = models.redacted(body.model_dump(mode="json", exclude={"device_credentials", "name", "description"}))
    text = orjson.dumps([type(body).__name__, content], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def experiment_of(session: Session, caller: Caller, experiment_id: str) -> Experiment:
    """The caller's experiment.

    Raises:
        ApiError: 404 if there is none of that id.
    """
    experiment = experiments.get(session, caller.user, experiment_id)
    if experiment is None:
        raise not_found("experiment", experiment_id, "POST /experiments/init makes one; GET /experiments lists yours.")
    return experiment


def circuits_of(gateway: Services, caller: Caller, circuit_ids: Sequence[str]) -> list[Circuit]:
    """The caller's circuits in order, repeated where an id is.

    Raises:
        ApiError: 404 if one of them is not the caller's.
        RequestValidationError: If there are too many.
    """
    check_count(len(circuit_ids), gateway.settings.limits)
    with gateway.database.read() as session:
        found = circuits.get_many(session, caller.user, circuit_ids)
    for circuit_id in circuit_ids:
        if circuit_id not in found:
            raise not_found("circuit", circuit_id, "POST /circuits stores one.")
    return [found[circuit_id] for circuit_id in circuit_ids]
