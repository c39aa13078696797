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
    """Division by a small damping makes parities larger than 1; each is missed by its variance times its coupling."""
    rng = np.random.default_rng(seed)
    wanted = times * rng.choice([-1.0, 1.0], len(LOW))
    variances = rng.uniform(0.3, 1.0, len(LOW))
    found = most_entropy(LOW, wanted, variances, size=1 << WIDTH)
    couplings = walsh(np.log(found))[LOW] / len(found)
    assert np.allclose(wanted - walsh(found)[LOW], variances * couplings, atol=5e-3)
    sure = most_entropy(LOW, wanted, np.full(len(LOW), 0.01), size=1 << WIDTH)
    assert np.all(sure >= 0)
    assert sure.sum() == pytest.approx(1)


def test_parities_known_beyond_rounding_end_too():
    rng = np.random.default_rng(3)
    for _ in range(20):
        wanted = rng.uniform(1, 5) * rng.choice([-1.0, 1.0], len(LOW))
        found = most_entropy(LOW, wanted, np.full(len(LOW), 1e-18), size=1 << WIDTH)
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


def test_parities_of_a_dirichlet_distribution_tell_its_parameters():
    """Pairs are met, so that those of three bits and more, 42 of 64, scatter; each outcome keeps a count for itself."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(20):
        seen = rng.multinomial(10**7, rng.dirichlet(1000 * ising(rng, size=0.05))) / 10**7
        found.append(pairs_alone(seen, np.ones(1 << WIDTH), shots=10**7).shots)
    assert np.median(found) == pytest.approx(1000 * 64 / 42 - 64, rel=0.15)


def test_one_bit_is_worth_its_shots():
    found = pairs_alone(np.array([0.9, 0.1]), np.ones(2), shots=100)
    assert found.shots == pytest.approx(100, abs=5)


def test_pairs_are_no_surer_than_the_model_of_the_noise():
    """However many shots there are, what the noise leaves of a parity is known to some percent."""
    few, many = (
        pairs_alone(seen_through(ising(np.random.default_rng(1))), MODEL.dampings(), shots=shots)
        for shots in (10**9, 10**11)
    )
    assert few.shots < 10**5
    assert many.shots == pytest.approx(few.shots, rel=0.01)


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


def test_a_prior_worth_more_than_the_shots_leaves_a_distribution():
    rng = np.random.default_rng(2)
    ours, raw, shots = [], [], 300
    for _ in range(20):
        ideal = ising(rng, size=0.3)
        seen = rng.multinomial(shots, seen_through(ideal)) / shots
        assert pairs_alone(seen, MODEL.dampings(), shots=shots).shots > shots
        found = mitigated(all_bits(WIDTH), seen, MODEL, shots=shots, guard=True)
        assert np.all(found.weights >= 0)
        ours.append(infidelity(found.weights, ideal))
        raw.append(infidelity(seen, ideal))
    assert np.mean(ours) < 0.6 * np.mean(raw)


@pytest.mark.parametrize(
    ("width", "shots", "gain"), [(6, 2000, 0.05), (6, 8192, 0.09), (8, 2000, 0.0), (10, 2000, -0.005)]
)
def test_a_conserved_parity_of_three_bits_is_not_blurred_by_pairs_that_do_not_see_it(width, shots, gain):
    rng = np.random.default_rng(7)
    bits, model = all_bits(width), Model(-0.1, np.full(width, -0.06), 0.01)
    ideal = (bits[:, :3].sum(axis=1) % 2 == 0) * 2.0 / len(bits)
    expected = np.maximum(walsh(walsh(ideal) * model.dampings()), 0)
    gains = []
    for _ in range(5):
        seen = rng.multinomial(shots, expected / expected.sum()) / shots
        found = mitigated(bits, seen, model, shots=shots, guard=True).weights
        gains.append(infidelity(seen, ideal) - infidelity(found, ideal))
    assert np.mean(gains) > gain
