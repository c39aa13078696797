"""Error bars of expectation values hold also where randomised copies are few."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qiskit_haiqu_provider.mitigation.damping import Group, damping, estimates
from qiskit_haiqu_provider.mitigation.readout import Outcomes
from qiskit_haiqu_provider.mitigation.scatter import variance_to_tell

SETS, SHOTS = 4000, 200
NONE = np.zeros((0, 1), dtype=np.int8)
"""Companions of one term."""


def measured(rng, *, copies, scatter):
    """Values of one Pauli at many sets: the truth, and what some copies show of it."""
    truth = rng.uniform(-0.8, 0.8, SETS)
    each = np.clip(truth[:, None] + rng.normal(0, scatter, (SETS, copies)), -1, 1)
    return truth, 1 - 2 * rng.binomial(SHOTS, (1 - each) / 2) / SHOTS


def coverage(truth, seen, *, told=True):
    """How often 95 % intervals hold."""
    copies = seen.shape[1]
    shot_noise = (1 - seen.mean(axis=1) ** 2) / (copies * SHOTS)
    group = Group(np.ones((1, 1)), seen[..., None], damping(NONE, NONE), SHOTS, shot_noise[None] if told else None)
    found = estimates(np.zeros(1), [group], sets=SETS, guard=True)
    return np.mean(np.abs(found.values[0] - truth) < 1.96 * found.stds[0])


@pytest.mark.parametrize("scatter", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("copies", [2, 4, 8, 16, 64])
def test_intervals_hold_about_as_often_as_they_say(copies, scatter):
    """Two copies that happen to be alike tell too little of what randomisation does."""
    truth, seen = measured(np.random.default_rng(11), copies=copies, scatter=scatter)
    assert (0.9 if copies > 2 else 0.85) < coverage(truth, seen) < 0.99


def test_the_scatter_of_four_copies_alone_would_be_too_small():
    truth, seen = measured(np.random.default_rng(12), copies=4, scatter=0.0)
    assert coverage(truth, seen, told=False) < 0.9


def test_what_is_known_of_shots_counts_once():
    scatter, shots = np.array([1.0, 3.0]), np.array([2.0, 2.0])
    assert variance_to_tell(scatter, shots, copies=16)[0] == 2.0
    assert 3.0 < variance_to_tell(scatter, shots, copies=16)[1] < 3.3
    assert variance_to_tell(scatter, shots, copies=10_000)[1] == pytest.approx(3.0, abs=1e-3)
    assert np.array_equal(variance_to_tell(scatter, None, copies=4), scatter)
    assert np.array_equal(variance_to_tell(scatter, shots, copies=1), scatter)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 3), st.integers(1, 4))
def test_the_noise_of_shots_is_that_of_the_outcomes_together(seed, sets, copies):
    """Against every shot written out."""
    rng = np.random.default_rng(seed)
    width, shots = 3, 40
    bits = rng.integers(0, 2, (sets * copies * shots, width), dtype=np.uint8)
    outcomes = Outcomes(bits, np.full(len(bits), 1 / shots), np.arange(sets * copies + 1) * shots)
    terms = rng.integers(0, 2, (5, width), dtype=np.uint8)
    weights = rng.normal(size=(2, 5))
    sums = (1 - 2.0 * (bits @ terms.T % 2)) @ weights.T
    expected = sums.reshape(sets, copies * shots, 2).var(axis=1).T / (copies * shots)
    found = outcomes.shot_noise(terms, weights, sets=sets, shots=shots)
    assert np.allclose(found, expected)
