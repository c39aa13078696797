"""Distributions told by their pairs: right where pairs are all there is, and worth little where they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qiskit_haiqu_provider.mitigation.distributions import Model, mitigated
from qiskit_haiqu_provider.mitigation.prior import most_entropy, pairs_alone
from qiskit_haiqu_provider.mitigation.walsh import all_bits, walsh

WIDTH, SHOTS = 6, 8192
LOW = np.flatnonzero(np.isin(all_bits(WIDTH).sum(axis=1), (1, 2)))
MODEL = Model(-0.1, np.full(WIDTH, -0.05))

seeds = st.integers(0, 2**16)


def ising(rng, *, size=0.6):
    """A distribution that its pairs tell all about."""
    energies = np.zeros(1 << WIDTH)
    energies[LOW] = rng.normal(0, size, len(LOW))
    weights = np.exp(walsh(energies))
    return weights / weights.sum()


def seen_through(ideal, rng=None):
    """What noise leaves of a distribution, and shots show of it."""
    damped = walsh(walsh(ideal) * MODEL.dampings()) / len(ideal)
    return damped if rng is None else rng.multinomial(SHOTS, damped) / SHOTS


def infidelity(one, other):
    return 1 - np.sqrt(one * other).sum() ** 2


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_all_parities_are_found_at_once(width):
    weights = np.random.default_rng(width).normal(size=1 << width)
    bits = all_bits(width).astype(int)
    signs = 1 - 2 * (bits @ bits.T % 2)
    assert np.allclose(walsh(weights), signs @ weights)
    assert np.allclose(walsh(walsh(weights)), len(weights) * weights)
    assert (bits @ (1 << np.arange(width))).tolist() == list(range(1 << width))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_pairs_tell_all_about_an_ising_model(seed):
    ideal = ising(np.random.default_rng(seed))
    found = most_entropy(LOW, walsh(ideal)[LOW], np.full(len(LOW), 1e-12), size=1 << WIDTH)
    assert np.abs(found - ideal).max() < 1e-4
    assert infidelity(pairs_alone(seen_through(ideal), MODEL.dampings(), shots=10**9).weights, ideal) < 1e-3


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_no_distribution_with_the_same_pairs_has_more_entropy(seed):
    rng = np.random.default_rng(seed)
    ideal = rng.dirichlet(np.ones(1 << WIDTH))
    found = most_entropy(LOW, walsh(ideal)[LOW], np.full(len(LOW), 1e-12), size=1 << WIDTH)
    assert np.abs(walsh(found) - walsh(ideal))[LOW].max() < 1e-3

    def entropy(weights):
        return -(weights * np.log(np.maximum(weights, 1e-300))).sum()

    assert entropy(found) > entropy(ideal)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1.0, 3.0))
def test_parities_that_cannot_be_are_met_as_far_as_they_are_known(seed, times):
    """Division by a small damping makes parities larger than 1."""
    rng = np.random.default_rng(seed)
    wanted = times * rng.choice([-1.0, 1.0], len(LOW))
    found = most_entropy(LOW, wanted, np.full(len(LOW), 0.01), size=1 << WIDTH)
    assert np.all(found >= 0)
    assert found.sum() == pytest.approx(1)


def test_the_better_pairs_foretell_the_rest_the_more_they_are_worth():
    rng = np.random.default_rng(4)
    told = pairs_alone(seen_through(ising(rng), rng), MODEL.dampings(), shots=SHOTS)
    beyond = rng.dirichlet(np.ones(1 << WIDTH))  # no parity tells about another
    untold = pairs_alone(seen_through(beyond, rng), MODEL.dampings(), shots=SHOTS)
    assert told.shots > SHOTS / 2
    assert untold.shots < SHOTS / 20


@pytest.mark.parametrize("counts", [20.0, 200.0])
def test_a_dirichlet_distribution_is_worth_its_counts_and_what_its_pairs_tell(counts):
    rng = np.random.default_rng(9)
    found = []
    for _ in range(20):
        ideal = rng.dirichlet(counts * ising(rng, size=0.2))
        found.append(pairs_alone(seen_through(ideal, rng), MODEL.dampings(), shots=SHOTS).shots)
    assert counts < np.median(found) < 4 * counts


def test_one_bit_and_one_outcome_are_told_too():
    found = pairs_alone(np.array([0.9, 0.1]), np.array([1.0, 0.8]), shots=100)
    assert found.weights[0] > 0.9
    sure = pairs_alone(np.eye(1, 1 << WIDTH)[0], MODEL.dampings(), shots=100)
    assert sure.weights[0] > 0.9
    assert np.isfinite(sure.shots)


def test_few_shots_find_a_distribution_of_pairs_better_with_them():
    """Shots alone leave an infidelity of a quarter of the outcomes over the shots, noise or not."""
    rng = np.random.default_rng(2)
    ours, noiseless = [], []
    for _ in range(20):
        ideal = ising(rng, size=0.3)
        bits, weights = all_bits(WIDTH), seen_through(ideal, rng)
        ours.append(infidelity(mitigated(bits, weights, MODEL, shots=SHOTS, guard=True).weights, ideal))
        noiseless.append(infidelity(rng.multinomial(SHOTS, ideal) / SHOTS, ideal))
    assert np.mean(ours) < np.mean(noiseless)
