"""Runs that were over before they had a handle, and how they are told of."""

import pytest
from qiskit.providers import JobStatus

from qiskit_haiqu_provider.engines.ended import EndedExecution
from qiskit_haiqu_provider.exceptions import HaiquJobError
from qiskit_haiqu_provider.run.result import RunResult


def told(execution):
    calls = []
    execution.on_done(lambda: calls.append("done"))
    return calls


def test_a_run_with_a_result():
    result = RunResult((), {"seed": 1})
    execution = EndedExecution("local-1", result, seconds=0.25)
    assert execution.id == "local-1"
    assert execution.status() is JobStatus.DONE
    assert execution.result() is result
    assert execution.wait(0)
    assert not execution.cancel()
    assert execution.seconds() == {"queue": 0.0, "run": 0.25}
    assert told(execution) == ["done"]


def test_a_run_that_failed():
    execution = EndedExecution("local-1", HaiquJobError("Job local-1 failed: why"))
    assert execution.status() is JobStatus.ERROR
    for _ in range(2):
        with pytest.raises(HaiquJobError, match="why"):
            execution.result()
    assert not execution.cancel()
    assert told(execution) == ["done"]
