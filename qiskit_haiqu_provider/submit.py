"""How a request becomes a job, and how a job is found again."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.cost.reservation import Reservation, release, reservation_of
from qiskit_haiqu_provider.engines.base import Engine, Execution, RemoteExecution
from qiskit_haiqu_provider.engines.ended import EndedExecution
from qiskit_haiqu_provider.exceptions import (
    HaiquCostLimitError,
    HaiquError,
    HaiquInputError,
    HaiquJobNotFoundError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.job import Follow, HaiquJob, live_job
from qiskit_haiqu_provider.records import kept_plan
from qiskit_haiqu_provider.run.collect import Origin
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.run.request import Progress, RunRequest
from qiskit_haiqu_provider.run.result import RunResult
from qiskit_haiqu_provider.store import JobRecord, JobStore, created_at
from qiskit_haiqu_provider.stored import StoredExecution

if TYPE_CHECKING:
    from qiskit_haiqu_provider.cost.ledger import Ledger

logger = logging.getLogger(__name__)

_ARRIVES = timedelta(hours=1)
"""A submission that is not there after that time arrives no more."""

_PROVISIONAL = re.compile(r"(?!local-)[a-z]+-[0-9a-f]{32}")
"""Ids of jobs of services before the service has given one."""


def submit_job(
    engine: Engine,
    request: RunRequest,
    plan: Plan,
    *,
    backend: Any,
    store: JobStore,
    dry_run: bool = False,
    max_cost_usd: float | None = None,
    ledger: "Ledger | None" = None,
    progress: Progress | None = None,
    tags: tuple[str, ...] = (),
) -> HaiquJob:
    """Submit a request, or only price it.

    Args:
        engine: Who executes.
        request: What to run.
        plan: How the results come home.
        backend: The backend that the job reports.
        store: Where the job is kept.
        dry_run: Submit nothing; the job's result is the cost estimate.
        max_cost_usd: Refuse if the run may cost more.
        ledger: Where the most that the run may cost is set aside before it is submitted.
        progress: Called with the parameter sets done and those in all.
        tags: Kept with the job.

    Raises:
        HaiquCostLimitError: If the run may cost more than ``max_cost_usd``; nothing was submitted.
        HaiquBudgetError: If it may cost more than is left of the budget; nothing was submitted.
        HaiquInputError: If the request cannot run, or may cost something and no record of it can be kept; nothing was
            submitted.
    """
    estimate: CostEstimate | None = None
    if dry_run or max_cost_usd is not None or ledger is not None:
        estimate = engine.estimate(request)
        if dry_run:
            return HaiquJob(
                EndedExecution(f"dry-{request.token}", RunResult(())),
                plan,
                backend=backend,
                read=partial(_always, estimate),
            )
        _check_cost(estimate, max_cost_usd)
    reservation = reservation_of(ledger, estimate, token=request.token)
    first = partial(
        _first_record,
        kept_plan(plan),
        device=request.device,
        via=engine.via,
        token=request.token,
        name=request.name,
        description=request.description,
        tags=tags,
        owner=store.owner(),
        created=datetime.now(UTC),
        reservation=reservation,
    )
    entry = _Entry(store, first, costs=partial(_costs, engine, request, estimate))
    try:
        if ledger is not None and estimate is not None and reservation:
            ledger.reserve(request.token, usd=estimate.usd_range[1], device=request.device, via=engine.via)
        execution = engine.submit(request, progress=progress, journal=entry.note)
    except BaseException as error:
        if entry.may_have_left(error):
            entry.give_up()
        else:
            entry.forget()
        if isinstance(error, HaiquSubmissionError) and not entry.kept:
            raise _unrecorded(error, store) from error
        raise
    entry.started(execution)
    record = first if isinstance(execution, EndedExecution) else entry.record
    origin = Origin(execution.id, request.device, engine.via)
    return HaiquJob(execution, plan, backend=backend, record=record, store=store, origin=origin)


class _Entry:
    """The record of a job that is being submitted: on disk before anything leaves for a service."""

    def __init__(
        self, store: JobStore, first: Callable[[], JobRecord], *, costs: Callable[[], bool] = lambda: False
    ) -> None:
        self._store = store
        self._first = first
        self._costs = costs
        self.kept = False
        """Whether there is a record on disk."""

    @cached_property
    def record(self) -> JobRecord:
        """The record as it stands; made when it is needed."""
        return self._first()

    def note(self, state: Mapping[str, Any]) -> None:
        """Keep what the engine needs to find the job again, should a crash or a lost answer follow.

        Raises:
            HaiquInputError: If that is not possible for what is to be paid for, and nothing has left yet.
        """
        first = not self.record.state
        self._keep(replace(self.record, state=state))
        if first and not self.kept and self._costs():
            raise HaiquInputError(
                f"The run is to be paid for, but no record of it can be kept in {self._store.home}, which cannot be "
                "written: after a crash or a lost answer, nobody could find it. Nothing was submitted. Set HAIQU_HOME, "
                "or HaiquProvider(home=...), to a folder that can be written."
            )

    def may_have_left(self, error: BaseException) -> bool:
        """Whether a service may have accepted the job although the submission ended with this error."""
        if isinstance(error, HaiquError):
            return isinstance(error, HaiquSubmissionError)
        return bool(self.record.state)  # stopped on the way, by the user or by what nobody foresaw

    def give_up(self) -> None:
        """Say that this process does not go on with the submission."""
        self._keep(replace(self.record, owner=""))

    def forget(self) -> None:
        """Remove what there is of a job that was refused, and give back what was set aside for it.

        A part of it that was accepted, and then cancelled, may cost something: then the record stays until that is
        settled.
        """
        accepted = any(job.get("id") for job in self.record.state.get("jobs", ()))
        if accepted and self.record.reservation:
            self._keep(replace(self.record, status=JobStatus.CANCELLED.name, owner=""))
            logger.warning(
                "What the cancelled part of a run costs is not known yet; provider.job('%s').usage() notes it.",
                self.record.id,
            )
            return
        self._store.remove(self.record.id)
        release(self.record.reservation)

    def started(self, execution: Execution) -> None:
        """Keep the job under the id that the service gave, unless it cannot be the name of a file.

        What ran in this process and has ended already is kept by its handle, with its result.
        """
        if isinstance(execution, EndedExecution):
            return
        provisional = self.record.id
        if execution.pushes and execution.status() in JOB_FINAL_STATES:
            if execution.id != provisional:
                self.record = replace(self.record, id=execution.id)
            return
        state = execution.state() if isinstance(execution, RemoteExecution) else {}
        try:
            self._keep(replace(self.record, id=execution.id, state=state))
        except HaiquJobNotFoundError:  # the job was accepted all the same, and is found under the id that it has here
            self._keep(replace(self.record, state=state))
        if self.record.id != provisional:
            self._store.remove(provisional)

    def _keep(self, record: JobRecord) -> None:
        self.kept = self._store.write(record) or self.kept
        self.record = record


def _first_record(
    plan: Mapping[str, Any],
    *,
    device: str,
    via: str,
    token: str,
    name: str,
    description: str,
    tags: tuple[str, ...],
    owner: str,
    created: datetime,
    reservation: Reservation,
) -> JobRecord:
    """The record of a job that is submitted."""
    return JobRecord(
        id=f"{via}-{token}",
        backend=device,
        via=via,
        plan=plan,
        created=created.isoformat(),
        status=JobStatus.QUEUED.name,
        owner=owner,
        name=name,
        description=description,
        tags=tags,
        reservation=reservation,
    )


def stored_job(
    store: JobStore, job_id: str, backend_of: Callable[[JobRecord], Any], follow: Follow | None = None
) -> HaiquJob:
    """The job with that id: the live handle if this process has one, else one made from the record.

    Args:
        store: Where jobs are kept.
        job_id: Its id.
        backend_of: The backend of a record; ``None`` if it cannot be reached any more.
        follow: Reaches the run of a record at its service.

    Raises:
        HaiquJobNotFoundError: If no such job is known.
    """
    live = live_job(store, job_id)
    if live is not None:
        return live
    record = _read(store, job_id)
    live = live_job(store, record.id)
    return live if live is not None else _from_record(store, record, backend_of, follow)


def _read(store: JobStore, job_id: str) -> JobRecord:
    """The record of a job, also by the id that it had before the service gave it one.

    Raises:
        HaiquJobNotFoundError: If there is none.
    """
    try:
        return store.read(job_id)
    except HaiquJobNotFoundError:
        if not _PROVISIONAL.fullmatch(job_id):
            raise
        renamed = next((record for record in store.records() if job_id == _provisional(record)), None)
        if renamed is None:
            raise
        return renamed


def _provisional(record: JobRecord) -> str:
    return f"{record.via}-{record.state.get('token')}"


def _from_record(
    store: JobStore, record: JobRecord, backend_of: Callable[[JobRecord], Any], follow: Follow | None
) -> HaiquJob:
    plan, remote = Plan.from_dict(record.plan), None
    if record.state and JobStatus[record.status] not in JOB_FINAL_STATES and follow is not None:
        remote = follow(record)
    if remote is not None and follow is not None and not remote.located:
        record = _located(store, record, remote)
        remote = follow(record)
    if remote is not None and JobStatus[record.status] not in JOB_FINAL_STATES:
        return HaiquJob(remote, plan, backend_of=backend_of, record=record, store=store, follow=follow)
    fetch = partial(_fetched, record, follow) if record.state and follow is not None else None
    stored = StoredExecution(store, record, fetch=fetch)
    return HaiquJob(stored, plan, backend_of=backend_of, record=record, follow=follow)


def _fetched(record: JobRecord, follow: Follow) -> RunResult:
    """The result of a job that is done, from its service.

    Raises:
        HaiquJobNotFoundError: If there is no way to it.
    """
    remote = follow(record)
    if remote is None:
        raise HaiquJobNotFoundError(
            f"The result of job '{record.id}' is damaged here, and there is no way to its service."
        )
    remote.wait()
    return remote.result()


def _located(store: JobStore, record: JobRecord, remote: RemoteExecution) -> JobRecord:
    """The record of a job whose submission was interrupted, after asking the service what became of it."""
    try:
        found = remote.locate()
    except HaiquSubmissionError as error:  # it can never tell, or not all of it could be seen: nothing is concluded
        going = store.owner_alive(record.owner) or any(job["id"] for job in remote.layout())
        return record if going else replace(record, status=JobStatus.ERROR.name, error=str(error))
    except HaiquError as error:
        logger.warning("The service cannot be asked what became of job %s (%s)", record.id, error)
        return record
    if found:
        entry = _Entry(store, lambda: record)
        entry.started(remote)
        return entry.record
    if store.owner_alive(record.owner):
        return record  # its submission goes on in another process
    until, there = created_at(record) + _ARRIVES, [job["id"] for job in remote.layout() if job["id"]]
    if datetime.now(UTC) <= until:
        why = _not_yet(record, there, until=f"{until:%Y-%m-%d %H:%M} UTC")
        return replace(record, status=JobStatus.ERROR.name, error=why)
    if there:
        record = replace(record, state=_without_missing(remote.state()))  # followed to its end, which is paid for
    else:
        release(record.reservation)
        why = (
            f"The submission of job {record.id} was interrupted, and the service has no job of it: nothing arrived in "
            "time. Nothing is to be paid. Run it again."
        )
        record = replace(record, status=JobStatus.ERROR.name, error=why)
    store.write(record)
    return record


def _without_missing(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of a run of which not all jobs arrived in time: there will be nothing of those that did not."""
    missing = {"refused": "It did not arrive in time."}
    return {**state, "jobs": [job if job["id"] or job.get("refused") else {**job, **missing} for job in state["jobs"]]}


def _not_yet(record: JobRecord, there: Sequence[str], *, until: str) -> str:
    """Why there is no result of a job of which only the jobs ``there`` were found, while more may arrive."""
    if there:
        use = (
            "Its result needs all of them, so that it has to be run again as a whole"
            if record.state.get("finish")
            else "partial_result() has what they yield, and what is missing can be run again"
        )
        return (
            f"The submission of job {record.id} was interrupted, and only a part of its jobs reached the service: "
            f"{there}. {use}; cancel() stops those that go on. Others may still arrive until {until}: look again then, "
            "and run nothing again before."
        )
    return (
        f"The submission of job {record.id} was interrupted, and the service has no job of it yet. It may still arrive "
        f"until {until}; look again then: provider.job('{record.id}'). Run before that, it could be paid twice."
    )


def _always(value: Any, _run: RunResult) -> Any:
    return value


def _costs(engine: Engine, request: RunRequest, estimate: CostEstimate | None) -> bool:
    """Whether a run may cost something; so it does if nobody can tell."""
    try:
        return (estimate or engine.estimate(request)).usd_range[1] != 0
    except HaiquError:
        return True


def _unrecorded(error: HaiquSubmissionError, store: JobStore) -> HaiquSubmissionError:
    """What is left to say of a submission that may have been accepted, and of which there is no record."""
    return HaiquSubmissionError(
        f"What became of the submission is not known, and no record of it could be kept in {store.home}, which cannot "
        "be written. It costs nothing: run it again.",
        status=error.status,
        detail=error.detail,
        request_id=error.request_id,
    )


def _check_cost(estimate: CostEstimate, max_cost_usd: float | None) -> None:
    if max_cost_usd is not None and estimate.usd_range[1] > max_cost_usd:
        raise HaiquCostLimitError(
            f"max_cost_usd is {max_cost_usd:,.2f}, but the estimate is {estimate} Nothing was submitted. "
            "Take fewer shots or parameter sets, or raise max_cost_usd."
        )
