"""What goes wrong in the client of IBM -> typed errors that say what was asked, what IBM said, and what to do."""

from collections.abc import Iterable, Mapping, Sequence

from qiskit_haiqu_provider.causes import causes
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquCreditError,
    HaiquInputError,
    HaiquNotFoundError,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.secret import Secret, scrubbed

_KINDS: Mapping[int, type[HaiquApiError]] = {
    401: HaiquAuthenticationError,
    402: HaiquCreditError,
    403: HaiquAuthenticationError,
    404: HaiquNotFoundError,
    408: HaiquTimeoutError,
    429: HaiquRateLimitError,
}

_TODO: Mapping[type[HaiquApiError], str] = {
    HaiquAuthenticationError: "Check ibm_quantum_token and ibm_quantum_instance, and that they belong together.",
    HaiquCreditError: "Look at the usage of the instance on IBM Quantum Platform.",
    HaiquNotFoundError: "Check the name, and that the instance has it.",
    HaiquRateLimitError: "Try again later, or send fewer requests at once.",
    HaiquRequestError: "Change what it names, and send the request again.",
    HaiquServerError: "Try again later.",
    HaiquConnectionError: "Check the network and the proxy.",
    HaiquTimeoutError: "Try again later, or with a longer timeout= of the provider.",
    HaiquResponseError: "Upgrade qiskit-ibm-runtime and qiskit-haiqu-provider.",
}

_LONGEST = 2000
"""Characters of what IBM says that are shown."""


def failure(
    error: Exception,
    what: str,
    secrets: Iterable[Secret],
    *,
    before: BaseException | None,
    reached: bool = False,
) -> HaiquApiError:
    """The error for a call of the client that failed.

    Args:
        error: What the client raised.
        what: What was asked, for the message.
        secrets: What must not be shown.
        before: What was being handled when the client was called, which does not count.
        reached: Whether the request may have taken effect.
    """
    chain = list(causes(error, before=before))
    status = next((found for one in chain if (found := _status(one)) is not None), None)
    kind = _kind(chain, status)
    words = scrubbed(str(error).strip("'\""), secrets)[:_LONGEST]
    return kind(f"{what}: {words} {_TODO[kind]}", status=status, detail=words, reached=reached)


def is_of_service(error: Exception, *, before: BaseException | None) -> bool:
    """Whether the service or the way to it is to blame, and not an argument."""
    from requests import RequestException

    chain = causes(error, before=before)
    return any(_status(one) is not None or isinstance(one, RequestException) for one in chain)


def wrong_input(error: Exception, where: str) -> HaiquInputError:
    """The error for something that the client refuses before it sends anything."""
    return HaiquInputError(f"{where}: qiskit-ibm-runtime refuses it: {str(error).strip(chr(39) + chr(34))}")


def _kind(chain: Sequence[BaseException], status: int | None) -> type[HaiquApiError]:
    from requests import RequestException, Timeout

    about_account = type(chain[0]).__name__ in _ABOUT_ACCOUNTS
    if about_account and status == 400:  # a token that nobody knows
        return HaiquAuthenticationError
    if status is not None:
        return _KINDS.get(status, HaiquServerError if status >= 500 else HaiquRequestError)
    if any(isinstance(one, Timeout) for one in chain):
        return HaiquTimeoutError
    if any(isinstance(one, RequestException) for one in chain):
        return HaiquConnectionError
    return HaiquAuthenticationError if about_account else HaiquResponseError


_ABOUT_ACCOUNTS = frozenset({"IBMNotAuthorizedError", "InvalidAccountError", "CloudResourceNameResolutionError"})


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error tells of."""
    response = getattr(error, "response", None)
    found = [getattr(error, "status_code", None), getattr(response, "status_code", None)]
    return next((value for value in found if isinstance(value, int) and value >= 400), None)
