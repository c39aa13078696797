"""Pauli transfer matrices, compared with Qiskit's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import PTM, Kraus, Operator, Pauli, SuperOp, random_quantum_channel, random_unitary

from qiskit_haiqu_provider.engines.local.channels import transfer


@pytest.mark.parametrize("width", [1, 2, 3])
def test_unitaries(width):
    unitaries = [random_unitary(2**width, seed=seed) for seed in (1, 2)]
    found = transfer.of_unitaries(np.array([unitary.data for unitary in unitaries]))
    assert np.allclose(found, [PTM(unitary).data.real for unitary in unitaries])


def test_many_gates_at_once():
    unitaries = np.array([random_unitary(2, seed=seed).data for seed in range(300)])
    found = transfer.of_unitaries(unitaries.reshape(100, 3, 2, 2))
    assert np.allclose(found[99, 2], PTM(Operator(unitaries[299])).data.real)
    assert np.allclose(found[0, 1], PTM(Operator(unitaries[1])).data.real)


@pytest.mark.parametrize("width", [1, 2])
def test_channels(width):
    channel = random_quantum_channel(2**width, 2**width, rank=3, seed=5)
    found = transfer.of_kraus(np.array(Kraus(channel).data))
    assert np.allclose(found, PTM(channel).data.real)


@pytest.mark.parametrize("label", ["Y", "ZX", "IYZ"])
def test_paulis(label):
    assert np.allclose(transfer.of_pauli(label), PTM(Operator(Pauli(label))).data.real)


def test_reset():
    circuit = QuantumCircuit(1)
    circuit.reset(0)
    assert np.allclose(transfer.RESET, PTM(SuperOp(circuit)).data.real)


@given(st.integers(1, 2), st.permutations(range(3)))
def test_channels_among_more_qubits(count, places):
    qubits = places[:count]
    unitary = random_unitary(2**count, seed=7)
    circuit = QuantumCircuit(3)
    circuit.unitary(unitary, qubits)
    found = transfer.embedded(PTM(unitary).data.real, qubits, 3)
    assert np.allclose(found, PTM(Operator(circuit)).data.real)
