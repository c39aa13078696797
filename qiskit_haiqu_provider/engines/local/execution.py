"""A local run in the background: unit after unit, or all of them on an executor."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.engines.base import Executor
from qiskit_haiqu_provider.engines.ended import EndedExecution
from qiskit_haiqu_provider.engines.local.sharing import reason, shared
from qiskit_haiqu_provider.engines.local.units import Unit
from qiskit_haiqu_provider.engines.local.work import run_unit
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquJobCancelledError, HaiquJobError
from qiskit_haiqu_provider.run.request import Progress
from qiskit_haiqu_provider.run.result import (
    Expectations,
    RunResult,
    Samples,
    Statevectors,
    TaskResult,
)

logger = logging.getLogger(__name__)


class _Background:
    """The threads that run local jobs; made on first use, and anew in a forked child."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)
        # At the end of the program all thread pools are closed, Aer's too, and jobs could not go on. Exit hooks of
        # threading run in reverse order, so that this one, registered after theirs, waits for the jobs first.
        getattr(threading, "_register_atexit", atexit.register)(self._finish_all)

    def _forget(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def _finish_all(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def start(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="haiqu-local")
            self._pool.submit(call)


_working = _Background(max(2, os.cpu_count() or 1))
"""Runs the units of jobs."""

_waiting = _Background(64)
"""Waits for the executors of jobs, which may be busy with many at a time."""


class LocalExecution:
    """A run in this process, or on an executor; ``run`` does a unit of it."""

    pushes = True

    def __init__(
        self,
        execution_id: str,
        units: Sequence[Unit],
        assemble: Callable[[Sequence[Sequence[TaskResult]]], RunResult],
        *,
        run: Callable[[Unit], list[TaskResult]] = run_unit,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._id = execution_id
        self._run_unit = run
        self._units = units
        self._assemble = assemble
        self._executor = executor
        self._progress = progress
        self._status = JobStatus.QUEUED
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._final = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._times = {"submitted": time.monotonic()}

    @property
    def id(self) -> str:
        """The id of the run."""
        return self._id

    def start(self) -> None:
        """Hand the run to the background threads."""
        threads = _working if self._executor is None else _waiting
        threads.start(self._run)

    def status(self) -> JobStatus:
        """Where the run stands."""
        return self._status

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds for a final status; returns whether there is one."""
        return self._final.wait(timeout)

    def result(self) -> RunResult:
        """The result of a run that is done.

        Raises:
            HaiquJobCancelledError: If the run was cancelled.
            HaiquJobError: If it failed.
        """
        self._final.wait()
        if self._status is JobStatus.CANCELLED:
            raise HaiquJobCancelledError(f"Job {self._id} was cancelled, so it has no result.")
        if self._result is not None:
            return self._result
        raise _failure(self._id, self._error)

    def cancel(self) -> bool:
        """Stop before the next unit; returns whether the run will not yield a result."""
        with self._lock:
            if self._status in JOB_FINAL_STATES:
                return self._status is JobStatus.CANCELLED
            self._stop.set()
            waiting = self._status is JobStatus.QUEUED
            if waiting:
                self._status = JobStatus.CANCELLED
        if waiting:
            self._finish()
        return True

    def seconds(self) -> Mapping[str, float]:
        """Seconds in the queue and in the run so far."""
        now = time.monotonic()
        started = self._times.get("started")
        ended = self._times.get("ended", now)
        queue = (started if started is not None else ended) - self._times["submitted"]
        return {"queue": queue, "run": 0.0 if started is None else ended - started}

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back once when the status is final; at once if it is."""
        with self._lock:
            if not self._final.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def _run(self) -> None:
        with self._lock:
            if self._status is not JobStatus.QUEUED:
                return
            self._status = JobStatus.RUNNING
            self._times["started"] = time.monotonic()
        status = JobStatus.DONE
        try:
            parts = list(self._parts())
            if not self._stop.is_set():
                self._result = self._assemble(parts)
        except BaseException as error:
            self._error = error
            status = JobStatus.ERROR
        with self._lock:
            self._status = JobStatus.CANCELLED if self._stop.is_set() else status
        self._finish()

    def _parts(self) -> Iterator[list[TaskResult]]:
        """The results of the units in order, up to where the run was stopped."""
        done, total = 0.0, sum(unit.num_sets for unit in self._units)
        for unit, part in zip(self._units, self._results(), strict=False):
            yield part
            done += unit.num_sets
            self._report(int(done + 1e-9), int(total + 1e-9))

    def _results(self) -> Iterator[list[TaskResult]]:
        if self._executor is None:
            for unit in self._units:
                if self._stop.is_set():
                    return
                yield self._run_unit(unit)
        else:
            yield from shared(self._executor, self._run_unit, self._units, stop=self._stop)

    def _report(self, done: int, total: int) -> None:
        if self._progress is None:
            return
        try:
            self._progress(done, total)
        except Exception:
            logger.warning("The progress callback failed; the job goes on without it.", exc_info=True)
            self._progress = None

    def _finish(self) -> None:
        with self._lock:
            if self._final.is_set():
                return
            self._times["ended"] = time.monotonic()
            self._units = ()  # circuits and values are not needed any more
            callbacks, self._callbacks = self._callbacks, []
            self._final.set()
        for callback in callbacks:
            callback()


def run_now(
    execution_id: str, units: Sequence[Unit], assemble: Callable[[Sequence[Sequence[TaskResult]]], RunResult]
) -> EndedExecution:
    """Do a run here and now, where that takes less time than handing it over."""
    started = time.monotonic()
    outcome: RunResult | Exception
    try:
        outcome = assemble([run_unit(unit) for unit in units])
    except Exception as error:  # interrupts and exits are meant for the caller
        outcome = _failure(execution_id, error)
    return EndedExecution(execution_id, outcome, seconds=time.monotonic() - started)


def _failure(execution_id: str, error: BaseException | None) -> HaiquError:
    """What a job raises whose run ended in an error."""
    if isinstance(error, HaiquError):
        return error
    failed = HaiquJobError(f"Job {execution_id} failed: {reason(error)}")
    failed.__cause__ = error
    return failed


def assemble(
    places: Sequence[tuple[int, int, int]], parts: Sequence[TaskResult], empty: Sequence[TaskResult]
) -> tuple[TaskResult, ...]:
    """Put the pieces of every task together.

    Args:
        places: For each part its task, its first set, and its shots.
        parts: The results.
        empty: For each task its result without any set; stands where a task has no pieces.
    """
    if len(parts) == len(empty) == 1:
        return (parts[0],)  # the whole of the only task
    by_task: dict[int, dict[int, list[tuple[TaskResult, int]]]] = {}
    for (task, first, shots), part in zip(places, parts, strict=True):
        by_task.setdefault(task, {}).setdefault(first, []).append((part, shots))
    return tuple(
        _join([_merged(chunks) for _, chunks in sorted(by_task[task].items())]) if task in by_task else nothing
        for task, nothing in enumerate(empty)
    )


def _merged(chunks: Sequence[tuple[Any, int]]) -> Any:
    """The same sets from parts of their shots."""
    first = chunks[0][0]
    if len(chunks) == 1:
        return first
    if isinstance(first, Samples):
        return Samples(np.concatenate([part.outcomes for part, _ in chunks], axis=1), first.num_clbits)
    total = sum(shots for _, shots in chunks)
    values = sum(part.values * (shots / total) for part, shots in chunks)
    variances = sum((part.stds * (shots / total)) ** 2 for part, shots in chunks)
    return Expectations(np.asarray(values), np.sqrt(variances))


def _join(parts: Sequence[Any]) -> TaskResult:
    """All sets of a task."""
    first = parts[0]
    if len(parts) == 1:
        return first  # type: ignore[no-any-return]
    if isinstance(first, Samples):
        return Samples(np.concatenate([part.outcomes for part in parts]), first.num_clbits)
    if isinstance(first, Statevectors):
        return Statevectors(np.concatenate([part.amplitudes for part in parts]))
    return Expectations(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.stds for part in parts], axis=1),
    )
