"""Angles of gates for whole parameter sweeps, and the matrices that they make."""

import numpy as np
import pytest
from qiskit.circuit import Parameter
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.run.angles import affine_form, angle_values
from qiskit_haiqu_provider.run.rotations import ROTATIONS

GATES = get_standard_gate_name_mapping()


@pytest.mark.parametrize("name", sorted(ROTATIONS))
def test_matrices_are_qiskits(name):
    gate = type(GATES[name])
    angles = np.random.default_rng(1).uniform(-7, 7, (len(GATES[name].params), 2, 3))
    found = ROTATIONS[name](*angles)
    for place in np.ndindex(2, 3):
        assert np.allclose(found[place], Operator(gate(*angles[(slice(None), *place)])).data)


def test_values_of_expressions():
    a, b = Parameter("a"), Parameter("b")
    columns = {a: np.array([1.0, 2.0]), b: np.array([3.0, 5.0])}
    assert angle_values(2.5, columns).tolist() == [2.5]
    assert angle_values(a, columns).tolist() == [1.0, 2.0]
    assert angle_values(2 * a - b + 1, columns).tolist() == [0.0, 0.0]
    assert angle_values(a * b, columns).tolist() == [3.0, 10.0]
    assert angle_values(a - a + 3, columns).tolist() in ([3.0], [3.0, 3.0])


def test_which_expressions_are_affine():
    a, b = Parameter("a"), Parameter("b")
    assert affine_form(2 * a - b / 4 + 1) == (1.0, {a: 2.0, b: -0.25})
    assert affine_form(a * b) is None
    assert affine_form(a.cos()) is None
