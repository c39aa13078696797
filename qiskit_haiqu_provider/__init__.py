"""Run Qiskit primitives anywhere: on a local simulator, through the Haiqu cloud, or straight to a vendor.

Names are imported on first use, so that ``import qiskit_haiqu_provider`` costs little more than Qiskit.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.version import __version__ as __version__

if TYPE_CHECKING:
    from qiskit_haiqu_provider.backend import HaiquBackend
    from qiskit_haiqu_provider.compare import CostComparison, DeviceCost
    from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine, JobCost
    from qiskit_haiqu_provider.cost.ledger import Ledger, LedgerEntry
    from qiskit_haiqu_provider.exceptions import (
        HaiquAccountError,
        HaiquApiError,
        HaiquAuthenticationError,
        HaiquBackendNotFoundError,
        HaiquBudgetError,
        HaiquCapacityError,
        HaiquCircuitError,
        HaiquConnectionError,
        HaiquCostLimitError,
        HaiquCreditError,
        HaiquDependencyError,
        HaiquError,
        HaiquInputError,
        HaiquJobCancelledError,
        HaiquJobError,
        HaiquJobNotFoundError,
        HaiquJobTimeoutError,
        HaiquNotFoundError,
        HaiquOptionError,
        HaiquOutdatedError,
        HaiquRateLimitError,
        HaiquRequestError,
        HaiquResponseError,
        HaiquServerError,
        HaiquSubmissionError,
        HaiquTimeoutError,
    )
    from qiskit_haiqu_provider.job import HaiquJob
    from qiskit_haiqu_provider.options.definitions import (
        EstimatorOptions,
        MitigationOptions,
        SamplerOptions,
    )
    from qiskit_haiqu_provider.primitives.estimator import EstimatorV2
    from qiskit_haiqu_provider.primitives.sampler import SamplerV2
    from qiskit_haiqu_provider.provider import HaiquProvider

__all__ = [
    "CostComparison",
    "CostEstimate",
    "CostLine",
    "DeviceCost",
    "EstimatorOptions",
    "EstimatorV2",
    "HaiquAccountError",
    "HaiquApiError",
    "HaiquAuthenticationError",
    "HaiquBackend",
    "HaiquBackendNotFoundError",
    "HaiquBudgetError",
    "HaiquCapacityError",
    "HaiquCircuitError",
    "HaiquConnectionError",
    "HaiquCostLimitError",
    "HaiquCreditError",
    "HaiquDependencyError",
    "HaiquError",
    "HaiquInputError",
    "HaiquJob",
    "HaiquJobCancelledError",
    "HaiquJobError",
    "HaiquJobNotFoundError",
    "HaiquJobTimeoutError",
    "HaiquNotFoundError",
    "HaiquOptionError",
    "HaiquOutdatedError",
    "HaiquProvider",
    "HaiquRateLimitError",
    "HaiquRequestError",
    "HaiquResponseError",
    "HaiquServerError",
    "HaiquSubmissionError",
    "HaiquTimeoutError",
    "JobCost",
    "Ledger",
    "LedgerEntry",
    "MitigationOptions",
    "SamplerOptions",
    "SamplerV2",
]

_ROOMS = {
    "CostComparison": "compare",
    "CostEstimate": "cost.estimate",
    "CostLine": "cost.estimate",
    "DeviceCost": "compare",
    "EstimatorOptions": "options.definitions",
    "EstimatorV2": "primitives.estimator",
    "HaiquBackend": "backend",
    "HaiquJob": "job",
    "HaiquProvider": "provider",
    "JobCost": "cost.estimate",
    "Ledger": "cost.ledger",
    "LedgerEntry": "cost.ledger",
    "MitigationOptions": "options.definitions",
    "SamplerOptions": "options.definitions",
    "SamplerV2": "primitives.sampler",
}
"""Where each public name lives; the errors live in ``exceptions``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module(f"{__name__}.{_ROOMS.get(name, 'exceptions')}")
    value = getattr(room, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
