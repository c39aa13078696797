"""Results come home in every nesting and style that services use; what does not fit is refused, never guessed."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, Statevector, random_statevector

from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, Slot, observable_facts
from qiskit_haiqu_provider.engines.haiqu.results import bounds, merged_facts, read_results
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.measure import measurements
from qiskit_haiqu_provider.run.result import Distributions, Expectations, Statevectors
from qiskit_haiqu_provider.run.rounding import by_bitstring

SHOTS = 100
ZX = ((("ZI", "IX"), (1.0, -0.5)),)


def job(kind, *slots, swept=False, shots=SHOTS):
    return JobLayout(kind=kind, shots=shots, swept=swept, slots=slots)


def slot(task=0, *, sets=1, clbits=2, qubits=1, observables=0, **fields):
    facts = {"constants": (0.0,) * observables, "scales": (1.0,) * observables} if observables else {}
    return Slot(task=task, pub=task, num_sets=sets, num_clbits=clbits, num_qubits=qubits, **{**facts, **fields})


def read(layout, results, info=None, *, mitigated=False):
    """The task results, from results that came as JSON."""
    return read_results(layout, json.loads(json.dumps(results)), info, mitigated=mitigated)


def sampled(results, *, sets=1, clbits=2, swept=False, **fields):
    """The distributions of a single circuit."""
    [found], facts = read(job(Kind.SAMPLES, slot(sets=sets, clbits=clbits, **fields), swept=swept), results)
    assert isinstance(found, Distributions)
    assert facts == {}
    return list(by_bitstring(found))


def estimated(results, info=None, *, observables=2, sets=1, swept=False, **fields):
    [found], facts = read(
        job(Kind.VALUES, slot(sets=sets, observables=observables), swept=swept), results, info, **fields
    )
    assert isinstance(found, Expectations)
    assert found.values.shape == found.stds.shape == (observables, sets)
    return found, facts["stds"]


def pair(state):
    return [state.real.tolist(), state.imag.tolist()]


# Any shape there and back.


def nested_shapes(data, nested):
    """The same with axes of length 1 outside and inside, and without them where they were."""
    if isinstance(nested, list) and len(nested) == 1 and data.draw(st.booleans()):
        return nested_shapes(data, nested[0])
    if isinstance(nested, list) and data.draw(st.booleans()):
        nested = [[each] for each in nested]
    for _ in range(data.draw(st.integers(0, 2))):
        nested = [nested]
    return nested


distribution = st.dictionaries(st.text("01", min_size=3, max_size=3), st.floats(-0.2, 1), min_size=1).filter(
    lambda each: sum(each.values()) > 0.1 and not all(value.is_integer() for value in each.values())
)


@given(st.data(), st.lists(st.integers(0, 3), min_size=1, max_size=4), st.booleans())
def test_distributions_come_back_as_they_were_sent(data, sizes, swept):
    layout = job(Kind.SAMPLES, *[slot(i, sets=sets, clbits=3) for i, sets in enumerate(sizes)], swept=swept)
    sent = [[data.draw(distribution) for _ in range(sets)] for sets in sizes]
    if swept:
        results = [nested_shapes(data, sets) for sets in sent if sets]
    else:
        results = [nested_shapes(data, each) for sets in sent for each in sets]
    found, _ = read(layout, results)
    assert [list(by_bitstring(each)) for each in found] == sent


@given(st.data(), st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=4), st.booleans())
def test_values_and_uncertainties_come_back_as_they_were_sent(data, shapes, swept):
    layout = job(
        Kind.VALUES, *[slot(i, sets=sets, observables=wide) for i, (wide, sets) in enumerate(shapes)], swept=swept
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    values = [rng.normal(size=shape) for shape in shapes]
    stds = [rng.random(shape) for shape in shapes]

    def nest(arrays):
        if swept:
            return [nested_shapes(data, each.tolist()) for each in arrays if each.size]
        return [nested_shapes(data, column) for each in arrays for column in each.T.tolist()]

    found, facts = read(layout, nest(values), {"uncertainty": nest(stds)})
    for each, value, std in zip(found, values, stds, strict=True):
        np.testing.assert_array_equal(each.values, value)
        np.testing.assert_array_equal(each.stds, std)
    assert facts == ({"stds": "service"} if any(sets for _, sets in shapes) else {})


@given(st.data(), st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=3), st.booleans())
def test_states_come_back_as_they_were_sent(data, shapes, swept):
    layout = job(Kind.STATES, *[slot(i, sets=sets, qubits=n) for i, (n, sets) in enumerate(shapes)], swept=swept)
    states = [[random_statevector(2**n, seed=n + 7 * index).data for index in range(sets)] for n, sets in shapes]
    if swept:
        results = [nested_shapes(data, list(map(pair, sets))) for sets in states if sets]
    else:
        results = [nested_shapes(data, pair(each)) for sets in states for each in sets]
    found, facts = read(layout, results)
    assert facts == {}
    for (n, sets), each, sent in zip(shapes, found, states, strict=True):
        assert isinstance(each, Statevectors)
        np.testing.assert_array_equal(each.amplitudes, np.reshape(sent, (sets, 2**n)))


# Documented nestings, one by one.


@pytest.mark.parametrize("results", [[{"01": 0.5, "10": 0.5}], {"01": 0.5, "10": 0.5}, [[{"01": 0.5, "10": 0.5}]]])
def test_one_distribution_with_or_without_lists_around_it(results):
    assert sampled(results) == [{"01": 0.5, "10": 0.5}]


def test_a_sweep_of_distributions():
    one, two = {"00": 1.0}, {"11": 1.0}
    assert sampled([[one, two]], sets=2, swept=True) == [one, two]
    assert sampled([one, two], sets=2, swept=True) == [one, two]  # without the list of circuits
    assert sampled([one, two], sets=2) == [one, two]  # the same circuit twice
    assert sampled([one], swept=True) == [one]


def test_readout_bases_of_jobs_made_elsewhere():
    zz, xx = {"00": 1.0}, {"01": 0.5, "10": 0.5}
    assert sampled([[zz, xx]], sets=2, bases=2) == [zz, xx]
    assert sampled([[[zz, xx, zz], [xx, zz, xx]]], sets=6, bases=2, swept=True) == [zz, xx, zz, xx, zz, xx]


def test_the_published_example_of_a_sweep_of_values():
    values = [0.374, 0.396, 0.314, 0.247, 0.260]
    found, _ = estimated([[values]], observables=1, sets=5, swept=True)
    assert found.values.tolist() == [values]


# Keys and weights.


@pytest.mark.parametrize(
    ("keys", "clbits"),
    [
        (("01", "10"), 2),
        (("0 1", "1 0"), 2),
        (("0x1", "0x2"), 2),
        (("0X1", "0x02"), 2),
        (("0 1", "10"), 2),
        (("000 0 00001", "000000010"), 9),
        (("0x1", "000000010"), 9),
    ],
)
def test_keys_of_every_style(keys, clbits):
    plain = {format(1, f"0{clbits}b"): 0.25, format(2, f"0{clbits}b"): 0.75}
    assert sampled([dict(zip(keys, (0.25, 0.75), strict=True))], clbits=clbits) == [plain]


def test_wide_and_empty_keys():
    key = "1" * 70
    assert sampled([{key: 1.0}], clbits=70) == [{key: 1.0}]
    assert sampled([{hex(int(key, 2)): 1.0}], clbits=70) == [{key: 1.0}]
    assert sampled([{"": 1.0}], clbits=0) == [{"": 1.0}]
    assert sampled([{"0x0": 1.0}], clbits=0) == [{"": 1.0}]


def test_counts_become_shares():
    assert sampled([{"00": 75, "11": 25}]) == [{"00": 0.75, "11": 0.25}]
    assert sampled([{"00": 75.0, "11": 25.0}]) == [{"00": 0.75, "11": 0.25}]
    assert sampled([[{"00": 1}, {"00": 3, "01": 1}]], sets=2, swept=True) == [{"00": 1.0}, {"00": 0.75, "01": 0.25}]


def test_quasi_probabilities_stay_as_they_are():
    assert sampled([{"00": 1.125, "11": -0.125}]) == [{"00": 1.125, "11": -0.125}]
    assert sampled([{"00": 2, "11": -1}]) == [{"00": 2.0, "11": -1.0}]
    assert sampled([{"00": 0.5, "11": 0.25}]) == [{"00": 0.5, "11": 0.25}]


# What is refused.


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (None, "no results"),
        ([], "0 came where"),
        ([None], "None where a distribution"),
        ([{}], "without any outcome"),
        ([{"0": 1.0}], "'0' is no outcome of 2"),
        ([{"000": 1.0}], "'000' is no outcome of 2"),
        ([{"0a": 1.0}], "'0a' is no outcome"),
        ([{"02": 1.0}], "'02' is no outcome"),
        ([{"\u0660\u0661": 1.0}], "is no outcome"),
        ([{"0x4": 1.0}], "'0x4' is no outcome of 2"),
        ([{"0xg": 1.0}], "'0xg' is no outcome"),
        ([{"0x": 1.0}], "'0x' is no outcome"),
        ([{"0x1_0": 1.0}], "'0x1_0' is no outcome"),
        ([{"-1": 1.0}], "'-1' is no outcome"),
        ([{"z" * 1000: 1.0}], r"'z+\.\.\. is no outcome"),
        ([{"0 1": 0.5, "01": 0.5}], "'01' comes more than once"),
        ([{"00": None}], "no number, or missing"),
        ([{"00": "0.5"}], "no number, or missing"),
        ([{"00": True}], "no number, or missing"),
        ([{"00": [1.0]}], "no number, or missing"),
        ([{"00": math.nan}], "NaN or infinite"),
        ([{"00": math.inf}], "NaN or infinite"),
        ([{"00": 10**400}], "no number, or missing"),
        ([{"00": 0.0, "01": 0}], "sum to 0 or less"),
        ([{"00": 0.5, "01": -0.5}], "sum to 0 or less"),
        ([{"00": 1.0}, {"00": 1.0}], "2 came where a single one"),
        ([0.5], "0.5 where a distribution"),
        ({"00": {"00": 1.0}}, "no number, or missing"),
        ("done", "'done' where a distribution"),
    ],
)
def test_unreadable_distributions_are_refused_with_their_place(results, reason):
    with pytest.raises(HaiquResponseError, match=rf"for (the job|PUB 0 \(circuit 0 of the job\)).*{reason}"):
        sampled(results)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (None, "no results"),
        ([[0.1]], "1 x 1 came where 2"),
        ([[0.1, 0.2, 0.3]], "1 x 3 came where 2"),
        ([[0.1, None]], "missing"),
        ([[0.1, "0.2"]], "something else than numbers"),
        ([[0.1, math.nan]], "NaN or infinite"),
        ([[0.1, -math.inf]], "NaN or infinite"),
        ([[0.1, [0.2]]], "different lengths"),
        ([[True, False]], "something else than numbers"),
        ([[0.1, 10**400]], "something else than numbers"),
        ([[0.1, {}]], "something else than numbers"),
        ({"00": 1.0}, "something else than numbers"),
        ("0.1 0.2", "something else than numbers"),
    ],
)
def test_unreadable_values_are_refused_with_their_place(results, reason):
    with pytest.raises(HaiquResponseError, match=rf"for (the job|PUB 0 \(circuit 0 of the job\)).*{reason}"):
        estimated(results)


def test_axes_that_are_swapped_are_refused():
    values = np.arange(6.0).reshape(2, 3)
    with pytest.raises(HaiquResponseError, match="1 x 3 x 2 came where 2 x 3"):
        estimated([values.T.tolist()], sets=3, swept=True)


@pytest.mark.parametrize("results", [[[0.1, 0.2]], [[0.1, 0.2]] * 3, {"0": 1}, 0.5, "x"])
def test_results_for_another_number_of_circuits_are_refused(results):
    layout = job(Kind.VALUES, slot(0, observables=2), slot(1, observables=2))
    with pytest.raises(HaiquResponseError, match=r"the job cannot be read: .* came for 2 circuits"):
        read(layout, results)


def test_errors_name_the_pub_and_the_circuit():
    layout = job(Kind.VALUES, slot(3, sets=2, observables=1), slot(5, sets=2, observables=1))
    with pytest.raises(HaiquResponseError, match=r"PUB 5 \(circuit 3 of the job\)"):
        read(layout, [0.1, 0.2, 0.3, None])
    ragged = [[{"00": 1.0}], [{"00": 1.0}] * 2]
    with pytest.raises(HaiquResponseError, match=r"PUB 0 \(circuit 0 of the job\).*different lengths"):
        sampled(ragged, sets=3, swept=True)
    layout = job(Kind.SAMPLES, slot(3), slot(5))
    with pytest.raises(HaiquResponseError, match=r"PUB 5 \(circuit 1 of the job\)"):
        read(layout, [{"00": 1.0}, [{"00": 1.0}] * 2])


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([[[1.0, 0.0]]], "came where"),
        ([[[1.0, 0.0], [0.0]]], "different lengths"),
        ([[[1.0, 0.0, 0.0, 0.0], [0.0] * 4]], "came where"),
        ([[[1.0, None], [0.0, 0.0]]], "missing"),
        ([[[1.0, 1.0], [0.0, 0.0]]], "do not sum to 1"),
        ([[[0.0, 0.0], [0.0, 0.0]]], "do not sum to 1"),
    ],
)
def test_unreadable_states_are_refused(results, reason):
    with pytest.raises(HaiquResponseError, match=reason):
        read(job(Kind.STATES, slot(qubits=1)), results)


# Standard errors.


@pytest.mark.parametrize(
    "info",
    [
        None,
        {},
        {"uncertainty": None},
        {"uncertainty": []},
        {"uncertainty": "small"},
        {"uncertainty": {"a": 1}},
        {"uncertainty": [[None, None]]},
        {"uncertainty": [[0.1]]},
        {"uncertainty": [[-1.0, math.nan]]},
        {"uncertainty": [[10**400, 0.1]]},
    ],
)
def test_without_uncertainties_there_is_a_bound_or_nothing(info):
    found, source = estimated([[0.6, 1.5]], info)
    assert source == "bound"
    np.testing.assert_allclose(found.stds[:, 0], [0.08, 0.0])
    found, source = estimated([[0.6, 1.5]], info, mitigated=True)
    assert source == "unknown"
    assert np.isnan(found.stds).all()
    assert found.values[:, 0].tolist() == [0.6, 1.5]


def test_uncertainties_may_be_there_in_part():
    found, source = estimated([[0.6, 0.0]], {"uncertainty": [[0.5, None]]})
    assert (source, found.stds[:, 0].tolist()) == ("bound", [0.5, 0.1])
    found, source = estimated([[0.6, 0.0]], {"uncertainty": [[0.5, None]]}, mitigated=True)
    assert source == "unknown"
    assert found.stds[0, 0] == 0.5
    assert np.isnan(found.stds[1, 0])
    found, source = estimated([[0.6, 0.0]], {"uncertainty": [[0.5, 0.0]]}, mitigated=True)
    assert (source, found.stds[:, 0].tolist()) == ("service", [0.5, 0.0])


def test_the_less_certain_source_speaks_for_several():
    layout = job(Kind.VALUES, slot(0, observables=1), slot(1, observables=1))
    _, facts = read(layout, [[0.5], [0.5]], {"uncertainty": [[0.1], None]})
    assert facts == {"stds": "bound"}
    assert merged_facts({"stds": "unknown", "a": 1}, {"stds": "service"}) == {"stds": "unknown", "a": 1}
    assert merged_facts({"stds": "service"}, {"stds": "bound"}) == {"stds": "bound"}
    assert merged_facts({}, {"stds": "service"}) == {"stds": "service"}
    assert merged_facts({}, {"b": 2}) == {"b": 2}


@given(
    st.dictionaries(st.text("IXYZ", min_size=3, max_size=3), st.floats(-2, 2), min_size=1, max_size=8),
    st.integers(0, 10_000),
)
def test_the_bound_is_never_below_the_shot_noise_of_grouped_measurements(terms, seed):
    observable = SparsePauliOp.from_list(list(terms.items()))
    state = random_statevector(8, seed=seed)
    variance = 0.0
    for group in measurements([observable]).groups:
        paulis = ["".join(_letter(group, row, qubit) for qubit in (2, 1, 0)) for row in range(len(group.terms))]
        part = SparsePauliOp(paulis, group.weights[0])
        mean = state.expectation_value(part).real
        variance += state.expectation_value(part @ part).real - mean**2
    constants, scales = observable_facts([[list(terms), list(terms.values())]])
    value = np.array([[state.expectation_value(observable).real]])
    [[bound]] = bounds(value, slot(constants=constants, scales=scales), SHOTS)
    assert bound >= math.sqrt(max(0.0, variance) / SHOTS) - 1e-9


def _letter(group, row, qubit):
    if qubit not in group.qubits:
        return "I"
    place = group.qubits.index(qubit)
    return group.bases[place] if group.terms[row, place] else "I"


@given(st.floats(-1, 1), st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 10**6))
def test_the_bound_of_a_single_pauli_is_exact(mean, coefficient, constant, shots):
    place = slot(constants=(constant,), scales=(abs(coefficient),))
    [[bound]] = bounds(np.array([[constant + coefficient * mean]]), place, shots)
    assert bound == pytest.approx(abs(coefficient) * math.sqrt((1 - mean**2) / shots), abs=1e-7)


# Exact values from states.


def test_observables_are_evaluated_exactly_from_states():
    states = [random_statevector(4, seed=seed) for seed in range(3)]
    layout = job(Kind.STATES, Slot(task=0, num_sets=3, num_clbits=0, num_qubits=2, observables=ZX))
    [found], facts = read(layout, [pair(state.data) for state in states])
    observable = SparsePauliOp(["ZI", "IX"], [1.0, -0.5])
    np.testing.assert_allclose(found.values[0], [state.expectation_value(observable).real for state in states])
    assert not found.stds.any()
    assert facts == {}


def test_states_and_observables_in_one_job():
    state = Statevector.from_label("10")
    layout = job(
        Kind.STATES,
        Slot(task=0, num_sets=1, num_clbits=0, num_qubits=2),
        Slot(task=1, num_sets=1, num_clbits=0, num_qubits=2, observables=ZX),
        Slot(task=2, num_sets=0, num_clbits=0, num_qubits=2, observables=ZX),
    )
    found, _ = read(layout, [pair(state.data)] * 2)
    assert [type(each) for each in found] == [Statevectors, Expectations, Expectations]
    assert found[1].values.tolist() == [[-1.0]]
    assert found[2].values.shape == found[2].stds.shape == (1, 0)


def test_jobs_without_circuits_have_empty_results():
    found, facts = read(job(Kind.SAMPLES, slot(sets=0, clbits=9), swept=True), None)
    assert (found[0].num_sets, found[0].outcomes.shape, facts) == (0, (0, 2), {})
    found, facts = read(job(Kind.VALUES, slot(sets=0, observables=3)), None)
    assert (found[0].values.shape, facts) == ((3, 0), {})
    found, _ = read(job(Kind.STATES, slot(sets=0, qubits=3)), None)
    assert found[0].amplitudes.shape == (0, 8)
