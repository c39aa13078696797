"""qiskit-machine-learning: neural networks and a fidelity kernel on our primitives."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_machine_learning.gradients import (
    ParamShiftEstimatorGradient,
    ParamShiftSamplerGradient,
)
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2

pytestmark = pytest.mark.downstream

FEATURE, WEIGHT = Parameter("x"), Parameter("y")
POINTS = np.array([[0.2], [0.9], [1.7]])
WEIGHTS = [0.6]


def _network_circuit():
    """Qubit 0 is turned by the feature, qubit 1 by the weight; <ZI> is cos(x) cos(y)."""
    circuit = QuantumCircuit(2)
    circuit.ry(FEATURE, 0)
    circuit.ry(WEIGHT, 1)
    circuit.cx(0, 1)
    return circuit


def test_estimator_network_forward_and_backward():
    observables = [SparsePauliOp("ZI"), SparsePauliOp("IZ")]
    network = EstimatorQNN(
        circuit=_network_circuit(),
        estimator=EstimatorV2(options={"default_precision": 0}),
        observables=observables,
        input_params=[FEATURE],
        weight_params=[WEIGHT],
        input_gradients=True,
        default_precision=0.0,
    )
    x, y = POINTS[:, 0], WEIGHTS[0]
    expected = np.stack([np.cos(x) * np.cos(y), np.cos(x)], axis=1)
    np.testing.assert_allclose(network.forward(POINTS, WEIGHTS), expected, atol=1e-9)
    by_input, by_weight = network.backward(POINTS, WEIGHTS)
    expected = np.stack([-np.sin(x) * np.cos(y), -np.sin(x)], axis=1)
    np.testing.assert_allclose(by_input[:, :, 0], expected, atol=1e-9)
    expected = np.stack([-np.cos(x) * np.sin(y), 0 * x], axis=1)
    np.testing.assert_allclose(by_weight[:, :, 0], expected, atol=1e-9)


def test_estimator_network_with_shots_on_a_noisy_device():
    backend = HaiquProvider().get_backend("fake_manila", seed_simulator=5)
    estimator = EstimatorV2(backend)
    passes = generate_preset_pass_manager(1, backend=backend, seed_transpiler=5)
    network = EstimatorQNN(
        circuit=_network_circuit(),
        estimator=estimator,
        input_params=[FEATURE],
        weight_params=[WEIGHT],
        gradient=ParamShiftEstimatorGradient(estimator, pass_manager=passes),
        pass_manager=passes,
    )
    y = WEIGHTS[0]
    noisy = network.forward(POINTS, WEIGHTS)[:, 0]  # <ZZ> is cos(y)
    assert np.all(noisy < np.cos(y))
    np.testing.assert_allclose(noisy, np.cos(y), atol=0.2)
    _, by_weight = network.backward(POINTS, WEIGHTS)
    np.testing.assert_allclose(by_weight[:, 0, 0], -np.sin(y), atol=0.2)


def test_sampler_network_forward_and_backward():
    circuit = _network_circuit()
    circuit.measure_all()
    sampler = SamplerV2(options={"seed_simulator": 5, "default_shots": 20_000})
    network = SamplerQNN(
        circuit=circuit,
        sampler=sampler,
        input_params=[FEATURE],
        weight_params=[WEIGHT],
        gradient=ParamShiftSamplerGradient(sampler),
        input_gradients=True,
    )
    x, y = POINTS[:, 0], WEIGHTS[0]
    down = np.sin(x / 2) ** 2, np.sin(y / 2) ** 2
    up = np.cos(x / 2) ** 2, np.cos(y / 2) ** 2
    expected = np.stack([up[0] * up[1], down[0] * down[1], up[0] * down[1], down[0] * up[1]], 1)
    probabilities = network.forward(POINTS, WEIGHTS)
    np.testing.assert_allclose(probabilities, expected, atol=0.02)
    by_input, by_weight = network.backward(POINTS, WEIGHTS)
    slope = np.sin(x) / 2
    expected = np.stack([-slope * up[1], slope * down[1], -slope * down[1], slope * up[1]], 1)
    np.testing.assert_allclose(by_input[:, :, 0], expected, atol=0.02)
    slope = np.sin(y) / 2
    expected = np.stack([-slope * up[0], slope * down[0], slope * up[0], -slope * down[0]], 1)
    np.testing.assert_allclose(by_weight[:, :, 0], expected, atol=0.02)


def test_fidelity_kernel():
    features = zz_feature_map(2, reps=1)
    points = np.array([[0.1, 0.8], [1.2, 0.3], [0.5, 2.1]])
    fidelity = ComputeUncompute(SamplerV2(options={"seed_simulator": 5}), options={"shots": 10_000})
    kernel = FidelityQuantumKernel(feature_map=features, fidelity=fidelity).evaluate(points)
    states = [Statevector(features.assign_parameters(point)) for point in points]
    exact = [[abs(a.inner(b)) ** 2 for b in states] for a in states]
    np.testing.assert_allclose(kernel, exact, atol=0.03)
