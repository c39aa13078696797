"""Statevectors evolved in numpy agree with Qiskit's, gate by gate and for whole circuits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Statevector

from qiskit_haiqu_provider.engines.local.evolve import evolve, supports
from qiskit_haiqu_provider.run.angles import angle_values, constant_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

GATES = get_standard_gate_name_mapping()
NAMES = sorted([*constant_matrices(), *ROTATIONS])


@pytest.mark.parametrize("name", sorted(ROTATIONS))
def test_matrices_are_qiskits(name):
    gate = type(GATES[name])
    angles = np.random.default_rng(1).uniform(-7, 7, (len(GATES[name].params), 2, 3))
    found = ROTATIONS[name](*angles)
    for place in np.ndindex(2, 3):
        assert np.allclose(found[place], Operator(gate(*angles[(slice(None), *place)])).data)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.lists(st.sampled_from(NAMES), max_size=25), st.integers(0, 10**6))
def test_random_circuits(width, names, seed):
    rng = np.random.default_rng(seed)
    vector = ParameterVector("p", 4)
    angles = [vector[0], 1.3, 2 * vector[1] - vector[0] + 1, vector[2] * vector[3], vector[3].sin(), -vector[2]]
    circuit = QuantumCircuit(width, global_phase=0.7)
    for name in names:
        if GATES[name].num_qubits <= width:
            params = [angles[rng.integers(len(angles))] for _ in GATES[name].params]
            gate = type(GATES[name])(*params) if params else GATES[name]
            circuit.append(gate, rng.permutation(width)[: gate.num_qubits].tolist())
    values = rng.uniform(-5, 5, (3, circuit.num_parameters))
    assert supports(circuit)
    for state, row in zip(evolve(circuit, values), values, strict=True):
        bound = circuit.assign_parameters(row)
        bound.global_phase = 0
        assert np.allclose(state, Statevector(bound).data)


def test_what_is_left_to_aer():
    wide = QuantumCircuit(21)
    matrix = QuantumCircuit(1)
    matrix.unitary(np.eye(2), [0])
    assert not supports(wide)
    assert not supports(matrix)


def test_values_of_expressions():
    a, b = Parameter("a"), Parameter("b")
    columns = {a: np.array([1.0, 2.0]), b: np.array([3.0, 5.0])}
    assert angle_values(2.5, columns).tolist() == [2.5]
    assert angle_values(a, columns).tolist() == [1.0, 2.0]
    assert angle_values(2 * a - b + 1, columns).tolist() == [0.0, 0.0]
    assert angle_values(a * b, columns).tolist() == [3.0, 10.0]
    assert angle_values(a - a + 3, columns).tolist() in ([3.0], [3.0, 3.0])
