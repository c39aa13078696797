"""What the service said in an answer that is no success, whatever shape it has."""

import html
import re
from typing import Any

from pydantic_core import from_json

from qiskit_haiqu_provider.api.answers import Answer

_LONGEST = 2000
"""Characters of the service's words in a message; ``detail`` has them all."""

_ISSUES = 10
"""Issues of a validation error in a message."""

_PLACES = ("body", "query", "path", "header")
_NAMES = ("detail", "message", "error", "errors", "title")
_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-amzn-trace-id", "cf-ray")

_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def detail_of(answer: Answer) -> Any:
    """The service's explanation: the field ``detail`` or one like it, else the whole answer; None if it is empty."""
    if is_page(answer):
        return _title(answer.body.decode(errors="replace")) or None
    try:
        body = from_json(answer.body)
    except ValueError:
        return answer.body.decode(errors="replace").strip() or None
    if not isinstance(body, dict):
        return body
    detail = next((body[name] for name in _NAMES if body.get(name)), body)
    return [_without_input(item) for item in detail] if isinstance(detail, list) else detail or None


def is_page(answer: Answer) -> bool:
    """Whether the answer is for people to look at, not for programs."""
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def request_id(answer: Answer) -> str | None:
    """The service's name for the request."""
    return next((answer.headers[name][:200] for name in _REQUEST_IDS if answer.headers.get(name)), None)


def said(detail: Any) -> str:
    """The explanation in one line."""
    text = " ".join(_text(detail).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def sentence(text: str) -> str:
    """The text with an end."""
    return text if not text or text[-1] in ".!?" else f"{text}."


def _title(page: str) -> str:
    found = _TITLE.search(page)
    return " ".join(html.unescape(_TAG.sub(" ", found[2] if found else page[:_LONGEST])).split())


def _without_input(issue: Any) -> Any:
    """A validation issue without the value that was refused, which may be a part of a credential."""
    if not isinstance(issue, dict):
        return issue
    return {name: value for name, value in issue.items() if name not in ("input", "ctx", "url")}


def _text(detail: Any) -> str:
    if detail is None:
        return ""
    if isinstance(detail, list):
        more = f"; and {len(detail) - _ISSUES} more" if len(detail) > _ISSUES else ""
        return "; ".join(_text(item) for item in detail[:_ISSUES]) + more
    if isinstance(detail, dict):
        message = next((detail[name] for name in ("message", "msg", *_NAMES) if detail.get(name)), None)
        return str(detail) if message is None else f"{_place(detail)}{_text(message)}"
    return str(detail)


def _place(issue: dict[str, Any]) -> str:
    """Where an issue is, as the caller knows it: without the part of the request that it came in."""
    where = issue.get("loc")
    if not isinstance(where, list):
        return ""
    parts = where[1:] if len(where) > 1 and where[0] in _PLACES else where
    return f"{'.'.join(map(str, parts))}: " if parts else ""
