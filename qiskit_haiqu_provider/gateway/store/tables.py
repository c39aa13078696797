"""The tables. Rows are read by everybody, but changed only by the functions beside this file."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, query_expression
from sqlalchemy.types import TypeDecorator

UNFINISHED = ("Submitted", "Initializing", "Queued", "Validating", "Running")
"""Statuses of a job that still has work to do."""

FINAL = ("Done", "Error", "Cancelled")
"""Statuses that a job leaves only by a restart."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with time zone. SQLite keeps none, so it is UTC there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """What is written: always UTC. A moment without time zone would be taken for local time, so it is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone. Use datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """What is read: the same moment, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment, as it is stored."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """An id that nobody can guess: ``exp-``, ``circ-`` or ``jb-`` and a UUID."""
    return f"{prefix}-{uuid4()}"


class Base(DeclarativeBase):
    """Base of all rows. Constraints have names, so that a later migration can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: UtcDateTime,
        str: Text,
        float: Double,
        dict[str, Any]: JSON(none_as_null=True),
    }


class User(Base):
    """Somebody who has keys."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(200), unique=True)
    email: Mapped[str] = mapped_column(default="")
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    creation_date: Mapped[datetime] = mapped_column(default=now)


class ApiKey(Base):
    """A key, of which only the digest and the first characters are known."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(8))
    label: Mapped[str] = mapped_column(default="")
    creation_date: Mapped[datetime] = mapped_column(default=now)
    revoked_date: Mapped[datetime | None]
    last_used: Mapped[datetime | None]


class WebSession(Base):
    """A login to the dashboard. It ends when it expires, or when its key is revoked."""

    __tablename__ = "web_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), index=True)
    csrf: Mapped[str]
    creation_date: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime] = mapped_column(index=True)


class Experiment(Base):
    """A folder of circuits, jobs and artifacts."""

    __tablename__ = "experiments"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    tags: Mapped[str] = mapped_column(String(1024), default="")
    context: Mapped[str] = mapped_column(default="")
    creation_date: Mapped[datetime] = mapped_column(default=now)
    last_action_date: Mapped[datetime] = mapped_column(default=now)

    circuits_count: Mapped[int | None] = query_expression()
    """Counted only where it was asked for, as is ``jobs_count``; else None."""

    jobs_count: Mapped[int | None] = query_expression()


class Artifact(Base):
    """A named value of an experiment; logging the name again replaces it."""

    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("experiment_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"))
    name: Mapped[str]
    artifact_type: Mapped[str]
    artifact_data: Mapped[Any] = mapped_column(JSON)
    creation_date: Mapped[datetime] = mapped_column(default=now)
    last_updated: Mapped[datetime] = mapped_column(default=now)


class Circuit(Base):
    """A stored circuit. The large columns come last and are read only where they are asked for."""

    __tablename__ = "circuits"
    __table_args__ = (
        Index(None, "experiment_id", "hash"),
        Index(None, "experiment_id", "client_hash"),
        Index(None, "experiment_id", "digest"),
        Index(None, "experiment_id", "creation_date"),
        Index(None, "user_id", "creation_date"),
    )

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"))
    hash: Mapped[str]
    """What the circuit is known by to its client: the client's hash, or one of its own where that is not unique."""

    client_hash: Mapped[str] = mapped_column(default="")
    """The client's name for the content. Different circuits can share one, so it decides nothing."""

    uploaded: Mapped[datetime] = mapped_column(default=now)
    """When somebody last uploaded this content."""

    digest: Mapped[str]
    """Our name for the content."""

    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    tags: Mapped[str] = mapped_column(default="")
    context: Mapped[str] = mapped_column(default="")
    creation_date: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[str] = mapped_column(default="Submitted")
    generated: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("circuits.id"), index=True)
    transpilation_target: Mapped[str | None]
    transpilation_options: Mapped[dict[str, Any] | None]
    num_qubits: Mapped[int]
    num_clbits: Mapped[int]
    num_parameters: Mapped[int]
    measures: Mapped[bool]
    analytics: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    drawing: Mapped[str] = mapped_column(default="", deferred=True, deferred_raiseload=True)
    qpy: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)


class Job(Base):
    """A job. ``seq`` is its place in the queue and in lists; the rest of the world knows it by ``id``."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index(None, "experiment_id", "seq"),
        Index(None, "user_id", "seq"),
        Index(None, "experiment_id", "hash"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(60), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"))
    job_type: Mapped[str]
    status: Mapped[str] = mapped_column(default="Submitted", index=True)
    generation: Mapped[int] = mapped_column(default=0)
    """Raised by a restart, so that what an earlier run still reports is known to be late."""

    attempts: Mapped[int] = mapped_column(default=0)
    """How often the run was started since it was submitted or restarted."""

    device_id: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    creation_date: Mapped[datetime] = mapped_column(default=now)
    run_date: Mapped[datetime | None]
    finish_date: Mapped[datetime | None]
    quality: Mapped[float | None]
    time: Mapped[float | None]
    hash: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    body_digest: Mapped[str | None]
    logs: Mapped[str] = mapped_column(default="")
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)
    estimated_qpu_cost: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    dispatch: Mapped[dict[str, Any] | None]
    """What is known of the vendor's job."""

    body: Mapped[dict[str, Any]]
    """What was submitted, with ``***`` for every secret."""

    recipe: Mapped[dict[str, Any] | None] = mapped_column(deferred=True, deferred_raiseload=True)
    """What the scheduler runs; holds no secret."""


class JobCircuit(Base):
    """A circuit of a job."""

    __tablename__ = "job_circuits"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    circuit_id: Mapped[str] = mapped_column(ForeignKey("circuits.id"), index=True)


class JobResult(Base):
    """The results of a job as JSON text; apart from the job, so that no list reads them."""

    __tablename__ = "job_results"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
