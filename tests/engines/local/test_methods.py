"""Every method of Aer's takes every gate: those that it does not know are unrolled for it."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_haiqu_provider import EstimatorV2, SamplerV2

OBSERVABLE = SparsePauliOp(["XYZ", "ZZI", "IIX"], [1, 0.5, 0.2])


def controlled():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cry(0.7, 0, 1)
    circuit.crz(0.3, 1, 2)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 0, 2)
    circuit.crx(0.4, 2, 1)
    circuit.ccz(0, 1, 2)
    circuit.csx(0, 1)
    circuit.cswap(0, 1, 2)
    return circuit


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
def test_controlled_gates(provider, method):
    backend = provider.get_backend("aer_simulator", method=method)
    found = EstimatorV2(backend).run([(controlled(), OBSERVABLE)], precision=0).result()[0].data.evs
    assert np.isclose(found, Statevector(controlled()).expectation_value(OBSERVABLE).real, atol=1e-9)


def test_the_extended_stabilizer_takes_any_angle(provider):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.ry(0.4, 0)
    circuit.rz(1.0, 0)
    circuit.h(0)
    circuit.measure_all()
    backend = provider.get_backend("aer_simulator", method="extended_stabilizer", seed_simulator=3)
    counts = SamplerV2(backend).run([circuit], shots=5).result()[0].data.meas.get_counts()  # a second of Aer's time
    assert sum(counts.values()) == 5


def test_a_circuit_is_made_ready_anew_for_another_method(provider):
    circuit = controlled()
    for method in ["automatic", "automatic", "automatic", "matrix_product_state", "matrix_product_state"] * 2:
        backend = provider.get_backend("aer_simulator", method=method)
        evs = EstimatorV2(backend).run([(circuit, OBSERVABLE)], precision=0).result()[0].data.evs
        assert np.isclose(evs, Statevector(circuit).expectation_value(OBSERVABLE).real, atol=1e-9)
