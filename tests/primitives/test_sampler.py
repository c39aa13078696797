"""SamplerV2 on the local engine: shapes, registers, shots, seeds, dynamic circuits."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.library import QFTGate
from qiskit.primitives import BaseSamplerV2, PrimitiveResult, SamplerPubResult, StatevectorSampler
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider import SamplerV2


def bell():
    circuit = QuantumCircuit(2, metadata={"name": "bell"})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def rotated():
    circuit = QuantumCircuit(1, 1)
    circuit.ry(Parameter("t"), 0)
    circuit.measure(0, 0)
    return circuit


@pytest.fixture
def sampler():
    return SamplerV2(options={"seed_simulator": 11})


def test_result_has_the_shape_and_the_metadata_of_qiskit(sampler, via):
    result = sampler.run([bell()]).result()
    assert isinstance(sampler, BaseSamplerV2)
    assert isinstance(result, PrimitiveResult)
    assert isinstance(result[0], SamplerPubResult)
    facts = dict(result[0].metadata)
    origin = facts.pop("haiqu", {}).get("shots_from", "shots")
    assert origin == {"local": "shots", "haiqu": "distribution"}[via]
    assert facts == {"shots": 1024, "circuit_metadata": {"name": "bell"}}
    assert result.metadata["version"] == 2
    assert result.metadata["haiqu"]["via"] == via
    assert set(result[0].data.meas.get_counts()) == {"00", "11"}
    assert result[0].join_data().num_shots == 1024


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,), (3, 0)])
def test_every_shape_of_parameters(sampler, shape):
    data = sampler.run([(rotated(), np.full((*shape, 1), np.pi))], shots=20).result()[0].data
    assert data.shape == shape
    assert data.c.shape == shape
    assert data.c.array.shape == (*shape, 20, 1)
    assert (data.c.array == 1).all()


@pytest.mark.parametrize("shape", [(4,), (0,)])
def test_shapes_without_parameters(sampler, shape):
    circuit = rotated().assign_parameters([np.pi])
    data = sampler.run([(circuit, np.empty((*shape, 0)))], shots=9).result()[0].data
    assert data.c.shape == shape
    assert (data.c.array == 1).all()


def test_sets_without_parameters_have_shots_of_their_own(sampler):
    circuit = rotated().assign_parameters([np.pi / 2])
    array = sampler.run([(circuit, np.empty((2, 0)))], shots=64).result()[0].data.c.array
    assert not np.array_equal(array[0], array[1])


def test_a_generator_is_read_once_and_an_empty_list_is_fine(sampler):
    assert len(sampler.run(circuit for circuit in [bell(), bell()]).result()) == 2
    assert len(sampler.run([]).result()) == 0


def test_shots_of_the_pub_go_before_those_of_the_call(sampler):
    pubs = [bell(), (bell(), None, 7), SamplerPub.coerce((bell(), None, 9))]
    result = sampler.run(pubs, shots=50).result()
    assert [pub.data.meas.num_shots for pub in result] == [50, 7, 9]
    assert [pub.metadata["shots"] for pub in result] == [50, 7, 9]


def test_parameters_by_name_and_in_parts(sampler):
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.rx(a, 0)
    circuit.rx(b, 1)
    circuit.measure_all()
    values = {"b": [np.pi, 0.0], "a": [0.0, np.pi]}
    data = sampler.run([(circuit, values)], shots=5).result()[0].data.meas
    assert [set(data.get_counts(index)) for index in range(2)] == [{"10"}, {"01"}]


def test_registers_keep_the_correlation_of_a_shot(sampler):
    circuit = QuantumCircuit(3)
    left, right = ClassicalRegister(2, "left"), ClassicalRegister(1, "right")
    circuit.add_register(left, right)
    circuit.h(0)
    circuit.cx(0, [1, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    data = sampler.run([circuit]).result()[0].data
    assert set(data.left.get_counts()) == {"00", "11"}
    assert np.array_equal(data.left.array[:, 0] == 3, data.right.array[:, 0] == 1)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_registers_that_share_or_reorder_bits(sampler, order):
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(QuantumRegister(3), bits)
    circuit.add_register(ClassicalRegister(bits=[bits[i] for i in order], name="a"))
    circuit.add_register(ClassicalRegister(bits=[bits[1], bits[0]], name="b"))
    circuit.x(0)
    circuit.measure([0, 1, 2], bits)
    ours = sampler.run([circuit], shots=10).result()[0].data
    theirs = StatevectorSampler().run([circuit], shots=10).result()[0].data
    assert ours.a.get_counts() == theirs.a.get_counts()
    assert ours.b.get_counts() == theirs.b.get_counts()


def test_wide_registers_and_unmeasured_bits(sampler):
    circuit = QuantumCircuit(2, 70)
    circuit.x(0)
    circuit.measure([0, 1], [69, 3])
    counts = sampler.run([circuit], shots=10).result()[0].data.c.get_int_counts()
    assert counts == {1 << 69: 10}


def test_an_empty_register_is_an_empty_bit_array(sampler):
    circuit = rotated().assign_parameters([0.3])
    circuit.add_register(ClassicalRegister(0, "nothing"))
    data = sampler.run([circuit], shots=5).result()[0].data
    assert data.nothing.num_bits == 0
    assert data.nothing.num_shots == 5


def test_the_last_measurement_into_a_bit_counts(sampler):
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    assert sampler.run([circuit], shots=5).result()[0].data.c.get_counts() == {"1": 5}


def test_mid_circuit_measurement_reset_and_branches(sampler):
    circuit = QuantumCircuit(2, 3)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    circuit.reset(0)
    circuit.measure(0, 2)
    counts = sampler.run([circuit], shots=2000).result()[0].data.c.get_counts()
    assert set(counts) == {"000", "011"}
    assert abs(counts["000"] - 1000) < 200


def test_loops_and_parameters_in_dynamic_circuits(sampler):
    circuit = QuantumCircuit(1, 1)
    theta = Parameter("t")
    with circuit.for_loop(range(3)):
        circuit.rx(theta, 0)
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.measure(0, 0)
    circuit.measure(0, 0)
    data = sampler.run([(circuit, [[np.pi / 3], [0.0]])], shots=50).result()[0].data.c
    assert data.get_counts(0) == {"1": 50}
    assert data.get_counts(1) == {"0": 50}


def test_classical_expressions_and_switches(sampler):
    circuit = QuantumCircuit(2, 2)
    circuit.x([0, 1])
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test(expr.logic_and(circuit.clbits[0], expr.logic_not(circuit.clbits[1]))):
        circuit.x(0)
    with circuit.switch(circuit.cregs[0]) as case, case(3):
        circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    assert sampler.run([circuit], shots=10).result()[0].data.c.get_counts() == {"01": 10}


def test_a_seed_repeats_and_pubs_have_streams_of_their_own():
    def draw(seed):
        result = SamplerV2(options={"seed_simulator": seed}).run([bell(), bell()]).result()
        return [pub.data.meas.array for pub in result]

    first, again, other = draw(5), draw(5), draw(7)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_without_a_seed_every_run_differs():
    sampler = SamplerV2()
    arrays = [sampler.run([bell()]).result()[0].data.meas.array for _ in range(2)]
    assert not np.array_equal(*arrays)


def test_shots_come_in_random_order(sampler):
    array = sampler.run([bell()], shots=4000).result()[0].data.meas.array[:, 0]
    halves = [(array[:2000] == 3).mean(), (array[2000:] == 3).mean()]
    assert abs(halves[0] - halves[1]) < 0.1


def test_counts_follow_the_exact_distribution(sampler):
    rng = np.random.default_rng(3)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.u(*rng.uniform(0, 3, 3), qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    measured = circuit.measure_all(inplace=False)
    shots = 100_000
    found = sampler.run([measured], shots=shots).result()[0].data.meas.get_int_counts()
    expected = Statevector(circuit).probabilities() * shots
    chi_square = sum((found.get(k, 0) - expected[k]) ** 2 / expected[k] for k in range(8))
    assert chi_square < 30


@pytest.mark.parametrize("method", ["density_matrix", "stabilizer", "matrix_product_state", "extended_stabilizer"])
def test_every_method_samples(provider, method):
    backend = provider.get_backend("aer_simulator", method=method, seed_simulator=2)
    counts = SamplerV2(backend).run([bell()], shots=400).result()[0].data.meas.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 400


def test_wide_clifford_circuits_need_no_exponential_memory(sampler):
    circuit = QuantumCircuit(100)
    circuit.h(0)
    for qubit in range(99):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    counts = sampler.run([circuit], shots=50).result()[0].data.meas.get_counts()
    assert set(counts) == {"0" * 100, "1" * 100}


def test_idle_qubits_cost_nothing(sampler):
    circuit = QuantumCircuit(60, 1)
    circuit.x(57)
    circuit.ry(0.1, 3)
    circuit.measure(57, 0)
    assert sampler.run([circuit], shots=5).result()[0].data.c.get_counts() == {"1": 5}


def test_gates_that_aer_does_not_know_are_unrolled(sampler):
    circuit = QuantumCircuit(3)
    circuit.append(QFTGate(3), range(3))
    circuit.append(QFTGate(3).inverse(), range(3))
    circuit.measure_all()
    assert sampler.run([circuit], shots=5).result()[0].data.meas.get_counts() == {"000": 5}


def test_accepts_a_name_a_backend_or_mode(provider):
    backend = provider.get_backend("aer_simulator")
    assert SamplerV2().backend.name == "aer_simulator"
    assert SamplerV2("fake_manila").backend.name == "fake_manila"
    assert SamplerV2(mode=backend).mode is backend
    assert SamplerV2(backend)._backend is backend


@pytest.mark.local
def test_noise_of_a_fake_device_shows(provider):
    backend = provider.get_backend("fake_manila", seed_simulator=1)
    circuit = QuantumCircuit(5, 1)
    circuit.x(2)
    circuit.measure(2, 0)
    noisy = SamplerV2(backend).run([circuit], shots=20_000).result()[0].data.c.get_counts()
    properties = backend.target["measure"][(2,)]
    assert 0.2 * properties.error < noisy["0"] / 20_000 < 3 * properties.error
    ideal = provider.get_backend("fake_manila", noise_model=None)
    assert SamplerV2(ideal).run([circuit]).result()[0].data.c.get_counts() == {"1": 1024}
