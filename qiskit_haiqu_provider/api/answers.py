"""What came back from the service, or why nothing did. Plain values: they hold no request, and so no key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the service."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    body: bytes = field(repr=False)

    @property
    def success(self) -> bool:
        """Whether the service did what was asked."""
        return 200 <= self.status < 300


class Kind(StrEnum):
    """How a request can go wrong without an answer."""

    UNREACHABLE = "unreachable"
    """No connection could be made."""

    BUSY = "busy"
    """All connections of this client were in use for too long."""

    SILENT = "silent"
    """The answer did not come in time."""

    LOST = "lost"
    """The connection broke after the request was sent, or while it was."""

    GARBLED = "garbled"
    """The answer came, but its encoding is wrong."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A request without an answer."""

    kind: Kind
    reason: str = field(repr=False)
    lasting: bool = False
    """Whether another attempt would meet the same end."""

    @property
    def reached(self) -> bool:
        """Whether the request may have taken effect."""
        return self.kind not in (Kind.UNREACHABLE, Kind.BUSY)


Outcome = Answer | Broken
