"""What can go wrong between a client and its service, and a seeded plan of when it does."""

import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A fault, by where it happens."""

    # Before the request is sent on
    OUTAGE = "connections are refused for a while"
    CLOSE_UNREAD = "closed before anything is read"
    CUT_REQUEST_HEAD = "closed in the head of the request"
    CUT_REQUEST_BODY = "closed in the body of the request"
    CUT_REQUEST_WHOLE = "request read, then closed"
    SEND_A_PART = "part of the request sent on, then closed"
    SLOW_REQUEST = "request sent on late, in time for its answer"
    LATE_REQUEST = "request sent on after the client gave up"
    FAULT_UNSENT = "502, 503 or 504 without sending the request on"
    # After it, and before the answer
    CLOSE_UNANSWERED = "request sent on, answer dropped"
    LATE_ANSWER = "request sent on, answer after the client gave up"
    FAULT_SENT = "502, 503 or 504 after sending the request on"
    DUPLICATE = "request sent on twice"
    # In the middle of the answer
    CUT_STATUS = "answer closed in its first line"
    CUT_HEADERS = "answer closed in its headers"
    CUT_BODY = "answer closed in its body"
    STALL = "answer stops in the middle"
    FLIP_STATUS = "a bit of the first line is wrong"
    FLIP_HEADERS = "bits of the headers are wrong"
    FLIP_BODY = "bits of the body are wrong"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A fault with all that is random about it."""

    kind: Kind
    at: float = 0.5
    """Where in its part of the message, from 0 to 1."""

    seconds: float = 0.0
    """How long it lasts, where that matters."""

    reset: bool = False
    """Whether connections end with a reset."""

    status: int = 503
    second: bool = False
    """Of two answers, whether the second is given."""

    bits: tuple = ((0.5, 0x80),)
    """Bits that are wrong: places from 0 to 1, and masks."""


class Plan:
    """Draws a fault, or none, for every request. Threads may share it; the order of their requests is theirs.

    Args:
        chance: A seeded source of chance.
        share: From the name of a request, such as ``POST /run``, to the share of such requests that meet a fault.
        timeout: Seconds after which the client gives up.
        kinds: The kinds to draw from.
    """

    def __init__(self, chance, *, share, timeout, kinds=tuple(Kind)):
        self._chance = chance
        self._share = share
        self._timeout = timeout
        self._kinds = kinds
        self._lock = threading.Lock()
        self.drawn = Counter()
        """How often each kind was drawn."""

    def draw(self, name):
        """The fault that a request of this name meets; None for most."""
        with self._lock:
            if self._chance.random() >= self._share(name):
                return None
            trouble = self._trouble(self._chance.choice(self._kinds))
            self.drawn[trouble.kind] += 1
            return trouble

    def _trouble(self, kind):
        chance, patience = self._chance, self._timeout
        seconds = {
            Kind.OUTAGE: chance.uniform(0.05, 2.0) * patience,
            Kind.SLOW_REQUEST: chance.uniform(0.1, 0.6) * patience,
            Kind.LATE_REQUEST: chance.uniform(1.1, 8.0) * patience,
            Kind.LATE_ANSWER: chance.uniform(1.1, 2.0) * patience,
            Kind.STALL: 1.5 * patience,
        }
        return Trouble(
            kind=kind,
            at=chance.random(),
            seconds=seconds.get(kind, 0.0),
            reset=chance.random() < 0.5,
            status=chance.choice((502, 503, 504)),
            second=chance.random() < 0.5,
            bits=self._bits(kind),
        )

    def _bits(self, kind):
        if kind is Kind.FLIP_STATUS:
            return ((self._chance.random(), 1 << self._chance.randrange(8)),)
        if kind is Kind.FLIP_HEADERS:
            return tuple(
                (self._chance.random(), 1 << self._chance.randrange(8)) for _ in range(self._chance.randint(1, 3))
            )
        return tuple((self._chance.random(), 1 << self._chance.randrange(8)) for _ in range(self._chance.randint(1, 3)))
