"""Units of a run, shared out to an executor and brought home in order."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from threading import Event
from typing import Any, TypeVar

from qiskit_haiqu_provider.engines.base import Executor, Future
from qiskit_haiqu_provider.exceptions import HaiquInputError

Work = TypeVar("Work")
Result = TypeVar("Result")

_LEAST_WORKERS = 4
"""Workers that a sweep is cut for at least, whether they are known, or come later."""

_LOOK_SECONDS = 0.2
"""How often a run that waits for its workers looks whether it was cancelled."""


def workers_for(executor: Executor | None) -> int:
    """How many workers a run should keep busy; its results do not depend on it.

    Args:
        executor: Where units run; ``None`` for one after the other.

    Raises:
        HaiquInputError: If it is a Dask client that cannot be used.
    """
    if executor is None:
        return 1
    client = _dask_client(executor)
    here = os.cpu_count() or 1
    return max(_LEAST_WORKERS, here if client is None else sum(client.nthreads().values()))


def shared(
    executor: Executor, call: Callable[[Work], Result], units: Iterable[Work], *, stop: Event
) -> Iterator[Result]:
    """Give all units to an executor, and yield their results in order, up to where ``stop`` is set.

    Whatever ends it, units that have not begun are cancelled.

    Args:
        executor: An executor of ``concurrent.futures``, or a Dask client.
        call: What is done to a unit; picklable, as the unit is, where workers are other processes.
        units: The units.
        stop: Set to stop.

    Raises:
        Exception: What a unit raised, or why the executor could not run it.
    """
    client = _dask_client(executor)
    # Dask takes equal calls for one and the same, and would compare units to find out.
    takes = executor if client is None else client.get_executor(pure=False)
    futures: deque[Future] = deque()
    try:
        futures.extend(takes.submit(call, unit) for unit in units)
        while futures and not stop.is_set():
            if _settled(futures[0]):
                yield futures.popleft().result()  # nobody holds a result any more, here or at a worker
    finally:
        for future in futures:
            future.cancel()


def _settled(future: Future) -> bool:
    """Whether it is done; waits a moment for it."""
    if not future.done():
        try:
            future.result(timeout=_LOOK_SECONDS)
        except Exception:
            return future.done()  # what the unit raised is raised when its result is taken
    return True


def reason(error: BaseException | None) -> str:
    """What went wrong in a run, and what to do about it where workers were lost."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, BrokenExecutor):
        return (
            f"{told} A worker process of the executor died, perhaps for lack of memory, and took the pool with it. "
            "Make a new pool and a provider for it, and run the job again; with fewer workers, each has more memory."
        )
    if isinstance(error, MemoryError):
        return f"There is not enough memory ({error}). Use fewer qubits, or fewer shots or parameter sets at a time."
    if isinstance(error, CancelledError):
        return "The executor was closed before the job was done. Close it after job.result()."
    if type(error).__name__ == "KilledWorker":  # of Dask, which need not be installed
        return (
            f"{told} Give the workers more memory (memory_limit), or have fewer threads on each; "
            "and look into their logs for another cause."
        )
    return told


def _dask_client(executor: Executor) -> Any:
    """The executor if it is a Dask client, else ``None``.

    Raises:
        HaiquInputError: If it is closed, or asynchronous.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None or not isinstance(executor, distributed.Client):
        return None
    if executor.asynchronous:
        raise HaiquInputError(
            "executor: the Dask client is asynchronous, and jobs wait in threads of their own. "
            "Make it with asynchronous=False."
        )
    if executor.status in {"closing", "closed"}:
        raise HaiquInputError(
            "executor: the Dask client is closed. Give HaiquProvider one that is open, and close it after job.result()."
        )
    return executor
