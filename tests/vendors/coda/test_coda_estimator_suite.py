"""The tests of EstimatorV2 on a QPU of Coda: those that ask for no exact value."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_estimator")

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, HaiquInputError  # noqa: E402
from tests.engines.braket.suite import cases_with  # noqa: E402
from tests.primitives import test_estimator as suite  # noqa: E402

EXACT = (
    "test_precisions_of_pubs_under_one_job",
    "test_gates_that_aer_does_not_know",
    "test_a_parametric_global_phase_changes_nothing",
    "test_many_terms_use_the_transform",
    "test_wide_clifford_circuits_have_exact_values",
    "test_idle_qubits_cost_nothing_and_count_as_zero",
)
DYNAMIC = "test_dynamic_circuits_are_estimated_from_shots"
BROADCASTS, KINDS = "test_every_broadcast", "test_every_kind_of_observable"
LOCAL = ("test_a_seed_repeats_and_pubs_have_streams_of_their_own", "test_cost_estimates_count_circuits_and_shots")

globals().update(cases_with("estimator", suite, without=[*EXACT, DYNAMIC, BROADCASTS, KINDS, *LOCAL]))


@pytest.fixture
def estimator(backend):
    return EstimatorV2(backend)


@pytest.mark.parametrize(*suite.test_every_broadcast.pytestmark[1].args)
def test_every_broadcast_of_shots(estimator, observables, sets):
    suite.test_every_broadcast(estimator, observables, sets, precision=0.3)


@pytest.mark.parametrize("name", EXACT)
def test_exact_values_are_refused(estimator, name):
    with pytest.raises(HaiquInputError, match=r"precision=0 asks for the exact value, which coda_iqm cannot give"):
        getattr(suite, name)(estimator)


def test_dynamic_circuits_are_refused(estimator):
    with pytest.raises(HaiquCircuitError, match="'if_else' decides something"):
        getattr(suite, DYNAMIC)(estimator)
