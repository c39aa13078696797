"""Properties on random circuits, registers, observables and shapes, on every path of local runs."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit, ParameterVector
from qiskit.circuit.random import random_circuit
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from tests.paths import PATHS, path

few = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@pytest.fixture(scope="module", params=["usual", *PATHS])
def backend(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, path(request.param, request, patch):
        yield HaiquProvider(home=tmp_path_factory.mktemp("home")).get_backend("aer_simulator", seed_simulator=3)


@st.composite
def layouts(draw):
    """A circuit that flips random qubits and measures them into random registers over random bits."""
    qubits = draw(st.integers(1, 5))
    bits = [Clbit() for _ in range(draw(st.integers(1, 12)))]
    circuit = QuantumCircuit(qubits)
    circuit.add_bits(bits)
    for index in range(draw(st.integers(1, 4))):
        own = draw(st.lists(st.sampled_from(bits), min_size=1, unique=True))
        circuit.add_register(ClassicalRegister(bits=own, name=f"r{index}"))
    for qubit in range(qubits):
        gate = draw(st.sampled_from(["id", "x", "h"]))
        getattr(circuit, gate)(qubit)
    for _ in range(draw(st.integers(1, 6))):
        circuit.measure(draw(st.integers(0, qubits - 1)), draw(st.sampled_from(bits)))
    return circuit


@few
@given(layouts())
def test_memory_counts_and_bit_arrays_agree(backend, circuit):
    """All three views are of the same shots, bit for bit."""
    result = backend.run(circuit, shots=64, memory=True, seed_simulator=7).result().results[0].data
    memory = [int(shot, 16) for shot in result.memory]
    counts = {int(key, 16): count for key, count in result.counts.items()}
    assert counts == {value: memory.count(value) for value in set(memory)}
    sampler = SamplerV2(backend, options={"seed_simulator": 7})
    data = sampler.run([circuit], shots=64).result()[0].data
    for register in circuit.cregs:
        clbits = [circuit.find_bit(bit).index for bit in register]
        expected = [sum((shot >> clbit & 1) << place for place, clbit in enumerate(clbits)) for shot in memory]
        found = [int(text, 2) for text in data[register.name].get_bitstrings()]
        assert found == expected


@few
@given(layouts())
def test_certain_outcomes_agree_with_qiskits_sampler(backend, circuit):
    certain = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.name != "h":
            certain.append(instruction)
    ours = SamplerV2(backend).run([certain], shots=5).result()[0].data
    theirs = StatevectorSampler().run([certain], shots=5).result()[0].data
    for register in circuit.cregs:
        assert ours[register.name].get_counts() == theirs[register.name].get_counts()


@st.composite
def estimations(draw):
    """A random circuit with parameters, and observables and values of random shapes that broadcast."""
    qubits = draw(st.integers(1, 4))
    circuit = random_circuit(qubits, draw(st.integers(1, 4)), max_operands=2, seed=draw(st.integers(0, 10**6)))
    parameters = ParameterVector("p", draw(st.integers(0, 3)))
    for index, parameter in enumerate(parameters):
        circuit.ry(parameter * (index + 1) - 0.5, index % qubits)
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    set_shape = tuple(size if draw(st.booleans()) else 1 for size in shape)
    observable_shape = tuple(size if draw(st.booleans()) else 1 for size in shape)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = rng.uniform(-6, 6, (*set_shape, len(parameters)))
    observables = np.empty(observable_shape, dtype=object)
    for place in np.ndindex(observable_shape):
        labels = rng.choice(list("IXYZ"), (rng.integers(1, 12), qubits))
        observables[place] = SparsePauliOp(["".join(label) for label in labels], rng.normal(size=len(labels)))
        if not np.any(observables[place].simplify().coeffs):
            observables[place] = SparsePauliOp("Z" * qubits)
    return circuit, observables, values


@few
@given(estimations())
def test_exact_values_agree_with_qiskits_estimator(backend, pub):
    ours = EstimatorV2(backend).run([pub], precision=0).result()[0].data
    theirs = StatevectorEstimator().run([pub]).result()[0].data
    assert ours.evs.shape == theirs.evs.shape
    assert np.allclose(ours.evs, theirs.evs, atol=1e-10, rtol=0)


@few
@given(estimations())
def test_sampled_values_agree_within_their_errors(backend, pub):
    ours = EstimatorV2(backend).run([pub], precision=0.02).result()[0].data
    exact = EstimatorV2(backend).run([pub], precision=0).result()[0].data.evs
    assert np.all(np.abs(ours.evs - exact) <= 6 * ours.stds + 0.02)
