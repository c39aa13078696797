"""qiskit-addon-cutting: subexperiments on our sampler, put together again.

The addon multiplies two registers shot by shot: losing their correlation gives wrong values.
"""

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_addon_cutting import (
    cut_gates,
    generate_cutting_experiments,
    partition_problem,
    reconstruct_expectation_values,
)
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_haiqu_provider import HaiquProvider, SamplerV2

pytestmark = pytest.mark.downstream

OBSERVABLE = SparsePauliOp(["ZZZZ", "XIIX", "IZIY", "ZIII"], [1.0, 0.5, 0.3, -0.7])


def _circuit():
    """Four qubits in two halves that one gate entangles."""
    circuit = QuantumCircuit(4)
    for qubit, angle in enumerate([0.4, 1.1, 0.7, 1.6]):
        circuit.ry(angle, qubit)
    circuit.cx(0, 1)
    circuit.cx(2, 3)
    circuit.rzz(0.9, 1, 2)
    circuit.rx(0.8, 1)
    circuit.rx(0.3, 2)
    circuit.cx(0, 1)
    circuit.cx(3, 2)
    return circuit


def test_halves_are_put_together_again():
    circuit = _circuit()
    problem = partition_problem(circuit, partition_labels="AABB", observables=OBSERVABLE.paulis)
    experiments, coefficients = generate_cutting_experiments(
        problem.subcircuits, problem.subobservables, num_samples=np.inf
    )
    sampler = SamplerV2(options={"seed_simulator": 41})
    results = {}
    for label, circuits in experiments.items():
        results[label] = sampler.run(circuits, shots=2**13).result()
    values = reconstruct_expectation_values(results, coefficients, problem.subobservables)
    state = Statevector(circuit)
    exact = [state.expectation_value(pauli).real for pauli in OBSERVABLE.paulis]
    np.testing.assert_allclose(values, exact, atol=0.06)
    total = np.dot(values, OBSERVABLE.coeffs).real
    assert total == pytest.approx(state.expectation_value(OBSERVABLE).real, abs=0.1)


def test_a_noisy_device_gives_what_its_noise_model_gives():
    circuit = QuantumCircuit(2)
    circuit.ry(0.8, 0)
    circuit.cx(0, 1)
    observables = SparsePauliOp(["ZZ", "ZI", "XX"]).paulis
    cut, _ = cut_gates(circuit, [1])
    experiments, coefficients = generate_cutting_experiments(cut, observables, num_samples=np.inf)
    backend = HaiquProvider().get_backend("fake_manila", seed_simulator=41)
    twin = AerSimulator.from_backend(FakeManilaV2())
    reference = BackendSamplerV2(backend=twin, options={"seed_simulator": 42})
    passes = generate_preset_pass_manager(1, backend=backend, seed_transpiler=4)
    circuits = passes.run(experiments)
    samplers = (SamplerV2(backend), reference)
    results = [sampler.run(circuits, shots=2**13).result() for sampler in samplers]
    values, expected = [
        reconstruct_expectation_values(result, coefficients, observables)  # once for each sampler
        for result in results
    ]
    exact = [Statevector(circuit).expectation_value(pauli).real for pauli in observables]
    np.testing.assert_allclose(values, expected, atol=0.08)
    assert np.all(np.array(values) < np.array(exact) - 0.03)
