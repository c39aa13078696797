"""Terms run backwards: their values, and what they meet on the way, against whole simulations with noise."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import PTM, DensityMatrix, Pauli, Statevector, SuperOp, random_unitary

from qiskit_haiqu_provider.mitigation.propagation import STRINGS, followed, quarter_turns, spread
from qiskit_haiqu_provider.mitigation.structure import structure_of
from tests.mitigation.circuits_for_mitigation import CLIFFORD, no_values, random_circuit, seeds

LETTERS = "IXYZ"
WIDTH = 3
kinds = st.sampled_from(CLIFFORD)


def damped(letters_lost):
    """A channel on qubits that damps each Pauli by some exponent."""
    size = len(letters_lost[0][0])
    lost = dict(letters_lost)
    return SuperOp(PTM(np.diag([np.exp(-lost["".join(each)]) for each in product(LETTERS, repeat=size)])))


def loss(kind, rate):
    """What each gate loses: of all Paulis but the identity, or of each letter X and Y."""
    pairs = ["".join(each) for each in product(LETTERS, repeat=2)]
    if kind == "gates":
        return damped([(pair, rate * (pair != "II")) for pair in pairs])
    return damped([(pair, rate * sum(letter in "XY" for letter in pair)) for pair in pairs])


def value(circuit, term, noise=None):
    """With the noise behind each two-qubit gate."""
    state = DensityMatrix.from_int(0, 2**circuit.num_qubits)
    for each in circuit.data:
        qubits = [circuit.find_bit(bit).index for bit in each.qubits]
        state = state.evolve(each.operation, qubits)
        if noise is not None and len(qubits) == 2:
            state = state.evolve(noise, qubits)
    return state.expectation_value(Pauli("".join(LETTERS[letter] for letter in term[::-1]))).real


def power(found):
    """Squares of the sums of the amplitudes."""
    return found.products[:, 0, 0]


def met(found):
    """What paths meet, weighted by their amplitudes."""
    return found.products[:, 0, 1:] / np.where(power(found) > 1e-9, power(found), 1.0)[:, None]


def some_terms(seed, count=4):
    return np.random.default_rng(seed).integers(0, 4, size=(count, WIDTH)).astype(np.int8)


@settings(max_examples=15, deadline=None)
@given(kinds, seeds)
def test_where_nothing_is_cut_off_sums_are_values(kind, seed):
    circuit = random_circuit(kind, seed)
    terms = some_terms(seed)
    found = spread(structure_of(circuit, no_values(), keep=range(WIDTH)), terms)
    values = np.array([value(circuit, term) for term in terms])
    np.testing.assert_allclose(power(found), values**2, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(kinds, seeds, st.sampled_from(["gates", "letters"]))
def test_what_paths_meet_is_what_noise_takes_of_them(kind, seed, noise):
    circuit = random_circuit(kind, seed)
    terms, rate = some_terms(seed), 1e-5
    found = spread(structure_of(circuit, no_values(), keep=range(WIDTH)), terms)
    for term, size, count in zip(terms, power(found), met(found), strict=True):
        if size > 0.01:
            ratio = value(circuit, term, loss(noise, rate)) / value(circuit, term)
            assert count[int(noise == "letters")] == pytest.approx(-np.log(ratio) / rate, abs=1e-2)


@settings(max_examples=15, deadline=None)
@given(kinds, seeds)
def test_what_a_clifford_circuit_meets(kind, seed):
    rng = np.random.default_rng(seed)
    structure = structure_of(random_circuit(kind, seed), no_values(), keep=range(WIDTH))
    quarters = rng.integers(0, 4, size=(1, structure.unitaries.shape[1], 3)).astype(np.int8)
    terms = some_terms(seed)
    back = followed(structure, quarters, terms, counted=True)
    unitaries = quarter_turns()[tuple(np.moveaxis(quarters, 2, 0))]
    found = spread(replace(structure, unitaries=unitaries), terms)
    on_zero = np.isin(back.pauli[0], (0, 3)).all(axis=1)
    np.testing.assert_allclose(power(found), on_zero, atol=1e-9)
    np.testing.assert_allclose(met(found)[on_zero], back.met[0, on_zero], atol=1e-9)
    np.testing.assert_allclose(found.typical[on_zero], back.met[0, on_zero], atol=1e-9)
    assert not followed(structure, quarters, terms).met.any()


def deep(width=8, layers=6, seed=2):
    """A circuit in which terms become more Paulis than are followed."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(width)
    for _ in range(layers):
        for qubit in range(width):
            circuit.u(*rng.uniform(-3, 3, 3), qubit)
        for first in (0, 1):
            for qubit in range(first, width - 1, 2):
                circuit.cz(qubit, qubit + 1)
    return circuit


def test_terms_do_not_disturb_each_other():
    structure = structure_of(deep(), no_values())
    terms = np.eye(8, dtype=np.int8) * 3
    together = spread(structure, terms)
    alone = [spread(structure, term[None]) for term in terms]
    np.testing.assert_allclose(together.products, np.concatenate([each.products for each in alone]), atol=1e-9)
    np.testing.assert_allclose(together.typical, np.concatenate([each.typical for each in alone]), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_paths_that_cancel_are_not_forgotten(seed):
    """At angles where amplitudes cancel exactly, what their paths met is what it is next to them."""
    kinds = np.random.default_rng(seed).integers(0, 3, size=(6, WIDTH))
    found = []
    for angle in (np.pi / 4, np.pi / 4 + 1e-9):
        circuit = QuantumCircuit(WIDTH)
        for layer, row in enumerate(kinds):
            for qubit, kind in enumerate(row):
                (circuit.rx, circuit.ry, circuit.rz)[kind](angle, qubit)
            circuit.cz(layer % 2, layer % 2 + 1)
        terms = np.array(list(product(range(4), repeat=WIDTH)), dtype=np.int8)
        found.append(spread(structure_of(circuit, no_values()), terms).products)
    np.testing.assert_allclose(*found, atol=1e-6)


def test_little_is_kept_of_many_paths():
    circuit = deep()
    found = spread(structure_of(circuit, no_values()), np.full((1, 8), 3, dtype=np.int8))
    whole = Statevector(circuit).expectation_value(Pauli("Z" * 8)).real ** 2
    assert power(found)[0] != pytest.approx(whole, rel=0.1)  # what is kept does not tell the value
    assert STRINGS < 4**8


def test_sets_are_averaged():
    one, other = random_circuit("cz", 1), random_circuit("cz", 1)
    structure, second = (structure_of(each, no_values(), keep=range(WIDTH)) for each in (one, other))
    rng = np.random.default_rng(4)
    shape = structure.unitaries.shape[1]
    changed = np.array([[random_unitary(2, seed=rng.integers(2**31)).data for _ in range(shape)]])
    second = replace(second, unitaries=changed)
    both = replace(structure, unitaries=np.concatenate([structure.unitaries, changed]))
    terms = some_terms(3)
    alone = [spread(each, terms) for each in (structure, second)]
    mean = np.mean([each.products for each in alone], axis=0)
    np.testing.assert_allclose(spread(both, terms).products, mean, atol=1e-9)


def test_a_long_sweep_of_many_terms_is_followed_by_a_few_of_its_sets():
    structure = structure_of(deep(layers=2), no_values())
    many = replace(structure, unitaries=np.repeat(structure.unitaries, 500, axis=0))
    terms = np.eye(8, dtype=np.int8) * 3
    np.testing.assert_allclose(spread(many, terms).products, spread(structure, terms).products, atol=1e-9)


def test_no_terms():
    found = spread(structure_of(deep(layers=1), no_values()), np.zeros((0, 8), dtype=np.int8))
    assert found.products.shape == (0, 3, 3)
    assert found.typical.shape == (0, 2)
