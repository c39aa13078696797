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
    └── HaiquJobError               (JobError)            a job failed
        ├── HaiquJobTimeoutError    (JobTimeoutError)     waiting ended; the job goes on
        ├── HaiquJobCancelledError                        the job was cancelled
        └── HaiquJobNotFoundError                         no job with that id is known
"""

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


class HaiquJobError(HaiquError, JobError):
    """The job failed; the message holds the reason that the engine gave."""


class HaiquJobTimeoutError(HaiquJobError, JobTimeoutError):
    """``result(timeout)`` stopped waiting; the job is still alive."""


class HaiquJobCancelledError(HaiquJobError):
    """The job was cancelled, so there is no result."""


class HaiquJobNotFoundError(HaiquJobError):
    """No job with that id is known here."""
