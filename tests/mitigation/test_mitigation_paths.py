"""Factors of terms whose paths are damped differently."""

from dataclasses import replace

import numpy as np
import pytest

from qiskit_haiqu_provider.mitigation.damping import damping
from qiskit_haiqu_provider.mitigation.paths import less_damped

COMPANIONS = 8
WEIGHTS = np.array([1, 1, 2, 0, 0])
"""Two terms on one qubit, one on two, and two whose factors stay."""

PLUS_MINUS = np.resize([1.0, -1.0], COMPANIONS)[:, None]


def raised(seen, *, shots=10**9, ideal=None):
    ideal = np.ones(seen.shape, dtype=np.int8) if ideal is None else ideal
    plain = damping(ideal, ideal * seen)
    return plain, less_damped(plain, ideal, ideal * seen, weights=WEIGHTS, shots=shots)


def test_paths_that_are_damped_alike_change_nothing():
    plain, found = raised(np.full((COMPANIONS, len(WEIGHTS)), 0.7))
    np.testing.assert_array_equal(found.factors, plain.factors)


def test_scatter_raises_factors():
    seen = 0.6 + 0.05 * np.array([1, 1, 2, 3, 3]) * PLUS_MINUS
    plain, found = raised(seen)
    relative = np.array([0.05, 0.05, 0.1, 0, 0]) ** 2 * COMPANIONS / (COMPANIONS - 1) / 0.6**2
    np.testing.assert_allclose(found.factors, plain.factors * np.exp(4 * relative), rtol=1e-6)


def test_terms_of_one_weight_share_their_scatter():
    seen = np.full((COMPANIONS, len(WEIGHTS)), 0.6)
    seen[:, :1] += 0.1 * PLUS_MINUS
    plain, found = raised(seen)
    assert found.factors[0] == found.factors[1] > plain.factors[1]
    np.testing.assert_array_equal(found.factors[2:], plain.factors[2:])


def test_the_scatter_of_shots_is_no_scatter_of_paths():
    shots = 200
    rng = np.random.default_rng(3)
    seen = 2 * rng.binomial(shots, 0.8, size=(4000, len(WEIGHTS))) / shots - 1
    plain, found = raised(seen, shots=shots)
    np.testing.assert_allclose(found.factors, plain.factors, rtol=1e-3)
    assert (raised(seen)[1].factors[:3] > 1.02 * plain.factors[:3]).all()


@pytest.mark.parametrize("shots", [10, 40])
def test_few_shots_hardly_raise_anything(shots):
    rng = np.random.default_rng(5)
    raises = []
    for _ in range(200):
        seen = 2 * rng.binomial(shots, 0.75, size=(16, len(WEIGHTS))) / shots - 1
        plain, found = raised(seen, shots=shots)
        raises.append(found.factors[:2] / plain.factors[:2])
    assert 1 <= np.mean(raises) < 1.05  # without a margin it would be 1.13 for 10 shots


def test_a_single_shot_tells_no_scatter():
    seen = np.resize([1.0, 1.0, 1.0, -1.0], (COMPANIONS, 1)) * np.ones(len(WEIGHTS))
    plain = damping(np.ones(seen.shape, dtype=np.int8), seen)
    sure = replace(plain, usable=np.ones(len(WEIGHTS), dtype=bool))
    found = less_damped(sure, np.ones(seen.shape, dtype=np.int8), seen, weights=WEIGHTS, shots=1)
    np.testing.assert_array_equal(found.factors, plain.factors)


@pytest.mark.parametrize(("mean", "spread"), [(0.4, 0.4), (0.9, 0.4)])
def test_the_raise_is_bounded(mean, spread):
    plain, found = raised(mean + spread * PLUS_MINUS * np.ones(len(WEIGHTS)))
    limit = np.minimum(plain.factors * np.exp(0.3), 1.0)
    np.testing.assert_allclose(found.factors[:3], limit[:3])


def test_errors_grow_with_the_factors():
    seen = 0.6 + 0.1 * PLUS_MINUS * np.ones(len(WEIGHTS))
    plain, found = raised(seen)
    np.testing.assert_allclose(found.residuals / found.factors, plain.residuals / plain.factors)


def test_terms_that_are_not_divided_stay_so():
    seen = np.full((COMPANIONS, len(WEIGHTS)), 0.7)
    seen[:, 0] = 0.01 * PLUS_MINUS[:, 0]
    ideal = np.ones(seen.shape, dtype=np.int8)
    ideal[:, 1] = 0
    _, found = raised(seen, ideal=ideal)
    assert found.factors[0] == found.factors[1] == 1.0
    assert not found.usable[:2].any()


def test_signs_of_the_ideal_values_do_not_matter():
    seen = 0.6 + 0.1 * PLUS_MINUS * np.ones(len(WEIGHTS))
    ideal = np.where(np.arange(seen.size).reshape(seen.shape) % 3, 1, -1).astype(np.int8)
    np.testing.assert_allclose(raised(seen, ideal=ideal)[1].factors, raised(seen)[1].factors)
