"""Expectation values of Pauli sums are Qiskit's, whatever way they take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, Statevector, random_statevector

from qiskit_haiqu_provider.engines.local import pauli
from qiskit_haiqu_provider.engines.local.pauli import expectations, walsh_hadamard


def assert_values(num_qubits, observables, seed):
    """The values of some random states are Qiskit's."""
    states = np.array([random_statevector(2**num_qubits, seed + number).data for number in range(3)])
    expected = [[Statevector(state).expectation_value(each).real for state in states] for each in observables]
    assert np.allclose(expectations(states, observables), expected, rtol=0, atol=1e-11)


def random_sum(rng, num_qubits, terms, letters="IXYZ"):
    labels = ["".join(label) for label in rng.choice(list(letters), (terms, num_qubits))]
    return SparsePauliOp(labels, rng.normal(size=terms))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.integers(1, 8),
    st.lists(
        st.tuples(st.sampled_from([1, 2, 7, 60]), st.sampled_from(["IXYZ", "IZ", "IX", "XY"])), min_size=1, max_size=3
    ),
    st.integers(0, 10**6),
)
def test_random_sums(num_qubits, kinds, seed):
    rng = np.random.default_rng(seed)
    assert_values(num_qubits, [random_sum(rng, num_qubits, *kind) for kind in kinds], seed)


@pytest.mark.parametrize("part", [16, 2**20], ids=["in parts", "all masks at once"])
@pytest.mark.parametrize("terms", [1, 40, 3000])
def test_wider_states(monkeypatch, terms, part):
    monkeypatch.setattr(pauli, "_PART", part)
    monkeypatch.setattr(pauli, "_STATES", 2)
    rng = np.random.default_rng(terms)
    sums = [random_sum(rng, 9, terms), random_sum(rng, 9, terms, "IZ")]
    for observables in (sums[:1], sums[1:], sums):
        assert_values(9, observables, 5)


@pytest.mark.parametrize("label", ["I", "X", "Y", "Z"])
def test_single_paulis_on_any_qubit_of_a_wide_state(label):
    labels = ["I" * (11 - qubit) + label + "I" * qubit for qubit in range(12)]
    assert_values(12, [SparsePauliOp(labels, np.arange(1, 13))], 7)
    assert_values(12, [SparsePauliOp(each) for each in labels], 8)


def test_all_paulis_of_four_qubits():
    rng = np.random.default_rng(4)
    labels = ["".join("IXYZ"[place // 4**digit % 4] for digit in range(4)) for place in range(256)]
    assert_values(4, [SparsePauliOp(labels, rng.normal(size=256))], 1)


def test_equal_terms_add_up():
    assert_values(2, [SparsePauliOp(["XX", "XX", "ZI", "ZI", "XX"], [1, 2, 3, -3, 0.5])], 2)


def test_the_walsh_hadamard_transform_is_all_signed_sums():
    values = np.random.default_rng(6).normal(size=(2, 16))
    signs = [[(-1) ** (index & mask).bit_count() for index in range(16)] for mask in range(16)]
    assert np.allclose(walsh_hadamard(values), values @ np.transpose(signs))


@pytest.mark.parametrize("terms", [1, 30, 400])
def test_values_do_not_depend_on_how_many_states_there_are(terms):
    rng = np.random.default_rng(terms)
    sums = [random_sum(rng, 7, terms), random_sum(rng, 7, terms, "IZ")]
    states = np.array([random_statevector(2**7, seed).data for seed in range(19)])
    for observables in (sums[:1], sums[1:], sums):
        whole = expectations(states, observables)
        alone = np.hstack([expectations(states[row : row + 1], observables) for row in range(19)])
        assert np.allclose(whole, alone, rtol=1e-14, atol=1e-14)
