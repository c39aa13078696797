"""What is kept of a job is what was run, whatever happens to circuits and results afterwards."""

import threading

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.store import JobStore

LONG = 60
"""Seconds that a test waits at most for what must happen."""

WRITTEN = {"name": "bell", "nested": {"list": [1, [2.5, None]], "tuple": [{"a": 1}]}, "array": [0, 1, 2], "set": [7]}
"""The metadata of :func:`bell` in JSON."""


def bell():
    metadata = {
        "name": "bell",
        "nested": {"list": [1, [2.5, None]], "tuple": ({"a": 1},)},
        "array": np.arange(3),
        "set": {7},
    }
    circuit = QuantumCircuit(2, metadata=metadata)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def measured():
    circuit = bell()
    circuit.measure_all()
    return circuit


def spoil(metadata):
    """Change metadata in place, at each depth."""
    metadata["name"] = "spoilt"
    metadata["nested"]["list"][1].append("spoilt")
    metadata["nested"]["tuple"][0]["a"] = "spoilt"
    metadata["array"][0] = 99
    metadata["set"].add("spoilt")
    metadata["new"] = "spoilt"


def kept(job):
    """The record of a job on disk."""
    JobStore().flush()
    return JobStore().read(job.job_id())


RUNS = {
    "sampler": lambda provider, circuit: SamplerV2(provider.get_backend()).run([circuit.measure_all(inplace=False)]),
    "estimator": lambda provider, circuit: EstimatorV2(provider.get_backend()).run([(circuit, "ZZ")]),
    "backend": lambda provider, circuit: provider.get_backend().run(circuit.measure_all(inplace=False)),
}


@pytest.mark.parametrize("kind", RUNS)
def test_metadata_is_kept_as_it_was_when_the_circuit_was_run(provider, kind):
    circuit = bell()
    job = RUNS[kind](provider, circuit)
    spoil(circuit.metadata)
    [outline] = kept(job).plan["outlines"]
    assert outline["circuit_metadata"] == WRITTEN


def test_metadata_of_a_job_that_takes_longer_is_kept_as_it_was_when_it_was_run(provider):
    reached, opened = threading.Event(), threading.Event()

    def progress(done, total):
        reached.set()
        opened.wait(LONG)

    circuit = measured()
    job = SamplerV2(provider.get_backend(), options={"progress": progress}).run([circuit])
    assert reached.wait(LONG)
    spoil(circuit.metadata)
    opened.set()
    job.result(LONG)
    found = kept(job)
    assert (found.status, found.plan["outlines"][0]["circuit_metadata"]) == ("DONE", WRITTEN)


@pytest.mark.parametrize("metadata", [{}, {"name": "bell"}], ids=["none", "plain"])
def test_what_is_added_to_a_result_is_not_kept(provider, metadata):
    circuit = measured()
    circuit.metadata = dict(metadata)
    job = SamplerV2(provider.get_backend()).run([circuit])
    job.result()[0].metadata["circuit_metadata"]["note"] = "good"
    assert kept(job).plan["outlines"][0]["circuit_metadata"] == metadata


def test_facts_of_a_run_are_kept_as_they_were(provider):
    job = SamplerV2(provider.get_backend()).run([measured()])
    told = job.result().metadata["haiqu"]
    before = list(told["routes"])
    told["routes"].append("spoilt")
    assert before
    assert kept(job).facts["routes"] == before


def test_metadata_that_holds_itself_is_kept(provider):
    circuit = measured()
    circuit.metadata = {"name": "bell"}
    circuit.metadata["self"] = circuit.metadata
    job = SamplerV2(provider.get_backend()).run([circuit])
    found = kept(job).plan["outlines"][0]["circuit_metadata"]
    assert (found["name"], found["self"]["self"]["name"]) == ("bell", "bell")


class Odd:
    """Metadata that looks like an array, and is none."""

    def tolist(self):
        raise RuntimeError("no list")


@pytest.mark.parametrize("odd", [{"value": Odd()}, {"nested": [Odd()]}], ids=["value", "nested"])
def test_metadata_that_cannot_be_told_runs_all_the_same(provider, odd, caplog):
    circuit = measured()
    circuit.metadata = odd
    assert SamplerV2(provider.get_backend()).run([circuit]).result()[0].metadata["circuit_metadata"] == odd
    JobStore().flush()
    assert "The record of a job could not be written" in caplog.text
