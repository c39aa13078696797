"""Parameters, observables and bases as they are sent, in every nesting."""

from dataclasses import dataclass

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st

from qiskit_haiqu_provider.gateway.inputs import check_count, check_observables, check_readout, parameter_sets
from qiskit_haiqu_provider.gateway.settings import Limits


@dataclass(frozen=True)
class Facts:
    """A circuit as the store knows it."""

    num_parameters: int = 0
    num_qubits: int = 2
    measures: bool = True
    id: str = "circ-1"


NONE, ONE, TWO = Facts(), Facts(1), Facts(2)


@pytest.mark.parametrize(
    ("given", "circuits", "sets"),
    [
        (None, [NONE], None),
        ([], [NONE, NONE], None),
        ([1], [ONE], [[[1.0]]]),
        ([1, 2], [TWO], [[[1.0, 2.0]]]),
        ([[1], [2]], [ONE], [[[1.0], [2.0]]]),
        ([[[1], [2]]], [ONE], [[[1.0], [2.0]]]),
        ([[1, 2]], [TWO], [[[1.0, 2.0]]]),
        ([[1], [2]], [ONE, ONE], [[[1.0]], [[2.0]]]),
        ([[[1], [2]], [[3]]], [ONE, ONE], [[[1.0], [2.0]], [[3.0]]]),
        ([[[1], [2]], [3]], [ONE, ONE], [[[1.0], [2.0]], [[3.0]]]),
        ([1, 2], [ONE, ONE], [[[1.0]], [[2.0]]]),
        ([[[1, 2]], [[]]], [TWO, NONE], [[[1.0, 2.0]], [[]]]),
        ([[]], [NONE], [[[]]]),
        ([[[], []]], [NONE], [[[], []]]),
    ],
)
def test_every_nesting_becomes_circuit_set_value(given, circuits, sets):
    assert parameter_sets(given, circuits) == sets


@pytest.mark.parametrize(
    ("given", "circuits", "reason"),
    [
        (None, [ONE], "without values"),
        ([], [NONE, TWO], "without values"),
        ([1, 2], [ONE], "1 parameters, but a set has 2"),
        ([[1]], [NONE], "0 parameters, but a set has 1"),
        ([[1], [2]], [ONE, ONE, ONE], "for 2 circuits, but there are 3"),
        ([[[[1]]]], [ONE], "nested too deeply"),
        ([["1"]], [ONE], "lists of numbers"),
        ([[True]], [ONE], "lists of numbers"),
        ([[1], 2], [ONE], "lists of numbers"),
        ([[None]], [ONE], "lists of numbers"),
        ([{}], [ONE], "lists of numbers"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers(given, circuits, reason):
    with pytest.raises(RequestValidationError) as caught:
        parameter_sets(given, circuits)
    (issue,) = caught.value.errors()
    assert issue["loc"] == ("body", "parameters")
    assert reason in issue["msg"]


shapes = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=4)


@given(shapes)
def test_the_full_nesting_is_taken_as_it_is(shape):
    circuits = [Facts(parameters) for _, parameters in shape]
    sets = [[[0.5] * parameters for _ in range(rows)] for rows, parameters in shape]
    assert parameter_sets(sets, circuits) == sets


junk = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)


@given(st.lists(junk, max_size=3), st.lists(st.sampled_from([NONE, ONE, TWO]), min_size=1, max_size=3))
def test_anything_is_either_understood_or_refused(given, circuits):
    try:
        sets = parameter_sets(given, circuits)
    except RequestValidationError:
        return
    if sets is not None:
        assert [len(rows[0]) for rows in sets] == [circuit.num_parameters for circuit in circuits]


@pytest.mark.parametrize(
    ("observables", "reason"),
    [
        ([], "for 0 circuits, but there are 1"),
        ([[]], "there is none"),
        ([[([], [])]], "0 Pauli strings"),
        ([[(["ZZ", "XX"], [1.0])]], "2 Pauli strings have 1 coefficients"),
        ([[(["zz"], [1.0])]], "no Pauli string"),
        ([[([""], [1.0])]], "no Pauli string"),
        ([[(["ZZZ"], [1.0])]], "3 letters"),
        ([[(["ZZ", "Z"], [1.0, 1.0])]], "1 letters"),
    ],
)
def test_observables_that_do_not_fit_are_refused(observables, reason):
    with pytest.raises(RequestValidationError) as caught:
        check_observables(observables, [NONE])
    assert reason in caught.value.errors()[0]["msg"]


def test_observables_may_be_narrower_than_a_transpiled_circuit():
    check_observables([[(["ZZ"], [1.0])]], [Facts(num_qubits=133)])


@pytest.mark.parametrize("bases", [[], ["ZZ", "ZZ"], ["Z", "ZZ"], ["ZZZ"]])
def test_bases_that_do_not_fit_are_refused(bases):
    with pytest.raises(RequestValidationError):
        check_readout(bases, [NONE])


def test_a_circuit_that_measures_nothing_cannot_be_read_out():
    check_readout(None, [NONE])
    with pytest.raises(RequestValidationError, match="measures nothing"):
        check_readout(None, [NONE, Facts(measures=False)])


def test_the_number_of_circuits_is_limited():
    check_count(5, Limits(circuits=5))
    with pytest.raises(RequestValidationError, match="6 circuits are too many"):
        check_count(6, Limits(circuits=5))
