"""Runs with noise, through the front doors: exact, sampled and estimated, here and by Aer."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.local import lowering, units

HERE = ["probabilities"]
BY_AER = ["shots"]


def _model():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["h", "ry", "sdg"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.95, 0.05], [0.1, 0.9]]))
    return model


@pytest.fixture(scope="module")
def device():
    return HaiquProvider().get_backend("fake_manila")


@pytest.fixture
def aer_alone(monkeypatch):
    """All noise is simulated by Aer."""
    monkeypatch.setattr(lowering, "readings", lambda *arguments, **more: None)


def _ansatz():
    theta = Parameter("theta")
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.ry(theta, 1)
    circuit.cx(1, 2)
    return circuit


def _routes(result):
    return result.metadata["haiqu"]["routes"]


def _observables():
    return [SparsePauliOp(["ZZI", "IIX", "III"], [1.0, 0.5, 0.25]), SparsePauliOp("YXI"), SparsePauliOp("IZY")]


@pytest.mark.parametrize("where", ["fake_manila", "custom"])
def test_exact_values_are_those_of_aer(request, device, where):
    circuit, observables = _ansatz(), _observables()
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=_model())
    if where == "fake_manila":
        backend = device
        circuit = generate_preset_pass_manager(1, backend=device, initial_layout=[3, 2, 1]).run(circuit)
        observables = [observable.apply_layout(circuit.layout) for observable in observables]
    pub = (circuit, [[observable] for observable in observables], np.array([[0.3], [1.2]]))
    here = EstimatorV2(backend).run([pub], precision=0).result()
    request.getfixturevalue("aer_alone")
    by_aer = EstimatorV2(backend).run([pub], precision=0).result()
    assert (_routes(here), _routes(by_aer)) == (HERE, HERE)
    assert np.allclose(here[0].data.evs, by_aer[0].data.evs, rtol=0, atol=1e-8)
    assert not here[0].data.stds.any()


def test_estimates_scatter_around_the_exact_values_as_their_errors_say(device):
    circuit = generate_preset_pass_manager(1, backend=device, initial_layout=[0, 1, 2]).run(_ansatz())
    observables = [observable.apply_layout(circuit.layout) for observable in _observables()]
    sets = np.full((200, 1), 0.7)
    estimator = EstimatorV2(device, options={"seed_simulator": 3})
    exact = estimator.run([(circuit, observables, [0.7])], precision=0).result()[0].data.evs
    result = estimator.run([(circuit, [[observable] for observable in observables], sets)], precision=1 / 32).result()
    deviations = (result[0].data.evs - exact[:, None]) / result[0].data.stds
    assert _routes(result) == HERE
    assert np.abs(deviations.mean(axis=1)).max() < 5 / np.sqrt(200)
    assert np.abs((deviations**2).mean(axis=1) - 1).max() < 5 * np.sqrt(2 / 200)


def _two_registers():
    """Three of five qubits measured into two registers, out of order."""
    qubits = QuantumRegister(5)
    low, high = ClassicalRegister(2, "low"), ClassicalRegister(3, "high")
    circuit = QuantumCircuit(qubits, low, high)
    circuit.ry(0.4, 4)
    circuit.h(1)
    circuit.cx(1, 3)
    circuit.cx(3, 4)
    circuit.measure(3, high[2])
    circuit.measure(1, low[1])
    circuit.measure(4, high[0])
    return circuit


def test_shots_have_the_frequencies_of_aer(request):
    shots = 40_000
    sampler = SamplerV2(HaiquProvider().get_backend("aer_simulator", noise_model=_model(), seed_simulator=5))
    here = sampler.run([_two_registers()], shots=shots).result()
    request.getfixturevalue("aer_alone")
    by_aer = sampler.run([_two_registers()], shots=shots).result()
    assert (_routes(here), _routes(by_aer)) == (HERE, BY_AER)
    joined = [result[0].join_data(["low", "high"]).get_int_counts() for result in (here, by_aer)]
    keys = sorted(set(joined[0]) | set(joined[1]))
    counts = np.array([[found.get(key, 0) for key in keys] for found in joined], dtype=float)
    assert all(key & 0b01001 == 0 for key in keys)  # clbits that nothing is written to
    chi_square = ((counts[0] - counts[1]) ** 2 / counts.sum(axis=0)).sum()
    assert chi_square < 60  # 7 degrees of freedom


def test_noise_of_single_qubits_keeps_its_place_among_idle_ones():
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [40])
    circuit = QuantumCircuit(60, 2)
    circuit.x(40)
    circuit.measure([40, 41], [0, 1])
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=model, seed_simulator=1)
    result = SamplerV2(backend).run([circuit], shots=20_000).result()
    counts = result[0].data.c.get_counts()
    assert _routes(result) == HERE
    assert set(counts) == {"00", "01"}
    assert counts["00"] / 20_000 == pytest.approx(0.2, abs=0.015)


def test_seeds_give_the_same_whatever_the_portions_and_the_executor(device, monkeypatch):
    circuit = generate_preset_pass_manager(1, backend=device, initial_layout=[0, 1, 2]).run(_ansatz())
    sampled = (circuit.measure_all(inplace=False), np.linspace(0, 2, 300)[:, None])
    estimated = (circuit, _observables()[0].apply_layout(circuit.layout), np.linspace(0, 2, 300)[:, None])

    def run(provider):
        backend = provider.get_backend("fake_manila", seed_simulator=11)
        shots = SamplerV2(backend).run([sampled], shots=50).result()[0].data.meas.array
        return shots, EstimatorV2(backend).run([estimated], precision=0.1).result()[0].data.evs

    first = run(HaiquProvider())
    with ThreadPoolExecutor(3) as pool:
        second = run(HaiquProvider(executor=pool))
    monkeypatch.setattr(units, "_AMPLITUDES", 2**9)
    third = run(HaiquProvider())
    for other in (second, third):
        assert all(np.array_equal(one, again) for one, again in zip(first, other, strict=True))


def test_a_changed_noise_model_is_seen():
    model = NoiseModel()
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=model)
    circuit = QuantumCircuit(1)
    circuit.x(0)
    estimator = EstimatorV2(backend)
    assert estimator.run([(circuit, "Z")], precision=0).result()[0].data.evs == pytest.approx(-1)
    model.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), "x")
    for _ in range(3):
        assert estimator.run([(circuit, "Z")], precision=0).result()[0].data.evs == pytest.approx(-0.5)


def test_dynamic_circuits_and_other_methods_stay_with_aer():
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=_model())
    reset = QuantumCircuit(1)
    reset.h(0)
    reset.reset(0)
    reset.measure_all()
    assert _routes(SamplerV2(backend).run([reset], shots=10).result()) == BY_AER
    plain = QuantumCircuit(2)
    plain.h(0)
    plain.measure_all()
    assert _routes(SamplerV2(backend).run([plain], shots=10).result()) == HERE
    for method, routes in {"statevector": BY_AER, "density_matrix": HERE}.items():
        chosen = HaiquProvider().get_backend("aer_simulator", noise_model=_model(), method=method)
        assert _routes(SamplerV2(chosen).run([plain], shots=10).result()) == routes


def test_density_matrices_without_noise_are_evolved_here():
    backend = HaiquProvider().get_backend("aer_simulator", method="density_matrix", seed_simulator=2)
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    result = EstimatorV2(backend).run([(bell, ["ZZ", "XX", "YY", "ZI"])], precision=0).result()
    assert _routes(result) == HERE
    assert np.allclose(result[0].data.evs, [1, 1, -1, 0])
    counts = SamplerV2(backend).run([bell.measure_all(inplace=False)], shots=100).result()[0].data.meas.get_counts()
    assert set(counts) == {"00", "11"}


def test_many_measured_qubits_with_little_entanglement():
    """More outcomes than could be listed for every shot, from states that stay narrow."""
    circuit = QuantumCircuit(18)
    circuit.x(range(0, 18, 2))
    for qubit in range(0, 18, 2):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[1, 0], [0.5, 0.5]]), [0])
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=model, seed_simulator=2)
    result = SamplerV2(backend).run([circuit], shots=1000).result()
    counts = result[0].data.meas.get_counts()
    assert _routes(result) == HERE
    assert set(counts) == {"1" * 18, "1" * 17 + "0"}
    assert counts["1" * 18] == pytest.approx(500, abs=100)
