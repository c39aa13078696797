"""The engine in front of a real gateway: what users do, from circuits to results."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.engines.base import RemoteEngine, RemoteExecution
from qiskit_haiqu_provider.engines.haiqu.adoption import JobFilter
from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquInputError, HaiquOptionError, HaiquRequestError

PRECISION = 0.02
FAR = 6
"""Standard errors that a correct result does not differ by."""


def ansatz():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.ry(a, 0)
    circuit.rx(2 * b, 1)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    return circuit


def registers():
    left, right = ClassicalRegister(2, "left"), ClassicalRegister(3, "right")
    circuit = QuantumCircuit(QuantumRegister(5, "q"), left, right)
    circuit.x([0, 3])
    circuit.measure([0, 1], left)
    circuit.measure([2, 3, 4], right)
    return circuit


@pytest.fixture(params=["run", "flow"])
def backend(backend_of, request):
    """The simulator, through either endpoint."""
    return backend_of(api=request.param, seed_simulator=11)


def test_the_engine_is_remote(engine):
    assert isinstance(engine, RemoteEngine)


def test_estimates_agree_with_exact_values_in_every_shape(backend):
    rng = np.random.default_rng(5)
    observables = [[SparsePauliOp(["ZZI", "XXX"], [0.5, -1.25])], ["IIZ"], [SparsePauliOp(["YYI", "III"], [1, 2])]]
    pubs = [
        (ansatz(), observables, rng.uniform(-3, 3, (4, 2))),
        (ansatz(), ["ZZI", "IZZ"], rng.uniform(-3, 3, (2, 2))),
        (ansatz(), SparsePauliOp("XIX"), rng.uniform(-3, 3, 2)),
        (ansatz().assign_parameters([0.3, 0.4]), "ZII"),
    ]
    exact = StatevectorEstimator().run(pubs).result()
    job = EstimatorV2(backend).run(pubs, precision=PRECISION)
    assert isinstance(job._execution, RemoteExecution)
    for found, wanted in zip(job.result(), exact, strict=True):
        assert found.data.evs.shape == wanted.data.evs.shape
        bound = FAR * np.maximum(found.data.stds, 1e-9)
        assert (np.abs(found.data.evs - wanted.data.evs) <= bound).all()
        assert found.metadata["shots"] == 2500
    # Circuits with parameters, and those without, are jobs of their own.
    assert [entry["circuits"] for entry in job.plan.jobs] == [4, 1]
    assert sum(entry["evaluations"] for entry in job.plan.jobs) == 12 + 2 + 1 + 1


def test_exact_values_come_from_states(backend):
    values = np.linspace(-1, 1, 6).reshape(3, 2)
    pub = (ansatz(), [["ZZI"], [SparsePauliOp(["XXX", "III"], [0.5, 2])]], values)
    result = EstimatorV2(backend).run([pub], precision=0).result()[0]
    exact = StatevectorEstimator().run([pub]).result()[0]
    np.testing.assert_allclose(result.data.evs, exact.data.evs, atol=1e-12)
    assert not result.data.stds.any()


def test_states_are_exact(backend):
    circuit = ansatz().assign_parameters([0.3, -0.7])
    np.testing.assert_allclose(backend.statevector(circuit).data, Statevector(circuit).data, atol=1e-12)


def test_registers_keep_their_bits(backend):
    result = SamplerV2(backend).run([registers()], shots=7).result()[0]
    assert result.data.left.get_counts() == {"01": 7}
    assert result.data.right.get_counts() == {"010": 7}
    assert backend.run(registers(), shots=7, memory=True).result().get_counts() == {"010 01": 7}


def test_sweeps_of_a_sampler_have_their_shape(backend):
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("t"), 1)
    circuit.measure_all()
    result = SamplerV2(backend).run([(circuit, [[[0.0], [np.pi]]])], shots=20).result()[0]
    assert result.data.meas.shape == (1, 2)
    assert result.data.meas.get_counts((0, 0)) == {"00": 20}
    assert result.data.meas.get_counts((0, 1)) == {"10": 20}
    first, second = result.metadata["haiqu"]["distributions"]
    assert (first, second) == ({"00": 1.0}, {"10": 1.0})


def test_an_empty_sweep_costs_nothing(backend, client, engine):
    before = len(client.jobs(engine.experiment_id(), limit=100))
    result = EstimatorV2(backend).run([(ansatz(), "ZZZ", np.empty((0, 2)))]).result()[0]
    assert result.data.evs.shape == (0,)
    assert len(client.jobs(engine.experiment_id(), limit=100)) == before


def test_a_noisy_device_takes_isa_circuits_only(backend_of):
    backend = backend_of("fake_montreal", seed_simulator=5)
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    with pytest.raises(HaiquCircuitError, match="generate_preset_pass_manager"):
        SamplerV2(backend).run([bell])
    isa = generate_preset_pass_manager(backend=backend, optimization_level=1, seed_transpiler=1).run(bell)
    counts = SamplerV2(backend).run([isa], shots=2000).result()[0].data.meas.get_counts()
    assert counts["00"] + counts["11"] > 1700
    assert len(counts) > 2
    assert backend.calibration is not None


def test_a_circuit_that_was_not_transpiled_can_be_left_to_the_service(backend_of):
    backend = backend_of("aer_simulator", skip_transpilation=False, transpilation_options={"optimization_level": 0})
    assert SamplerV2(backend).run([registers()], shots=5).result()[0].data.left.get_counts() == {"01": 5}


def test_wrong_options_are_refused_before_anything_is_sent(backend_of):
    with pytest.raises(HaiquOptionError, match="skip_transpilation"):
        backend_of(skip_transpile=True)
    with pytest.raises(HaiquInputError, match="pack_size"):
        backend_of(use_packing=True, pack_size=1)


def test_what_the_service_refuses_is_told_with_its_reason(backend_of):
    observables = [[SparsePauliOp("Z", factor)] for factor in range(1, 801)]
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    estimator = EstimatorV2(backend_of(), options={"use_mitigation": True})
    with pytest.raises(HaiquRequestError, match="evaluations are too many"):
        estimator.run([(circuit, observables, np.zeros((1000, 1)))], precision=0.1)


def test_copies_can_be_packed(backend_of):
    backend = backend_of("fake_montreal", use_packing=True, pack_size=2, skip_transpilation=False)
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    result = SamplerV2(backend).run([circuit], shots=100).result()[0]
    assert result.data.c.num_shots == 100
    assert result.data.c.get_counts()["1"] > 80


def test_a_dry_run_on_a_simulator_is_free(backend_of, client, engine):
    estimate = EstimatorV2(backend_of()).estimate_cost([(ansatz(), "ZZZ", [0.1, 0.2])], precision=0.1)
    assert (estimate.usd, estimate.shots, estimate.via) == (0.0, 100, "haiqu")
    (job,) = client.jobs(engine.experiment_id())
    assert job.dry_run is True


def test_jobs_of_others_are_adopted(backend_of, client, engine):
    backend = backend_of(seed_simulator=3)
    values = [[0.1, 0.2], [0.3, 0.4]]
    ours = EstimatorV2(backend).run([(ansatz(), [["ZZI"], ["XXI"]], values)], precision=0.1)
    wanted = ours.result()[0].data
    execution, plan, record = engine.adopt(ours.job_id())
    assert execution.wait(60)
    (task,) = execution.result().tasks
    np.testing.assert_array_equal(task.values, wanted.evs)
    np.testing.assert_array_equal(task.stds, wanted.stds)
    assert (record.id, record.backend, record.via) == (ours.job_id(), "aer_simulator", "haiqu")
    assert plan.outlines[0].shape == (2, 2)
    assert [found[2].id for found in engine.elsewhere(JobFilter(limit=10), known=set())] == [ours.job_id()]
    assert engine.elsewhere(JobFilter(limit=10), known={ours.job_id()}) == []
