"""What is written a moment later, in the background: whoever brings it does not wait for the disk."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.25
"""What was put off is written when nothing has come for that long."""

MOST_SECONDS = 5.0
"""Nothing is put off for longer than that, however much comes after it."""

MOST_BYTES = 2**26
"""More than that is not put off: whoever brings more writes it all."""


@dataclass(frozen=True)
class Late:
    """What is to be written of a job: what makes its record, and the bytes of its result."""

    record: Callable[[], Any]
    result: bytes | None = None


class WriteBehind:
    """Jobs that are not on disk yet, oldest first, and can be read from here until they are.

    They are written shortly after the last of them came, at the end of the program, before a fork, or when
    :meth:`flush` is called.

    Args:
        write: Writes jobs.
        most: How many may wait; the oldest make room unwritten.
    """

    def __init__(self, write: Callable[[Sequence[Late]], None], *, most: int) -> None:
        self._write = write
        self._most = most
        self.forget()
        _ALL.append(self)

    def forget(self) -> None:
        """Begin anew, as a forked child must: what waits is its parent's to write."""
        self._waiting: dict[str, Late] = {}
        self._bytes = 0
        self._first = self._last = 0.0
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self._flushing = threading.RLock()

    def put(self, job_id: str, late: Late) -> None:
        """Take a job, to be written later."""
        with self._lock:
            self._last = time.monotonic()
            if not self._waiting:
                self._first = self._last
            self._waiting[job_id] = late
            self._bytes += len(late.result or b"")
            if len(self._waiting) > self._most:
                self._drop(next(iter(self._waiting)))
            if self._bytes <= MOST_BYTES and not _ending.is_set():
                if self._writer is None:
                    writer = threading.Thread(target=self._watch, name="haiqu-records", daemon=True)
                    writer.start()
                    self._writer = writer
                return
        self.flush()

    def get(self, job_id: str) -> Late | None:
        """A job that waits; ``None`` if there is no such."""
        return self._waiting.get(job_id)

    def all(self) -> list[Late]:
        """All jobs that wait, oldest first."""
        with self._lock:
            return list(self._waiting.values())

    def flush(self) -> None:
        """Write all that waits, now."""
        with self._flushing:
            with self._lock:
                batch = dict(self._waiting)
            try:
                if batch:
                    self._write(list(batch.values()))
            except Exception:
                logger.warning("The records of %d jobs could not be written.", len(batch), exc_info=True)
            with self._lock:
                for job_id, late in batch.items():
                    if self._waiting.get(job_id) is late:
                        self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        self._bytes -= len(self._waiting.pop(job_id).result or b"")

    def _watch(self) -> None:
        """Write whenever it has become quiet, until nothing is left."""
        while True:
            time.sleep(QUIET_SECONDS)
            now = time.monotonic()
            if now - self._last < QUIET_SECONDS and now - self._first < MOST_SECONDS:
                continue
            self.flush()
            with self._lock:
                self._first = now
                if not self._waiting:
                    self._writer = None
                    return


_ALL: list[WriteBehind] = []
_ending = threading.Event()
"""Set at the end of the program; from then on nothing is put off."""


def _flush_all() -> None:
    for behind in _ALL:
        behind.flush()


def _end() -> None:
    _ending.set()
    _flush_all()


def _forget_all() -> None:
    for behind in _ALL:
        behind.forget()


# Unlike the hooks of atexit, those of threading also run at the end of processes of multiprocessing.
getattr(threading, "_register_atexit", atexit.register)(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_flush_all, after_in_child=_forget_all)
