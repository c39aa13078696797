"""Errors: caught by the classes that existing code names, and readable."""

import inspect
import pickle

import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobTimeoutError, QiskitBackendNotFoundError

from qiskit_haiqu_provider import exceptions
from qiskit_haiqu_provider.exceptions import HaiquError

ERRORS = sorted(
    (kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, HaiquError)),
    key=lambda kind: kind.__name__,
)

CAUGHT_BY = {
    "HaiquInputError": {ValueError},
    "HaiquOptionError": {exceptions.HaiquInputError, ValueError, AttributeError},
    "HaiquCapacityError": {exceptions.HaiquInputError, ValueError},
    "HaiquCircuitError": {exceptions.HaiquInputError, ValueError},
    "HaiquBackendNotFoundError": {QiskitBackendNotFoundError},
    "HaiquDependencyError": {ImportError},
    "HaiquCostLimitError": {HaiquError},
    "HaiquBudgetError": {exceptions.HaiquCostLimitError},
    "HaiquAccountError": {HaiquError},
    "HaiquApiError": {HaiquError},
    "HaiquAuthenticationError": {exceptions.HaiquApiError},
    "HaiquCreditError": {exceptions.HaiquApiError},
    "HaiquNotFoundError": {exceptions.HaiquApiError},
    "HaiquRequestError": {exceptions.HaiquApiError, exceptions.HaiquInputError, ValueError},
    "HaiquOutdatedError": {exceptions.HaiquApiError},
    "HaiquRateLimitError": {exceptions.HaiquApiError},
    "HaiquServerError": {exceptions.HaiquApiError},
    "HaiquResponseError": {exceptions.HaiquApiError},
    "HaiquConnectionError": {exceptions.HaiquApiError, ConnectionError},
    "HaiquTimeoutError": {exceptions.HaiquApiError, TimeoutError},
    "HaiquSubmissionError": {exceptions.HaiquApiError, JobError},
    "HaiquJobError": {JobError},
    "HaiquJobTimeoutError": {exceptions.HaiquJobError, JobError, JobTimeoutError},
    "HaiquJobCancelledError": {exceptions.HaiquJobError, JobError},
    "HaiquJobNotFoundError": {exceptions.HaiquJobError, JobError},
}

MESSAGE = "first line\nsecond 'line' of ω"


def test_every_error_is_covered_here():
    assert {kind.__name__ for kind in ERRORS} == {"HaiquError", *CAUGHT_BY}


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_existing_code_catches_it(name):
    kind = getattr(exceptions, name)
    for wider in {HaiquError, QiskitError, *CAUGHT_BY[name]}:
        with pytest.raises(wider):
            raise kind("text")


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_the_text_is_shown_as_it_was_written(kind):
    assert str(kind(MESSAGE)) == MESSAGE


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_it_survives_pickling(kind):
    again = pickle.loads(pickle.dumps(kind(MESSAGE)))
    assert type(again) is kind
    assert str(again) == MESSAGE


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_the_docs_of_the_module_show_it(kind):
    assert kind.__name__ in exceptions.__doc__
    assert kind.__doc__


def test_an_option_error_is_no_job_error():
    assert not issubclass(exceptions.HaiquOptionError, JobError)
    assert not issubclass(exceptions.HaiquCostLimitError, ValueError)
