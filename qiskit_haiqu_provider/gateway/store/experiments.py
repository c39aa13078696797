"""Experiments and their artifacts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, with_expression

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.gateway.store.tables import Artifact, Base, Circuit, Experiment, Job, User, new_id, now
from qiskit_haiqu_provider.gateway.store.upsert import contains, insert_into

_EXPERIMENTS = Base.metadata.tables["experiments"]
_TOUCH = (
    sql_update(_EXPERIMENTS).where(_EXPERIMENTS.c.id == bindparam("one")).values(last_action_date=bindparam("moment"))
)
_OF_ID = select(Experiment).where(Experiment.user_id == bindparam("owner"), Experiment.id == bindparam("one"))
"""Built once, as is the one above: both are on the way of every job."""


class NameTakenError(HaiquInputError):
    """Another experiment of the user has the name."""


def get_or_create(
    session: Session,
    user: User,
    *,
    name_or_id: str,
    description: str = "",
    tags: str = "",
    context: str = "",
    metrics: Mapping[str, Any] | None = None,
) -> Experiment:
    """The user's experiment of that id or name, or else a new one of that name. Callers in a race get the same one.

    An experiment that was there keeps its description, tags and context; the metrics are added to it.
    """
    query = _visible(user).where(or_(Experiment.id == name_or_id, Experiment.name == name_or_id))
    # A name may look like the id of another experiment; the id wins.
    found = session.scalars(query.order_by((Experiment.id == name_or_id).desc())).first()
    if found is not None:
        put_metrics(session, found, metrics or {})
        return _counted(session, user, found.id)
    made = create(session, user, name=name_or_id, description=description, tags=tags, context=context, metrics=metrics)
    if made is not None:
        return made
    other = _one(by_name(session, user, name_or_id))  # somebody was faster
    put_metrics(session, other, metrics or {})
    return _counted(session, user, other.id)


def create(
    session: Session,
    user: User,
    *,
    name: str,
    description: str = "",
    tags: str = "",
    context: str = "",
    metrics: Mapping[str, Any] | None = None,
) -> Experiment | None:
    """A new experiment; None if the user has one of that name."""
    moment = now()
    insert = insert_into(session, Experiment).values(
        id=new_id("exp"),
        user_id=user.id,
        name=name,
        description=description,
        tags=tags,
        context=context,
        creation_date=moment,
        last_action_date=moment,
    )
    unless_taken = insert.on_conflict_do_nothing(index_elements=["user_id", "name"])
    experiment_id = session.scalar(unless_taken.returning(Experiment.id))
    if experiment_id is None:
        return None
    experiment = _counted(session, user, experiment_id)
    put_metrics(session, experiment, metrics or {})
    return experiment


def get(session: Session, user: User, experiment_id: str, *, counts: bool = False) -> Experiment | None:
    """The user's experiment of that id."""
    if not counts:
        return session.scalars(_OF_ID, {"owner": user.id, "one": experiment_id}).first()
    return session.scalars(_visible(user, counts=True).where(Experiment.id == experiment_id)).first()


def by_name(session: Session, user: User, name: str, *, counts: bool = False) -> Experiment | None:
    """The user's experiment of that name."""
    return session.scalars(_visible(user, counts=counts).where(Experiment.name == name)).first()


def list_(
    session: Session, user: User, *, name: str | None = None, limit: int | None = None, search: str | None = None
) -> list[Experiment]:
    """The user's experiments with their counts, the one with the latest action first."""
    query = _visible(user, counts=True)
    if name is not None:
        query = query.where(Experiment.name == name)
    if search:
        query = query.where(contains(search, Experiment.name, Experiment.description, Experiment.tags, Experiment.id))
    query = query.order_by(Experiment.last_action_date.desc(), Experiment.id.desc()).limit(limit)
    return list(session.scalars(query))


def update(
    session: Session, user: User, experiment_id: str, *, name: str | None = None, description: str | None = None
) -> Experiment | None:
    """Change name or description; None keeps what is there. The result is None if the experiment is not visible.

    Raises:
        NameTakenError: If another experiment of the user has the name.
    """
    changes = {"name": name, "description": description}
    changes = {field: value for field, value in changes.items() if value is not None}
    mine = sql_update(Experiment).where(Experiment.id == experiment_id, Experiment.user_id == user.id)
    try:
        with session.begin_nested():
            session.execute(mine.values(last_action_date=now(), **changes))
    except IntegrityError:
        raise NameTakenError(
            f"name: you have another experiment named '{name}'. Choose another name, or rename that one first."
        ) from None
    return get(session, user, experiment_id, counts=True)


def put_metrics(session: Session, experiment: Experiment, metrics: Mapping[str, Any]) -> None:
    """Log values; each name is an artifact, and logging it again replaces it."""
    for name, value in metrics.items():
        put_artifact(session, experiment, name=name, data=value)


def put_artifact(
    session: Session, experiment: Experiment, *, name: str, data: Any, artifact_type: str | None = None
) -> None:
    """Log one value. Its type is told from the value unless it is given."""
    moment = now()
    changed = {"artifact_type": artifact_type or _kind(data), "artifact_data": data, "last_updated": moment}
    insert = insert_into(session, Artifact).values(
        experiment_id=experiment.id, name=name, creation_date=moment, **changed
    )
    session.execute(insert.on_conflict_do_update(index_elements=["experiment_id", "name"], set_=changed))
    touch(session, experiment.id)


def artifacts(session: Session, experiment: Experiment, *, limit: int | None = 10) -> list[Artifact]:
    """The artifacts of an experiment, the last updated first."""
    query = select(Artifact).where(Artifact.experiment_id == experiment.id)
    return list(session.scalars(query.order_by(Artifact.last_updated.desc(), Artifact.id.desc()).limit(limit)))


def artifact(session: Session, experiment: Experiment, name: str) -> Artifact | None:
    """The artifact of that name."""
    query = select(Artifact).where(Artifact.experiment_id == experiment.id, Artifact.name == name)
    return session.scalars(query).first()


def touch(session: Session, experiment_id: str) -> None:
    """Note that something happened in an experiment. A row that the session holds does not see it."""
    session.execute(_TOUCH, {"one": experiment_id, "moment": now()})


def _visible(user: User, *, counts: bool = False) -> Select[Experiment]:
    query = select(Experiment).where(Experiment.user_id == user.id)
    if not counts:
        return query
    circuits = select(func.count()).where(Circuit.experiment_id == Experiment.id).scalar_subquery()
    jobs = select(func.count()).where(Job.experiment_id == Experiment.id).scalar_subquery()
    counted = query.options(
        with_expression(Experiment.circuits_count, circuits), with_expression(Experiment.jobs_count, jobs)
    )
    return counted.execution_options(populate_existing=True)  # a row that the session holds gets its counts, too


def _counted(session: Session, user: User, experiment_id: str) -> Experiment:
    return _one(get(session, user, experiment_id, counts=True))


def _one(experiment: Experiment | None) -> Experiment:
    if experiment is None:  # cannot happen while nothing is deleted
        raise LookupError("the experiment is gone")
    return experiment


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "image" if value.startswith("data:image/") else "text"
    if isinstance(value, Mapping):
        return "dict"
    return "list" if isinstance(value, (list, tuple)) else "value"
