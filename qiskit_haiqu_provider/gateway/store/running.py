"""Jobs as the scheduler sees them.

Every change names the generation of the run that it comes from, and leaves a job alone that was restarted, cancelled
or finished meanwhile. Nothing here changes rows that a session holds, which is what makes it fast.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import CursorResult, RowMapping, Update, bindparam, case, insert, or_, select, update
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.gateway.store.tables import UNFINISHED, Base, Circuit, Job, JobCircuit, now

_JOBS, _RESULTS = Base.metadata.tables["jobs"], Base.metadata.tables["job_results"]

RUNNABLE = ("Run", "Hybrid", "Transpilation")
"""Types of jobs that a gateway runs; the others are only noted here."""

_AT_ONCE = 10_000
"""Ids in one query; both databases limit its parameters."""


@dataclass(frozen=True, kw_only=True)
class RunCircuit:
    """A circuit of a job that is to run."""

    id: str
    name: str
    digest: str
    qpy: bytes


@dataclass(frozen=True, kw_only=True)
class RunnableJob:
    """All that it takes to run a job."""

    id: str
    user_id: int
    experiment_id: str
    generation: int
    attempts: int
    status: str
    job_type: str
    device_id: str
    recipe: dict[str, Any] | None
    dispatch: dict[str, Any] | None
    circuits: tuple[RunCircuit, ...]


@dataclass(frozen=True, kw_only=True)
class Started:
    """That a run has begun."""

    id: str
    generation: int
    when: datetime


def unfinished(session: Session) -> list[tuple[str, str]]:
    """Jobs that have work to do with their devices, the first submitted first."""
    query = select(Job.id, Job.device_id).where(Job.status.in_(UNFINISHED), Job.job_type.in_(RUNNABLE))
    return [(job_id, device) for job_id, device in session.execute(query.order_by(Job.seq))]


def load_for_run(session: Session, ids: Collection[str]) -> list[RunnableJob]:
    """All that it takes to run these jobs, the first submitted first. Jobs that have finished are left out.

    A circuit is read once, however many of the jobs use it.
    """
    parts = _parts(ids)
    circuits_of: dict[str, list[str]] = {}
    for part in parts:
        links = select(JobCircuit.job_id, JobCircuit.circuit_id).where(JobCircuit.job_id.in_(part))
        for job_id, circuit_id in session.execute(links.order_by(JobCircuit.job_id, JobCircuit.position)):
            circuits_of.setdefault(job_id, []).append(circuit_id)
    circuits = _circuits(session, {circuit_id for ids_ in circuits_of.values() for circuit_id in ids_})
    columns = (
        Job.id,
        Job.user_id,
        Job.experiment_id,
        Job.generation,
        Job.attempts,
        Job.status,
        Job.job_type,
        Job.device_id,
    )
    found: list[RowMapping] = []
    for part in parts:
        query = select(Job.seq, *columns, Job.recipe, Job.dispatch).where(Job.id.in_(part), Job.status.in_(UNFINISHED))
        found += session.execute(query).mappings().all()
    return [
        RunnableJob(
            **{name: value for name, value in row.items() if name != "seq"},
            circuits=tuple(circuits[circuit_id] for circuit_id in circuits_of.get(row["id"], ())),
        )
        for row in sorted(found, key=lambda row: int(row["seq"]))
    ]


def mark_started(session: Session, started: Sequence[Started]) -> set[str]:
    """Note that runs have begun, all in one statement.

    Returns:
        The jobs that do run now. The others were cancelled, finished or restarted meanwhile: their run has to be
        stopped, or what it finds is thrown away.
    """
    if not started:
        return set()
    rows = [{"one": run.id, "known": run.generation, "when": run.when} for run in started]
    if _execute(session, _START, rows) == len(rows):
        return {run.id for run in started}
    generations = {run.id: run.generation for run in started}
    running = set()
    for part in _parts(generations):
        query = select(Job.id, Job.generation).where(Job.id.in_(part), Job.status == "Running")
        running |= {job_id for job_id, generation in session.execute(query) if generation == generations[job_id]}
    return running


def finish(
    session: Session,
    job_id: str,
    generation: int,
    *,
    status: str,
    logs: str = "",
    info: dict[str, Any] | None = None,
    time: float | None = None,
    quality: float | None = None,
    estimated_qpu_cost: dict[str, Any] | None = None,
    results: bytes | None = None,
    finish_date: datetime | None = None,
) -> bool:
    """Store how a run has ended, with its results.

    Args:
        session: A session that writes.
        job_id: The job.
        generation: The generation that has run.
        status: ``Done``, ``Error`` or ``Cancelled``.
        logs: Text for the user.
        info: Facts for the user.
        time: Seconds on the device.
        quality: Quality of the results.
        estimated_qpu_cost: None keeps the estimate that is there.
        results: JSON text.
        finish_date: Default: now.

    Returns:
        Whether it was stored. It was not if the job was restarted, cancelled or finished meanwhile.
    """
    values: dict[str, Any] = {
        "status": status,
        "logs": logs,
        "info": info or {},
        "time": time,
        "quality": quality,
        "finish_date": finish_date or now(),
    }
    if estimated_qpu_cost is not None:
        values["estimated_qpu_cost"] = estimated_qpu_cost
    if not _change(session, job_id, generation, values):
        return False
    if results is not None:
        session.execute(insert(_RESULTS), {"job_id": job_id, "body": results})
    return True


def put_back(session: Session, job_id: str, generation: int) -> bool:
    """Note that a run was stopped with the server, which says nothing against the job."""
    return _execute(session, _PUT_BACK, {"one": job_id, "known": generation}) == 1


def set_dispatch(session: Session, job_id: str, generation: int, dispatch: dict[str, Any] | None) -> bool:
    """Keep what is known of the vendor's job."""
    return _change(session, job_id, generation, {"dispatch": dispatch})


def _of_run() -> Update:
    """An update of the job ``one``, if it is still the ``known`` run."""
    job = _JOBS.c
    goes_on = or_(*(job.status == status for status in UNFINISHED))  # IN cannot be sent for many rows at once
    return update(_JOBS).where(job.id == bindparam("one"), job.generation == bindparam("known"), goes_on)


_PUT_BACK = _of_run().values(
    status="Submitted", attempts=case((_JOBS.c.attempts > 0, _JOBS.c.attempts - 1), else_=0), run_date=None
)
_START = _of_run().values(status="Running", run_date=bindparam("when"), attempts=_JOBS.c.attempts + 1)


def _change(session: Session, job_id: str, generation: int, values: dict[str, Any]) -> bool:
    parameters = {f"new_{column}": value for column, value in values.items()}
    return _execute(session, _changing(tuple(values)), {"one": job_id, "known": generation, **parameters}) == 1


@lru_cache
def _changing(columns: tuple[str, ...]) -> Update:
    """Sets these columns; kept, because putting the statement together takes longer than the database does."""
    return _of_run().values({column: bindparam(f"new_{column}") for column in columns})


def _execute(session: Session, statement: Update, rows: Any) -> int:
    """How many rows an update has changed."""
    return cast("CursorResult[Any]", session.execute(statement, rows)).rowcount


def _circuits(session: Session, ids: Collection[str]) -> dict[str, RunCircuit]:
    found: dict[str, RunCircuit] = {}
    for part in _parts(ids):
        query = select(Circuit.id, Circuit.name, Circuit.digest, Circuit.qpy).where(Circuit.id.in_(part))
        found.update({row["id"]: RunCircuit(**row) for row in session.execute(query).mappings()})
    return found


def _parts(ids: Collection[str]) -> list[list[str]]:
    every = list(ids)
    return [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]
