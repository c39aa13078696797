"""The progress bar, and what takes its place."""

import io

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_haiqu_provider import EstimatorV2, HaiquInputError
from qiskit_haiqu_provider.progress import ProgressBar, shown


def sweep():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("t"), 0)
    return circuit, "Z", [[0.1 * index] for index in range(5)]


def test_a_bar_is_shown_on_request(monkeypatch):
    import sys

    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    EstimatorV2(options={"progress": True}).run([sweep()]).result()
    assert "5/5" in screen.getvalue()


def test_a_bar_follows_and_ends(monkeypatch):
    import sys

    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = ProgressBar()
    assert screen.getvalue() == ""
    bar(1, 3)
    bar(3, 3)
    assert "3/3" in screen.getvalue()


def test_a_function_is_taken_as_it_is():
    assert shown(print) is print
    assert shown(None) is None
    assert shown(False) is None


def test_anything_else_is_refused():
    with pytest.raises(HaiquInputError, match="progress"):
        EstimatorV2(options={"progress": 3})
