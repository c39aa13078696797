"""Run results as the REST API nests them."""

import numpy as np
import pytest

from qiskit_haiqu_provider.gateway.execution import results
from qiskit_haiqu_provider.run.result import Expectations, Samples, Statevectors


def samples(words, num_clbits):
    """One parameter set with these shots."""
    width = max(1, -(-num_clbits // 8))
    rows = [list(int(word or "0", 2).to_bytes(width, "big")) for word in words]
    return Samples(np.array([rows], dtype=np.uint8), num_clbits)


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 17, 70])
def test_bitstrings_have_every_bit_and_shares_sum_to_one(width):
    low, high = "0" * (width - 1) + "1", "1" + "0" * (width - 1)
    (found,) = results.distributions(samples([low, high, low, low], width))
    assert found == ({low: 1.0} if low == high else {low: 0.75, high: 0.25})


def test_no_bits_is_one_outcome():
    assert results.distributions(samples(["", ""], 0)) == [{"": 1.0}]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 11])
def test_every_copy_counts_as_a_shot(width):
    one, two = "1" * width, "0" * (width - 1) + "1"
    words = [one + two + one, two + two + one]
    (found,) = results.distributions(samples(words, 3 * width), copies=3)
    assert found == pytest.approx({one: 1.0} if one == two else {one: 0.5, two: 0.5})


def test_copies_are_averaged_and_their_errors_shrink():
    values = np.array([[1.0, 0.0], [0.0, 0.5], [0.2, 0.2], [0.4, 0.4]])
    task = Expectations(values, np.full((4, 2), 0.1))
    found = results.averaged(task, 2, shots=1_000_000)
    assert found.values == pytest.approx(np.array([[0.5, 0.25], [0.3, 0.3]]))
    assert found.stds == pytest.approx(np.full((2, 2), 0.1 / np.sqrt(2)), rel=1e-3)
    assert results.averaged(task, 1, shots=5) is task


def test_with_one_shot_each_only_the_copies_tell_the_error():
    task = Expectations(np.array([[1.0], [-1.0]]), np.zeros((2, 1)))
    assert results.averaged(task, 2, shots=1).stds == pytest.approx(np.array([[1.0]]))


def test_nesting_has_the_set_axis_only_in_a_sweep():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert results.nested_values(values, swept=True) == [[1.0, 2.0], [3.0, 4.0]]
    assert results.nested_values(values[:, :1], swept=False) == [1.0, 3.0]
    states = Statevectors(np.array([[1, 1j], [0, 1]]))
    assert len(results.nested_states(states, swept=True)) == 2
    real, imaginary = results.nested_states(Statevectors(np.array([[0.6, 0.8j]])), swept=False)
    assert (real.tolist(), imaginary.tolist()) == ([0.6, 0.0], [0.0, 0.8])
    bases = [[{"0": 1.0}, {"1": 1.0}], [{"0": 0.5}, {"1": 0.5}]]
    assert results.nested_distributions(bases, by_basis=True, swept=True) == bases
    assert results.nested_distributions(bases, by_basis=True, swept=False) == [{"0": 1.0}, {"0": 0.5}]
    assert results.nested_distributions(bases[:1], by_basis=False, swept=True) == bases[0]
    assert results.nested_distributions(bases[:1], by_basis=False, swept=False) == {"0": 1.0}
