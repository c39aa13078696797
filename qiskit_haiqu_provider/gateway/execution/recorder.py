"""Writes what happens to jobs into the database: many events in one transaction, in the order in which they came."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.gateway.execution.pipeline import Outcome
from qiskit_haiqu_provider.gateway.store import circuits, running
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.gateway.store.tables import User

logger = logging.getLogger(__name__)

_BATCH = 256
_HELD = 1024
"""Events that are held while the database is away; after that, jobs wait."""

_RETRY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job ended."""

    job: running.RunnableJob
    when: datetime
    status: str
    outcome: Outcome
    made: tuple[circuits.CircuitFields, ...] = ()
    """Circuits that the job made."""

    written: Callable[[], None] = lambda: None
    """Called when it is in the database."""


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A job was stopped with the server; the next one runs it again."""

    job: running.RunnableJob


Event = running.Started | Stopped | Finished


class Recorder:
    """A thread that writes events.

    Args:
        database: Where to.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events: queue.Queue[Event | None] = queue.Queue(_HELD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="haiqu-recorder", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Have an event written soon."""
        self._events.put(event)

    def close(self) -> None:
        """Write what there is and end."""
        self._closing.set()
        self._events.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch, last = self._batch()
            while not self._write(batch) and not self._closing.wait(_RETRY_SECONDS):
                pass  # a database that is away comes back; results are kept until then
            if last:
                return

    def _batch(self) -> tuple[list[Event], bool]:
        batch: list[Event] = []
        event = self._events.get()
        while event is not None:
            batch.append(event)
            if len(batch) >= _BATCH:
                return batch, False
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: Sequence[Event]) -> bool:
        """Write a batch; False if the database is away. An event that cannot be written keeps no other from it."""
        if not batch:
            return True
        try:
            with self._database.write() as session:
                _write_all(session, batch)
        except OperationalError:
            logger.exception("The database cannot be written; it is tried again.")
            return False
        except Exception:
            if len(batch) > 1:
                written = [self._write([event]) for event in batch]  # each of them, also after one that failed
                return all(written)
            logger.exception("What happened to a job could not be written.")
            event = batch[0]
            if isinstance(event, Finished) and event.outcome is not _UNWRITABLE:
                return self._write([replace(event, status="Error", outcome=_UNWRITABLE, made=())])
        for event in batch:
            if isinstance(event, Finished):
                event.written()
        return True


_UNWRITABLE = Outcome(logs=["The results hold something that cannot be stored. The server's log says more."])


def _write_all(session: Session, batch: Sequence[Event]) -> None:
    running.mark_started(session, [event for event in batch if isinstance(event, running.Started)])
    for event in batch:
        if isinstance(event, Finished):
            _write_end(session, event)
        elif isinstance(event, Stopped):
            running.put_back(session, event.job.id, event.job.generation)


def _write_end(session: Session, event: Finished) -> None:
    outcome = event.outcome
    info = dict(outcome.info)
    if event.made:
        owner = session.get_one(User, event.job.user_id)
        info["transpiled_circuit_ids"] = [circuits.add(session, owner, **fields).id for fields in event.made]
    running.finish(
        session,
        event.job.id,
        event.job.generation,
        status=event.status,
        logs=_storable("\n".join(outcome.logs)),
        info=info,
        time=outcome.time,
        quality=outcome.quality,
        estimated_qpu_cost=None if outcome.cost is None else dict(outcome.cost),
        results=outcome.results,
        finish_date=event.when,
    )


def _storable(text: str) -> str:
    """Text that every database takes; names in messages can hold anything."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
