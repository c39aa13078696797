"""Companions have exactly the values that they are said to have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider.mitigation.companions import cliffords, has_cliffords, is_clifford, mirrors
from qiskit_haiqu_provider.mitigation.structure import structure_of
from qiskit_haiqu_provider.mitigation.synthesis import choose_basis, euler, template
from tests.mitigation.circuits_for_mitigation import CLIFFORD, kinds, no_values, random_circuit, seeds

LETTERS = "IXYZ"


def states(structure, unitaries):
    sets = np.zeros(len(unitaries), dtype=int)
    found = template(structure, euler(unitaries), sets, basis=choose_basis(None, {"u"}))
    for row in found.values if found.values.shape[1] else np.empty((len(unitaries), 0)):
        yield Statevector(found.circuit.assign_parameters(row) if len(row) else found.circuit)


def value(state, term):
    label = "".join(LETTERS[letter] for letter in term[::-1])
    from qiskit.quantum_info import Pauli

    return state.expectation_value(Pauli(label)).real


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(CLIFFORD), seeds)
def test_clifford_companions(kind, seed):
    structure = structure_of(random_circuit(kind, seed), no_values(), keep=range(3))
    rng = np.random.default_rng(seed)
    terms = rng.integers(0, 4, size=(4, 3)).astype(np.int8)
    found = cliffords(structure, terms, rng.random(4), rows=6, rng=rng)
    assert has_cliffords(structure)
    assert found.ideal.any()
    for state, ideal in zip(states(structure, found.unitaries), found.ideal, strict=True):
        for term, expected in zip(terms, ideal, strict=True):
            if expected:
                assert np.isclose(value(state, term), expected)


@settings(max_examples=12, deadline=None)
@given(kinds, seeds)
def test_mirrors_do_nothing(kind, seed):
    circuit = random_circuit(kind, seed)
    structure = structure_of(circuit, no_values())
    found = mirrors(structure)
    gates = sum(fixed.entangles for fixed in structure.fixed)
    assert [sum(fixed.entangles for fixed in mirror.fixed) for mirror in found] == [gates, gates]
    for mirror in found:
        (state,) = states(mirror, mirror.unitaries)
        assert np.isclose(abs(state.data[0]), 1)


def test_a_gate_without_inverse_has_no_mirror():
    circuit = QuantumCircuit(2)
    circuit.cp(0.4, 0, 1)
    structure = structure_of(circuit, no_values())
    assert mirrors(structure) == ()
    assert not has_cliffords(structure)


def test_bodies_of_a_clifford_circuit_are_the_circuit():
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.rz(np.pi / 2, 0)
    circuit.sx(0)
    circuit.cz(0, 1)
    structure = structure_of(circuit, no_values())
    assert is_clifford(structure)
    terms = measurements_terms("ZI", "ZZ")
    found = cliffords(structure, terms, np.ones(2), rows=2, rng=np.random.default_rng(1))
    inner = [segment for segment in range(structure.unitaries.shape[1]) if segment not in structure.first]
    overlaps = np.einsum("rsij,sij->rs", found.unitaries[:, inner].conj(), structure.unitaries[0, inner])
    assert np.allclose(np.abs(overlaps), 2)  # all but what prepares the initial state
    circuit.rz(0.1, 0)
    assert not is_clifford(structure_of(circuit, no_values()))


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(CLIFFORD), seeds)
def test_every_body_is_prepared_so_that_it_tells_about_a_term(kind, seed):
    structure = structure_of(random_circuit(kind, seed), no_values(), keep=range(3))
    found = cliffords(structure, measurements_terms("ZII"), np.ones(1), rows=8, rng=np.random.default_rng(seed))
    assert np.abs(found.ideal).all()  # one term alone always has a state that it is sharp on


def measurements_terms(*labels):
    return np.array([[LETTERS.index(letter) for letter in label[::-1]] for label in labels], dtype=np.int8)


@pytest.mark.parametrize("angle", [0.2, 1.4])
def test_angles_are_drawn_by_the_squares_of_their_cosines(angle):
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    structure = structure_of(circuit, no_values())
    from qiskit_haiqu_provider.mitigation.companions import _path

    quarters = _path(np.repeat(euler(structure.unitaries), 4000, axis=0), np.random.default_rng(5))
    share = (quarters[:, 0, 0] == 0).mean()
    assert abs(share - np.cos(angle) ** 2) < 0.04
