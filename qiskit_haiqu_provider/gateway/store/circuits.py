"""Circuits. Their QPY and drawing are read only with ``content=True``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import Select, bindparam, or_, select, update
from sqlalchemy.orm import Session, undefer

from qiskit_haiqu_provider.gateway.store.experiments import touch
from qiskit_haiqu_provider.gateway.store.tables import Circuit, Job, JobCircuit, User, new_id, now
from qiskit_haiqu_provider.gateway.store.upsert import contains

_OF_IDS = select(Circuit).where(Circuit.user_id == bindparam("owner"), Circuit.id.in_(bindparam("ids", expanding=True)))
"""Built once: it is on the way of every job."""


class CircuitFields(TypedDict):
    """What a new circuit is made of."""

    experiment_id: str
    hash: str
    client_hash: NotRequired[str]
    digest: str
    qpy: bytes
    num_qubits: int
    num_clbits: int
    num_parameters: int
    measures: bool
    name: NotRequired[str]
    description: NotRequired[str]
    tags: NotRequired[str]
    context: NotRequired[str]
    status: NotRequired[str]
    generated: NotRequired[bool]
    analytics: NotRequired[dict[str, Any] | None]
    metrics: NotRequired[dict[str, Any]]
    drawing: NotRequired[str]
    parent_id: NotRequired[str | None]
    transpilation_target: NotRequired[str | None]
    transpilation_options: NotRequired[dict[str, Any] | None]


def add(session: Session, user: User, **fields: Unpack[CircuitFields]) -> Circuit:
    """Store a circuit."""
    circuit = Circuit(id=new_id("circ"), user_id=user.id, **fields)
    session.add(circuit)
    session.flush()
    touch(session, circuit.experiment_id)
    return circuit


def get(session: Session, user: User, circuit_id: str, *, content: bool = False) -> Circuit | None:
    """The user's circuit of that id."""
    return session.scalars(_visible(user, content=content).where(Circuit.id == circuit_id)).first()


def get_many(session: Session, user: User, circuit_ids: Iterable[str], *, content: bool = False) -> dict[str, Circuit]:
    """Those of the circuits that the user has, by id."""
    if content:
        found = session.scalars(_visible(user, content=True).where(Circuit.id.in_(set(circuit_ids))))
    else:
        found = session.scalars(_OF_IDS, {"owner": user.id, "ids": list(set(circuit_ids))})
    return {circuit.id: circuit for circuit in found}


def by_hash(session: Session, user: User, experiment_id: str, hash_: str, *, content: bool = False) -> list[Circuit]:
    """The circuits with that hash, given by us or by a client, the last uploaded first.

    There can be several: different circuits can share a client's hash.
    """
    named = or_(Circuit.hash == hash_, Circuit.client_hash == hash_)
    query = _visible(user, content=content).where(Circuit.experiment_id == experiment_id, named)
    return list(session.scalars(query.order_by(Circuit.uploaded.desc(), Circuit.creation_date.desc())))


def mark_uploaded(session: Session, circuit: Circuit) -> None:
    """Note that somebody uploaded the content of a circuit again."""
    session.execute(update(Circuit).where(Circuit.id == circuit.id).values(uploaded=now()))


def by_digest(session: Session, user: User, experiment_id: str, digest: str, *, content: bool = False) -> list[Circuit]:
    """The circuits with that content, the newest first."""
    query = _visible(user, content=content).where(Circuit.experiment_id == experiment_id, Circuit.digest == digest)
    return list(session.scalars(_newest(query)))


def list_(
    session: Session,
    user: User,
    *,
    experiment_id: str | None = None,
    limit: int | None = None,
    circuit_ids: Sequence[str] | None = None,
    job_type: str | None = None,
    search: str | None = None,
) -> list[Circuit]:
    """The user's circuits, the newest first.

    Args:
        session: Session of the store.
        user: Whose circuits.
        experiment_id: Only those of an experiment.
        limit: At most so many.
        circuit_ids: Only these.
        job_type: Only those that a job of that type has used.
        search: Only those with the text in name, description, tags or id.
    """
    query = _visible(user)
    if experiment_id is not None:
        query = query.where(Circuit.experiment_id == experiment_id)
    if circuit_ids is not None:
        query = query.where(Circuit.id.in_(circuit_ids))
    if job_type is not None:
        used = select(JobCircuit.circuit_id).join(Job, JobCircuit.job_id == Job.id).where(Job.job_type == job_type)
        query = query.where(used.where(JobCircuit.circuit_id == Circuit.id).exists())
    if search:
        query = query.where(contains(search, Circuit.name, Circuit.description, Circuit.tags, Circuit.id))
    return list(session.scalars(_newest(query).limit(limit)))


def children(session: Session, circuit: Circuit) -> list[Circuit]:
    """The circuits made from a circuit, the oldest first."""
    return children_of(session, [circuit])[circuit.id]


def children_of(session: Session, circuits: Iterable[Circuit]) -> dict[str, list[Circuit]]:
    """For each circuit those made from it, the oldest first. One query, for lists."""
    found: dict[str, list[Circuit]] = {circuit.id: [] for circuit in circuits}
    query = select(Circuit).where(Circuit.parent_id.in_(found)).order_by(Circuit.creation_date, Circuit.id)
    for child in session.scalars(query):
        found[str(child.parent_id)].append(child)
    return found


def job_ids(session: Session, circuit: Circuit) -> list[str]:
    """The jobs that have used a circuit, the newest first."""
    return job_ids_of(session, [circuit])[circuit.id]


def job_ids_of(session: Session, circuits: Iterable[Circuit]) -> dict[str, list[str]]:
    """For each circuit the jobs that have used it, the newest first. One query, for lists."""
    found: dict[str, dict[str, None]] = {circuit.id: {} for circuit in circuits}
    query = select(JobCircuit.circuit_id, Job.id).join(Job, JobCircuit.job_id == Job.id)
    for circuit_id, job_id in session.execute(query.where(JobCircuit.circuit_id.in_(found)).order_by(Job.seq.desc())):
        found[circuit_id][job_id] = None  # once, though a job can have a circuit several times
    return {circuit_id: list(jobs) for circuit_id, jobs in found.items()}


def put_metrics(session: Session, circuit: Circuit, metrics: Mapping[str, Any]) -> Circuit:
    """Log values with a circuit; a name that is there is replaced. The result is the row as it is now."""
    row = _locked(session, circuit)
    row.metrics = {**row.metrics, **metrics}
    session.flush()
    touch(session, row.experiment_id)
    return row


def put_analytics(session: Session, circuit: Circuit, *, analytics: Mapping[str, Any] | None, status: str) -> Circuit:
    """Add what an analysis has found, and say how far it is. The result is the row as it is now."""
    row = _locked(session, circuit)
    if analytics is not None:
        row.analytics = {**(row.analytics or {}), **analytics}
    row.status = status
    session.flush()
    return row


def put_drawing(session: Session, circuit: Circuit, drawing: str) -> None:
    """Keep the drawing of a circuit for the next who looks."""
    session.execute(update(Circuit).where(Circuit.id == circuit.id).values(drawing=drawing))


def _locked(session: Session, circuit: Circuit) -> Circuit:
    """The row as it is now; PostgreSQL makes others wait, so that no change is lost."""
    return session.get_one(Circuit, circuit.id, with_for_update=True, populate_existing=True)


def _visible(user: User, *, content: bool = False) -> Select[Circuit]:
    query = select(Circuit).where(Circuit.user_id == user.id)
    if not content:
        return query
    query = query.options(undefer(Circuit.qpy), undefer(Circuit.drawing))
    return query.execution_options(populate_existing=True)  # a row that the session holds gets its content, too


def _newest(query: Select[Circuit]) -> Select[Circuit]:
    return query.order_by(Circuit.creation_date.desc(), Circuit.id.desc())
