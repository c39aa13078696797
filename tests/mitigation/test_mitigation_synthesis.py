"""Segments written in the gates of devices."""

import numpy as np
import pytest
from hypothesis import given, settings
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator, random_unitary

from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.mitigation.structure import structure_of
from qiskit_haiqu_provider.mitigation.synthesis import choose_basis, euler, template
from tests.mitigation.circuits_for_mitigation import kinds, no_values, random_circuit, seeds

BASES = [{"rz", "sx"}, {"p", "sx"}, {"rz", "rx"}, {"rz", "ry"}, {"r"}, {"gpi", "gpi2"}, {"u"}, {"u3"}]
CORNERS = [np.eye(2), [[0, 1], [1, 0]], [[1, 0], [0, -1]], np.array([[1, 1], [1, -1]]) / np.sqrt(2)]


def written(structure, gates, unitaries):
    sets = np.zeros(len(unitaries), dtype=int)
    found = template(structure, euler(unitaries), sets, basis=choose_basis(gates, gates))
    return [found.circuit.assign_parameters(row) if len(row) else found.circuit for row in found.values]


@pytest.mark.parametrize("gates", BASES, ids=lambda gates: "-".join(sorted(gates)))
def test_every_unitary_has_a_form(gates):
    single = structure_of(QuantumCircuit(1), no_values(), keep=[0])
    unitaries = np.array([*CORNERS, *(random_unitary(2, seed=seed).data for seed in range(6))], dtype=complex)
    for together in (unitaries[:, None], *unitaries[:, None, None]):  # all in one form, and each in its shortest
        for circuit, unitary in zip(written(single, gates, together), together[:, 0], strict=True):
            assert {each.name for each in circuit.data} <= gates
            bound = QuantumCircuit(1)
            for each in circuit.data:
                bound.append(native(each.operation), [0])
            assert np.isclose(abs(np.trace(unitary.conj().T @ Operator(bound).data)), 2)


def native(operation):
    from qiskit_haiqu_provider.devices.native import NATIVE_GATES

    known = NATIVE_GATES.get(operation.name)
    return operation if known is None else type(known)(*operation.params)


@settings(max_examples=15, deadline=None)
@given(kinds, seeds)
def test_a_circuit_written_anew_is_the_same(kind, seed):
    circuit = random_circuit(kind, seed)
    structure = structure_of(circuit, no_values())
    (anew,) = written(structure, {"u"}, structure.unitaries)
    assert Operator(anew).equiv(Operator(circuit))


def test_equal_forms_need_no_more_than_the_circuit_has():
    circuit = QuantumCircuit(2)
    circuit.rz(0.3, 0)
    circuit.sx(1)
    circuit.cz(0, 1)
    structure = structure_of(circuit, no_values())
    (anew,) = written(structure, {"rz", "sx"}, structure.unitaries)
    assert anew.count_ops()["sx"] == 1


def test_gates_that_stay_keep_the_angle_of_their_set():
    angle = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.rx(angle, 0)
    circuit.rzz(2 * angle, 0, 1)
    values = np.array([[0.1], [0.2]])
    structure = structure_of(circuit, values)
    sets = np.array([1, 0, 1])
    found = template(structure, euler(structure.unitaries[sets]), sets, basis=choose_basis(None, {"u"}))
    for row, index in zip(found.values, sets, strict=True):
        expected = circuit.assign_parameters(values[index])
        assert Operator(found.circuit.assign_parameters(row)).equiv(Operator(expected))


def test_the_basis_is_the_one_that_the_circuit_uses():
    assert choose_basis(None, {"sx", "rz", "x", "cz"}).gates == {"rz", "sx"}
    assert choose_basis({"u", "rz", "sx"}, {"cz"}).gates == {"u"}
    with pytest.raises(HaiquCircuitError, match="no general one-qubit unitary"):
        choose_basis({"h", "cz"}, {"h"})
