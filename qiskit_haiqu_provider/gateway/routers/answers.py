"""What every endpoint can answer, for the documentation of the API."""

from typing import Any

from qiskit_haiqu_provider.api.models import ErrorBody, ValidationBody

Answers = dict[int | str, dict[str, Any]]

_TEXTS = {
    400: "Something in the request cannot be used; the detail says what and what to do.",
    401: "No valid key.",
    404: "Not there, or not visible to this key.",
    409: "It contradicts what is there already.",
    413: "Too large: the body, or a circuit in it.",
    429: "Too many requests; wait as `Retry-After` says.",
    501: "Not offered by this gateway.",
    503: "The database cannot be used right now; try again soon.",
}


def answers(*codes: int) -> Answers:
    """The error answers of an endpoint with these codes, besides those that every endpoint has."""
    found: Answers = {code: {"model": ErrorBody, "description": _TEXTS[code]} for code in (*codes, 413, 429, 503)}
    found[422] = {"model": ValidationBody, "description": "A field cannot be used; the detail names each."}
    return found
