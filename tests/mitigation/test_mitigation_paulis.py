"""What gates do to Paulis."""

import numpy as np
import pytest
from qiskit.circuit.library import CXGate, CZGate, ECRGate, RXXGate, RZZGate, SXGate, iSwapGate
from qiskit.quantum_info import Operator, Pauli

from qiskit_haiqu_provider.devices.native import MSGate, ZZGate
from qiskit_haiqu_provider.mitigation.paulis import common_images, images, inverting_pairs

LETTERS = "IXYZ"


def pauli(index, width):
    return Pauli(LETTERS[index]) if width == 1 else Pauli(LETTERS[index % 4] + LETTERS[index // 4])


@pytest.mark.parametrize("gate", [CXGate(), CZGate(), ECRGate(), iSwapGate(), SXGate()])
def test_images_are_those_of_the_heisenberg_picture(gate):
    table = images(Operator(gate).data)
    assert table.clifford
    for index, (image, sign) in enumerate(zip(*table, strict=True)):
        expected = Operator(gate).adjoint() @ Operator(pauli(index, gate.num_qubits)) @ Operator(gate)
        assert np.allclose(expected, sign * pauli(int(image), gate.num_qubits).to_matrix())


def test_an_ising_gate_carries_over_what_commutes_with_it():
    table = images(RZZGate(0.3).to_matrix())
    kept = {LETTERS[index // 4] + LETTERS[index % 4] for index in np.flatnonzero(table.image >= 0)}
    assert kept == {"II", "IZ", "ZI", "ZZ", "XX", "XY", "YX", "YY"}
    assert not table.clifford


def test_several_angles_share_what_none_of_them_breaks():
    quarter, other = RZZGate(np.pi / 2).to_matrix(), RZZGate(0.3).to_matrix()
    assert images(quarter).clifford
    shared = common_images(np.stack([quarter, other]))
    assert (shared.image >= 0).sum() == 8
    assert common_images(np.stack([quarter, quarter])).clifford


@pytest.mark.parametrize(
    "gate", [CXGate(), CZGate(), ECRGate(), iSwapGate(), RZZGate(0.3), RXXGate(0.7), MSGate(0.1, 0.2, 0.2), ZZGate(0.1)]
)
def test_paulis_around_a_gate_make_its_inverse(gate):
    matrix = np.asarray(Operator(gate).data)
    before, after = inverting_pairs(matrix[None])
    product = matrix @ pauli(after, 2).to_matrix() @ matrix @ pauli(before, 2).to_matrix()
    assert np.isclose(abs(np.trace(product)), 4)


def test_not_every_gate_has_such_paulis():
    controlled = np.diag([1, 1, 1, np.exp(0.4j)])
    assert inverting_pairs(controlled[None]) is None
    assert inverting_pairs(np.stack([RZZGate(0.3).to_matrix(), RZZGate(0.0).to_matrix()])) is not None
