"""Runs at Coda: what comes back is what the circuits do, and what it costs is known before."""

import gc

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.exceptions import (
    HaiquCapacityError,
    HaiquCircuitError,
    HaiquCostLimitError,
    HaiquInputError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquResponseError,
)
from tests.vendors.coda.server import TOKEN
from tests.vendors.web import Response


def crooked():
    """Three registers, one of them empty; qubits 1 and 3 of 5 are flipped, and bits are filled crosswise."""
    one, two = ClassicalRegister(3, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(5, "q"), one, ClassicalRegister(0, "none"), two)
    circuit.x([1, 3])
    circuit.measure(3, one[2])
    circuit.measure(0, one[0])
    circuit.measure(1, two[0])
    return circuit


@pytest.mark.parametrize("order", ["last_first", "first_first"])
@pytest.mark.parametrize("framework", ["openqasm3", "qiskit"])
def test_bits_come_home(provider, coda, order, framework):
    coda.first_first = order == "first_first"
    backend = provider.get_backend("coda_iqm", bit_order=order, source_framework=framework)
    (result,) = SamplerV2(backend).run([crooked()], shots=20).result()
    assert result.data.one.get_counts() == {"100": 20}
    assert result.data.two.get_counts() == {"01": 20}
    counts = backend.run(crooked(), shots=30, memory=True).result()
    assert counts.get_counts() == {"01  100": 30}
    assert counts.get_memory() == ["01  100"] * 30


def test_the_assumed_order_is_told_once(provider, coda, caplog):
    backend = provider.get_backend("coda_iqm")
    for _ in range(2):
        assert backend.run(crooked(), shots=10).result().get_counts() == {"01  100": 10}
    assert caplog.text.count("does not tell the order") == 1
    assert "bit_order='last_first' or 'first_first'" in caplog.text


def test_what_is_sent(provider, coda):
    backend = provider.get_backend("coda_iqm", braket_execution_mode_hint="program_set", bit_order="last_first")
    job = backend.run(crooked(), shots=10)
    job.result()
    (sent,) = coda.jobs.values()
    text = sent.body.pop("code")
    assert text.startswith("OPENQASM 3")
    assert "qubit[3] q;" in text
    assert sent.body == {
        "source_framework": "openqasm3",
        "backend": "iqm",
        "shots": 10,
        "accept_overage": False,
        "braket_execution_mode_hint": "program_set",
    }
    assert job.job_id() in coda.jobs


def test_a_sweep(backend, coda):
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.measure_all()
    (result,) = SamplerV2(backend).run([(circuit, [[0], [np.pi], [2 * np.pi]])], shots=50).result()
    assert [result.data.meas[i].get_counts() for i in range(3)] == [{"0": 50}, {"1": 50}, {"0": 50}]
    assert len(coda.jobs) == 3


def test_expectation_values(backend, coda):
    """<ZZI> and <IXX> of a Bell state beside a qubit in |1>, and with their covariance in one group."""
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    observables = [SparsePauliOp(["IZZ", "ZII"], [2.0, 0.5]), SparsePauliOp("IXX"), SparsePauliOp(["III"], [3.0])]
    (result,) = EstimatorV2(backend).run([(circuit, observables)], precision=0.1).result()
    assert result.data.evs == pytest.approx([1.5, 1.0, 3.0])
    assert result.data.stds == pytest.approx([0.0, 0.0, 0.0])
    assert len(coda.jobs) == 2


def test_an_estimate_of_a_random_bit_has_an_error(backend):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    (result,) = EstimatorV2(backend).run([(circuit, "Z")], precision=0.02).result()
    assert abs(result.data.evs) < 0.1
    assert result.data.stds == pytest.approx(0.02, rel=0.01)


def test_lost_shots_become_a_distribution(backend, coda):
    coda.missing_shots = 3
    assert backend.run(crooked(), shots=20).result().get_counts() == {"01  100": 20}


# Cost.


def test_the_price_is_coda_s_own(backend, coda, web):
    estimate = backend.estimate_cost([crooked(), crooked()], shots=100)
    assert (estimate.amount, estimate.unit, estimate.usd) == (260.0, "cents", 2.6)
    assert (estimate.circuits, estimate.shots, estimate.kind) == (2, 200, "quote")
    assert [(line.index, line.usd) for line in estimate.lines] == [(0, 1.3), (1, 1.3)]
    assert [job.name for job in estimate.jobs] == ["job 1 of 2", "job 2 of 2"]
    assert not coda.jobs
    with pytest.raises(HaiquCostLimitError, match=r"1\.30 USD"):
        backend.run(crooked(), shots=100, max_cost_usd=1.29)
    assert not coda.jobs
    job = backend.run(crooked(), shots=100, max_cost_usd=1.3)
    job.result()
    assert job.usage()["usd"] == 1.3


def test_of_a_sweep_one_set_is_quoted(backend, web):
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.measure_all()
    estimate = SamplerV2(backend).estimate_cost([(circuit, np.linspace(0, 1, 50)[:, None])], shots=100)
    assert (estimate.circuits, estimate.usd) == (50, pytest.approx(65.0))
    assert sum("estimate" in request.path for request in web.requests) == 1


@pytest.mark.parametrize("cents", [None, "130", -1, True])
def test_no_price_is_no_price(backend, coda, cents):
    coda.upset("POST /qpus/estimate-cost", Response({"success": True, "estimated_cost_cents": cents}))
    with pytest.raises(HaiquResponseError, match="no price"):
        backend.estimate_cost(crooked(), shots=100)


# Following.


def test_a_job_is_followed_and_found_again(backend, coda):
    coda.waits = 2
    job = backend.run(crooked(), shots=10)
    assert job.status() is JobStatus.QUEUED
    assert job.result().get_counts() == {"01  100": 10}
    again = HaiquProvider(credentials={"coda_token": TOKEN}).job(job.job_id())
    assert again.result().get_counts() == {"01  100": 10}


def test_a_new_provider_follows_a_job_that_runs(backend, coda):
    coda.waits = 3
    job_id = backend.run(crooked(), shots=10).job_id()
    gc.collect()  # the first handle is gone, as with its process
    again = HaiquProvider(credentials={"coda_token": TOKEN}).job(job_id)
    assert again.result().get_counts() == {"01  100": 10}


def test_it_fails_with_the_reason(backend, coda):
    coda.failure = "Qubit calibration timeout after 30s"
    job = backend.run(crooked(), shots=10)
    with pytest.raises(HaiquJobError, match="Qubit calibration timeout after 30s"):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert "failed Qubit calibration" in job.logs()


def test_there_is_no_cancel(backend, coda):
    coda.waits = 100
    job = backend.run(crooked(), shots=10)
    with pytest.raises(HaiquJobError, match="no way to cancel"):
        job.cancel()


def test_an_unknown_word_is_no_success(backend, coda):
    job = backend.run(crooked(), shots=10)
    coda.upset("POST /qpus/status", Response({"success": True, "status": "mulling"}), Response({"success": True}))
    assert job.status() is JobStatus.RUNNING
    assert job.result().get_counts() == {"01  100": 10}


def test_looks_are_repeated_through_trouble(backend, coda):
    job = backend.run(crooked(), shots=10)
    busy = Response(status=429, headers={"retry-after": "0"})
    coda.upset("POST /qpus/status", Response(status=503), busy, Response({"success": False, "error": "try again"}))
    assert job.result().get_counts() == {"01  100": 10}


def test_a_job_that_coda_does_not_know(backend, coda):
    job = backend.run(crooked(), shots=10)
    coda.jobs.clear()
    with pytest.raises(HaiquResponseError, match=f"Job {job.job_id()} not found"):
        job.status()
    coda.upset("POST /qpus/status", Response({"detail": "no such job"}, 404))
    with pytest.raises(HaiquNotFoundError, match="Coda has no job"):
        job.status()


@pytest.mark.parametrize(
    "results",
    [None, {}, {"101": "10"}, {"101": -1}, {"101": 0.5}, {"11": 10}, {"10x": 10}, ["101"], {"101": True}],
)
def test_results_that_cannot_be_read(backend, coda, results):
    job = backend.run(crooked(), shots=10)
    done = Response({"success": True, "status": "completed", "results": results})
    coda.upset("POST /qpus/status", done, done, done)
    with pytest.raises(HaiquResponseError):
        job.result()


# Refused before anything is sent.


def test_what_coda_cannot_do_is_refused(backend, coda):
    dynamic = QuantumCircuit(1, 1)
    dynamic.measure(0, 0)
    dynamic.x(0)
    with pytest.raises(HaiquCircuitError, match="acts on a qubit after its measurement"):
        backend.run(dynamic, shots=100)
    wide = QuantumCircuit(21)
    wide.h(range(21))
    wide.measure_all()
    with pytest.raises(HaiquCapacityError, match="uses 21 qubits, but coda_iqm has 20"):
        backend.run(wide, shots=100)
    with pytest.raises(HaiquInputError, match="shots is 4, but Coda takes 10 to 10,000"):
        EstimatorV2(backend).run([(QuantumCircuit(1), "Z")], precision=0.5)
    with pytest.raises(HaiquInputError, match="precision=0"):
        EstimatorV2(backend).run([(QuantumCircuit(1), "Z")], precision=0)
    with pytest.raises(HaiquInputError, match="Coda compiles every circuit"):
        backend.run(crooked(), shots=100, use_mitigation=True)
    assert not coda.jobs


def test_a_circuit_that_measures_nothing_costs_nothing(backend, coda):
    circuit = QuantumCircuit(2, 3)
    assert backend.run(circuit, shots=10).result().get_counts() == {"000": 10}
    assert not coda.jobs
