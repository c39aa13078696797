"""The tests of EstimatorV2 on braket_sv, and refusals of what it cannot do."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_estimator")

from qiskit_haiqu_provider import EstimatorV2, HaiquCapacityError, HaiquCircuitError  # noqa: E402
from tests.engines.braket.suite import cases_with  # noqa: E402
from tests.primitives import test_estimator as suite  # noqa: E402

DYNAMIC = "test_dynamic_circuits_are_estimated_from_shots"
TOO_WIDE = "test_wide_clifford_circuits_have_exact_values"
MEMORY = "test_cost_estimates_count_circuits_and_shots"  # of the local engine, which predicts it

globals().update(cases_with("estimator", suite, without=[DYNAMIC, TOO_WIDE, MEMORY]))


@pytest.fixture
def via():
    return "local"


@pytest.fixture
def estimator(simulator):
    return EstimatorV2(simulator(seed_simulator=4))


def test_dynamic_circuits_are_refused(estimator):
    with pytest.raises(HaiquCircuitError, match="mid-circuit measurement, reset or control flow"):
        getattr(suite, DYNAMIC)(estimator)


def test_wide_circuits_are_refused(estimator):
    with pytest.raises(HaiquCapacityError, match="uses 60 qubits"):
        getattr(suite, TOO_WIDE)(estimator)


def test_nothing_is_to_be_paid(estimator):
    circuit = suite.ansatz()
    pubs = [(circuit, suite.TFIM, suite.values(circuit, 10)), (circuit, "III", suite.values(circuit))]
    cost = estimator.estimate_cost(pubs)
    assert (cost.usd, cost.circuits, cost.shots) == (0.0, 20, 20 * 4096)
    assert [(line.index, line.circuits) for line in cost.lines] == [(0, 20), (1, 0)]
