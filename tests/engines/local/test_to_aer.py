"""The AerSimulator that behaves as a local device has its width, its gates and its noise."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, SamplerV2

WIDE = "fake_prague"
"""Of more qubits than Aer takes for granted."""


@pytest.fixture(scope="module")
def chain():
    """A circuit on far qubits of the device, and observables in several bases."""
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    return circuit, [SparsePauliOp(label) for label in ("ZZ", "XX", "IZ")]


@pytest.mark.parametrize("noise", [{}, {"noise_model": None}], ids=["noisy", "ideal"])
def test_a_wide_device_stays_wide(provider, chain, noise):
    device = provider.get_backend(WIDE, seed_simulator=5, **noise)
    aer = device.to_aer()
    isa = transpile(chain[0], device, initial_layout=[31, 32], optimization_level=0)
    assert aer.num_qubits == device.num_qubits == 33
    assert set(aer.target.operation_names) == set(device.operation_names)
    assert transpile(isa, aer, optimization_level=1).num_qubits == 33
    observables = [each.apply_layout(isa.layout) for each in chain[1]]
    expected = EstimatorV2(device).run([(isa, observables)], precision=0).result()[0].data.evs
    found = BackendEstimatorV2(backend=aer).run([(isa, observables)], precision=0.02).result()[0].data.evs
    assert np.allclose(found, expected, atol=0.12)


def test_options_go_to_aer(provider, chain):
    aer = provider.get_backend(WIDE, method="matrix_product_state", seed_simulator=4).to_aer()
    assert (aer.options.method, aer.options.seed_simulator) == ("matrix_product_state", 4)
    assert aer.options.noise_model is not None
    assert provider.get_backend(WIDE, noise_model=None).to_aer().options.noise_model is None


def test_samples_are_those_of_the_device(provider, chain):
    device = provider.get_backend(WIDE, seed_simulator=6)
    isa = transpile(chain[0].measure_all(inplace=False), device, initial_layout=[31, 32], optimization_level=0)
    ours = SamplerV2(device).run([isa], shots=20_000).result()[0].data.meas.get_counts()
    aer = BackendSamplerV2(backend=device.to_aer()).run([isa], shots=20_000).result()[0].data.meas.get_counts()
    assert all(abs(ours[key] - aer[key]) < 600 for key in ("00", "01", "10", "11"))
