"""mthree: readout mitigation calibrated through backend.run and backend.configuration()."""

import mthree
import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile

from qiskit_haiqu_provider import HaiquProvider

pytestmark = pytest.mark.downstream

WORD = "0110"


@pytest.fixture
def backend():
    return HaiquProvider().get_backend("fake_manila", seed_simulator=23)


@pytest.mark.parametrize("method", ["balanced", "independent", "marginal"])
def test_calibration_matches_the_device(backend, method):
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system([0, 3], shots=20_000, method=method)
    for qubit in (0, 3):
        matrix = mitigation.single_qubit_cals[qubit]
        np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-6)
        error = (matrix[1, 0] + matrix[0, 1]) / 2
        assert error == pytest.approx(backend.target["measure"][(qubit,)].error, abs=0.01)
    assert mitigation.cal_timestamp is not None


def test_mitigation_brings_a_word_back(backend):
    circuit = QuantumCircuit(4)
    circuit.x([1, 2])
    circuit.measure_all()
    circuit = transpile(circuit, backend, initial_layout=[4, 2, 1, 0], optimization_level=0)
    counts = backend.run(circuit, shots=10_000).result().get_counts()
    mapping = mthree.utils.final_measurement_mapping(circuit)
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system(mapping, shots=10_000)
    mitigated = mitigation.apply_correction(counts, mapping).nearest_probability_distribution()
    assert counts[WORD] / 10_000 < 0.93
    assert mitigated[WORD] > 0.97
    assert mitigated[WORD] > counts[WORD] / 10_000 + 0.05


def test_mitigated_expectation_value_of_a_bell_state(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    circuit = transpile(circuit, backend, initial_layout=[1, 2], seed_transpiler=1)
    mapping = mthree.utils.final_measurement_mapping(circuit)
    counts = backend.run([circuit, circuit], shots=10_000).result().get_counts()
    mitigation = mthree.M3Mitigation(backend)
    mitigation.cals_from_system(mapping, shots=10_000, async_cal=True)
    raw = mthree.utils.expval(counts[0], "ZZ")
    mitigated = mitigation.apply_correction(counts, [mapping, mapping]).expval("ZZ")
    assert raw < 0.93
    assert np.all(mitigated > raw + 0.03)
    np.testing.assert_allclose(mitigated, 1, atol=0.05)
