"""qiskit-algorithms: variational solvers, gradients and amplitude estimation on our primitives."""

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import n_local
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_algorithms import (
    QAOA,
    VQE,
    EstimationProblem,
    IterativeAmplitudeEstimation,
    MaximumLikelihoodAmplitudeEstimation,
    NumPyMinimumEigensolver,
    SamplingVQE,
)
from qiskit_algorithms.gradients import (
    LinCombEstimatorGradient,
    ParamShiftEstimatorGradient,
    ParamShiftSamplerGradient,
)
from qiskit_algorithms.optimizers import COBYLA, SLSQP
from qiskit_algorithms.state_fidelities import ComputeUncompute
from qiskit_algorithms.utils import algorithm_globals

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2

pytestmark = pytest.mark.downstream

HYDROGEN = SparsePauliOp.from_list(
    [
        ("II", -1.052373245772859),
        ("IZ", 0.39793742484318045),
        ("ZI", -0.39793742484318045),
        ("ZZ", -0.01128010425623538),
        ("XX", 0.18093119978423156),
    ]
)
GROUND_ENERGY = -1.857275030202
DIAGONAL = SparsePauliOp.from_sparse_list(
    [("ZZ", [0, 1], 1.0), ("ZZ", [1, 2], 1.0), ("Z", [0], 0.4), ("Z", [2], 0.7)], num_qubits=3
)
LOWEST = "101"  # qubits 0 and 2 down, qubit 1 up: -1 - 1 - 0.4 - 0.7


@pytest.fixture(autouse=True)
def _seed():
    algorithm_globals.random_seed = 11


def _ansatz():
    return n_local(2, "ry", "cz", "linear", reps=1)


def test_vqe_finds_the_ground_state_of_hydrogen():
    estimator = EstimatorV2(options={"default_precision": 0})
    solver = VQE(estimator, _ansatz(), SLSQP(maxiter=60), initial_point=[0.1, 0.2, 0.3, 0.4])
    aux = {"ZI": SparsePauliOp("ZI")}
    result = solver.compute_minimum_eigenvalue(HYDROGEN, aux_operators=aux)
    exact = NumPyMinimumEigensolver().compute_minimum_eigenvalue(HYDROGEN, aux_operators=aux)
    assert result.eigenvalue == pytest.approx(GROUND_ENERGY, abs=1e-5)
    assert exact.eigenvalue == pytest.approx(GROUND_ENERGY, abs=1e-9)
    value, facts = result.aux_operators_evaluated["ZI"]
    assert value == pytest.approx(exact.aux_operators_evaluated["ZI"][0].real, abs=1e-3)
    assert facts["target_precision"] == 0


def test_vqe_on_a_noisy_device():
    backend = HaiquProvider().get_backend("fake_manila")
    callbacks = []
    solver = VQE(
        EstimatorV2(backend, options={"seed_simulator": 5}),
        _ansatz(),
        COBYLA(maxiter=25),
        initial_point=[0.1, 3.0, 0.1, 0.1],
        callback=lambda *facts: callbacks.append(facts),
        transpiler=generate_preset_pass_manager(1, backend=backend, seed_transpiler=5),
    )
    energy = solver.compute_minimum_eigenvalue(HYDROGEN).eigenvalue
    assert GROUND_ENERGY < energy < GROUND_ENERGY + 0.25
    assert callbacks[0][3] == {"target_precision": 2**-6, "shots": 4096, "circuit_metadata": {}}


@pytest.mark.parametrize("gradient", [ParamShiftEstimatorGradient, LinCombEstimatorGradient])
def test_estimator_gradients_are_exact(gradient):
    first, second = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.ry(first, 0)
    circuit.ry(second, 1)
    circuit.cx(0, 1)
    values = [0.3, 1.1]
    job = gradient(EstimatorV2(), precision=0.0).run([circuit], [SparsePauliOp("ZI")], [values])
    expected = [-np.sin(0.3) * np.cos(1.1), -np.cos(0.3) * np.sin(1.1)]  # of cos(a) cos(b)
    np.testing.assert_allclose(job.result().gradients[0], expected, atol=1e-9)
    assert job.result().precision == 0


def test_gradient_with_default_precision():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    gradient = ParamShiftEstimatorGradient(EstimatorV2(options={"seed_simulator": 3}))
    result = gradient.run([circuit], [SparsePauliOp("Z")], [[0.9]]).result()
    assert result.gradients[0][0] == pytest.approx(-np.sin(0.9), abs=5 / np.sqrt(2 * 4096))
    assert result.precision == 2**-6


def test_sampler_gradient():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    circuit.measure_all()
    sampler = SamplerV2(options={"seed_simulator": 3})
    result = ParamShiftSamplerGradient(sampler, shots=20_000).run([circuit], [[0.9]]).result()
    assert result.gradients[0][0][0] == pytest.approx(-np.sin(0.9) / 2, abs=0.02)
    assert result.gradients[0][0][1] == pytest.approx(np.sin(0.9) / 2, abs=0.02)
    assert result.shots == 20_000


def test_qaoa_finds_the_lowest_bit_string():
    sampler = SamplerV2(options={"seed_simulator": 7, "default_shots": 4000})
    start = [-0.3, 1.0, 1.0, 0.6]  # beta, beta, gamma, gamma
    solver = QAOA(sampler, COBYLA(maxiter=60), reps=2, initial_point=start)
    result = solver.compute_minimum_eigenvalue(DIAGONAL)
    circuit = result.optimal_circuit.assign_parameters(result.optimal_parameters)
    circuit.remove_final_measurements()
    state = Statevector(circuit.decompose(reps=3))
    exact = state.expectation_value(DIAGONAL).real
    assert result.best_measurement["bitstring"] == LOWEST
    assert result.best_measurement["value"] == pytest.approx(-3.1)
    assert max(result.eigenstate, key=result.eigenstate.get) == LOWEST
    assert result.eigenvalue == pytest.approx(exact, abs=0.15)
    assert exact < -2


def test_sampling_vqe_lowers_the_tail():
    sampler = SamplerV2(options={"seed_simulator": 7})
    ansatz = n_local(3, "ry", "cz", "linear", reps=1)
    start = np.full(6, 0.8)
    optimizer = COBYLA(maxiter=60)
    solver = SamplingVQE(sampler, ansatz, optimizer, initial_point=start, aggregation=0.25)
    result = solver.compute_minimum_eigenvalue(DIAGONAL)
    assert result.best_measurement["bitstring"] == LOWEST
    assert result.eigenvalue == pytest.approx(-3.1, abs=0.2)


@pytest.mark.parametrize(
    "make",
    [
        lambda sampler: IterativeAmplitudeEstimation(0.01, 0.01, sampler=sampler),
        lambda sampler: MaximumLikelihoodAmplitudeEstimation(3, sampler=sampler),
    ],
    ids=["iterative", "maximum_likelihood"],
)
def test_amplitude_estimation(make):
    probability = 0.2
    angle = 2 * np.arcsin(np.sqrt(probability))
    prepare, grover = QuantumCircuit(1), QuantumCircuit(1)
    prepare.ry(angle, 0)
    grover.ry(2 * angle, 0)
    problem = EstimationProblem(prepare, objective_qubits=[0], grover_operator=grover)
    result = make(SamplerV2(options={"seed_simulator": 2})).estimate(problem)
    low, high = result.confidence_interval_processed
    assert low <= probability <= high
    assert result.estimation == pytest.approx(probability, abs=0.01)


def test_state_fidelity():
    plus, tilted = QuantumCircuit(2), QuantumCircuit(2)
    plus.h(0)
    tilted.ry(1.0, 0)
    tilted.rx(0.4, 1)
    fidelity = ComputeUncompute(SamplerV2(options={"seed_simulator": 4}), shots=20_000)
    exact = abs(Statevector(plus).inner(Statevector(tilted))) ** 2
    assert fidelity.run(plus, tilted).result().fidelities[0] == pytest.approx(exact, abs=0.02)
