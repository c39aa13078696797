"""What Qiskit's reference primitives take, ours take in the same way."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator, StatevectorSampler

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, SamplerV2


@pytest.fixture
def sampler():
    return SamplerV2(options={"seed_simulator": 11})


@pytest.fixture
def estimator():
    return EstimatorV2(options={"seed_simulator": 4})


def turned(*, measured):
    circuit = QuantumCircuit(1, int(measured))
    circuit.ry(Parameter("t"), 0)
    if measured:
        circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_a_sampler_takes_values_without_the_axis_of_a_single_parameter(sampler, shape):
    pub = (turned(measured=True), np.full(shape, np.pi))
    ours, theirs = (each.run([pub], shots=9).result()[0].data for each in (sampler, StatevectorSampler()))
    assert ours.shape == theirs.shape == shape
    assert ours.c == theirs.c


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_an_estimator_takes_values_without_the_axis_of_a_single_parameter(estimator, shape):
    pub = (turned(measured=False), "Z", np.random.default_rng(5).uniform(-3, 3, shape))
    ours = estimator.run([pub], precision=0).result()[0].data.evs
    theirs = StatevectorEstimator().run([pub]).result()[0].data.evs
    assert ours.shape == shape
    assert np.allclose(ours, theirs)


def test_registers_that_nothing_is_measured_into_are_zero_where_nothing_is_paid(sampler, via):
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(3, "a"), ClassicalRegister(9, "b"))
    circuit.ry(Parameter("t"), [0, 1])
    pub = (circuit, [0.1, 0.2])
    if via != "local":
        with pytest.raises(HaiquCircuitError, match="PUB 0: the circuit has no measurements"):
            sampler.run([pub])
        return
    ours, theirs = (each.run([pub], shots=7).result()[0].data for each in (sampler, StatevectorSampler()))
    assert ours.a == theirs.a
    assert ours.b == theirs.b


def test_registers_may_have_names_with_underscores(sampler):
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "_x"))
    circuit.x(0)
    circuit.measure(0, 0)
    data = sampler.run([circuit], shots=5).result()[0].data
    assert data["_x"].get_counts() == data._x.get_counts() == {"1": 5}
