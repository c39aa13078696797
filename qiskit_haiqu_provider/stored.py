"""Executions that do not run in this process, known from their record."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.exceptions import HaiquJobCancelledError, HaiquJobError, HaiquJobNotFoundError
from qiskit_haiqu_provider.run.result import RunResult
from qiskit_haiqu_provider.store import JobRecord, JobStore

logger = logging.getLogger(__name__)


class StoredExecution:
    """A run known from its record: of another process, or of one that has ended.

    Args:
        store: Where the record is.
        record: The record.
        fetch: Fetches the result again from its service, should the stored one be damaged; ``None`` if it has none.
    """

    pushes = False
    _POLL_SECONDS = 0.1

    def __init__(self, store: JobStore, record: JobRecord, *, fetch: Callable[[], RunResult] | None = None) -> None:
        self._store = store
        self._record = record
        self._fetch = fetch
        self.id = record.id

    @property
    def record(self) -> JobRecord:
        """The record as it was last read."""
        return self._record

    def status(self) -> JobStatus:
        """The status on record; RUNNING while another process is at it, ERROR if that process is gone."""
        if JobStatus[self._record.status] not in JOB_FINAL_STATES:
            self._refresh()
        status = JobStatus[self._record.status]
        return status if status in JOB_FINAL_STATES else JobStatus.RUNNING

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the other process; returns whether the job has ended.

        Raises:
            HaiquJobError: If the job runs at a service that cannot be asked from here.
        """
        self._check_reachable()
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.status() not in JOB_FINAL_STATES:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(self._POLL_SECONDS)
        return True

    def result(self) -> RunResult:
        """The stored result; one that cannot be read is fetched again from its service, if it has one.

        Raises:
            HaiquJobCancelledError: If the job was cancelled.
            HaiquJobError: If it failed; with the reason on record.
        """
        self.wait()
        if self._record.status == JobStatus.DONE.name:
            return self._result()
        if self._record.status == JobStatus.CANCELLED.name:
            raise HaiquJobCancelledError(f"Job {self.id} was cancelled, so it has no result.")
        raise HaiquJobError(self._record.error or f"Job {self.id} failed.")

    def _result(self) -> RunResult:
        try:
            return self._store.result(self._record)
        except HaiquJobNotFoundError as error:
            if self._fetch is None:
                raise
            logger.warning("%s It is fetched again.", error)
        run = self._fetch()
        self._store.write(self._record, run)
        return run

    def cancel(self) -> bool:
        """A job of another process, or of a service without a key for it, cannot be stopped from here.

        Raises:
            HaiquJobError: If it is still running.
        """
        if self.status() in JOB_FINAL_STATES:
            return False
        self._check_reachable()
        raise HaiquJobError(f"Job {self.id} runs in another process. Cancel it there.")

    def seconds(self) -> Mapping[str, float]:
        """Not known while another process runs the job."""
        return {}

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back when the job has ended; watches it from a thread of its own if it has not."""
        if self.status() in JOB_FINAL_STATES:
            callback()
            return

        def watch() -> None:
            with contextlib.suppress(Exception):  # whoever is called back asks for the result, and is told
                self.wait()
            callback()

        threading.Thread(target=watch, name=f"haiqu-watch-{self.id}", daemon=True).start()

    def _check_reachable(self) -> None:
        if self._record.state and not self._is_final():
            raise HaiquJobError(
                f"Job {self.id} runs at a service (via '{self._record.via}') that this provider has no key for. Give "
                "the key that it was submitted with: HaiquProvider(api_key=...), HAIQU_API_KEY, or a saved account."
            )

    def _refresh(self) -> None:
        self._record = self._store.read(self.id)
        if self._is_final() or self._record.state or self._store.owner_alive(self._record.owner):
            return  # a service goes on without the process that submitted the job
        self._record = self._store.read(self.id)  # it may have ended between the two looks
        if not self._is_final():
            reason = f"The process that ran job {self.id} ended before the job did. Run it again."
            self._record = replace(self._record, status=JobStatus.ERROR.name, error=reason)
            self._store.write(self._record)

    def _is_final(self) -> bool:
        return JobStatus[self._record.status] in JOB_FINAL_STATES
