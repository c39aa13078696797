"""Factors of terms whose paths add up, and rates that are learnt from companions."""

from dataclasses import replace

import numpy as np
import pytest

from qiskit_haiqu_provider.mitigation.damping import damping
from qiskit_haiqu_provider.mitigation.paths import Paths, Seen, _as_sums, dampings, paths_of, rates
from qiskit_haiqu_provider.mitigation.structure import structure_of
from tests.mitigation.circuits_for_mitigation import no_values, random_circuit

TRUE = np.array([0.012, 0.007, 0.02])
"""What gates take, what they take of X and Y besides, and what reading takes."""

TERMS, COMPANIONS = 12, 16


def sums(amplitude, met):
    """Of a single path: its amplitude, and that times what it meets, each times each."""
    found = amplitude * np.concatenate([np.ones((TERMS, 1)), met], axis=1)
    return found[:, :, None] * found[:, None, :]


def lost(met):
    return met @ TRUE[:2]


def seen(*, shots=None, mirrors=0, amplitude=1.0, part=0.9, seed=3):
    """Companions of a device with these rates, some mirrors among them that lose as much as the first companion."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 4, TERMS)
    gates = rng.integers(5, 40, size=(COMPANIONS, TERMS))
    met = np.stack([gates, rng.integers(0, 2 * gates)], axis=2).astype(np.int32)
    left = np.exp(-met @ TRUE[:2] - TRUE[2] * weights)
    left = np.concatenate([left, np.repeat(left[:1], mirrors, axis=0)])
    ideal = rng.choice([-1, 0, 1], size=left.shape, p=[0.3, 0.4, 0.3]).astype(np.int8)
    values = ideal * left if shots is None else 1 - 2 * rng.binomial(shots, (1 - ideal * left) / 2) / shots
    own = part * met.mean(axis=0)
    return Seen(ideal, values, weights, Paths(met, sums(amplitude, own), own))


@pytest.mark.parametrize(("shots", "tolerance"), [(10**9, 1e-6), (200, 2e-3), (4, 1e-2)])
def test_rates_are_learnt(shots, tolerance):
    found = rates([seen(shots=shots), seen(shots=shots, seed=4)], shots=shots)
    np.testing.assert_allclose(found[:2], TRUE[:2], atol=tolerance)
    np.testing.assert_allclose(found[2], TRUE[2], atol=10 * tolerance)


def test_rates_are_not_negative():
    basis = seen()
    nothing_lost = replace(basis, values=basis.ideal * 1.0)
    np.testing.assert_allclose(rates([nothing_lost], shots=1000), 0, atol=1e-6)


def test_paths_that_meet_less_are_damped_less():
    basis = seen(amplitude=1000.0)
    (found,) = dampings([basis], shots=10**6)
    (plain,) = [damping(basis.ideal, basis.values)]
    known = basis.known
    typical = -np.log((known * np.exp(-lost(basis.paths.companions))).sum(axis=0) / known.sum(axis=0))
    less = typical - lost(0.9 * basis.paths.companions.mean(axis=0))
    assert (less > 0).any()
    np.testing.assert_allclose(found.factors, plain.factors * np.exp(less), rtol=1e-4)


def test_paths_that_cancel_leave_what_noise_makes_of_them():
    basis = seen()
    cancelling = np.concatenate([np.zeros((TERMS, 1)), np.tile([200.0, 0.0], (TERMS, 1))], axis=1)
    circuit = cancelling[:, :, None] * cancelling[:, None, :]
    (found,) = dampings([replace(basis, paths=replace(basis.paths, circuit=circuit))], shots=1000)
    plain = damping(basis.ideal, basis.values)
    assert (found.factors > plain.factors).all()  # what is measured is hardly divided


def test_sums_of_which_little_is_left_change_nothing():
    basis = seen(amplitude=0.0)
    (found,) = dampings([basis], shots=1000)
    np.testing.assert_array_equal(found.factors, damping(basis.ideal, basis.values).factors)


def test_paths_that_companions_follow_change_nothing():
    basis = seen()
    alike = np.repeat(basis.paths.companions[:1], COMPANIONS, axis=0)
    basis = replace(basis, paths=replace(basis.paths, companions=alike, circuit=sums(1.0, alike[0]), typical=alike[0]))
    (found,) = dampings([basis], shots=1000)
    np.testing.assert_allclose(found.factors, damping(basis.ideal, basis.values).factors)


def test_mirrors_tell_of_factors_but_not_of_paths():
    basis = seen(mirrors=4)
    np.testing.assert_allclose(rates([basis], shots=10**9), TRUE, atol=1e-4)
    plain = damping(basis.ideal, basis.values)
    (found,) = dampings([basis], shots=10**9)
    assert (found.factors != plain.factors).all()


def test_errors_grow_with_the_factors():
    basis = seen(shots=500)
    plain = damping(basis.ideal, basis.values)
    (found,) = dampings([basis], shots=500)
    np.testing.assert_allclose(found.residuals / found.factors, plain.residuals / plain.factors)


def test_terms_that_few_companions_know_keep_what_these_say():
    basis = seen()
    ideal = basis.ideal.copy()
    ideal[:, 0], ideal[2:, 1], ideal[:2, 1] = 0, 0, 1
    basis = replace(basis, ideal=ideal, values=np.where(ideal != 0, ideal * 0.7, 0.0))
    plain = damping(ideal, basis.values)
    (found,) = dampings([basis], shots=1000)
    assert found.factors[0] == 1.0
    assert not found.usable[0]
    assert found.factors[1] == plain.factors[1] == pytest.approx(0.7)


@pytest.mark.parametrize(("times", "more", "bound"), [(10, -10_000.0, 1 / 0.3), (1, 100.0, 0.5), (1, 200.0, 0.5)])
def test_changes_have_bounds_and_a_direction(times, more, bound):
    """Paths that meet less than companions do are damped less, and those that meet more are damped more."""
    basis = seen()
    companions = times * basis.paths.companions
    own = np.maximum(companions.mean(axis=0) + more, 0.0)
    far = Paths(companions, sums(1.0, own), own)
    plain = damping(basis.ideal, basis.values)
    found = _as_sums(plain, replace(basis, paths=far), TRUE)
    np.testing.assert_allclose(found.factors, np.maximum(0.03, plain.factors * bound))


def test_a_single_shot_of_each():
    basis = seen(shots=1)
    (found,) = dampings([basis], shots=1)
    assert np.isfinite(found.factors).all()


def test_without_clifford_companions_factors_are_means():
    basis = seen(mirrors=2)
    structure = structure_of(random_circuit("rzz", 2), no_values(), keep=range(3))
    (nothing,) = paths_of(structure, [np.ones((TERMS, 3), dtype=np.int8)], ())
    basis = replace(basis, paths=nothing)
    (found,) = dampings([basis], shots=1000)
    np.testing.assert_array_equal(found.factors, damping(basis.ideal, basis.values).factors)
    assert dampings([], shots=1000) == []


def test_the_paths_of_each_basis():
    structure = structure_of(random_circuit("cz", 2, steps=8), no_values(), keep=range(3))
    bases = [np.array([[3, 0, 0], [0, 3, 3]], dtype=np.int8), np.array([[1, 1, 1]], dtype=np.int8)]
    met = [np.ones((5, len(each), 2), dtype=np.int32) for each in bases]
    together = paths_of(structure, bases, met)
    for each, basis, own in zip(together, bases, met, strict=True):
        (alone,) = paths_of(structure, [basis], [own])
        np.testing.assert_array_equal(each.companions, own)
        np.testing.assert_allclose(each.circuit, alone.circuit, atol=1e-9)
        np.testing.assert_allclose(each.typical, alone.typical, atol=1e-9)
