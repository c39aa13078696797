"""What the pages with lists have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query, Request
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.gateway.store import experiments
from qiskit_haiqu_provider.gateway.store.tables import Experiment, User

Search = Annotated[str, Query(max_length=200)]
Choice = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=5000)]
RecordId = Annotated[str, Path(max_length=200)]

FIRST = 50
"""Rows of a list before more are asked for."""

PREVIEW = 10
"""Rows of a list that is part of another page."""


@dataclass(frozen=True)
class Rows:
    """Rows of a list, and the address of a longer one if there are more."""

    items: Sequence[Any]
    more: str | None = None


def rows(request: Request, found: Sequence[Any], limit: int) -> Rows:
    """The first ``limit`` of what was found with a limit of one more."""
    if len(found) <= limit:
        return Rows(found)
    query = {**request.query_params, "limit": str(limit * 4)}
    return Rows(found[:limit], f"{request.url.path}?{urlencode(query)}")


def experiments_of(session: Session, user: User) -> dict[str, Experiment]:
    """The experiments of a user by id, for filters and links."""
    return {experiment.id: experiment for experiment in experiments.list_(session, user)}


def choices(known: Mapping[str, Experiment]) -> list[tuple[str, str]]:
    """Experiments as the options of a filter: value and text."""
    return [(experiment.id, experiment.name or experiment.id) for experiment in known.values()]
