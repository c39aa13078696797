"""The arithmetic of damping and of distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qiskit_haiqu_provider.mitigation.damping import Group, damping, estimates
from qiskit_haiqu_provider.mitigation.distributions import Model, fit, mitigated, on_simplex

seeds = st.integers(0, 2**16)
NONE = np.zeros((0, 1), dtype=np.int8)
"""Companions of one term."""


def group_of(rng, *, sets=2, copies=8, companions=12, terms=3, damp=0.6, noise=0.05):
    truth = rng.uniform(-1, 1, (sets, 1, terms))
    values = damp * truth + rng.normal(0, noise, (sets, copies, terms))
    ideal = rng.choice([-1, 0, 1], size=(companions, terms)).astype(np.int8)
    seen = damp * ideal + rng.normal(0, noise, ideal.shape)
    weights = rng.normal(size=(2, terms))
    return Group(weights, values, damping(ideal, seen), 100), weights @ truth[:, 0].T


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.05, 0.99), st.floats(0.001, 0.3))
def test_the_guard_moves_no_further_than_the_division(seed, damp, noise):
    rng = np.random.default_rng(seed)
    group, _ = group_of(rng, damp=damp, noise=noise)
    found = estimates(np.zeros(2), [group], sets=2, guard=True)
    assert np.all((found.shrinkage >= 0) & (found.shrinkage <= 1))
    assert np.all(np.abs(found.values - found.raw) <= np.abs(found.unshrunk - found.raw) + 1e-12)
    free = estimates(np.zeros(2), [group], sets=2, guard=False)
    bound = np.abs(group.weights).sum(axis=1)[:, None]
    assert np.allclose(free.values, np.clip(free.unshrunk, -bound, bound))


def test_division_finds_the_truth_within_its_error_bars():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(60):
        group, truth = group_of(rng)
        found = estimates(np.zeros(2), [group], sets=2, guard=True)
        inside.append(np.abs(found.values - truth) < 2 * found.stds)
    assert np.mean(inside) > 0.9


def test_terms_that_nothing_is_known_of_stay():
    ideal = np.array([[1, 0, 1], [1, 0, 1], [1, 1, -1], [1, 0, 1]], dtype=np.int8)
    seen = np.array([[0.5, 0.1, 0.01], [0.52, 0.1, -0.3], [0.48, 0.9, 0.2], [0.5, 0, 0.1]])
    found = damping(ideal, seen)
    assert found.usable.tolist() == [True, False, False]
    assert found.factors.tolist() == [0.5, 1.0, 1.0]
    group = Group(np.array([[1.0, 2.0, 1.0]]), np.full((1, 4, 3), 0.2), found, 10)
    answer = estimates(np.array([0.5]), [group], sets=1, guard=False)
    assert answer.unmitigated.tolist() == [0.75]
    assert answer.median_damping.tolist() == [0.5]
    assert answer.unshrunk[0, 0] == pytest.approx(0.5 + 0.4 + 0.4 + 0.2)


def test_one_copy_has_the_scatter_of_its_shots():
    group = Group(np.array([[1.0]]), np.array([[[0.6]]]), damping(NONE, NONE), 64)
    found = estimates(np.zeros(1), [group], sets=1, guard=True)
    assert found.stds[0, 0] == pytest.approx(np.sqrt((1 - 0.36) / 64))
    assert estimates(np.array([1.5]), [], sets=2, guard=True).values.tolist() == [[1.5, 1.5]]


def test_values_stay_within_the_spectrum():
    ideal = np.ones((4, 1), dtype=np.int8)
    found = damping(ideal, np.full((4, 1), 0.5))
    group = Group(np.array([[1.0]]), np.full((1, 4, 1), 0.9), found, 10)
    assert estimates(np.zeros(1), [group], sets=1, guard=False).values[0, 0] == 1.0


def model_of(width):
    return Model(-0.2, -np.linspace(0.02, 0.1, width))


def noisy(probabilities, model):
    """The model's noise, parity by parity."""
    width = len(model.bits)
    bits = np.arange(len(probabilities))[:, None] >> np.arange(width) & 1
    signs = 1 - 2 * (bits @ bits.T % 2)
    damped = np.exp(model.everywhere + bits @ model.bits)
    damped[0] = 1.0
    return signs @ (damped * (signs @ probabilities)) / len(probabilities)


def all_bits(width):
    return (np.arange(1 << width)[:, None] >> np.arange(width) & 1).astype(np.uint8)


@pytest.mark.parametrize("sparse", [True, False])
def test_known_noise_is_undone(sparse):
    rng = np.random.default_rng(5)
    ideal = rng.dirichlet(np.ones(16) if not sparse else np.r_[9.0, 9.0, np.full(14, 1e-3)])
    model = model_of(4)
    seen = noisy(ideal, model)
    found = mitigated(all_bits(4), seen, model, shots=100_000 if sparse else 1_000_000, guard=True)

    def fidelity(weights):
        return np.sqrt(weights * ideal).sum() ** 2

    assert 1 - fidelity(found.weights) < (1 - fidelity(seen)) / 4
    assert 0 < found.shrinkage <= 1
    assert found.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("shots", [300, 10_000])
def test_two_outcomes_are_found_from_any_number_of_shots(shots):
    rng = np.random.default_rng(11)
    model = Model(-0.1, np.full(6, -0.03), 0.02)
    ideal = np.zeros(64)
    ideal[[0, 63]] = 0.5
    found = []
    for _ in range(20):
        seen = rng.multinomial(shots, noisy(ideal, model)) / shots
        found.append(mitigated(all_bits(6), seen, model, shots=shots, guard=True).weights[[0, 63]].sum())
    assert np.mean(found) > 0.97


@pytest.mark.parametrize("outcomes", [6, 8, 16])
@pytest.mark.parametrize("shots", [100_000, 1_000_000])
def test_many_shots_find_some_outcomes_exactly(outcomes, shots):
    rng = np.random.default_rng(13)
    model = Model(-0.1, np.full(8, -0.06), 0.01)
    ideal = np.zeros(256)
    ideal[rng.choice(256, outcomes, replace=False)] = 1 / outcomes
    for _ in range(3):
        seen = rng.multinomial(shots, noisy(ideal, model)) / shots
        found = mitigated(all_bits(8), seen, model, shots=shots, guard=True)
        assert np.sqrt(found.weights * ideal).sum() ** 2 > 0.999
        if outcomes > 7:  # what the model does not know is shared, also where the noise is inverted
            assert np.ptp(found.doubt[ideal > 0] / np.sqrt(found.weights[ideal > 0])) < 1e-9


def test_strong_noise_is_undone_as_far_as_the_shots_allow():
    rng = np.random.default_rng(5)
    model = Model(-0.3, np.full(6, -0.15))
    ours, raw = [], []
    for _ in range(20):
        ideal = rng.dirichlet(np.full(64, 0.4))
        seen = rng.multinomial(8192, noisy(ideal, model)) / 8192
        found = mitigated(all_bits(6), seen, model, shots=8192, guard=True).weights
        ours.append(1 - np.sqrt(found * ideal).sum() ** 2)
        raw.append(1 - np.sqrt(seen * ideal).sum() ** 2)
    assert np.mean(ours) < np.mean(raw) / 4


@pytest.mark.parametrize("guard", [True, False])
def test_noise_that_leaves_nothing_is_survived(guard):
    width = 14
    seen = np.zeros(1 << width)
    seen[[0, 24]] = 0.5
    model = Model(-40.0, np.full(width, -20.0), 0.3)
    found = mitigated(all_bits(width), seen, model, shots=2, guard=guard)
    assert np.all(found.weights >= 0)
    assert found.weights.sum() == pytest.approx(1)
    assert np.all(np.isfinite(found.doubt))


def test_what_the_model_does_not_know_is_shared_where_many_outcomes_matter():
    rng = np.random.default_rng(12)
    model = model_of(4)
    for alpha, spread in ((np.ones(16), True), (np.r_[9.0, 9.0, np.full(14, 1e-3)], False)):
        seen = noisy(rng.dirichlet(alpha), model)
        found = mitigated(all_bits(4), seen, model, shots=8192, guard=True)
        correction = np.abs(found.weights - seen)
        expected = 0.4 * np.sqrt(found.weights * (correction**2).sum()) if spread else 0.15 * correction
        assert np.allclose(found.doubt, expected)


def test_many_bits_are_worked_on_by_the_outcomes_seen():
    rng = np.random.default_rng(6)
    width, shots = 20, 4000
    model = Model(-0.1, np.full(width, -0.02))
    bits = np.repeat(np.array([[0] * width, [1] * width], dtype=np.uint8), shots // 2, axis=0)
    bits ^= rng.random(bits.shape) < model.flips()
    uniform = rng.random(shots) < model.uniform
    bits[uniform] = rng.integers(0, 2, (uniform.sum(), width))
    found = mitigated(bits, np.full(shots, 1 / shots), model, shots=shots, guard=True)
    ends = (found.outcomes == found.outcomes[:, :1]).all(axis=1)
    seen = (bits == bits[:, :1]).all(axis=1).mean()
    assert found.weights[ends].sum() > seen + 0.5 * (1 - seen)


def test_the_model_is_fitted_to_dampings():
    model = model_of(3)
    masks = all_bits(3)[1:]
    factors = np.exp(model.everywhere + masks @ model.bits)
    found = fit(masks, factors, np.full(7, 0.01))
    assert found.everywhere == pytest.approx(model.everywhere, abs=1e-3)
    assert np.allclose(found.bits, model.bits, atol=1e-3)
    only = fit(masks, np.exp(masks @ model.bits), np.full(7, 0.01), everywhere=False)
    assert only.everywhere == 0.0
    assert np.allclose(only.bits, model.bits, atol=1e-3)


def test_pairs_that_flip_together_are_found():
    masks = all_bits(4)[1:]
    pairs = np.array([[0, 1], [2, 3]])
    together = np.array([-0.15, -0.08])
    cut = masks[:, pairs[:, 0]] ^ masks[:, pairs[:, 1]]
    bits = -np.linspace(0.02, 0.06, 4)
    factors = np.exp(-0.1 + masks @ bits + cut @ together)
    found = fit(masks, factors, np.full(15, 0.01))
    rates = {tuple(pair): rate for pair, rate in zip(found.pairs.tolist(), found.together, strict=True)}
    assert len(rates) == 6
    assert rates.pop((0, 1)) == pytest.approx(-0.15, abs=1e-3)
    assert rates.pop((2, 3)) == pytest.approx(-0.08, abs=1e-3)
    assert np.allclose(list(rates.values()), 0, atol=1e-3)
    assert np.allclose(found.dampings()[1:], factors, atol=1e-3)
    assert found.dampings()[0] == 1.0
    readout = fit(masks, np.exp(masks @ bits), np.full(15, 0.01), everywhere=False)
    assert not len(readout.pairs)  # readout errors of different bits are independent


def test_correlated_flips_are_undone():
    rng = np.random.default_rng(8)
    ideal = rng.dirichlet(np.full(8, 0.5))
    flipped = np.arange(8) ^ 0b011
    seen = 0.9 * ideal + 0.1 * ideal[flipped]
    masks = all_bits(3)[1:]
    signs = 1 - 2 * (masks.astype(int) @ all_bits(3).T % 2)
    factors = (signs @ seen) / (signs @ ideal)
    model = fit(masks, factors, np.full(7, 0.001))
    found = mitigated(all_bits(3), seen, model, shots=10_000_000, guard=False)
    assert np.abs(found.weights - ideal).max() < 0.002
    alone = Model(0.0, np.log(factors[[0, 1, 3]]))  # the flips of single bits, as if they were independent
    worse = mitigated(all_bits(3), seen, alone, shots=10_000_000, guard=False)
    assert np.abs(found.weights - ideal).max() < np.abs(worse.weights - ideal).max() / 5


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_simplex_is_reached_by_one_amount(seed):
    weights = np.random.default_rng(seed).normal(0.1, 0.3, 8)
    found = on_simplex(weights)
    assert found.sum() == pytest.approx(1)
    amounts = (weights - found)[found > 0]
    assert np.ptp(amounts) < 1e-9
    assert np.all(weights[found == 0] <= amounts.max() + 1e-12)
