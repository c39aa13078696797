"""Runs straight at IBM: what comes back is what the circuits do, on every kind of register and order of bits."""

import json
import warnings

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Clbit, Parameter
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.engines.ibm import programs
from qiskit_haiqu_provider.engines.ibm.programs import client_side
from qiskit_haiqu_provider.exceptions import (
    HaiquCostLimitError,
    HaiquInputError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquOptionError,
)


def isa(circuit, backend, layout):
    return transpile(circuit, backend, initial_layout=layout, seed_transpiler=1)


def crooked():
    """Three registers, one of them empty; qubits 1 and 3 of 4 are flipped, bits are filled crosswise."""
    one, two = ClassicalRegister(3, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(4, "q"), one, ClassicalRegister(0, "none"), two)
    circuit.x([1, 3])
    circuit.measure(3, one[2])
    circuit.measure(0, one[0])
    circuit.measure(1, two[0])
    return circuit


def rotated():
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = QuantumCircuit(3)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.rx(phi, 2)
    circuit.cx(2, 1)
    return circuit


def options_of(job):
    """What IBM was told of how to run a job."""
    params = json.loads(job.params)
    if "quantum_program" in params:
        return params["quantum_program"]["passthrough_data"]["post_processor"]["options"]
    return {"resilience_level": params.get("resilience_level"), **params["options"]}


def test_bits_come_home(backend):
    circuit = isa(crooked(), backend, [4, 2, 0, 1])
    (result,) = SamplerV2(backend).run([circuit], shots=20).result()
    assert result.data.one.get_counts() == {"100": 20}
    assert result.data.two.get_counts() == {"01": 20}
    counts = backend.run(circuit, shots=30, memory=True).result()
    assert counts.get_counts() == {"01  100": 30}
    assert counts.get_memory() == ["01  100"] * 30


def test_bits_without_a_register_and_bits_of_two(backend):
    circuit = QuantumCircuit(2, 2)
    circuit.add_bits([Clbit(), Clbit()])
    circuit.add_register(ClassicalRegister(name="again", bits=[circuit.clbits[3], circuit.clbits[0]]))
    circuit.metadata = {"not for the wire": object()}
    circuit.x(0)
    circuit.measure(0, 2)
    circuit.measure(0, 3)
    counts = backend.run(isa(circuit, backend, [1, 2]), shots=10).result().get_counts()
    assert counts == {"1100": 10}


def test_sweeps_and_pubs_of_different_shots(backend, ibm):
    circuit = rotated()
    circuit.measure_all()
    circuit = isa(circuit, backend, [3, 2, 1])
    values = [[0, 0], [0, np.pi], [np.pi, 0]]  # phi, theta
    job = SamplerV2(backend).run([(circuit, values, 10), (circuit, values[1], 20), (circuit, values[2], 10)])
    first, second, third = job.result()
    assert [first.data.meas[i].get_counts() for i in range(3)] == [{"000": 10}, {"011": 10}, {"110": 10}]
    assert second.data.meas.get_counts() == {"011": 20}
    assert third.data.meas.get_counts() == {"110": 10}
    assert len(ibm.jobs) == 2, "one job for each number of shots"


def test_circuits_that_measure_nothing_are_not_sent(backend, ibm):
    quiet = QuantumCircuit(2, 2)
    result = backend.run([quiet, isa(crooked(), backend, [0, 1, 2, 3])], shots=5).result()
    assert result.get_counts(0) == {"00": 5}
    assert result.get_counts(1) == {"01  100": 5}
    assert backend.run(quiet, shots=5).result().get_counts() == {"00": 5}
    assert len(ibm.jobs) == 1


def test_expectation_values(backend, ibm):
    circuit = isa(rotated(), backend, [1, 2, 3])
    observables = [SparsePauliOp(["ZZI", "IZZ", "XII"], [1, 0.5, -2]), SparsePauliOp(["IIY", "III"], [1, 0.25])]
    values = np.array([[0.3, 0.4], [1.1, 2.0]])
    laid = [[observable.apply_layout(circuit.layout)] for observable in observables]
    (result,) = EstimatorV2(backend).run([(circuit, laid, values)], precision=1 / 64).result()
    exact = [
        [Statevector(rotated().assign_parameters(row)).expectation_value(item).real for row in values]
        for item in observables
    ]
    assert result.data.stds.shape == (2, 2)
    assert np.all(result.data.stds < 0.06)
    np.testing.assert_allclose(result.data.evs, exact, atol=0.12)
    (sent,) = ibm.submitted()
    assert options_of(sent)["default_shots"] == 4096
    assert not options_of(sent)["twirling"]["enable_gates"]
    assert not options_of(sent)["dynamical_decoupling"]["enable"]


FLAGS = ("dynamical_decoupling", "readout_mitigation", "noise_tailoring", "advanced_mitigation")


@pytest.mark.parametrize("on", FLAGS)
def test_each_flag_of_mitigation_is_sent(backend, ibm, on):
    circuit = isa(rotated().assign_parameters([0.3, 0.4]), backend, [1, 2, 3])
    observable = SparsePauliOp("ZZI").apply_layout(circuit.layout)
    estimator = EstimatorV2(backend)
    estimator.options.use_mitigation = True
    estimator.options.mitigation = {name: name == on for name in FLAGS}
    result = estimator.run([(circuit, observable)], precision=0.05).result()[0]
    assert abs(result.data.evs - np.cos(0.4)) < 0.3
    assert result.metadata["haiqu"]["mitigation"] == {"where": "engine"}
    sent = options_of(ibm.submitted()[0])
    assert sent["resilience_level"] == 0
    told = [
        sent["dynamical_decoupling"]["enable"],
        sent["resilience"]["measure_mitigation"],
        sent["twirling"]["enable_gates"],
        sent["resilience"]["zne_mitigation"],
    ]
    assert [bool(flag) for flag in told] == [name == on for name in FLAGS]


@pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")
def test_the_primitives_of_older_clients(backend, ibm, monkeypatch):
    """They are still there, and send what IBM's own sampler and estimator take."""
    monkeypatch.setattr(programs, "client_side", lambda: False)
    sampled = SamplerV2(backend).run([isa(crooked(), backend, [4, 2, 0, 1])], shots=20)
    assert sampled.result()[0].data.one.get_counts() == {"100": 20}
    estimator = EstimatorV2(backend)
    estimator.options.use_mitigation = True
    estimator.options.mitigation = {"dynamical_decoupling": False}
    estimate = estimator.estimate_cost([energy(backend)], precision=0.05)
    assert (estimate.circuits, estimate.shots) == (6, 2400)
    assert "estimated" in estimate.unknown
    values = estimator.run([energy(backend)], precision=0.05).result()[0].data
    assert abs(values.evs - 3) < 0.3
    first, second = ibm.submitted()
    assert (first.body["program_id"], second.body["program_id"]) == ("sampler", "estimator")
    assert options_of(second)["resilience"] == {"measure_mitigation": True, "zne_mitigation": True}
    assert all(job.tags[0].startswith("client-token-") for job in ibm.submitted())


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_results_that_the_client_does_not_recognise(backend, ibm, kind):
    """IBM's client reads results by a mark in the program; without it they are raw, and are worked out all the same."""
    if not client_side():
        pytest.skip("this version of the client sends no programs")
    ibm.queue = 1000
    if kind == "sampler":
        job = SamplerV2(backend).run([isa(crooked(), backend, [0, 1, 2, 3])], shots=20)
    else:
        estimator = EstimatorV2(backend)
        estimator.options.use_mitigation = True
        estimator.options.mitigation = {"advanced_mitigation": False}
        job = estimator.run([energy(backend)], precision=0.05)
    (sent,) = ibm.submitted()
    params = json.loads(sent.params)
    params["quantum_program"]["semantic_role"] = None
    sent.params, sent.queue = json.dumps(params), 0
    data = job.result()[0].data
    assert data.one.get_counts() == {"100": 20} if kind == "sampler" else abs(data.evs - 3) < 0.3


def test_mitigated_samples(backend, ibm):
    circuit = isa(crooked(), backend, [0, 1, 2, 3])
    sampler = SamplerV2(backend)
    sampler.options.use_mitigation = True
    sampler.options.mitigation = {"where": "engine"}
    with pytest.raises(HaiquOptionError, match=r"does not mitigate the errors of such a run.*where='client'"):
        sampler.run([circuit], shots=100)
    assert not ibm.jobs
    sampler.options.mitigation = {"num_randomizations": 4}
    result = sampler.run([circuit], shots=100).result()[0]
    assert result.data.one.get_counts() == {"100": 100}
    assert result.metadata["haiqu"]["mitigation"]["randomizations"] == 4
    assert not options_of(ibm.submitted()[0])["twirling"]["enable_gates"]


def test_what_no_device_can_do_is_refused(backend, ibm):
    circuit = isa(rotated().assign_parameters([0, 0]), backend, [1, 2, 3])
    with pytest.raises(HaiquInputError, match="precision=0"):
        EstimatorV2(backend).run([(circuit, SparsePauliOp("I" * 5))], precision=0)
    with pytest.raises(HaiquInputError, match="no statevector"):
        backend.statevector(circuit)
    with pytest.raises(HaiquOptionError, match="max_execution_time"):
        backend.set_options(max_execution_tim=3)
    with pytest.raises(HaiquInputError, match="max_execution_time"):
        backend.set_options(max_execution_time=0)
    assert not ibm.jobs


def energy(backend):
    """A GHZ state, and an observable of two measurement groups."""
    ghz = QuantumCircuit(4)
    ghz.h(0)
    for qubit in range(3):
        ghz.cx(qubit, qubit + 1)
    ghz = isa(ghz, backend, [0, 1, 2, 3])
    return ghz, SparsePauliOp(["ZZII", "IZZI", "XXXX"]).apply_layout(ghz.layout)


def test_the_price_is_known_before_and_after(backend, ibm):
    estimator = EstimatorV2(backend)
    estimate = estimator.estimate_cost([energy(backend)])
    assert (estimate.circuits, estimate.shots) == (2, 8192)
    assert estimate.amount == pytest.approx(4.8672)
    assert estimate.usd == pytest.approx(4.8672 * 1.6)
    estimator.options.max_cost_usd = 1
    with pytest.raises(HaiquCostLimitError):
        estimator.run([energy(backend)])
    assert not ibm.jobs
    estimator.options.max_cost_usd = 100
    job = estimator.run([energy(backend)])
    job.result()
    assert job.usage() == {"qpu_seconds": 4.1, "usd": pytest.approx(6.56), "run_seconds": 6.5}


@pytest.mark.parametrize(
    ("on", "shots", "seconds"),
    [
        (["readout_mitigation"], 12288, 6.3008),
        (["readout_mitigation", "noise_tailoring", "advanced_mitigation"], 28672, 12.0352),
    ],
)
def test_the_executions_of_mitigation_are_counted(backend, on, shots, seconds):
    if not client_side():
        pytest.skip("this version of the client does not tell them")
    estimator = EstimatorV2(backend)
    estimator.options.use_mitigation = True
    estimator.options.mitigation = {name: name in on for name in FLAGS}
    estimate = estimator.estimate_cost([energy(backend)])
    assert estimate.shots == shots
    assert estimate.amount == pytest.approx(seconds)


def test_a_plan_that_costs_nothing(connect, ibm):
    ibm.plan = "Open"
    backend = connect().get_backend("ibm_manila")
    estimate = EstimatorV2(backend).estimate_cost([energy(backend)])
    assert (estimate.usd, estimate.kind) == (0.0, "free")


def test_the_hard_limit_of_a_run(backend, ibm):
    backend.set_options(max_execution_time=30, rep_delay=0.0005)
    backend.run(isa(crooked(), backend, [0, 1, 2, 3]), shots=5)
    assert ibm.submitted()[0].body["cost"] == 30


@pytest.mark.parametrize(("kind", "mode"), [("session", "dedicated"), ("batch", "batch")])
def test_sessions_and_batches(backend, ibm, kind, mode):
    circuit = isa(crooked(), backend, [0, 1, 2, 3])
    with getattr(backend, kind)(max_time=60) as inside:
        job = inside.run(circuit, shots=5)
    (session,) = ibm.sessions.values()
    assert (session["mode"], session["max_ttl"], session["accepting_jobs"]) == (mode, 60, False)
    assert ibm.jobs[job.job_id()].body["session_id"] == session["id"]
    assert job.result().get_counts() == {"01  100": 5}
    assert backend.options.session_id is None
    with pytest.raises(HaiquInputError, match="no session 'session-0' is open"):
        inside.run(circuit, shots=5)
    with pytest.raises(HaiquInputError, match="max_time must be None or a whole number"), backend.session(max_time=0):
        pytest.fail("it was opened")


def test_fractional_gates_and_control_flow(connect, ibm):
    ibm.devices = {"ibm_fez": "fez"}
    with pytest.raises(HaiquInputError, match="does not support fractional gates"):
        connect().get_backend("ibm_fez", use_fractional_gates=True).target  # noqa: B018
    ibm.fractional = True
    backend = connect().get_backend("ibm_fez", use_fractional_gates=True)
    assert backend.num_qubits == 156
    assert {"rzz", "rx", "if_else", "cz"} <= set(backend.operation_names)
    circuit = QuantumCircuit(2, 3)
    circuit.rx(np.pi, [0])
    circuit.rzz(0.3, 0, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.rx(np.pi, 1)
    circuit.measure([0, 1], [1, 2])
    circuit = isa(circuit, backend, [20, 21])
    assert circuit.count_ops()["rzz"] == 1
    assert backend.run(circuit, shots=20).result().get_counts() == {"111": 20}


def test_cancel(backend, ibm):
    ibm.queue = 1000
    job = backend.run(isa(crooked(), backend, [0, 1, 2, 3]), shots=5)
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    with pytest.raises(HaiquJobCancelledError):
        job.result()


def test_a_failure_with_its_reason(backend, ibm):
    ibm.reason = "the fridge is warm"
    job = backend.run(isa(crooked(), backend, [0, 1, 2, 3]), shots=5)
    with pytest.raises(HaiquJobError, match="8888; the fridge is warm"):
        job.result()


def test_a_word_that_nobody_knows_is_no_success(backend, ibm):
    job = backend.run(isa(crooked(), backend, [0, 1, 2, 3]), shots=5)
    ibm.jobs[job.job_id()].status = "Pondering"
    ibm.jobs[job.job_id()].queue = 10**9
    assert job.status() is JobStatus.RUNNING
    ibm.jobs[job.job_id()].status = "Queued"
    ibm.jobs[job.job_id()].queue = 0
    assert job.result().get_counts() == {"01  100": 5}


def test_another_provider_follows_the_job(backend, connect, ibm):
    ibm.queue = 2
    job = backend.run(isa(crooked(), backend, [0, 1, 2, 3]), shots=5)
    found = connect().job(job.job_id())
    assert found.result().get_counts() == {"01  100": 5}
    assert found.usage()["qpu_seconds"] == 4.1


def test_a_noisy_twin(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Aer about calibration data
        counts = backend.to_aer().run(isa(crooked(), backend, [0, 1, 2, 3]), shots=1000, seed_simulator=1).result()
    found = {key.replace(" ", ""): count for key, count in counts.get_counts().items()}
    assert 700 < found["01100"] < 1000
