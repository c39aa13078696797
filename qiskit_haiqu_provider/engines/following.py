"""Following a run by asking for it: often at first, less and less later, and through outages of the service."""

import contextlib
import logging
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.exceptions import (
    HaiquConnectionError,
    HaiquRateLimitError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.1, 10.0
"""Seconds between two looks at a job: at first, and at most."""

_GROWTH = 1.5
_OUTAGES = (HaiquConnectionError, HaiquTimeoutError, HaiquServerError, HaiquRateLimitError)
"""What a service that is down for a while looks like; waiting goes on."""

_UNREADABLE = 5
"""Answers in a row that cannot be read, until that is taken for more than noise on the line."""

ORDER = (
    JobStatus.ERROR,
    JobStatus.CANCELLED,
    JobStatus.RUNNING,
    JobStatus.INITIALIZING,
    JobStatus.VALIDATING,
    JobStatus.QUEUED,
    JobStatus.DONE,
)
"""Of several jobs, the status that speaks for all comes first."""


def added_up(told: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """What several jobs cost together; ``untold`` counts those that do not tell their ``usd``."""
    total = {"qpu_seconds": 0.0, "usd": 0.0, "untold": 0.0}
    for job in told:
        for name, amount in {"untold": float("usd" not in job), **job}.items():
            total[name] = total.get(name, 0.0) + amount
    return total


class Following(ABC):
    """Waits for a run whose jobs are looked at from here."""

    pushes = False

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._unreadable = 0
        self._away = False

    @property
    @abstractmethod
    def id(self) -> str:
        """The id of the run."""

    @abstractmethod
    def _look(self, *, wait: float = 0.0, patience: float | None = None) -> None:
        """Ask for every job that has not ended, and note the time in ``_looked``.

        Args:
            wait: Seconds that the service may wait for the end of a job before it answers.
            patience: Seconds after which an answer is not waited for any more.
        """

    @abstractmethod
    def _status(self) -> JobStatus:
        """Where the run stands, as it was last seen."""

    def status(self) -> JobStatus:
        """Where the run stands; asks the service, unless that was done just now."""
        if time.monotonic() - self._looked >= SHORTEST:
            self._look()
        return self._status()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run; returns whether it has ended. Outages of the service are waited out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = SHORTEST
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if self._ended(pause, left):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            pause = min(LONGEST, pause * _GROWTH)

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back when the run has ended; it is watched from a thread of its own until then."""

        def watch() -> None:
            with contextlib.suppress(Exception):  # whoever is called back asks for the result, and is told
                self.wait()
            callback()

        threading.Thread(target=watch, name=f"haiqu-watch-{self.id}", daemon=True).start()

    def _ended(self, pause: float, left: float | None) -> bool:
        """Look at the jobs, then wait until it is time for the next look; returns whether all have ended."""
        started = time.monotonic()
        budget = pause if left is None else max(0.0, min(pause, left))
        try:
            self._look(wait=budget, patience=left)
            if self._status() in JOB_FINAL_STATES:
                return True
            self._unreadable, self._away = 0, False
        except (*_OUTAGES, HaiquResponseError) as error:
            self._unreadable = self._unreadable + 1 if isinstance(error, HaiquResponseError) else 0
            if self._unreadable == _UNREADABLE:
                self._unreadable = 0
                raise
            logger.log(
                logging.INFO if self._away else logging.WARNING,  # an outage is told once
                "The service cannot be asked for job %s (%s); waiting goes on.",
                self.id,
                error,
            )
            self._away = True
        rest = budget * random.uniform(0.8, 1.2) - (time.monotonic() - started)  # noqa: S311 - spreads requests
        if left is not None:
            rest = min(rest, left - (time.monotonic() - started))
        time.sleep(max(0.0, rest))
        return False
