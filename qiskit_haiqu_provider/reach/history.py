"""Jobs that were submitted before: those on record here, and those that the service knows from elsewhere."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.engines.base import RemoteExecution
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquInputError, HaiquJobNotFoundError
from qiskit_haiqu_provider.job import Follow, HaiquJob, live_job
from qiskit_haiqu_provider.run.checks import is_whole
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.store import JobRecord, JobStore, created_at

Adopted = tuple[RemoteExecution, Plan, JobRecord]
"""A job of the service that was not on record here."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which jobs to list."""

    limit: int | None
    backend_name: str | None
    statuses: frozenset[JobStatus] | None
    after: datetime | None

    @classmethod
    def checked(
        cls,
        *,
        limit: int | None,
        backend_name: str | None,
        status: JobStatus | str | Iterable[JobStatus | str] | None,
        created_after: datetime | None,
    ) -> "Wanted":
        """The arguments of ``provider.jobs``, checked.

        Raises:
            HaiquInputError: If one cannot be used.
        """
        if limit is not None and (not is_whole(limit) or limit < 0):
            raise HaiquInputError(f"limit must be None or a whole number of at least 0, not {limit!r}.")
        if backend_name is not None and not isinstance(backend_name, str):
            raise HaiquInputError(
                f"backend_name must be the name of a device, not {backend_name!r}. Give backend.name."
            )
        return cls(limit=limit, backend_name=backend_name, statuses=_statuses(status), after=_zoned(created_after))

    def matches(self, record: JobRecord) -> bool:
        """Whether a job is wanted, as far as its record tells; its status may have changed since."""
        return (self.backend_name is None or record.backend == self.backend_name) and (
            self.after is None or created_at(record) > self.after
        )


def list_jobs(
    wanted: Wanted,
    ours: Iterable[JobRecord],
    theirs: Iterable[Adopted],
    *,
    ours_job: Callable[[str], HaiquJob],
    theirs_job: Callable[[Adopted], HaiquJob],
) -> list[HaiquJob]:
    """The jobs that are wanted, the last submitted first.

    Args:
        wanted: Which.
        ours: The records here, the newest first.
        theirs: Jobs that are known to the service only.
        ours_job: Makes the job of a record's id.
        theirs_job: Makes the job of one of theirs.
    """
    here = [(created_at(record), partial(ours_job, record.id)) for record in ours if wanted.matches(record)]
    there = [(created_at(found[2]), partial(theirs_job, found)) for found in theirs if wanted.matches(found[2])]
    there.sort(key=itemgetter(0), reverse=True)
    made = _made(make for _, make in heapq.merge(here, there, key=itemgetter(0), reverse=True))
    return list(
        islice((job for job in made if wanted.statuses is None or job.status() in wanted.statuses), wanted.limit)
    )


def adopted_job(
    store: JobStore, found: Adopted, backend_of: Callable[[JobRecord], Any], follow: Follow | None
) -> HaiquJob:
    """The handle of a job of the service; its record is kept here when it has ended."""
    execution, plan, record = found
    live = live_job(store, record.id)
    if live is not None:
        return live
    return HaiquJob(execution, plan, backend_of=backend_of, record=record, store=store, follow=follow)


def known_ids(records: Sequence[JobRecord]) -> set[str]:
    """The ids of all jobs of the service that records speak of, and the client tokens of those without an id."""
    own = {record.id for record in records}
    jobs = [job for record in records for job in record.state.get("jobs", ())]
    return own | {job.get("id") or job.get("token") for job in jobs}


class Unreachable:
    """A run at a service to which there is no way: its record is all that is known, until a key is given."""

    pushes = False
    located = True  # as there is nobody to ask

    def __init__(self, record: JobRecord, error: HaiquError) -> None:
        self._record = record
        self._error = error
        self.id = record.id

    def status(self) -> JobStatus:
        """The status on record."""
        return JobStatus[self._record.status]

    def locate(self) -> bool:
        """There is nobody to ask."""
        return True

    def state(self) -> Mapping[str, Any]:
        """That of the record."""
        return self._record.state

    def layout(self) -> Sequence[Mapping[str, Any]]:
        """Not known."""
        return ()

    def seconds(self) -> Mapping[str, float]:
        """Not known."""
        return {}

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back at once: nobody would learn of the end."""
        callback()

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - waiting would not help
        """Say why there is no way to the service."""
        raise self._error

    def result(self) -> Any:
        """Say why there is no way to the service."""
        raise self._error

    def completed(self) -> Any:
        """Say why there is no way to the service."""
        raise self._error

    def cancel(self) -> bool:
        """Say why there is no way to the service."""
        raise self._error

    def restart(self) -> bool:
        """Say why there is no way to the service."""
        raise self._error

    def logs(self) -> str:
        """Say why there is no way to the service."""
        raise self._error

    def usage(self) -> Mapping[str, float]:
        """Say why there is no way to the service."""
        raise self._error


def _made(makers: Iterable[Callable[[], HaiquJob]]) -> Iterator[HaiquJob]:
    for make in makers:
        try:
            yield make()
        except HaiquJobNotFoundError:
            continue  # removed by another process meanwhile


def _statuses(status: JobStatus | str | Iterable[JobStatus | str] | None) -> frozenset[JobStatus] | None:
    if status is None:
        return None
    several = status if isinstance(status, Iterable) and not isinstance(status, str) else [status]
    found = set()
    for one in several:
        name = one.name if isinstance(one, JobStatus) else str(one).upper()
        if name not in JobStatus.__members__:
            raise HaiquInputError(f"status must be one of {list(JobStatus.__members__)}, not {one!r}.")
        found.add(JobStatus[name])
    return frozenset(found)


def _zoned(after: datetime | None) -> datetime | None:
    """The time with a zone; one without is in UTC."""
    if after is None:
        return None
    if not isinstance(after, datetime):
        raise HaiquInputError(
            f"created_after must be a datetime, not {after!r}. Give one such as datetime(2026, 1, 31, tzinfo=UTC)."
        )
    return after if after.tzinfo is not None else after.replace(tzinfo=UTC)
