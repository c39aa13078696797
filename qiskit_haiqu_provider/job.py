"""HaiquJob: one handle for every job, however it was submitted and wherever it runs."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from qiskit.primitives import BasePrimitiveJob
from qiskit.providers import JobStatus, JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.completion import OVER, Completion, awaited
from qiskit_haiqu_provider.cost.reservation import settle
from qiskit_haiqu_provider.ending import end_of, ended_at_once
from qiskit_haiqu_provider.engines.base import Execution, RemoteExecution
from qiskit_haiqu_provider.engines.ended import EndedExecution
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquJobError, HaiquJobTimeoutError
from qiskit_haiqu_provider.loglines import new_lines
from qiskit_haiqu_provider.run.collect import Origin, collect, collect_some
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.run.result import RunResult
from qiskit_haiqu_provider.store import JobRecord, JobStore
from qiskit_haiqu_provider.stored import StoredExecution
from qiskit_haiqu_provider.times import times

logger = logging.getLogger(__name__)

Follow = Callable[[JobRecord], RemoteExecution | None]
"""Reaches the run of a record at its service; ``None`` where there is no service, or no way to it."""

_LIVE: "weakref.WeakValueDictionary[tuple[str, str], HaiquJob]" = weakref.WeakValueDictionary()
"""Jobs of this process by home and id, so that asking for one gives the same handle."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LIVE.clear)  # the threads that run them stay with the parent


class HaiquJob(JobV1, BasePrimitiveJob[Any, JobStatus]):
    """A submitted job: of a primitive, of ``backend.run``, or found again by its id.

    Jobs are made by ``sampler.run``, ``estimator.run``, ``backend.run`` and ``provider.job``; they run in the
    background and can be awaited: ``result = await job``.
    """

    def __init__(
        self,
        execution: Execution,
        plan: Plan,
        *,
        backend: Any = None,
        backend_of: Callable[[JobRecord], Any] | None = None,
        record: JobRecord | Callable[[], JobRecord] | None = None,
        store: JobStore | None = None,
        read: Callable[[RunResult], Any] | None = None,
        follow: Follow | None = None,
        origin: Origin | None = None,
    ) -> None:
        JobV1.__init__(self, backend, execution.id)
        self._execution = execution
        self._plan = plan
        self._known = record
        self._told_origin = origin
        self._store = store
        self._read = read
        self._follow = follow
        self._backend_of = backend_of
        self._value: Any = None
        self._error: Exception | None = None
        self._seen = JobStatus[record.status] if isinstance(record, JobRecord) else JobStatus.INITIALIZING
        self._post_processing = 0.0
        self._at_once = isinstance(execution, EndedExecution)  # others may be on disk already, as not yet ended
        self._complete = OVER if self._at_once else Completion()
        self._finishing = threading.Lock()
        if store is not None:
            _LIVE[str(store.home), execution.id] = self
        if execution.pushes:
            execution.on_done(self._finish)

    @property
    def _record(self) -> JobRecord | None:
        """What is kept of the job; where the run was over at once, it is made when it is asked for."""
        if callable(self._known):
            self._known = self._known()
        return self._known

    def backend(self) -> Any:
        """The backend; of a job on record it is looked up on first use.

        Raises:
            QiskitError: If its device cannot be reached any more.
        """
        if self._backend is None and self._backend_of is not None and self._record is not None:
            self._backend: Any = self._backend_of(self._record)
        return JobV1.backend(self)

    def __reduce__(self) -> Any:
        raise HaiquJobError(f"A job cannot be pickled. Keep its id and call provider.job({self.job_id()!r}) instead.")

    @property
    def plan(self) -> Plan:
        """How the results come home: one outline for each PUB or circuit, and the jobs that a service runs for them."""
        remote = self._followed
        return self._plan if remote is None else replace(self._plan, jobs=tuple(remote.layout()))

    def submit(self) -> None:
        """Jobs are submitted when they are made.

        Raises:
            HaiquJobError: Always.
        """
        raise HaiquJobError(f"Job {self.job_id()} was submitted when it was made. Call run() for a new one.")

    def status(self) -> JobStatus:
        """Where the job stands. DONE means that the result is there."""
        if self._complete.is_set():
            return end_of(self._error)[0]
        status = self._execution.status()
        self._seen = JobStatus.RUNNING if status in JOB_FINAL_STATES and self._execution.pushes else status
        return self._seen

    def result(self, timeout: float | None = None) -> Any:
        """The result, waiting for it if need be.

        Args:
            timeout: Longest wait in seconds; ``None`` waits until the job ends.

        Returns:
            ``PrimitiveResult`` from primitives, ``qiskit.result.Result`` from ``backend.run``, and
            :class:`~qiskit_haiqu_provider.CostEstimate` from a dry run.

        Raises:
            HaiquJobTimeoutError: If the wait ended first; the job goes on.
            HaiquJobCancelledError: If the job was cancelled.
            HaiquJobError: If the job failed.
        """
        if not self._settled(timeout):
            # Its status is not told: a service that does not answer in time would have to be asked once more.
            raise HaiquJobTimeoutError(
                f"Job {self.job_id()} had no result after {timeout} s and goes on. Call result() again, or cancel()."
            )
        if self._error is not None:
            raise self._error
        return self._value

    def partial_result(self) -> Any:
        """What there is of a job of which a part failed or goes on: its PUBs or circuits whose results are all there.

        Returns:
            The same container as :meth:`result`, with fewer entries; the entry ``pubs`` of ``metadata["haiqu"]`` of a
            ``PrimitiveResult``, or of the attribute ``haiqu`` of a ``Result``, tells which they are.

        Raises:
            HaiquJobError: If the job ran on this machine, where there are no parts, and has failed.
        """
        remote = self._remote()
        if remote is None or (self._complete.is_set() and self._error is None):
            return self.result()
        return collect_some(self._plan, remote.completed(), {}, self._origin())

    def cancel(self) -> bool:
        """Stop the job, or what still goes on of one that has failed; returns whether it will end without a result."""
        remote = self._remote() if self._last_status() is JobStatus.ERROR else None
        return self._execution.cancel() if remote is None else remote.cancel()

    def wait_for_final_state(
        self,
        timeout: float | None = None,
        wait: float = 5,
        callback: Callable[[str, JobStatus, "HaiquJob"], None] | None = None,
    ) -> None:
        """Wait until the job has ended.

        Args:
            timeout: Longest wait in seconds; ``None`` for no limit.
            wait: Seconds between calls of ``callback``.
            callback: Called with the job id, the status and the job.

        Raises:
            HaiquJobTimeoutError: If the wait ended first; the job goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._settled(0):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise HaiquJobTimeoutError(f"Job {self.job_id()} has not ended after {timeout} s and goes on.")
            if callback is not None:
                callback(self.job_id(), self.status(), self)
            self._settled(wait if left is None else min(wait, left))
        if callback is not None:
            callback(self.job_id(), self.status(), self)

    @property
    def tags(self) -> list[str]:
        """Tags that were given to ``backend.run(job_tags=...)``."""
        return list(self._record.tags) if self._record else []

    def error_message(self) -> str | None:
        """Why the job failed; ``None`` if it did not."""
        if self.status() is not JobStatus.ERROR:
            return None
        self._settled()
        return str(self._error)

    def metrics(self) -> dict[str, Any]:
        """Seconds spent in the queue, running, and turning results into Qiskit's containers, and ``timestamps``.

        Timestamps are ISO 8601 in UTC: ``created``, ``running`` and ``finished``; ``None`` for what is not yet known.
        """
        if self._record is not None and self._record.metrics:
            return dict(self._record.metrics)
        ended = self._execution.status() in JOB_FINAL_STATES
        created = datetime.fromisoformat(self._record.created) if self._record else None
        return times(created, self._execution.seconds(), self._post_processing, ended=ended)

    def usage(self) -> dict[str, float]:
        """What the job used: QPU seconds and USD, both 0 on simulators, and run seconds.

        What a job has cost that has ended is noted in the ledger of its budget.
        """
        remote = self._remote()
        cost = {"qpu_seconds": 0.0, "usd": 0.0, "untold": 1.0, **({} if remote is None else remote.usage())}
        if not cost.pop("untold") and remote is not None and remote.status() in JOB_FINAL_STATES:
            settle(self._record.reservation if self._record else {}, usd=cost["usd"])
        return {**cost, "run_seconds": float(self.metrics()["run_seconds"])}

    def logs(self, *, follow: bool = False) -> "str | Iterator[str]":
        """What the service says about the job so far.

        Args:
            follow: Return an iterator instead, which yields each new line and ends with the job.

        Returns:
            The text, empty where there is no service that could say something; or an iterator over its lines.
        """
        remote = self._remote()
        if follow:
            return iter(()) if remote is None else new_lines(remote)
        return "" if remote is None else remote.logs()

    def restart(self) -> bool:
        """Have the service run a job that has ended once more; its results are replaced, and it is paid for again.

        Returns:
            Whether the service runs it again.

        Raises:
            HaiquJobError: If the job ran on this machine, or under a budget.
        """
        if self._record is not None and self._record.reservation:
            raise HaiquJobError(
                f"Job {self.job_id()} ran under a budget, which a restart would go past. Call run() for a new one."
            )
        remote = self._remote()
        if remote is None:
            raise HaiquJobError(
                f"Job {self.job_id()} cannot be restarted: only services can. Call run() for a new one."
            )
        if not remote.restart():
            return False
        with self._finishing:
            self._execution, self._value, self._error = remote, None, None
            self._complete.clear()
            if self._record is not None and self._store is not None:
                self._known = replace(self._record, status=JobStatus.QUEUED.name, error=None, metrics={}, layout=())
                self._store.write(self._record)
        return True

    def _remote(self) -> RemoteExecution | None:
        """The run at its service; ``None`` for one of this machine."""
        if self._followed is not None:
            return self._followed
        return None if self._follow is None or self._record is None else self._follow(self._record)

    @property
    def _followed(self) -> RemoteExecution | None:
        """The execution if it is a run at a service; the others push, which is told much sooner."""
        execution = self._execution
        return execution if not execution.pushes and isinstance(execution, RemoteExecution) else None

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait without blocking the event loop; cancelling the wait leaves the job alive."""
        yield from awaited(self._on_complete)
        return self.result()

    def __repr__(self) -> str:
        name = getattr(self._backend, "name", None) or (self._record.backend if self._record else "?")
        return f"<HaiquJob {self.job_id()} on {name}: {self._last_status().name}>"

    def _last_status(self) -> JobStatus:
        """The status as it was last seen: a service is not asked."""
        if self._complete.is_set() or self._followed is None:
            return self.status()
        return self._seen

    def _settled(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended and its result is home; one that does not push is looked at only now."""
        if self._execution.pushes:
            return self._complete.wait(timeout)
        if not self._complete.is_set() and self._execution.wait(timeout):
            with self._finishing:
                if not self._complete.is_set():  # several threads may have waited
                    self._finish()
        return self._complete.is_set()

    def _on_complete(self, callback: Callable[[], None]) -> None:
        if self._execution.pushes or self._complete.is_set():
            self._complete.on_set(callback)
        else:
            self._execution.on_done(callback)

    def _origin(self) -> Origin:
        if self._told_origin is not None:
            return self._told_origin
        record = self._record
        return Origin(self.job_id(), record.backend if record else "", record.via if record else "")

    def _finish(self) -> None:
        """Bring the results home and write the record; called by the thread in which the run ended, or that waited."""
        run: RunResult | None = None
        started = time.perf_counter()
        try:
            run = self._execution.result()
            self._value = collect(self._plan, run, self._origin()) if self._read is None else self._read(run)
        except Exception as error:  # kept for result(), which raises it
            if not self._execution.pushes and not isinstance(error, HaiquJobError):
                raise  # it is not the job that failed: its result can be asked for again
            self._error = error
        self._post_processing = time.perf_counter() - started
        try:
            self._keep(run)
            self._settle()
        except Exception:
            logger.warning("The record of job %s could not be written.", self.job_id(), exc_info=True)
        finally:
            self._complete.set()

    def _keep(self, run: RunResult | None) -> None:
        if isinstance(self._execution, StoredExecution):
            self._known = self._execution.record
            return
        if self._store is None or self._known is None:
            return
        result = run if self._error is None else None
        if self._at_once:  # what waits to be written does not keep the job alive
            ended = ended_at_once(self._known, self._error, self._execution.seconds(), self._post_processing)
            self._store.write_later(self.job_id(), ended, result)
            return
        record = self._known() if callable(self._known) else self._known
        state = record.state if self._followed is None else self._followed.state()
        status, error = end_of(self._error)
        self._known = replace(record, status=status.name, error=error, metrics=self.metrics(), state=state)
        self._store.write(self._known, result)

    def _settle(self) -> None:
        """Note what the job cost, if it is under a budget."""
        if self._followed is None or self._record is None or not self._record.reservation:
            return
        try:
            self.usage()
        except HaiquError as error:
            logger.warning("What job %s cost is not known yet; call usage() later (%s)", self.job_id(), error)


def live_job(store: JobStore, job_id: str) -> HaiquJob | None:
    """The handle of a job that this process has already; ``None`` if it has none."""
    return _LIVE.get((str(store.home), job_id))
