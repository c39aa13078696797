"""Requests that did not succeed -> typed errors that say what was asked, what the service said, and what to do."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from qiskit_haiqu_provider.api.answers import Answer, Broken, Kind, Outcome
from qiskit_haiqu_provider.api.calls import Call
from qiskit_haiqu_provider.api.models import redacted
from qiskit_haiqu_provider.api.retry import retry_after
from qiskit_haiqu_provider.api.words import detail_of, is_page, request_id, said, sentence
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquCreditError,
    HaiquNotFoundError,
    HaiquOutdatedError,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.secret import Secret, scrubbed

_CLASSES: Mapping[int, type[HaiquApiError]] = {
    401: HaiquAuthenticationError,
    402: HaiquCreditError,
    403: HaiquAuthenticationError,
    404: HaiquNotFoundError,
    408: HaiquTimeoutError,
    426: HaiquOutdatedError,
    429: HaiquRateLimitError,
}

WHAT_TO_DO: Mapping[int, str] = {
    401: "Check the key where it is given: api_key=, HAIQU_API_KEY, or a saved account. provider.check() tells which.",
    402: "Add credit to the account on the Haiqu dashboard, or run on a simulator.",
    403: "Use a key that may do this, or ask the owner of the account for permission.",
    404: "Check the id, the address of the service, and that the key belongs to the account that owns it.",
    405: "Check the address of the service; it may also be older or newer than this client.",
    408: "Try again; a faster connection or a smaller request helps.",
    409: "Look at what is there already, then change the request.",
    410: "The service has retired this; upgrade qiskit-haiqu-provider.",
    413: "Split the request into smaller ones.",
    426: "Upgrade with: pip install --upgrade qiskit-haiqu-provider",
    429: "Try again later, or send fewer requests at once.",
    501: "This service does not offer it; use one that does.",
}
_CHANGE = "Change what it names, and send the request again."
_LATER = "Try again later; if it goes on, tell the support of the service."
_LOOK_FIRST = "It may have taken effect: look before you send it again."

_SHOWN_BYTES = 1 << 16
"""Answers that cannot be used are shown up to this size."""

_DOUBTFUL = 408
"""The one refusal after which the request may have taken effect all the same."""

_NOT_DONE = 501
"""The one fault after which it has not."""


def failure(
    call: Call,
    outcome: Outcome,
    secrets: Iterable[Secret],
    *,
    attempts: int = 1,
    advice: Mapping[int, str] = WHAT_TO_DO,
) -> HaiquApiError:
    """The error for a request that did not succeed.

    Args:
        call: What was asked.
        outcome: What came of it.
        secrets: What must not be shown.
        attempts: How often it was sent.
        advice: What to do, by the status of the answer.
    """
    hidden = tuple(secrets)
    if isinstance(outcome, Broken):
        return _broken(call, outcome, hidden, attempts)
    if outcome.status < 400:
        return unreadable(call, outcome, _redirect(outcome), hidden)
    detail = _shown(outcome, hidden)
    head = f"{call.name}: {outcome.status} {_phrase(outcome)}{_times(attempts)}."
    missing = call.missing if outcome.status == 404 else ""
    words = f"The service says: {sentence(said(detail))}" if said(detail) else ""
    kind = _CLASSES.get(outcome.status, HaiquServerError if outcome.status >= 500 else HaiquRequestError)
    return kind(
        _joined(hidden, head, missing, words, _what_to_do(call, outcome, advice)),
        status=outcome.status,
        detail=detail,
        request_id=scrubbed(request_id(outcome), hidden),
        reached=_may_be_done(outcome.status),
    )


def unreadable(call: Call, answer: Answer, what: str, secrets: Iterable[Secret]) -> HaiquResponseError:
    """The error for an answer that should be a success and is not what was asked for.

    Args:
        call: What was asked.
        answer: What came.
        what: What is wrong with it.
        secrets: What must not be shown.
    """
    hidden = tuple(secrets)
    page = "It is a page for people, so that something on the way may have answered." if is_page(answer) else ""
    todo = "Check the address of the service and the proxy; if they are right, upgrade qiskit-haiqu-provider."
    return HaiquResponseError(
        _joined(hidden, f"{call.name}: the answer cannot be used: {sentence(what)}", page, _caution(call), todo),
        status=answer.status,
        detail=_shown(answer, hidden) if len(answer.body) <= _SHOWN_BYTES else None,
        request_id=scrubbed(request_id(answer), hidden),
    )


def _shown(answer: Answer, hidden: tuple[Secret, ...]) -> Any:
    """What the service said, without what may not be seen: what was sent, and what is named like a credential."""
    return redacted(scrubbed(detail_of(answer), hidden))


def _broken(call: Call, outcome: Broken, hidden: tuple[Secret, ...], attempts: int) -> HaiquApiError:
    """The error for a request without an answer."""
    kind, what, todo = _BROKEN[outcome.kind]
    head = f"{call.name}: {what}{_times(attempts)}: {sentence(outcome.reason)}"
    caution = _caution(call) if outcome.reached else ""
    return kind(_joined(hidden, head, caution, todo), reached=outcome.reached)


_BROKEN: Mapping[Kind, tuple[type[HaiquApiError], str, str]] = {
    Kind.UNREACHABLE: (
        HaiquConnectionError,
        "the service cannot be reached",
        "Check its address, the network and the proxy.",
    ),
    Kind.BUSY: (HaiquTimeoutError, "it could not be sent", "Send fewer requests at once, or give a longer timeout."),
    Kind.SILENT: (
        HaiquTimeoutError,
        "the service did not answer in time",
        "Try again, or give a longer timeout (also as HAIQU_TIMEOUT).",
    ),
    Kind.LOST: (HaiquConnectionError, "the connection broke", "Check the network, and try again."),
    Kind.GARBLED: (
        HaiquResponseError,
        "the answer cannot be decoded",
        "Check the address of the service and the proxy.",
    ),
}


def _what_to_do(call: Call, answer: Answer, advice: Mapping[int, str]) -> str:
    if answer.status == 429:
        asked = retry_after(answer)
        return advice[429] if asked is None else f"Try again in {asked:g} s, or send fewer requests at once."
    if answer.status in advice:
        return advice[answer.status]
    if answer.status < 500:
        return _CHANGE
    return _LATER if call.safe else f"{_LOOK_FIRST} {_LATER}"


def _may_be_done(status: int) -> bool:
    return status == _DOUBTFUL or (status >= 500 and status != _NOT_DONE)


def _caution(call: Call) -> str:
    return "" if call.safe else _LOOK_FIRST


def _redirect(answer: Answer) -> str:
    """Where another address is named; without its query, where a key may be."""
    target = urlsplit(answer.headers.get("location", ""))
    place = f"{target.scheme}://{target.hostname}{target.path}" if target.hostname else target.path
    return f"it is a redirect ({answer.status}) to {place or 'nowhere'}; give the address of the service itself as url"


def _phrase(answer: Answer) -> str:
    """The usual name of a status; what the service calls it may be anything."""
    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return "Unknown Status"


def _times(attempts: int) -> str:
    return f" (after {attempts} attempts)" if attempts > 1 else ""


def _joined(hidden: tuple[Secret, ...], *sentences: str) -> str:
    text: str = scrubbed(" ".join(part for part in sentences if part), hidden)
    return text
