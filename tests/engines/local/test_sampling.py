"""Shots from exact probabilities: they follow them, in any order, and repeat with a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from scipy.stats import chi2

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.engines.local import sampling
from qiskit_haiqu_provider.engines.local.sampling import cumulated, pack, pick, singles


def drawn(cumulative, shots, *sources):
    """The outcomes of single shots, told by two bytes each."""
    outcomes = np.arange(cumulative.shape[1], dtype=">u2")
    sources = sources if len(sources) > 1 else sources * len(cumulative)
    shown = singles(cumulative, outcomes.view(np.uint8).reshape(1, -1, 2), shots, sources)
    return shown.view(">u2")[..., 0].astype(np.intp)


def skewed(sets, outcomes, seed=1):
    """Distributions with likely, unlikely and impossible outcomes."""
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=(sets, outcomes)) ** 4
    weights[:, rng.random(outcomes) < 0.2] = 0.0
    weights[:, 1] = 1e-9
    weights[:, -1] = 1.0
    return weights / weights.sum(axis=1, keepdims=True)


def assert_follows(counts, probabilities):
    """A chi-square test that a right program fails once in ten million times; rare outcomes are one."""
    expected = counts.sum() * probabilities
    often = expected >= 5
    assert counts[probabilities == 0].sum() == 0
    seen = np.append(counts[often], counts[~often].sum())
    wanted = np.append(expected[often], expected[~often].sum())
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    if wanted[-1] < 5:
        assert seen[-1] < 60
        seen, wanted = seen[:-1], wanted[:-1]
    assert chi2.sf(((seen - wanted) ** 2 / wanted).sum(), max(1, len(seen) - 1)) > 1e-7


SHAPES = [(1, 2, 1000), (1, 32, 5000), (3, 4, 20_000), (1, 1024, 200_000), (5, 1024, 4000), (64, 16, 1024), (2, 5, 3)]
SHAPES += [(1, 100, 2**15 + 1)]


@pytest.mark.parametrize(("sets", "outcomes", "shots"), SHAPES)
def test_shots_follow_the_probabilities(sets, outcomes, shots):
    probabilities = skewed(sets, outcomes)
    found = drawn(cumulated(probabilities), shots, np.random.default_rng(2))
    assert found.shape == (sets, shots)
    for row, wanted in zip(found, probabilities, strict=True):
        assert_follows(np.bincount(row, minlength=outcomes), wanted)


@pytest.mark.parametrize(("sets", "outcomes", "shots"), SHAPES)
def test_each_shot_is_where_its_random_number_falls(sets, outcomes, shots):
    cumulative = cumulated(skewed(sets, outcomes))
    points = np.random.default_rng(7).random((sets, shots))
    expected = [edges.searchsorted(row, side="right") for edges, row in zip(cumulative, points, strict=True)]
    np.testing.assert_array_equal(drawn(cumulative, shots, np.random.default_rng(7)), expected)


@given(st.lists(st.sampled_from([0.0, 1e-300, 1e-12, 0.25, 1.0, 3.0]), min_size=2, max_size=300), st.integers(0, 99))
def test_the_index_finds_what_a_search_finds(weights, seed):
    """Many edges in one part of the index, and none in others."""
    probabilities = np.array([[*weights, 1.0], [1.0, *weights]])
    cumulative = cumulated(probabilities / probabilities.sum(axis=1, keepdims=True))
    points = np.random.default_rng(seed).random((2, 500))
    points[:, :3] = [[0.0, 0.5, np.nextafter(1.0, 0)]] * 2
    points[:, 3:6] = np.minimum(cumulative[:, [0, 0, -2]], np.nextafter(1.0, 0))  # just where outcomes change
    found = sampling._Index(cumulative, finer=500).search(points).reshape(points.shape)
    found -= np.array([[0], [cumulative.shape[1]]])
    expected = [edges.searchsorted(row, side="right") for edges, row in zip(cumulative, points, strict=True)]
    np.testing.assert_array_equal(found, expected)
    assert (np.take_along_axis(probabilities, found, axis=1) > 0).all()


def test_the_first_shots_are_like_the_last():
    """Shots are exchangeable: each half, and each pair of neighbours, follows the probabilities by itself."""
    probabilities = skewed(1, 16)[0]
    [found] = drawn(cumulated(probabilities[None]), 400_000, np.random.default_rng(3))
    for part in np.split(found, 4):
        assert_follows(np.bincount(part, minlength=16), probabilities)
    pairs = found[::2] * 16 + found[1::2]
    assert_follows(np.bincount(pairs, minlength=256), np.outer(probabilities, probabilities).ravel())


def test_sets_have_shots_of_their_own():
    probabilities = np.full((2, 64), 1 / 64)
    first, second = drawn(cumulated(probabilities), 200_000, np.random.default_rng(4))
    assert_follows(np.bincount(first * 64 + second, minlength=4096), np.full(4096, 1 / 4096))


@pytest.mark.parametrize("clbits", [0, 1, 9, 24])
@pytest.mark.parametrize("shots", [1, 700, 2**14])
def test_sets_with_sources_and_bits_of_their_own_have_the_shots_that_each_has_alone(clbits, shots):
    rng = np.random.default_rng(9)
    cumulative = cumulated(skewed(6, 16))
    rows = rng.integers(0, 256, (6, 16, -(-clbits // 8)), dtype=np.uint8)
    together = singles(cumulative, rows, shots, [np.random.default_rng(seed) for seed in range(6)])
    for index in range(6):
        own = slice(index, index + 1)
        alone = singles(cumulative[own], rows[own], shots, [np.random.default_rng(index)])
        np.testing.assert_array_equal(together[own], alone)


def test_rounding_below_nothing_is_nothing():
    probabilities = np.array([[0.5, -1e-18, 0.5, -1e-17]])
    cumulative = cumulated(probabilities)
    assert (np.diff(cumulative) >= 0).all()
    assert cumulative[0, -1] == 1.0
    assert set(drawn(cumulative, 1000, np.random.default_rng(5))[0].tolist()) == {0, 2}


@pytest.mark.parametrize("clbits", [0, 1, 8, 9, 16, 24, 33, 64, 65])
def test_packed_outcomes_are_picked_whole(clbits):
    measured = [(qubit, clbits - 1 - qubit) for qubit in range(min(3, clbits))]
    rows = pack(np.arange(8), measured, clbits)
    found = np.random.default_rng(6).integers(0, 8, (2, 50))
    picked = pick(rows, found)
    assert picked.dtype == np.uint8
    np.testing.assert_array_equal(picked, rows[found])


def test_bits_of_several_registers_stay_together():
    low, high = ClassicalRegister(2, "low"), ClassicalRegister(9, "high")
    circuit = QuantumCircuit(3)
    circuit.add_register(low, high)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(0, 2)
    circuit.measure([0, 1, 2], [low[1], high[8], high[0]])
    data = SamplerV2(options={"seed_simulator": 2}).run([circuit], shots=2000).result()[0].data
    assert set(zip(data.low.get_bitstrings(), data.high.get_bitstrings(), strict=True)) == {
        ("00", "000000000"),
        ("10", "100000001"),
    }
    assert 800 < data.low.get_int_counts()[0] < 1200


def test_a_repeated_circuit_has_new_shots_each_time_and_the_same_with_a_seed():
    circuit = QuantumCircuit(6)
    circuit.h(range(6))
    circuit.measure_all()
    free, seeded = SamplerV2(), SamplerV2(options={"seed_simulator": 8})
    shots = [free.run([circuit]).result()[0].data.meas.array.tobytes() for _ in range(5)]
    assert len(set(shots)) == 5
    shots = [seeded.run([circuit]).result()[0].data.meas.array.tobytes() for _ in range(5)]
    assert len(set(shots)) == 1
