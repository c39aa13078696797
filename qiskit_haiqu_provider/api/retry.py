"""Which requests are sent again, and when.

What reads, or may be repeated without harm, is sent again after anything that may pass. Everything else is sent again
only if it certainly took no effect: no connection could be made, or the service refused it with 429. Its answer may
have been lost otherwise, and a second job would cost money.
"""

import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from qiskit_haiqu_provider.api.answers import Answer, Broken, Kind, Outcome

_PASSING = frozenset({408, 429, 502, 503, 504})
"""Answers that may be others soon."""

_REFUSED = 429
"""The answer that says that nothing was done, and that the same request is welcome later."""

_PASSING_KINDS = frozenset({Kind.UNREACHABLE, Kind.BUSY, Kind.SILENT, Kind.LOST})

_FIRST = 0.1
_LONGEST = 8.0
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")


class Retries:
    """The attempts of one request.

    Args:
        seconds: No attempt begins later than this after the first one.
        safe: Whether the request may be repeated without harm.
        clock: Tells the time.
        chance: A number from 0 to 1, different each time.
    """

    def __init__(
        self,
        seconds: float,
        *,
        safe: bool,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.seconds = seconds
        self._end = clock() + seconds
        self._safe = safe
        self._clock = clock
        self._chance = chance
        self.made = 0

    def pause(self, outcome: Outcome) -> float | None:
        """Seconds to wait before the next attempt; None if there is none."""
        self.made += 1
        if not self._worth_another(outcome):
            return None
        asked = retry_after(outcome) if isinstance(outcome, Answer) else None
        grown = min(_FIRST * 2.0 ** min(self.made - 1, 10), _LONGEST)
        # Never earlier than the service asks, and never together with the others that it sent away.
        pause = max(asked or 0.0, grown / 2) + self._chance() * grown / 2
        return pause if self._clock() + pause <= self._end else None

    def _worth_another(self, outcome: Outcome) -> bool:
        if isinstance(outcome, Broken):
            return not outcome.lasting and (not outcome.reached or (self._safe and outcome.kind in _PASSING_KINDS))
        return outcome.status == _REFUSED or (self._safe and outcome.status in _PASSING)


def retry_after(answer: Answer) -> float | None:
    """Seconds that the service asks to wait, given as a number or as a date; None if it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    due = _moment(text)
    if due is None:
        return None
    now = _moment(answer.headers.get("date", "")) or datetime.now(UTC)  # its clock, where it shows it
    return max((due - now).total_seconds(), 0.0)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except (TypeError, ValueError, OverflowError):
        return None
