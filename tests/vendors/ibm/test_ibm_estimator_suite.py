"""The tests of EstimatorV2 on a simulator of IBM, dynamic circuits included: those that ask for no exact value."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_estimator")

from qiskit_haiqu_provider import HaiquInputError  # noqa: E402
from tests.engines.braket.suite import cases_with  # noqa: E402
from tests.primitives import test_estimator as suite  # noqa: E402
from tests.vendors.ibm.isa import IsaEstimator  # noqa: E402

EXACT = (
    "test_precisions_of_pubs_under_one_job",
    "test_gates_that_aer_does_not_know",
    "test_a_parametric_global_phase_changes_nothing",
    "test_many_terms_use_the_transform",
    "test_wide_clifford_circuits_have_exact_values",
    "test_idle_qubits_cost_nothing_and_count_as_zero",
)
BROADCASTS, KINDS = "test_every_broadcast", "test_every_kind_of_observable"
LOCAL = ("test_a_seed_repeats_and_pubs_have_streams_of_their_own", "test_cost_estimates_count_circuits_and_shots")

globals().update(cases_with("estimator", suite, without=[*EXACT, BROADCASTS, KINDS, *LOCAL]))


@pytest.fixture
def estimator(simulator):
    return IsaEstimator(simulator)


@pytest.mark.parametrize(*suite.test_every_broadcast.pytestmark[1].args)
def test_every_broadcast_of_shots(estimator, observables, sets):
    suite.test_every_broadcast(estimator, observables, sets, precision=0.3)


@pytest.mark.parametrize("name", EXACT)
def test_exact_values_are_refused(estimator, name):
    with pytest.raises(HaiquInputError, match=r"(uses 60 qubits|precision=0 asks for the exact value)"):
        getattr(suite, name)(estimator)
