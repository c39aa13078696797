"""What the log of a failed job says."""

import pytest

from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquJobError
from qiskit_haiqu_provider.gateway.execution.pool import ProcessDiedError
from qiskit_haiqu_provider.gateway.execution.processes import reason
from qiskit_haiqu_provider.gateway.settings import Limits


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HaiquCapacityError("PUB 3: 40 qubits are too many."), "circuit 3: 40 qubits are too many."),
        (HaiquJobError("Job local-0af1 failed: ZeroDivisionError: 1/0"), "ZeroDivisionError: 1/0"),
        (TimeoutError("late"), "The job ran longer than 86400 s and was stopped. Split it."),
        (ProcessDiedError("code -9"), "The process that ran the job ended"),
        (MemoryError(), "The job needs more memory"),
    ],
)
def test_a_failure_is_told_in_the_words_of_the_rest_api(error, text):
    assert reason(error, Limits()).startswith(text)


def test_what_nobody_foresaw_is_named_without_its_details(caplog):
    assert reason(ValueError("secret detail"), Limits()) == (
        "The job failed unexpectedly (ValueError). The server's log says more."
    )
    assert "secret detail" in caplog.text
