"""The parities that a damping model is fitted to."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.mitigation.parities import fitted_parities
from qiskit_haiqu_provider.mitigation.structure import structure_of


def of_chain(width):
    circuit = QuantumCircuit(width)
    for qubit in range(width - 1):
        circuit.cz(qubit, qubit + 1)
    circuit.measure_all()
    return structure_of(circuit, np.empty((1, 0)), measured=True)


@pytest.mark.parametrize(
    ("width", "count"), [(1, 1), (2, 3), (4, 4 + 3 + 5), (6, 6 + 5 + 42), (9, 64), (20, 20 + 19 + 1)]
)
def test_bits_and_neighbours_are_among_them_and_of_few_bits_heavier_ones(width, count):
    found = fitted_parities(of_chain(width), range(width))
    assert found.shape == (count, width)
    assert len(np.unique(found, axis=0)) == count
    weights = found.sum(axis=1)
    assert (weights == 1).sum() == width
    pairs = found[weights == 2]
    assert all(np.diff(np.flatnonzero(pair)).tolist() == [1] for pair in pairs)
    assert len(pairs) == width - 1
    assert weights.max() == width


def test_they_are_the_same_in_every_run():
    assert np.array_equal(fitted_parities(of_chain(9), range(9)), fitted_parities(of_chain(9), range(9)))


def test_bits_that_are_written_midway_are_in_none():
    structure = of_chain(3)
    found = fitted_parities(structure, [0, -1, 1, 2])
    assert not found[:, 1].any()
    assert found.any(axis=1).all()
    assert found[:, [0, 2, 3]].tolist() == fitted_parities(structure, [0, 1, 2]).tolist()
