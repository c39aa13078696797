"""Observables become measurement groups, and outcomes become expectation values again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector, random_statevector

from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.run.measure import basis_change, measurement_circuit, measurements

ANY_GATES = [
    None,
    {"h", "sdg"},
    {"rz", "sx"},
    {"u"},
    {"u3"},
    {"r"},
    {"rx", "rz"},
    {"ry", "rz"},
    {"rx", "ry"},
    {"p", "sx"},
]


@pytest.mark.parametrize("gates", ANY_GATES, ids=lambda gates: " ".join(sorted(gates or ["any"])))
@pytest.mark.parametrize("basis", ["X", "Y"])
def test_basis_change_turns_the_pauli_into_z(basis, gates):
    change = basis_change(basis, None if gates is None else frozenset(gates))
    unitary = Operator(change).data
    turned = unitary.conj().T @ Pauli("Z").to_matrix() @ unitary
    assert np.allclose(turned, Pauli(basis).to_matrix())
    assert gates is None or set(change.count_ops()) <= gates


def test_basis_change_without_fitting_gates_is_refused():
    with pytest.raises(HaiquCircuitError, match="no way to measure X"):
        basis_change("X", frozenset({"cz", "rz"}))


def exact_values(state, observables):
    """Expectation values from the exact outcome probabilities of the measurement circuits."""
    plan = measurements(observables)
    values = plan.constants.copy()
    for group in plan.groups:
        circuit = QuantumCircuit(state.num_qubits)
        measured = measurement_circuit(circuit, group).remove_final_measurements(inplace=False)
        probabilities = state.evolve(measured).probabilities(group.qubits)
        bits = (np.arange(len(probabilities))[:, None] >> np.arange(len(group.qubits))) & 1
        values += probabilities @ group.values(bits.astype(np.uint8))
    return values


pauli_sums = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.dictionaries(st.text("IXYZ", min_size=width, max_size=width), st.floats(-2, 2), min_size=1, max_size=6).map(
            lambda terms: SparsePauliOp.from_list(list(terms.items()))
        ),
        min_size=1,
        max_size=3,
    )
)


@given(pauli_sums, st.integers(0, 2**32 - 1))
def test_groups_give_the_expectation_values(observables, seed):
    state = random_statevector(2 ** observables[0].num_qubits, seed)
    expected = [state.expectation_value(observable).real for observable in observables]
    assert np.allclose(exact_values(state, observables), expected, atol=1e-12)


@given(pauli_sums, st.integers(0, 2**32 - 1))
def test_levels_have_the_means_and_covariances_of_outcomes(observables, seed):
    rng = np.random.default_rng(seed)
    for group in measurements(observables).groups:
        size = 1 << len(group.qubits)
        outcomes = rng.dirichlet(np.ones(size), 2)
        bits = (np.arange(size)[:, None] >> np.arange(len(group.qubits))) & 1
        values, levels = group.values(bits.astype(np.uint8)), group.levels
        found = levels.probabilities(outcomes)
        assert np.allclose(found @ levels.values, outcomes @ values, atol=1e-9)
        for seen, expected in zip(found, outcomes, strict=True):
            second = (levels.values.T * seen) @ levels.values
            assert np.allclose(second, (values.T * expected) @ values, atol=1e-9)


def test_observables_are_told_apart_when_they_come_again():
    for coeffs in ([1.0, 2.0], [2.0, 1.0], [1.0, 2.0]):
        for labels in (["ZZ", "XX"], ["ZZ", "YY"]):
            plan = measurements([SparsePauliOp(labels, coeffs)])
            assert sorted(group.bases for group in plan.groups) == sorted(labels)
            assert {float(group.weights[0, 0]) for group in plan.groups} == set(coeffs)
    assert measurements([SparsePauliOp("ZZ")]) is measurements([SparsePauliOp("ZZ")])


def test_commuting_paulis_share_a_group():
    plan = measurements([SparsePauliOp(["ZZI", "IZZ", "XII", "IXX", "III"])])
    assert len(plan.groups) == 2
    assert plan.constants.tolist() == [1.0]


def test_identities_need_no_measurement():
    plan = measurements([SparsePauliOp(["II"], [3.0])])
    assert plan.groups == ()
    assert plan.constants.tolist() == [3.0]


def test_measurement_bits_come_after_the_circuits_own():
    circuit = QuantumCircuit(2, 3)
    group = measurements([SparsePauliOp(["XZ"])]).groups[0]
    measured = measurement_circuit(circuit, group)
    assert measured.num_clbits == 5
    assert [measured.find_bit(i.clbits[0]).index for i in measured.data if i.name == "measure"] == [3, 4]


def test_measurement_register_gets_a_free_name():
    circuit = QuantumCircuit(1)
    circuit.add_register(QuantumCircuit(0, 1, name="x").cregs[0].__class__(1, "observable"))
    group = measurements([SparsePauliOp(["Z"])]).groups[0]
    assert [creg.name for creg in measurement_circuit(circuit, group).cregs] == ["observable", "observable_"]


def test_many_outcomes_are_evaluated_in_parts(monkeypatch):
    monkeypatch.setattr("qiskit_haiqu_provider.run.measure._VALUES_AT_ONCE", 8)
    group = measurements([SparsePauliOp(["ZZ", "IZ"], [1.0, 0.5])]).groups[0]
    bits = np.array([[0, 0], [1, 0], [0, 1], [1, 1]] * 5, dtype=np.uint8)
    assert group.values(bits)[:4, 0].tolist() == [1.5, -1.5, -0.5, 0.5]
    assert group.values(bits).shape == (20, 1)
    assert Statevector.from_label("00").num_qubits == 2
