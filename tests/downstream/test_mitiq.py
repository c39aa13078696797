"""mitiq: error mitigation with an executor that calls backend.run."""

import mitiq
import numpy as np
import pytest
from mitiq import zne
from mitiq.zne.inference import LinearFactory
from mitiq.zne.scaling import fold_global
from qiskit import QuantumCircuit, transpile
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qiskit_haiqu_provider import HaiquProvider

pytestmark = pytest.mark.downstream

SHOTS = 20_000


def _executor(backend, observable_qubits):
    """<Z...Z> of the qubits, from counts; without optimization, which would unfold the gates."""

    def execute(circuit):
        measured = circuit.copy()
        measured.measure_all()
        measured = transpile(measured, backend, optimization_level=0, initial_layout=[0, 1])
        counts = backend.run(measured, shots=SHOTS).result().get_counts()
        return sum(
            number * (-1) ** sum(word[-1 - qubit] == "1" for qubit in observable_qubits)
            for word, number in counts.items()
        ) / sum(counts.values())

    return execute


def _circuit():
    """Entangles and disentangles; ends in |01> of qubits 1 and 0."""
    circuit = QuantumCircuit(2)
    circuit.x(0)
    for _ in range(4):
        circuit.cx(0, 1)
    return circuit


def test_extrapolation_undoes_depolarizing_noise():
    noise = NoiseModel(basis_gates=["x", "cx", "sx", "rz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["cx"])
    backend = HaiquProvider().get_backend("aer_simulator", noise_model=noise, seed_simulator=31)
    execute = _executor(backend, [0])
    circuit = _circuit()
    unmitigated = execute(circuit)
    mitigated = zne.execute_with_zne(
        circuit,
        execute,
        factory=zne.inference.PolyFactory([1, 3, 5], order=2),
        scale_noise=fold_global,
    )
    assert unmitigated == pytest.approx(-(0.98**4), abs=5 / np.sqrt(SHOTS))
    assert mitigated == pytest.approx(-1, abs=0.06)
    assert abs(mitigated + 1) < abs(unmitigated + 1)


def test_extrapolation_on_a_fake_device():
    backend = HaiquProvider().get_backend("fake_manila", seed_simulator=31)
    execute = _executor(backend, [0, 1])
    circuit = _circuit()
    unmitigated = execute(circuit)
    factory = LinearFactory([1, 3, 5])
    mitigated = zne.execute_with_zne(circuit, execute, factory=factory, scale_noise=fold_global)
    values = factory.get_expectation_values()
    assert np.all(np.diff(values) > 0)  # from -1 towards 0 as noise grows
    assert -1.02 < mitigated < unmitigated < -0.7


def test_batched_executor_with_shot_memory():
    backend = HaiquProvider().get_backend("fake_manila", seed_simulator=31)

    def execute(circuits) -> list[mitiq.MeasurementResult]:
        measured = transpile(circuits, backend, optimization_level=0)
        result = backend.run(measured, shots=4000, memory=True).result()
        return [
            mitiq.MeasurementResult([[int(bit) for bit in word[::-1]] for word in memory])
            for memory in map(result.get_memory, range(len(circuits)))
        ]

    executor = mitiq.Executor(execute, max_batch_size=10)
    flipped = QuantumCircuit(2)
    flipped.x(0)
    flipped.cx(0, 1)
    flipped.x(1)
    observable = mitiq.Observable(mitiq.PauliString("ZI"), mitiq.PauliString("IZ", coeff=0.5))
    values = executor.evaluate([flipped, _circuit()], observable)
    assert executor.calls_to_executor == 1
    np.testing.assert_allclose(np.real(values), -0.5, atol=0.1)
