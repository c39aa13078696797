"""Error bars of mitigated probabilities hold as often as they say, and cost little."""

from dataclasses import replace

import numpy as np
import pytest

from qiskit_haiqu_provider.mitigation.bootstrap import Bootstrap
from qiskit_haiqu_provider.mitigation.corrections import Deconvolution, deconvolution
from qiskit_haiqu_provider.mitigation.damping import damping
from qiskit_haiqu_provider.mitigation.distributions import Model
from qiskit_haiqu_provider.mitigation.m3 import M3

WIDTH = 4
BITS = (np.arange(1 << WIDTH)[:, None] >> np.arange(WIDTH) & 1).astype(np.uint8)
PARITIES = np.unique(
    np.concatenate([np.eye(WIDTH), np.eye(WIDTH)[1:] + np.eye(WIDTH)[:-1], np.ones((1, WIDTH))]), axis=0
).astype(np.uint8)
COMPANIONS, SHOTS = 16, 8192


def seen_through(probabilities, model):
    """What noise makes of probabilities, parity by parity."""
    signs = 1 - 2 * (BITS @ BITS.T % 2).astype(float)
    damped = np.exp(model.everywhere + BITS @ model.bits)
    damped[0] = 1.0
    return signs @ (damped * (signs @ probabilities)) / len(probabilities)


def calibrated(model, rng):
    """A correction as companions of known value show it."""
    damped = np.exp(model.everywhere + PARITIES @ model.bits)
    shots = SHOTS // 8 // COMPANIONS
    ones = rng.binomial(shots, np.tile((1 - damped) / 2, (COMPANIONS, 1)))
    found = damping(np.ones(ones.shape, dtype=np.int8), 1 - 2 * ones / shots)
    return deconvolution(found, PARITIES, everywhere=True, guard=False)


def once(rng, ideal, model, *, doubted=True):
    """What a correction makes of counts, with error bars."""
    correction = calibrated(model, rng)
    counts = rng.multinomial(SHOTS, seen_through(ideal, model))
    kept = counts > 0
    weights = counts[kept] / SHOTS
    found = correction.corrected(BITS[kept], weights, shots=SHOTS)
    if not doubted:
        found = replace(found, doubt=np.zeros(1 << WIDTH))
    return found, Bootstrap(correction, 1).stds(BITS[kept], weights, found, shots=SHOTS, number=0)


@pytest.mark.parametrize(("doubted", "least", "most"), [(False, 0.85, 0.97), (True, 0.95, 1.0)])
def test_two_standard_errors_hold_the_truth_in_about_95_of_100_cases(doubted, least, most):
    """The allowance for the model, which is right here, makes up for what early stopping leaves, and more."""
    rng = np.random.default_rng(12)
    inside, wrong, told = [], [], []
    for _ in range(25):
        ideal = rng.dirichlet(np.ones(1 << WIDTH))
        found, stds = once(rng, ideal, Model(-0.2, -rng.uniform(0.02, 0.08, WIDTH)), doubted=doubted)
        inside.append(np.abs(found.weights - ideal) <= 2 * stds)
        wrong.append((found.weights - ideal) ** 2)
        told.append(stds**2)
    assert least < np.mean(inside) <= most
    assert 0.25 < np.mean(wrong) / np.mean(told) < 1.6


def test_uncertain_companions_make_wider_error_bars():
    rng = np.random.default_rng(5)
    model = Model(-0.2, np.full(WIDTH, -0.05))
    correction = calibrated(model, rng)
    sure = Deconvolution(
        correction.parities, correction.factors, correction.residuals * 1e-6, True, False, correction.model
    )
    unsure = Deconvolution(
        correction.parities, correction.factors, correction.residuals * 9, True, False, correction.model
    )
    weights = seen_through(np.r_[0.5, np.full(15, 0.5 / 15)], model)
    bars = []
    for each in (sure, unsure):
        found = correction.corrected(BITS, weights, shots=SHOTS)
        bars.append(Bootstrap(each, 1).stds(BITS, weights, found, shots=SHOTS, number=0))
    assert bars[1][0] > 1.5 * bars[0][0]


def test_the_same_seed_gives_the_same_error_bars_in_any_order():
    rng = np.random.default_rng(7)
    model = Model(-0.1, np.full(WIDTH, -0.04))
    correction = calibrated(model, rng)
    weights = [rng.dirichlet(np.ones(16)) for _ in range(2)]
    found = [correction.corrected(BITS, each, shots=SHOTS) for each in weights]

    def bars(seed, order):
        bootstrap = Bootstrap(correction, seed)
        stds = {n: bootstrap.stds(BITS, weights[n], found[n], shots=SHOTS, number=n) for n in order}
        return np.stack([stds[0], stds[1]])

    assert np.array_equal(bars(3, [0, 1]), bars(3, [1, 0]))
    assert not np.array_equal(bars(3, [0, 1]), bars(4, [0, 1]))


def test_outcomes_of_many_bits_have_error_bars_while_they_are_few():
    rng = np.random.default_rng(8)
    model = Model(-0.1, np.full(20, -0.02), 0.01)
    correction = Deconvolution(
        np.eye(20, dtype=np.uint8), np.exp(np.full(20, -0.12)), np.zeros((4, 20)), True, True, model
    )
    for outcomes, told in ((30, True), (900, False)):
        keys = rng.choice(1 << 20, outcomes, replace=False)
        bits = (keys[:, None] >> np.arange(20) & 1).astype(np.uint8)
        weights = rng.dirichlet(np.ones(outcomes))
        found = correction.corrected(bits, weights, shots=4000)
        stds = Bootstrap(correction, 1).stds(bits, weights, found, shots=4000, number=0)
        assert (stds is not None) is told
        if told:
            assert np.all(stds >= 0)
            assert stds[np.argmax(found.weights)] > 0


def test_many_distributions_of_many_bits_have_no_error_bars():
    width, shots = 12, 1000
    rng = np.random.default_rng(9)
    correction = Deconvolution(
        np.eye(width, dtype=np.uint8),
        np.exp(np.full(width, -0.12)),
        np.zeros((4, width)),
        True,
        True,
        Model(-0.1, np.full(width, -0.02), 0.01),
    )
    keys = rng.choice(1 << width, 8, replace=False)
    bits, weights = (keys[:, None] >> np.arange(width) & 1).astype(np.uint8), np.full(8, 1 / 8)
    found = correction.corrected(bits, weights, shots=shots)

    def bars(distributions):
        return Bootstrap(correction, 1, distributions).stds(bits, weights, found, shots=shots, number=0)

    assert bars(10) is not None
    assert bars(100) is None


@pytest.mark.parametrize("shots", [1, 3])
def test_few_shots_have_error_bars_too(shots):
    correction = M3(np.array([[0.02] * WIDTH, [0.04] * WIDTH]), np.full((2, WIDTH), 50.0))
    bits, weights = BITS[:shots], np.full(shots, 1 / shots)
    found = correction.corrected(bits, weights, shots=shots)
    stds = Bootstrap(correction, 1).stds(bits, weights, found, shots=shots, number=0)
    assert stds.shape == (shots,)
    assert np.all(np.isfinite(stds))
