"""Jobs as their users see them. What the scheduler does with them is in ``running``."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict, Unpack

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.gateway.store.experiments import touch
from qiskit_haiqu_provider.gateway.store.tables import UNFINISHED, Base, Job, JobCircuit, JobResult, User, new_id, now
from qiskit_haiqu_provider.gateway.store.upsert import contains, insert_once

_JOBS = Base.metadata.tables["jobs"]

# Built once: they are asked for with every submit or look at a job, and building one takes longer than running it.
_OF_ID = select(Job).where(Job.user_id == bindparam("owner"), Job.id == bindparam("one"))
_OF_KEY = select(Job).where(Job.user_id == bindparam("owner"), Job.idempotency_key == bindparam("key"))
_CIRCUITS = (
    select(JobCircuit.job_id, JobCircuit.circuit_id)
    .where(JobCircuit.job_id.in_(bindparam("ids", expanding=True)))
    .order_by(JobCircuit.job_id, JobCircuit.position)
)
_RESULT = select(JobResult.body).where(JobResult.job_id == bindparam("one"))
_LINK = insert(Base.metadata.tables["job_circuits"])


class JobFields(TypedDict):
    """What a new job is made of."""

    experiment_id: str
    job_type: str
    device_id: str
    body: dict[str, Any]
    name: NotRequired[str]
    description: NotRequired[str]
    status: NotRequired[str]
    recipe: NotRequired[dict[str, Any] | None]
    logs: NotRequired[str]
    info: NotRequired[dict[str, Any]]
    quality: NotRequired[float | None]
    time: NotRequired[float | None]
    estimated_qpu_cost: NotRequired[dict[str, Any] | None]
    metrics: NotRequired[dict[str, Any]]
    hash: NotRequired[str | None]
    run_date: NotRequired[datetime | None]
    finish_date: NotRequired[datetime | None]
    dispatch: NotRequired[dict[str, Any] | None]


def add(session: Session, user: User, *, circuit_ids: Sequence[str] = (), **fields: Unpack[JobFields]) -> Job:
    """Store a job at the end of the queue."""
    job = Job(id=new_id("jb"), user_id=user.id, **fields)
    session.add(job)
    session.flush()
    _link(session, job, circuit_ids)
    return job


def add_once(
    session: Session,
    user: User,
    *,
    idempotency_key: str,
    body_digest: str,
    circuit_ids: Sequence[str] = (),
    **fields: Unpack[JobFields],
) -> tuple[Job, bool]:
    """Store a job unless the user has one with that key. Of several callers in a race, one stores it.

    Returns:
        The job, and whether it is new. One that was there may have another ``body_digest``: then it was not the same
        submit, and the caller has to refuse it.
    """
    job_id = new_id("jb")
    values = {
        "id": job_id,
        "user_id": user.id,
        "idempotency_key": idempotency_key,
        "body_digest": body_digest,
        **fields,
    }
    # PostgreSQL waits here for the other one to commit, so that the row can be read after it.
    insert_job = insert_once(session.get_bind().dialect.name, _JOBS, "user_id", "idempotency_key")
    session.execute(insert_job, values)
    job = session.scalars(_OF_KEY, {"owner": user.id, "key": idempotency_key}).one()
    created = job.id == job_id
    if created:
        _link(session, job, circuit_ids)
    return job, created


def get(session: Session, user: User, job_id: str) -> Job | None:
    """The user's job of that id."""
    return session.scalars(_OF_ID, {"owner": user.id, "one": job_id}).first()


def get_many(session: Session, user: User, job_ids: Iterable[str]) -> dict[str, Job]:
    """Those of the jobs that the user has, by id."""
    return {job.id: job for job in session.scalars(_visible(user).where(Job.id.in_(set(job_ids))))}


def by_hash(session: Session, user: User, experiment_id: str, hash_: str) -> Job | None:
    """The newest job with the client's hash."""
    query = _visible(user).where(Job.experiment_id == experiment_id, Job.hash == hash_)
    return session.scalars(query.order_by(Job.seq.desc()).limit(1)).first()


def list_(
    session: Session,
    user: User,
    *,
    experiment_id: str | None = None,
    job_type: str | None = None,
    limit: int | None = 10,
    circuit_id: str | None = None,
    search: str | None = None,
    status: str | None = None,
) -> list[Job]:
    """The user's jobs, the newest first.

    Args:
        session: Session of the store.
        user: Whose jobs.
        experiment_id: Only those of an experiment.
        job_type: Only those of a type.
        limit: At most so many.
        circuit_id: Only those that use a circuit.
        search: Only those with the text in name, description, device or id.
        status: Only those with a status.
    """
    query = _visible(user)
    exact = {Job.experiment_id: experiment_id, Job.job_type: job_type, Job.status: status}
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == value)
    if circuit_id is not None:
        query = query.where(Job.id.in_(select(JobCircuit.job_id).where(JobCircuit.circuit_id == circuit_id)))
    if search:
        query = query.where(contains(search, Job.name, Job.description, Job.device_id, Job.id))
    return list(session.scalars(query.order_by(Job.seq.desc()).limit(limit)))


def circuit_ids(session: Session, job: Job) -> list[str]:
    """The circuits of a job, in the order in which they were submitted."""
    return circuit_ids_of(session, [job])[job.id]


def circuit_ids_of(session: Session, jobs: Iterable[Job]) -> dict[str, list[str]]:
    """For each job its circuits, in the order in which they were submitted. One query, for lists."""
    found: dict[str, list[str]] = {job.id: [] for job in jobs}
    for job_id, circuit_id in session.execute(_CIRCUITS, {"ids": list(found)}):
        found[job_id].append(circuit_id)
    return found


def result_bytes(session: Session, job_id: str) -> bytes | None:
    """The results of a job as JSON text; None while there are none."""
    return session.scalar(_RESULT, {"one": job_id})


def result_size(session: Session, job_id: str) -> int | None:
    """The length of the results in bytes, without reading them; None while there are none."""
    return session.scalar(select(func.length(JobResult.body)).where(JobResult.job_id == job_id))


def results_of(session: Session, jobs: Iterable[Job], *, limit: int) -> dict[str, bytes]:
    """The results of the first of those jobs, by id, for lists that must show them.

    Args:
        session: Session of the store.
        jobs: The jobs.
        limit: Bytes in all; the results of jobs that do not fit any more are left out.
    """
    ids = [job.id for job in jobs]
    query = select(JobResult.job_id, func.length(JobResult.body)).where(JobResult.job_id.in_(ids))
    sizes = {job_id: int(size) for job_id, size in session.execute(query)}
    total, chosen = 0, []
    for job_id in ids:
        if job_id in sizes and total + sizes[job_id] <= limit:
            total += sizes[job_id]
            chosen.append(job_id)
    found = select(JobResult.job_id, JobResult.body).where(JobResult.job_id.in_(chosen))
    return {row.job_id: row.body for row in session.execute(found)}


def put_metrics(session: Session, job: Job, metrics: Mapping[str, Any]) -> Job:
    """Log values with a job; a name that is there is replaced. The result is the row as it is now."""
    query = select(Job).where(Job.id == job.id).with_for_update().execution_options(populate_existing=True)
    row = session.scalars(query).one()  # PostgreSQL makes others wait, so that no change is lost
    row.metrics = {**row.metrics, **metrics}
    session.flush()
    touch(session, row.experiment_id)
    return row


def cancel(session: Session, job: Job) -> bool:
    """Cancel a job that has not finished, unless it was restarted since it was read.

    Args:
        session: The session that the job was read with.
        job: The job. It shows its true state afterwards.

    Returns:
        Whether this call has cancelled it.
    """
    return _change(session, job, Job.status.in_(UNFINISHED), status="Cancelled", finish_date=now())


def restart(session: Session, job: Job) -> bool:
    """Put a job back into the queue without its results, whatever its status, unless that changed since it was read.

    Args:
        session: The session that the job was read with.
        job: The job. It shows its true state afterwards.

    Returns:
        Whether this call has restarted it. What an earlier run still reports is then refused.
    """
    changed = _change(
        session,
        job,
        Job.status == job.status,
        status="Submitted",
        generation=job.generation + 1,
        attempts=0,
        run_date=None,
        finish_date=None,
        logs="",
        info={},
        time=None,
        quality=None,
        dispatch=None,
    )
    if changed:
        session.execute(delete(JobResult).where(JobResult.job_id == job.id))
        touch(session, job.experiment_id)
    return changed


def _change(session: Session, job: Job, condition: ColumnElement[bool], **values: Any) -> bool:
    query = update(Job).where(Job.id == job.id, Job.generation == job.generation, condition).values(**values)
    changed = session.scalar(query.returning(Job.seq).execution_options(synchronize_session=False)) is not None
    session.refresh(job)
    return changed


def _link(session: Session, job: Job, circuit_ids: Sequence[str]) -> None:
    rows = [
        {"job_id": job.id, "position": position, "circuit_id": circuit_id}
        for position, circuit_id in enumerate(circuit_ids)
    ]
    if rows:
        session.execute(_LINK, rows)
    touch(session, job.experiment_id)


def _visible(user: User) -> Select[Job]:
    return select(Job).where(Job.user_id == user.id)
