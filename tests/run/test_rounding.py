"""Probabilities become shots: exactly as many as asked for, as near as possible, and always the same ones."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_haiqu_provider.run.collect import Origin, collect
from qiskit_haiqu_provider.run.plan import plan_run, plan_sampler
from qiskit_haiqu_provider.run.result import Distributions, RunResult
from qiskit_haiqu_provider.run.rounding import as_samples, by_bitstring, shares, whole_shots


def distributions(*sets, width=3):
    """Distributions from mappings of whole numbers to weights."""
    size = -(-width // 8)
    rows = [list(outcome.to_bytes(size, "big")) for each in sets for outcome in each]
    weights = [weight for each in sets for weight in each.values()]
    offsets = np.cumsum([0, *map(len, sets)])
    outcomes = np.array(rows, dtype=np.uint8).reshape(len(rows), size)
    return Distributions(outcomes, np.array(weights, dtype=float), offsets, width)


def counts_of(samples):
    """For each set how often each whole number was seen."""
    found = []
    for shots in samples.outcomes:
        numbers = [int.from_bytes(row.tobytes(), "big") for row in shots]
        found.append({number: numbers.count(number) for number in set(numbers)})
    return found


def rounded(*sets, shots, width=3):
    given_sets = distributions(*sets, width=width)
    return counts_of(as_samples(given_sets, shares(given_sets), shots))


def simplex_of(weights):
    """The projection of one vector onto the simplex, by bisection of what is taken off."""
    low, high = min(weights) - 1, max(weights)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(weights - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(weights - high, 0)


some_sets = st.lists(
    st.dictionaries(st.integers(0, 7), st.floats(-0.3, 1), min_size=1).filter(lambda each: sum(each.values()) > 0.1),
    min_size=1,
    max_size=5,
)


# Whole shots.


@given(st.lists(st.dictionaries(st.integers(0, 7), st.integers(0, 400), min_size=1), min_size=1, max_size=4))
def test_shares_of_the_shots_give_exactly_these_shots(sets):
    shots = 1 + max(sum(each.values()) for each in sets)
    sets = [{**each, 0: each.get(0, 0) + shots - sum(each.values())} for each in sets]  # all of the same total
    found = rounded(*[{key: count / shots for key, count in each.items()} for each in sets], shots=shots)
    assert found == [{key: count for key, count in each.items() if count} for each in sets]


@given(some_sets, st.integers(1, 5000))
def test_totals_are_exact_and_no_outcome_is_off_by_a_shot(sets, shots):
    given_sets = distributions(*sets)
    found = shares(given_sets)
    counts = whole_shots(found.probabilities, given_sets, shots)
    assert (np.add.reduceat(counts, given_sets.offsets[:-1]) == shots).all()
    assert (np.abs(counts - shots * found.probabilities) < 1 + 1e-6).all()
    assert (counts[found.probabilities == 0] == 0).all()


@given(some_sets, st.integers(1, 100), st.randoms())
def test_the_order_of_the_outcomes_does_not_matter(sets, shots, random):
    mixed = [dict(random.sample(list(each.items()), len(each))) for each in sets]
    assert rounded(*mixed, shots=shots) == rounded(*sets, shots=shots)


@given(some_sets, st.integers(1, 100))
def test_sets_do_not_disturb_each_other(sets, shots):
    assert rounded(*sets, shots=shots) == [rounded(each, shots=shots)[0] for each in sets]


def test_equal_remainders_are_served_in_the_order_of_the_outcomes():
    assert rounded({5: 1 / 3, 1: 1 / 3, 3: 1 / 3}, shots=1024) == [{1: 342, 3: 341, 5: 341}]
    assert rounded({2: 0.25, 1: 0.25, 0: 0.25, 3: 0.25}, shots=2) == [{0: 1, 1: 1}]
    outcomes = {2**64: 0.5, 2**9: 0.5}
    assert rounded(outcomes, shots=1, width=70) == [{2**9: 1}]


def test_shots_come_in_an_order_that_is_mixed_and_always_the_same():
    given_sets = distributions({0: 0.5, 7: 0.5}, {0: 0.5, 7: 0.5})
    first, again = (as_samples(given_sets, shares(given_sets), 1000).outcomes for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])  # shots of different sets are not paired
    assert 200 < (first[0, :500] == 7).sum() < 300


def test_many_shots_of_a_wide_register():
    one, two = 2**69 + 1, 2**40
    assert rounded({one: 0.999, two: 0.001}, shots=100_000, width=70) == [{one: 99_900, two: 100}]


# Nearest distributions.


@given(some_sets)
def test_the_projection_is_that_of_each_set_alone(sets):
    found = shares(distributions(*sets))
    at = 0
    for index, each in enumerate(sets):
        weights = np.array(list(each.values())) / sum(each.values())
        probabilities = found.probabilities[at : at + len(each)]
        at += len(each)
        expected = simplex_of(weights) if (weights < 0).any() else weights
        np.testing.assert_allclose(probabilities, expected, atol=1e-9)
        assert found.projected[index] == (weights < 0).any()
        assert found.renormalised[index] == (abs(sum(each.values()) - 1) > 1e-6)


@given(
    st.lists(st.floats(-0.5, 1), min_size=2, max_size=8).filter(lambda each: sum(each) > 0.1),
    st.integers(0, 2**32 - 1),
)
def test_no_other_distribution_is_nearer(weights, seed):
    weights = np.array(weights) / sum(weights)
    found = shares(distributions(dict(enumerate(weights)))).probabilities
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    others = np.random.default_rng(seed).dirichlet(np.full(8, 0.3), 50)  # outcomes that were not listed count too
    padded = np.pad(weights, (0, 8 - len(weights)))
    nearest = np.linalg.norm(weights - found)
    assert (np.linalg.norm(others - padded, axis=1) >= nearest - 1e-12).all()


def test_good_distributions_are_left_alone():
    found = shares(distributions({0: 0.25, 1: 0.75}, {3: 0.3333333, 4: 0.6666666}))
    np.testing.assert_allclose(found.probabilities, [0.25, 0.75, 1 / 3, 2 / 3], atol=1e-6)
    assert not found.projected.any()
    assert not found.renormalised.any()


def test_the_weights_are_not_changed_in_place():
    given_sets = distributions({0: 1.2, 1: -0.2})
    shares(given_sets)
    assert given_sets.weights.tolist() == [1.2, -0.2]


def test_no_sets_are_no_shots():
    nothing = distributions()
    assert as_samples(nothing, shares(nothing), 100).outcomes.shape == (0, 100, 1)
    assert list(by_bitstring(nothing)) == []


@pytest.mark.parametrize("width", [1, 3, 8, 9, 70])
def test_bitstrings_have_every_bit(width):
    highest = 1 << (width - 1)
    [found] = by_bitstring(distributions({highest: 1.25, 0: -0.25}, width=width))
    assert found == {"1" + "0" * (width - 1): 1.25, "0" * width: -0.25}


def test_without_classical_bits_there_is_one_empty_outcome():
    given_sets = Distributions(np.empty((1, 0), dtype=np.uint8), np.ones(1), np.array([0, 1]), 0)
    assert list(by_bitstring(given_sets)) == [{"": 1.0}]
    assert as_samples(given_sets, shares(given_sets), 4).outcomes.shape == (1, 4, 0)


# On the way home.


def two_registers():
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "low"), ClassicalRegister(2, "high"))
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def home(plan, *tasks):
    return collect(plan, RunResult(tasks, {"seed": None}), Origin("job-1", "ibm_x", "haiqu"))


def test_registers_of_a_shot_stay_together():
    plan, _ = plan_sampler([SamplerPub.coerce((two_registers(), None, 10))])
    [pub] = home(plan, distributions({0b110: 0.7, 0b001: 0.3}))
    assert pub.data.high.get_counts() == {"11": 7, "00": 3}
    pairs = zip(pub.data.high.array.ravel().tolist(), pub.data.low.array.ravel().tolist(), strict=True)
    assert set(pairs) == {(0b11, 0), (0b00, 1)}
    assert pub.join_data(["low", "high"]).get_counts() == {"110": 7, "001": 3}


def test_metadata_say_where_the_shots_come_from_and_keep_the_distributions():
    plan, _ = plan_sampler([SamplerPub.coerce((two_registers(), None, 100))])
    [pub] = home(plan, distributions({0: 1.1, 1: -0.1}))
    assert pub.metadata["haiqu"] == {
        "shots_from": "distribution",
        "projected": True,
        "renormalised": False,
        "distributions": [{"000": 1.1, "001": -0.1}],
    }
    assert pub.metadata["shots"] == 100
    assert pub.data.low.get_counts() == {"0": 100}
    [scaled] = home(plan, distributions({0: 0.3, 1: 0.1}))
    assert (scaled.metadata["haiqu"]["projected"], scaled.metadata["haiqu"]["renormalised"]) == (False, True)
    assert scaled.data.low.get_counts() == {"0": 75, "1": 25}
    assert json.loads(json.dumps(scaled.metadata["haiqu"])) == scaled.metadata["haiqu"]


def test_backend_run_gets_counts_and_memory():
    plan, _ = plan_run([two_registers()], [np.empty((2, 0))], shots=8, memory=True)
    result = home(plan, distributions({0b110: 0.75, 0b001: 0.25}, {0b111: 1.5, 0b000: -0.5}))
    assert result.get_counts(0) == {"11 0": 6, "00 1": 2}
    assert sorted(result.get_memory(0)) == ["00 1"] * 2 + ["11 0"] * 6
    assert result.get_counts(1) == {"11 1": 8}
    assert [one.haiqu["projected"] for one in result.results] == [False, True]
    assert result.results[1].haiqu["distribution"] == {"111": 1.5, "000": -0.5}
