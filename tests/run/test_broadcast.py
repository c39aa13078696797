"""Broadcasts become blocks that compute each wanted pair once and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qiskit_haiqu_provider.run.broadcast import blocks


def evaluations(parameter_shape, observable_shape, ids=None):
    size = int(np.prod(observable_shape))
    found = blocks(parameter_shape, observable_shape, range(size) if ids is None else ids)
    return sum(len(block.observables) * len(block.sets) for block in found)


@pytest.mark.parametrize(
    ("parameters", "observables", "expected"),
    [
        ((), (), 1),
        ((7,), (), 7),
        ((), (3,), 3),
        ((100,), (100,), 100),
        ((100, 1), (20,), 2000),
        ((5, 4), (4,), 20),
        ((1, 4), (5, 4), 20),
        ((0,), (), 0),
        ((0,), (1,), 0),
        ((3,), (0, 1), 0),
    ],
)
def test_no_evaluation_beyond_what_was_asked(parameters, observables, expected):
    assert evaluations(parameters, observables) == expected


def test_equal_observables_are_computed_once():
    assert evaluations((10, 1), (1, 5), ids=[0, 0, 0, 0, 0]) == 10
    assert len(list(blocks((10,), (10,), [0] * 10))) == 1


shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def broadcasts(draw):
    target = draw(shapes)

    def part():
        kept = draw(st.integers(0, len(target)))
        return tuple(size if draw(st.booleans()) else 1 for size in target[len(target) - kept :])

    parameters, observables = part(), part()
    size = int(np.prod(observables))
    ids = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    return parameters, observables, ids


@given(broadcasts())
def test_every_cell_is_found_once_with_its_own_pair(case):
    parameters, observables, ids = case
    shape = np.broadcast_shapes(parameters, observables)
    sets = np.broadcast_to(np.arange(int(np.prod(parameters))).reshape(parameters), shape).ravel()
    wanted = np.broadcast_to(np.array(ids, dtype=int).reshape(observables), shape).ravel()
    seen = np.zeros(int(np.prod(shape)), dtype=int)
    for block in blocks(parameters, observables, ids):
        for observable, cells, columns in zip(block.observables, block.cells, block.columns, strict=True):
            seen[cells] += 1
            assert (wanted[cells] == observable).all()
            assert (sets[cells] == block.sets[columns]).all()
    assert (seen == 1).all()
