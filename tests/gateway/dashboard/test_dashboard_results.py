"""What is shown of the results of a job, for each shape that results have."""

import math

import pytest

from qiskit_haiqu_provider.gateway.dashboard.results import (
    MAX_OUTCOMES,
    MAX_POINTS,
    MAX_SERIES,
    Selection,
    asked,
    observable_label,
    shown,
)

ZZ = [["ZZ"], [1.0]]
MIX = [["XX", "YY"], [0.5, -0.5]]


def show(view, results, uncertainty=None, parameters=None, **chosen):
    return shown(asked({"shots": 1000, **view}, parameters), results, uncertainty, Selection(**chosen))


def test_a_distribution_of_whole_counts_is_shown_as_counts():
    found = show({}, [{"11": 0.497, "00": 0.503}])
    assert found.title == "Counts"
    assert found.columns == ("Outcome", "Counts", "Probability")
    assert found.rows == [("00", 503, 0.503), ("11", 497, 0.497)]
    assert found.chart == {"kind": "bars", "labels": ["00", "11"], "values": [503, 497], "axis": "Counts"}
    assert "00 with 50.3%" in found.summary
    assert found.sizes == {}
    assert found.notes == []


def test_probabilities_that_are_no_counts_stay_probabilities():
    found = show({"shots": 10}, [{"0": 1.02, "1": -0.02}])
    assert found.title == "Distribution"
    assert found.rows == [("0", 1.02), ("1", -0.02)]
    assert found.chart["axis"] == "Probability"


def test_a_wide_distribution_shows_the_most_frequent_outcomes_and_says_so():
    shots = 2 * 500 + 3
    results = [{format(index, "09b"): (2 if index else 5) / shots for index in range(500)}]
    found = show({"shots": shots}, results)
    assert len(found.rows) == MAX_OUTCOMES == len(found.chart["labels"])
    assert found.rows[0][0] == "000000000"
    assert found.notes == [f"Shown are the {MAX_OUTCOMES} most frequent of 500 outcomes."]


def test_an_empty_distribution_is_no_error():
    assert show({}, [{}]).summary == "There are no outcomes."


def test_one_of_several_circuits_bases_and_sets_is_chosen():
    def dist(circuit, basis, place):
        return {f"{circuit}{basis}{place}": 1.0}

    results = [[[dist(c, b, p) for p in range(3)] for b in range(2)] for c in range(4)]
    view = {"readout_bases": ["ZZ", "XX"], "parameters": [[0.1], [0.2], [0.3]]}
    assert show(view, results).sizes == {"circuit": 4, "basis": 2, "set": 3}
    assert show(view, results).rows[0][0] == "000"
    assert show(view, results, circuit=3, basis=1, set=2).rows[0][0] == "312"
    assert show(view, results, circuit=99, basis=99, set=99).rows[0][0] == "312", "the last where there is none"


def test_expectation_values_have_their_uncertainties():
    found = show({"observables": [[ZZ, MIX]]}, [[0.5, -0.25]], [[0.0123, 0.02]])
    assert found.columns == ("Observable", "Value", "Uncertainty")
    assert found.rows == [("ZZ", 0.5, "± 0.012"), ("0.5 XX - 0.5 YY", -0.25, "± 0.02")]
    assert found.chart["errors"] == [0.0123, 0.02]


def test_expectation_values_without_uncertainty():
    found = show({"observables": [[ZZ]]}, [[0.5]])
    assert found.rows == [("ZZ", 0.5, None)]
    assert found.chart["errors"] == [None]


def test_a_sweep_of_one_parameter_is_drawn_against_its_values():
    sets = [[0.1], [0.2], [0.4]]
    view = {"observables": [[ZZ, MIX]], "parameters": sets}
    found = show(view, [[[1.0, 0.9, 0.8], [0.0, 0.1, 0.2]]], [[[0.1] * 3, [0.2] * 3]], [sets])
    assert found.chart["x"] == [0.1, 0.2, 0.4]
    assert found.chart["axis"] == "Parameter value"
    assert found.chart["series"][1] == {"label": "0.5 XX - 0.5 YY", "values": [0.0, 0.1, 0.2], "errors": [0.2] * 3}
    assert found.columns == ["Set", "Parameter", "ZZ", "0.5 XX - 0.5 YY"]
    assert found.rows[1] == [2, 0.2, "0.9 ± 0.1", "0.1 ± 0.2"]


def test_a_sweep_of_several_parameters_is_drawn_against_the_sets():
    sets = [[0.1, 1.0], [0.2, 2.0]]
    found = show({"observables": [[ZZ]], "parameters": sets}, [[[1.0, 0.9]]], None, [sets])
    assert found.chart["x"] == [1, 2]
    assert found.chart["axis"] == "Parameter set"
    assert found.columns == ["Set", "Parameter 1", "Parameter 2", "ZZ"]
    assert found.rows == [[1, 0.1, 1.0, 1.0], [2, 0.2, 2.0, 0.9]]


@pytest.mark.parametrize("sets", [None, [[[0.0] * 9] * 2]])
def test_parameters_that_are_unknown_or_many_have_no_columns(sets):
    found = show({"observables": [[ZZ]], "parameters": [[1], [2]]}, [[[1.0, 0.9]]], None, sets)
    assert found.columns == ["Set", "ZZ"]
    assert found.chart["x"] == [1, 2]


def test_a_large_sweep_is_cut_and_says_so():
    observables = [[["Z"], [1.0]]] * (MAX_SERIES + 2)
    count = MAX_POINTS + 50
    results = [[[0.0] * count] * len(observables)]
    found = show({"observables": [observables], "parameters": [[1.0]]}, results, None, [[[1.0]] * count])
    assert len(found.rows) == len(found.chart["x"]) == MAX_POINTS
    assert len(found.chart["series"]) == MAX_SERIES
    assert [len(series["values"]) for series in found.chart["series"]] == [MAX_POINTS] * MAX_SERIES
    assert found.notes == [
        f"Shown are the {MAX_SERIES} first of 8 observables.",
        f"Shown are the {MAX_POINTS} first of 450 parameter sets.",
    ]


@pytest.mark.parametrize(
    "view", [{"run_type": "StatevectorRun"}, {"program": {"layers": [{"type": "input"}, {"type": "statevector"}]}}]
)
def test_an_exact_state_is_a_table_of_amplitudes(view):
    half = math.sqrt(0.5)
    found = show(view, [[[half, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -half]]])
    assert found.columns[0] == "Basis state"
    assert [row[0] for row in found.rows] == ["00", "11"]
    assert found.rows[1][1:] == pytest.approx((0.0, -half, 0.5, -0.5))
    assert found.chart["labels"] == ["00", "11"]


def test_a_large_state_shows_its_likeliest_parts():
    amplitude = 2**-4
    found = show({"run_type": "StatevectorRun"}, [[[amplitude] * 256, [0.0] * 256]])
    assert len(found.rows) == MAX_OUTCOMES
    assert found.notes == [f"Shown are the {MAX_OUTCOMES} most likely of 256 basis states."]


def test_states_of_a_sweep_are_chosen_by_set():
    states = [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]]
    view = {"run_type": "StatevectorRun", "parameters": [[0.0], [3.14]]}
    assert [row[0] for row in show(view, [states], set=1).rows] == ["1"]


@pytest.mark.parametrize(
    ("paulis", "coeffs", "label"),
    [
        (["ZZ"], [1.0], "ZZ"),
        (["ZZ"], [-1.0], "- ZZ"),
        (["XX", "YY"], [0.5, -2.0], "0.5 XX - 2 YY"),
        (["IIIIIIIZIX"], [1.0], "X0 Z2"),
        (["IIIIIIIIII"], [1.0], "I"),
        (["XXXXXXXX"] * 5, [1.0] * 5, "XXXXXXXX + XXXXXXXX + XXXXX…"),
    ],
)
def test_observables_are_named_in_one_line(paulis, coeffs, label):
    assert observable_label(paulis, coeffs) == label
