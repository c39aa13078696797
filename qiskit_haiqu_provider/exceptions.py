"""Every error that the package raises on purpose.

Each class inherits our base and the Qiskit (or built-in) class that existing code already catches::

    HaiquError                      (QiskitError)
    ├── HaiquInputError             (ValueError)          an argument is wrong; says which, why, what to do
    │   ├── HaiquOptionError        (AttributeError)      an option does not exist or has a wrong value
    │   ├── HaiquCapacityError                            too wide or too large for the machine
    │   └── HaiquCircuitError                             a circuit does not fit the device
    ├── HaiquBackendNotFoundError   (QiskitBackendNotFoundError)
    ├── HaiquDependencyError        (ImportError)         an extra is not installed; says which
    ├── HaiquCostLimitError                               the estimate is above the cap; nothing was submitted
    │   └── HaiquBudgetError                              it would pass the budget, or the ledger cannot be used
    ├── HaiquAccountError                                 no key or credential was found, or an account cannot be used
    ├── HaiquApiError                                     a service did not do what was asked; see its attributes
    │   ├── HaiquAuthenticationError                      401, 403: the key is missing, wrong or not allowed
    │   ├── HaiquCreditError                              402: out of credit
    │   ├── HaiquNotFoundError                            404: not there, or not visible to the key
    │   ├── HaiquRequestError       (HaiquInputError)     400, 409, 413, 422: the request cannot be used
    │   ├── HaiquOutdatedError                            426: the service wants a newer client
    │   ├── HaiquRateLimitError                           429: too many requests
    │   ├── HaiquServerError                              5xx: the service failed
    │   ├── HaiquResponseError                            an answer that cannot be read
    │   ├── HaiquConnectionError    (ConnectionError)     the service cannot be reached, or the connection broke
    │   ├── HaiquTimeoutError       (TimeoutError)        the service did not answer in time
    │   └── HaiquSubmissionError    (JobError)            whether a job was accepted is not known; it was not sent again
    └── HaiquJobError               (JobError)            a job failed
        ├── HaiquJobTimeoutError    (JobTimeoutError)     waiting ended; the job goes on
        ├── HaiquJobCancelledError                        the job was cancelled
        └── HaiquJobNotFoundError                         no job with that id is known
"""

from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import (
    JobError,
    JobTimeoutError,
    QiskitBackendNotFoundError,
)


class HaiquError(QiskitError):
    """Base of all errors of this package."""

    def __str__(self) -> str:
        # QiskitError shows repr(message), which escapes the line that says what to do.
        return str(self.message)


class HaiquInputError(HaiquError, ValueError):
    """An argument cannot be used; nothing was submitted."""


class HaiquOptionError(HaiquInputError, AttributeError):
    """An option does not exist, or its value is not allowed."""


class HaiquCapacityError(HaiquInputError):
    """The request needs more qubits or memory than there are."""


class HaiquCircuitError(HaiquInputError):
    """The circuit does not fit the device; it was not transpiled silently."""


class HaiquBackendNotFoundError(HaiquError, QiskitBackendNotFoundError):
    """No device matches the name or the filters."""


class HaiquDependencyError(HaiquError, ImportError):
    """An optional dependency is missing."""


class HaiquCostLimitError(HaiquError):
    """The estimated cost is above ``max_cost_usd``; nothing was submitted."""


class HaiquBudgetError(HaiquCostLimitError):
    """The run would pass ``budget_usd``, or its ledger cannot be used; nothing was submitted."""


class HaiquAccountError(HaiquError):
    """A key or a credential is missing, or a saved account cannot be used; nothing was submitted."""


class HaiquApiError(HaiquError):
    """A service did not do what was asked.

    Args:
        message: What was wrong and what to do.
        status: HTTP status of the answer; ``None`` if there was none.
        detail: What the service said, with secrets removed.
        request_id: The service's name for the request, for its support.
        reached: Whether the request may have taken effect: ``False`` only if it certainly has not.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        detail: Any = None,
        request_id: str | None = None,
        reached: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.reached = reached

    def __reduce__(self) -> Any:
        facts = {name: getattr(self, name) for name in ("status", "detail", "request_id", "reached")}
        return _remade, (type(self), self.message, facts)


def _remade(kind: type[HaiquApiError], message: str, facts: dict[str, Any]) -> HaiquApiError:
    return kind(message, **facts)


class HaiquAuthenticationError(HaiquApiError):
    """The key is missing, wrong, or not allowed to do this."""


class HaiquCreditError(HaiquApiError):
    """The account has no credit left for billable jobs."""


class HaiquNotFoundError(HaiquApiError):
    """What was looked for is not there, or not visible to the key."""


class HaiquRequestError(HaiquApiError, HaiquInputError):
    """The service cannot use the request; nothing was submitted. ``detail`` names each field."""


class HaiquOutdatedError(HaiquApiError):
    """The service asks for a newer client."""


class HaiquRateLimitError(HaiquApiError):
    """Too many requests; waiting as the service asked did not help within the time that retries may take."""


class HaiquServerError(HaiquApiError):
    """The service failed."""


class HaiquResponseError(HaiquApiError):
    """The service answered something that cannot be read."""


class HaiquConnectionError(HaiquApiError, ConnectionError):
    """The service cannot be reached, or the connection broke."""


class HaiquTimeoutError(HaiquApiError, TimeoutError):
    """The service did not answer in time."""


class HaiquSubmissionError(HaiquApiError, JobError):
    """Whether a job was accepted is not known; it was not sent again."""


class HaiquJobError(HaiquError, JobError):
    """The job failed; the message holds the reason that the engine gave."""


class HaiquJobTimeoutError(HaiquJobError, JobTimeoutError):
    """``result(timeout)`` stopped waiting; the job is still alive."""


class HaiquJobCancelledError(HaiquJobError):
    """The job was cancelled, so there is no result."""


class HaiquJobNotFoundError(HaiquJobError):
    """No job with that id is known here."""
