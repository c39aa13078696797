"""Hands jobs to the worker processes, first come first served, and follows them."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from qiskit_haiqu_provider.api.models import CircuitState
from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.gateway.execution import worker
from qiskit_haiqu_provider.gateway.execution.dispatch import Dispatch, Dispatcher, Vendor
from qiskit_haiqu_provider.gateway.execution.pipeline import Outcome, Work
from qiskit_haiqu_provider.gateway.execution.processes import Workers, reason
from qiskit_haiqu_provider.gateway.execution.recipe import TranspileRecipe, recipe_from_json
from qiskit_haiqu_provider.gateway.execution.recorder import Finished, Recorder, Stopped
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import running as queue
from qiskit_haiqu_provider.gateway.store.circuits import CircuitFields
from qiskit_haiqu_provider.gateway.store.database import Database

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_AHEAD = 16
"""Jobs that are read from the database at a time."""

_WAITERS = 16
"""Requests that wait for a job to end at a time; each holds a thread."""


@dataclass(frozen=True)
class Live:
    """Where a job stands that has not ended."""

    status: str
    done: int = 0
    total: int = 0


@dataclass
class _Running:
    """A job in the hands of a worker process or of a vendor."""

    progress: Callable[[], tuple[str, int, int]]
    slot: int | None = None
    future: "Future[Any] | None" = None
    dispatch: Dispatch | None = None
    begun: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
        if self.dispatch is not None:
            self.dispatch.cancel()
        elif self.future is not None:
            self.future.cancel()


class Scheduler:
    """Runs the jobs of a database.

    Args:
        database: Where the jobs are.
        workers: The processes that run them; they are ended with the scheduler.
        limits: What a job may take.
        vendors: Ways to devices that are not on this machine.
    """

    def __init__(self, database: Database, *, workers: Workers, limits: Limits, vendors: Sequence[Vendor] = ()) -> None:
        self._database = database
        self._limits = limits
        self._workers = workers
        self._dispatcher = Dispatcher(database, vendors, limits)
        self._recorder = Recorder(database)
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        """Told when the feeder may have something to do."""

        self._ended = threading.Condition(lock)
        """Told when a job is in the database with its end."""

        self._waiting: dict[str, None] = {}
        """Jobs for this machine, in order."""

        self._leaving: deque[tuple[list[str], Mapping[str, Any] | None]] = deque()
        """Jobs for vendors, with their credentials."""

        self._reading: set[str] = set()
        """Jobs that are being read; one that is cancelled meanwhile is taken out."""

        self._ready: deque[queue.RunnableJob] = deque()
        """The first of those that wait, read from the database."""

        self._held: dict[str, queue.RunnableJob] = {}
        """Restarted jobs whose earlier run has not ended yet."""

        self._open: set[str] = set()
        self._running: dict[str, _Running] = {}
        self._waiters = threading.BoundedSemaphore(_WAITERS)
        self._slots = set(range(self._workers.slots))
        self._closing = False
        self._feeder = threading.Thread(target=self._feed, name="haiqu-feeder", daemon=True)

    def start(self) -> None:
        """Take up the jobs that an earlier server left, and all that come."""
        with self._database.read() as session:
            left = queue.unfinished(session)
        self._open.update(job_id for job_id, _ in left)
        self._waiting.update((job_id, None) for job_id, device in left if not self._dispatcher.reaches(device))
        self._leaving.extend(([job_id], None) for job_id, device in left if self._dispatcher.reaches(device))
        self._feeder.start()

    def enqueue(self, job_id: str, device: str, secrets: Mapping[str, Any] | None = None) -> None:
        """Run a job that is in the database.

        Args:
            job_id: The job.
            device: Where it runs.
            secrets: Credentials for the vendor of the device; kept in memory until the job is sent.
        """
        with self._changed:
            self._open.add(job_id)
            if self._dispatcher.reaches(device):
                self._leaving.append(([job_id], secrets))
                self._changed.notify()
                return
            self._waiting[job_id] = None
            if self._slots:
                self._changed.notify()

    def cancel(self, job_id: str) -> None:
        """Stop a job that the database has as cancelled; its results, if they come, are not written."""
        with self._changed:
            running = self._running.get(job_id)
            self._held.pop(job_id, None)
            if running is None:
                self._waiting.pop(job_id, None)
                self._reading.discard(job_id)
                self._ready = deque(order for order in self._ready if order.id != job_id)
                self._open.discard(job_id)
                self._ended.notify_all()
        if running is not None:
            running.cancel()

    def live(self, job_id: str) -> Live | None:
        """Where a job stands; ``None`` if it does not wait or run here."""
        running = self._running.get(job_id)
        if running is None:
            return None
        return Live(*running.progress())

    def wait(self, job_id: str, seconds: float) -> None:
        """Wait for a job that runs here to end; returns early if too many others wait already."""
        if seconds <= 0 or not self._waiters.acquire(blocking=False):
            return
        try:
            with self._ended:
                self._ended.wait_for(lambda: job_id not in self._open, seconds)
        finally:
            self._waiters.release()

    def load(self) -> tuple[int, int]:
        """How many jobs wait, and how many are with the workers."""
        return len(self._waiting) + len(self._ready) + len(self._held), len(self._running)

    def close(self) -> None:
        """Stop; jobs that run are run again by the next server."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._feeder.is_alive():
            self._feeder.join()
        self._dispatcher.close()
        self._workers.close()
        self._recorder.close()

    def _feed(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if self._closing:
                    return
            try:
                self._send_all()
                if not self._ready:
                    self._read_ahead()
            except Exception:
                logger.exception("Jobs could not be read; they are read again soon.")
                time.sleep(_RETRY_SECONDS)
            self._hand_over()

    def _has_work(self) -> bool:
        return self._closing or bool(self._leaving) or bool(self._slots and (self._ready or self._waiting))

    def _send_all(self) -> None:
        """Give jobs to vendors."""
        while self._leaving:
            job_ids, secrets = self._leaving[0]
            self._send(job_ids, secrets)
            self._leaving.popleft()

    def _read_ahead(self) -> None:
        """Read the next jobs; several at once, which costs little more than one."""
        with self._changed:
            chosen = list(islice(self._waiting, _AHEAD))
            self._reading = set(chosen)
        orders = self._orders(chosen)
        with self._changed:
            for job_id in self._reading:
                del self._waiting[job_id]
            self._ready.extend(order for order in orders if order.id in self._reading and not _is_away(order))
            self._reading = set()

    def _hand_over(self) -> None:
        """Give jobs to the worker processes that have room."""
        while True:
            with self._changed:
                if not (self._ready and self._slots):
                    return
                order = self._ready.popleft()
                if order.id in self._running:  # an earlier run of it is about to end
                    self._held[order.id] = order
                    continue
                slot = self._slots.pop()
                running = _Running(partial(self._workers.progress, slot), slot)
                self._running[order.id] = running
            self._follow(order, running, partial(self._work, order, running))

    def _send(self, job_ids: Sequence[str], secrets: Mapping[str, Any] | None) -> None:
        """Give jobs to vendors."""
        for order in self._orders(job_ids):
            dispatch = Dispatch(order)
            running = _Running(dispatch.progress, dispatch=dispatch)
            with self._changed:
                self._running[order.id] = running
            self._follow(order, running, partial(self._vend, dispatch, running, secrets))

    def _orders(self, job_ids: Sequence[str]) -> list[queue.RunnableJob]:
        """The jobs with all that it takes to run them; those that were cancelled are left out."""
        with self._database.read() as session:
            return queue.load_for_run(session, job_ids)

    def _follow(self, order: queue.RunnableJob, running: _Running, start: "Callable[[], Future[Any]]") -> None:
        try:
            running.future = start()
        except Exception as error:  # a job that cannot even be handed over fails like any other
            running.future = Future()
            running.future.set_exception(error)
        if running.cancelled:
            running.cancel()
        running.future.add_done_callback(partial(self._end, order, running))

    def _work(self, order: queue.RunnableJob, running: _Running) -> "Future[Any]":
        if order.attempts >= self._limits.attempts:
            raise HaiquError(f"The server died {order.attempts} times while it ran the job. It is not run again.")
        recipe = recipe_from_json(order.recipe or {})
        circuits = tuple(circuit.qpy for circuit in order.circuits)
        slot = running.slot or 0
        start = partial(self._workers.start, slot, partial(self._begun, order, running))
        if isinstance(recipe, TranspileRecipe):
            return start(worker.do_transpile, recipe, circuits, slot, self._limits.circuit)
        work = Work(recipe=recipe, circuit_ids=tuple(circuit.id for circuit in order.circuits), circuits=circuits)
        return start(worker.do_run, work, slot, self._limits.result_bytes)

    def _begun(self, order: queue.RunnableJob, running: _Running) -> None:
        running.begun = True
        self._recorder.put(queue.Started(id=order.id, generation=order.generation, when=datetime.now(UTC)))

    def _vend(self, dispatch: Dispatch, running: _Running, secrets: Mapping[str, Any] | None) -> "Future[Any]":
        recipe = recipe_from_json(dispatch.order.recipe or {})
        if isinstance(recipe, TranspileRecipe):
            raise HaiquError("Circuits for this device are transpiled where it is. Run them without transpiling first.")
        self._begun(dispatch.order, running)
        return self._dispatcher.start(dispatch, recipe, secrets)

    def _end(self, order: queue.RunnableJob, running: _Running, future: "Future[Any]") -> None:
        forget = partial(self._forget, order.id, running)
        event = self._event(order, running, future)
        with self._changed:
            if running.slot is not None:
                self._slots.add(running.slot)
                self._changed.notify()
        if isinstance(event, Finished):
            self._recorder.put(replace(event, written=forget))
            return
        if event is not None:
            self._recorder.put(event)
        forget()

    def _forget(self, job_id: str, running: _Running) -> None:
        with self._changed:
            if self._running.get(job_id) is running:  # and not a restart of the same job
                del self._running[job_id]
            if job_id in self._held:
                self._ready.appendleft(self._held.pop(job_id))
                self._changed.notify()
            elif job_id not in self._waiting:  # else it was restarted
                self._open.discard(job_id)
                self._ended.notify_all()

    def _stopped(self, order: queue.RunnableJob, running: _Running) -> Stopped | None:
        """What is to be written of a job that was stopped with the server, if it was this and it had begun."""
        return Stopped(job=order) if self._closing and running.begun else None

    def _event(self, order: queue.RunnableJob, running: _Running, future: "Future[Any]") -> Finished | Stopped | None:
        """What is to be written of a job that ended; nothing if it was cancelled, which is written already."""
        made: tuple[CircuitFields, ...] = ()
        status = "Done"
        try:
            answer = future.result()
        except CancelledError:
            return self._stopped(order, running)
        except Exception as error:
            if self._closing:
                return self._stopped(order, running)
            status, outcome = "Error", Outcome(logs=[reason(error, self._limits)])
        else:
            if isinstance(answer, Outcome):
                outcome = answer
            else:
                made = _made(order, answer)
                outcome = Outcome(logs=[f"Transpiled {len(made)} circuits."])
        return Finished(
            job=order,
            when=datetime.now(UTC),
            status=status,
            outcome=outcome,
            made=made,
        )


def _is_away(order: queue.RunnableJob) -> bool:
    """Whether a job is at a vendor that this gateway was not given: it is left for one that is."""
    if order.dispatch:
        logger.warning(
            "Job %s was sent to the vendor of %s. Serve with it to follow the job.", order.id, order.device_id
        )
    return bool(order.dispatch)


def _made(order: queue.RunnableJob, readings: Sequence[worker.Reading]) -> tuple[CircuitFields, ...]:
    """The circuits that a transpilation made, as the store keeps them."""
    recipe = order.recipe or {}
    return tuple(
        CircuitFields(
            experiment_id=order.experiment_id,
            hash=reading.digest,
            digest=reading.digest,
            name=parent.name,
            qpy=reading.qpy,
            num_qubits=reading.num_qubits,
            num_clbits=reading.num_clbits,
            num_parameters=reading.num_parameters,
            measures=reading.measures,
            analytics=reading.analytics,
            status=CircuitState.CORE_READY,
            generated=True,
            parent_id=parent.id,
            transpilation_target=order.device_id,
            transpilation_options=recipe.get("options"),
        )
        for parent, reading in zip(order.circuits, readings, strict=True)
    )
