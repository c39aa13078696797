"""The tests of EstimatorV2 on a simulator of AWS, as far as they do not ask for exact values."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_estimator")

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError  # noqa: E402
from tests.primitives import test_estimator as suite  # noqa: E402

test_result_has_the_metadata_of_qiskit = suite.test_result_has_the_metadata_of_qiskit
test_identities_are_exact_at_any_precision = suite.test_identities_are_exact_at_any_precision
test_covariances_within_a_group_count = suite.test_covariances_within_a_group_count
test_generators_and_empty_lists = suite.test_generators_and_empty_lists

BROADCASTS = next(mark.args[1] for mark in suite.test_every_broadcast.pytestmark if "sets" in mark.args[0])


@pytest.fixture
def estimator(device):
    return EstimatorV2(device("aws_amazon_sv1"), options={"default_precision": 0.1})


@pytest.mark.parametrize(("observables", "sets"), BROADCASTS)
def test_every_broadcast(estimator, observables, sets):
    suite.test_every_broadcast(estimator, observables, sets, 0.3)


def test_dynamic_circuits_are_refused(estimator):
    with pytest.raises(HaiquCircuitError, match="aws_amazon_sv1 runs gates"):
        suite.test_dynamic_circuits_are_estimated_from_shots(estimator)
