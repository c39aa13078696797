"""EstimatorV2 on the local engine: exact values, shots and their errors, noise, shapes."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliEvolutionGate, efficient_su2
from qiskit.primitives import BackendEstimatorV2, BaseEstimatorV2, StatevectorEstimator
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import DensityMatrix, Pauli, SparseObservable, SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qiskit_haiqu_provider import EstimatorV2


def ansatz(qubits=3):
    return efficient_su2(qubits, reps=2)


def values(circuit, *shape, seed=1):
    return np.random.default_rng(seed).uniform(-3, 3, (*shape, circuit.num_parameters))


TFIM = SparsePauliOp(["ZZI", "IZZ", "XII", "IXI", "IIX"], [1, 1, 0.5, 0.5, 0.5])


@pytest.fixture
def estimator():
    return EstimatorV2(options={"seed_simulator": 4})


def test_result_has_the_metadata_of_qiskit(estimator):
    circuit = ansatz()
    circuit.metadata = {"a": 1}
    result = estimator.run([(circuit, TFIM, values(circuit))], precision=0.05).result()
    assert isinstance(estimator, BaseEstimatorV2)
    assert result[0].metadata == {"target_precision": 0.05, "shots": 400, "circuit_metadata": {"a": 1}}
    assert result.metadata["version"] == 2
    assert list(result[0].data) == ["evs", "stds"]
    assert result[0].data.evs.shape == ()


@pytest.mark.parametrize(
    ("observables", "sets"),
    [
        ((), ()),
        ((), (4,)),
        ((3,), ()),
        ((4,), (4,)),
        ((3, 1), (4,)),
        ((2, 1, 4), (3, 1)),
        ((4,), (2, 4)),
        ((0,), ()),
        ((), (0,)),
        ((1,), (0,)),
        ((3, 1), (0,)),
    ],
)
@pytest.mark.parametrize("precision", [0, 0.3])
def test_every_broadcast(estimator, observables, sets, precision):
    circuit = ansatz(2)
    labels = np.random.default_rng(2).choice(["ZZ", "XX", "YI", "IZ", "II"], observables)
    pub = (circuit, labels.tolist() if observables else "ZZ", values(circuit, *sets))
    data = estimator.run([pub], precision=precision).result()[0].data
    assert data.evs.shape == data.stds.shape == np.broadcast_shapes(observables, sets)
    if precision == 0 and data.evs.size:
        assert np.allclose(data.evs, StatevectorEstimator().run([pub]).result()[0].data.evs)


@pytest.mark.parametrize(
    "observable",
    [
        SparsePauliOp(["XY", "ZI"], [0.5, -2]),
        Pauli("-YY"),
        "XZ",
        {"XX": 2.0, "IZ": -1.0},
        SparseObservable.from_list([("+-", 1.5), ("0Z", 2.0), ("r1", 1.0), ("lI", 0.5)]),
        SparsePauliOp(["II"], [4.0]),
    ],
    ids=lambda observable: type(observable).__name__,
)
def test_every_kind_of_observable(estimator, observable):
    circuit = ansatz(2)
    pub = (circuit, observable, values(circuit))
    state = DensityMatrix(circuit.assign_parameters(values(circuit)))
    operator = observable
    if isinstance(observable, (str, dict)):
        operator = SparsePauliOp.from_list([(observable, 1)] if isinstance(observable, str) else observable.items())
    elif isinstance(observable, SparseObservable):
        operator = SparsePauliOp.from_sparse_observable(observable)
    expected = state.expectation_value(operator).real
    exact = estimator.run([pub], precision=0).result()[0].data
    sampled = estimator.run([pub], precision=0.01).result()[0].data
    assert exact.evs == pytest.approx(expected, abs=1e-12)
    assert exact.stds == 0
    assert abs(sampled.evs - expected) <= 6 * sampled.stds + 1e-12


def test_identities_are_exact_at_any_precision(estimator):
    data = estimator.run([(ansatz(2), "II", values(ansatz(2)))], precision=0.5).result()[0].data
    assert (data.evs, data.stds) == (1.0, 0.0)


def test_precisions_of_pubs_under_one_job(estimator):
    circuit = ansatz()
    pubs = [
        (circuit, TFIM, values(circuit)),
        (circuit, TFIM, values(circuit), 0.1),
        EstimatorPub.coerce((circuit, TFIM, values(circuit), 0.0)),
    ]
    result = estimator.run(pubs).result()
    assert [pub.metadata["target_precision"] for pub in result] == [0.015625, 0.1, 0.0]
    assert [pub.metadata["shots"] for pub in result] == [4096, 100, 0]
    assert [bool(pub.data.stds > 0) for pub in result] == [True, True, False]


def test_generators_and_empty_lists(estimator):
    assert len(estimator.run(pub for pub in [(ansatz(2), "ZZ", values(ansatz(2)))]).result()) == 1
    assert len(estimator.run([]).result()) == 0


@pytest.mark.parametrize("backend", ["aer_simulator", "fake_manila"])
def test_stds_are_the_standard_errors_of_the_values(provider, backend):
    """Over many independent sets of the same state, the spread of evs is what stds say."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    observable = SparsePauliOp(["ZZI", "IZZ", "XXX", "IIX", "ZII"], [1, -0.5, 0.25, 0.8, 1.0])
    device = provider.get_backend(backend, seed_simulator=8)
    isa = generate_preset_pass_manager(1, backend=device, seed_transpiler=1).run(circuit)
    sets = np.empty((400, 0))
    pub = (isa, observable.apply_layout(isa.layout), sets)
    data = EstimatorV2(device).run([pub], precision=0.1).result()[0].data
    assert data.evs.std() == pytest.approx(data.stds.mean(), rel=0.12)


def test_covariances_within_a_group_count(estimator):
    """Z0 and Z1 of a Bell pair always agree: their difference has no spread at all."""
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    data = estimator.run([(bell, SparsePauliOp(["IZ", "ZI"], [1, -1]))], precision=0.1).result()[0].data
    assert (data.evs, data.stds) == (0.0, 0.0)


def test_a_seed_repeats_and_pubs_have_streams_of_their_own(estimator):
    circuit = ansatz()
    pub = (circuit, TFIM, values(circuit, 3))
    first, again = (estimator.run([pub, pub], precision=0.1).result() for _ in range(2))
    assert np.array_equal(first[0].data.evs, again[0].data.evs)
    assert np.array_equal(first[1].data.evs, again[1].data.evs)
    assert not np.array_equal(first[0].data.evs, first[1].data.evs)


def test_dynamic_circuits_are_estimated_from_shots(estimator):
    """A teleported |+i> has Y = 1 on the far qubit."""
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.s(0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    data = estimator.run([(circuit, ["YII", "XII"])], precision=0.02).result()[0].data
    assert data.evs[0] == pytest.approx(1.0)
    assert abs(data.evs[1]) < 0.15


def test_gates_that_aer_does_not_know(estimator):
    time = Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZI"]), time), [0, 1])
    rest = ["ZI", "YX"], [[[0.1]], [[0.7]]]
    ours = estimator.run([(circuit, *rest)], precision=0).result()[0].data.evs
    theirs = StatevectorEstimator().run([(circuit.decompose(reps=2), *rest)]).result()[0].data.evs
    assert np.allclose(ours, theirs)


def test_a_parametric_global_phase_changes_nothing(estimator):
    theta, phase = Parameter("t"), Parameter("phase")
    circuit = QuantumCircuit(1, global_phase=2 * theta + phase)
    circuit.ry(theta, 0)
    sets = np.array([[0.3, 0.1], [0.5, 2.0]])
    found = estimator.run([(circuit, "Z", sets)], precision=0).result()[0].data.evs
    by_name = dict(zip([p.name for p in circuit.parameters], sets.T, strict=True))
    assert np.allclose(found, np.cos(by_name["t"]))


def test_many_terms_use_the_transform(estimator):
    circuit = ansatz(4)
    labels = ["".join(label) for label in np.random.default_rng(5).choice(list("IXYZ"), (200, 4))]
    z_only = ["".join(label) for label in np.random.default_rng(6).choice(list("IZ"), (40, 4))]
    observable = SparsePauliOp(labels + z_only, np.linspace(-1, 1, 240))
    pub = (circuit, observable, values(circuit, 3))
    ours = estimator.run([pub], precision=0).result()[0].data.evs
    assert np.allclose(ours, StatevectorEstimator().run([pub]).result()[0].data.evs, atol=1e-10)


@pytest.mark.parametrize("method", ["stabilizer", "matrix_product_state", "density_matrix"])
def test_exact_values_of_other_methods(provider, method):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.s(0)
    circuit.cx(0, 1)
    estimator = EstimatorV2(provider.get_backend("aer_simulator", method=method))
    data = estimator.run([(circuit, ["IXY", "IZZ", "ZII", SparsePauliOp(["III"], [2])])], precision=0).result()[0].data
    assert np.allclose(data.evs, [1, 1, 1, 2])
    assert (data.stds == 0).all()


@pytest.mark.local
def test_wide_clifford_circuits_have_exact_values(estimator):
    circuit = QuantumCircuit(60)
    circuit.h(0)
    for qubit in range(59):
        circuit.cx(qubit, qubit + 1)
    evs = estimator.run([(circuit, ["Z" * 60, "X" * 60, "Z" + "I" * 59])], precision=0).result()[0].data.evs
    assert np.allclose(evs, [1, 1, 0])


def test_idle_qubits_cost_nothing_and_count_as_zero(estimator):
    circuit = QuantumCircuit(50)
    circuit.ry(0.4, 30)
    observable = SparsePauliOp.from_sparse_list([("ZZ", [30, 2], 1.0), ("X", [7], 1.0)], 50)
    assert estimator.run([(circuit, observable)], precision=0).result()[0].data.evs == pytest.approx(np.cos(0.4))


def noise_model():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["ry", "rz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 2), ["cx"])
    noise.add_all_qubit_readout_error(ReadoutError([[0.95, 0.05], [0.1, 0.9]]))
    return noise


@pytest.mark.local
def test_exact_values_with_noise_are_the_limit_of_many_shots(provider):
    circuit = ansatz()
    backend = provider.get_backend("aer_simulator", noise_model=noise_model(), seed_simulator=3)
    pub = (circuit, [[TFIM], [SparsePauliOp(["YIY", "III"], [1, 3])]], values(circuit, 2))
    exact = EstimatorV2(backend).run([pub], precision=0).result()[0].data
    sampled = EstimatorV2(backend).run([pub], precision=0.003).result()[0].data
    assert np.all(np.abs(exact.evs - sampled.evs) < 5 * sampled.stds)
    ideal = EstimatorV2().run([pub], precision=0).result()[0].data.evs
    assert np.abs(exact.evs - ideal).max() > 0.1


@pytest.mark.local
def test_exact_values_on_a_fake_device_are_the_limit_of_many_shots(provider):
    backend = provider.get_backend("fake_manila", seed_simulator=3)
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=2).run(ansatz())
    pub = (isa, TFIM.apply_layout(isa.layout), values(isa, 2))
    exact = EstimatorV2(backend).run([pub], precision=0).result()[0].data
    sampled = EstimatorV2(backend).run([pub], precision=0.003).result()[0].data
    assert np.all(np.abs(exact.evs - sampled.evs) < 5 * sampled.stds)


@pytest.mark.local(paths=["aer"])  # the simulation that it compares with takes seconds
def test_noise_on_part_of_a_device_is_the_noise_of_the_device(provider):
    """What is simulated for the active qubits alone agrees with Aer's model of the whole device."""
    backend = provider.get_backend("fake_torino", seed_simulator=3)
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=2).run(ansatz())
    pub = (isa, TFIM.apply_layout(isa.layout), values(isa))
    ours = EstimatorV2(backend).run([pub], precision=0).result()[0].data.evs
    whole = BackendEstimatorV2(backend=backend.to_aer()).run([pub], precision=0.004).result()[0].data
    assert abs(ours - whole.evs) < 6 * whole.stds


@pytest.mark.local
def test_cost_estimates_count_circuits_and_shots(estimator):
    circuit = ansatz()
    cost = estimator.estimate_cost([(circuit, TFIM, values(circuit, 10)), (circuit, "III", values(circuit))])
    assert (cost.usd, cost.circuits, cost.shots) == (0.0, 20, 20 * 4096)
    assert [(line.index, line.circuits) for line in cost.lines] == [(0, 20), (1, 0)]
    assert cost.memory_bytes > 0
    assert "0.00 USD" in str(cost)
