"""What is asked of the service: one value for each request, which never shows its body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from qiskit_haiqu_provider.api.settings import header_value
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.models import Wire

_WORDS = {
    "experiment_id": "experiment",
    "circuit_id": "circuit",
    "circuit_hash": "circuit with hash",
    "job_id": "job",
    "job_hash": "job with hash",
    "device_id": "device",
    "name": "artifact",
}
"""How the ids in addresses are called in messages."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request."""

    method: str
    path: str
    query: str = ""
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    safe: bool = False
    """Whether it is harmless to send it twice."""

    missing: str = ""
    """What to say if the answer is 404: what was looked for."""

    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    """What the body holds and nobody may see."""

    wait: float = 0.0
    """Seconds that the service was asked to take its time."""

    patience: float | None = None
    """Seconds after which the caller does not wait any more; ``None`` for as long as the settings say."""

    def within(self, seconds: float) -> float:
        """A time limit, shortened to the patience of the caller."""
        return seconds if self.patience is None else min(seconds, self.patience)

    @property
    def name(self) -> str:
        """The request in messages."""
        return f"{self.method} {self.path}"


def get(
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    wait: float | None = None,
    patience: float | None = None,
    **ids: str,
) -> Call:
    """A request that reads.

    Args:
        path: Address with the names of ids in braces.
        query: Parameters; None and empty ones are left out, lists are repeated.
        wait: Seconds that the service may wait for news before it answers.
        patience: Seconds after which the caller does not wait any more.
        **ids: The ids.
    """
    seconds = _whole_seconds(wait)
    return Call(
        method="GET",
        path=_filled(path, ids),
        query=_query(query or {}),
        headers={"prefer": f"wait={seconds}"} if seconds else {},
        safe=True,
        missing=_missing(ids),
        wait=seconds,
        patience=patience,
    )


def send(
    method: str,
    path: str,
    body: Wire | None = None,
    *,
    safe: bool = False,
    idempotency_key: str | None = None,
    **ids: str,
) -> Call:
    """A request that changes something.

    Args:
        method: POST or PUT.
        path: Address with the names of ids in braces.
        body: What is sent; None is sent as ``null``.
        safe: Whether it is harmless to send it twice.
        idempotency_key: The client's own name of the submission.
        **ids: The ids.
    """
    headers = {"content-type": "application/json"}
    if idempotency_key is not None:
        headers["idempotency-key"] = header_value("idempotency_key", idempotency_key)
    return Call(
        method=method,
        path=_filled(path, ids),
        content=_written(body),
        headers=headers,
        safe=safe,
        missing=_missing(ids) or _missing_of(body),
        secrets=() if body is None else tuple(_credentials(body)),
    )


def _written(body: Wire | None) -> bytes:
    """The body as JSON. Models write text, which would have to be copied once more."""
    from pydantic_core import to_json  # not before there is a body

    return to_json(body)


def _filled(path: str, ids: Mapping[str, Any]) -> str:
    """The address. An id is one part of it, whatever characters it has."""
    for name, value in ids.items():
        if not isinstance(value, str) or not value:
            raise HaiquInputError(f"{name} is {value!r}; give a text that is not empty.")
    return path.format_map({name: _quoted(value) for name, value in ids.items()})


def _quoted(text: str) -> str:
    dots = text in (".", "..")  # a path would lose them
    return text.replace(".", "%2E") if dots else quote(text, safe="", errors="replace")


def _query(given: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in given.items() if value is not None and value != []}
    return urlencode(kept, doseq=True, errors="replace")


def _whole_seconds(wait: float | None) -> int:
    if wait is None:
        return 0
    if not 0 <= wait <= 3600:
        raise HaiquInputError(f"wait is {wait!r}; give seconds from 0 to 3600.")
    return int(wait)


def _missing(ids: Mapping[str, str]) -> str:
    known = [f"{_WORDS[name]} '{value[:200]}'" for name, value in ids.items() if name in _WORDS]
    return f"There is no {' in '.join(reversed(known))} that this key can see." if known else ""


def _missing_of(body: Wire | None) -> str:
    """The same for what a body names."""
    named = [(_WORDS[name], getattr(body, name, None)) for name in ("experiment_id", "device_id")]
    found = [f"{word} '{value[:200]}'" for word, value in named if value]
    circuits = getattr(body, "circuit_ids", None)
    if circuits:
        more = f" or one of {len(circuits) - 1} more" if len(circuits) > 1 else ""
        found.append(f"circuit '{circuits[0][:200]}'{more}")
    return f"One of these is not there, or this key cannot see it: {', '.join(found)}." if found else ""


def _credentials(body: Wire) -> Iterator[Secret]:
    """The credentials in a body: under their own field, or by their names in the options of run or device."""
    for value in (getattr(body, "device_credentials", None) or {}).values():
        yield Secret(value)
    layers = getattr(getattr(body, "program", None), "layers", ())
    for holder in (body, *layers):
        yield from _secrets_in(getattr(holder, "options", None), hidden=False)


def _secrets_in(value: Any, *, hidden: bool) -> Iterator[Secret]:
    from qiskit_haiqu_provider.api.models import is_secret  # not before there is a body

    if isinstance(value, str) and hidden:
        yield Secret(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets_in(item, hidden=hidden or is_secret(str(name)))
    elif isinstance(value, (list, tuple)) and hidden:
        for item in value:
            yield from _secrets_in(item, hidden=True)
