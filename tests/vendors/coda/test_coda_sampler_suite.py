"""The tests of SamplerV2 on a QPU of Coda."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_sampler")

from qiskit_haiqu_provider import HaiquCapacityError, HaiquCircuitError, HaiquInputError, SamplerV2  # noqa: E402
from tests.engines.braket.suite import DYNAMIC, TOO_WIDE, cases_with  # noqa: E402
from tests.primitives import test_sampler as suite  # noqa: E402

OTHER_SHOTS = (
    "test_shots_of_the_pub_go_before_those_of_the_call",
    "test_parameters_by_name_and_in_parts",
    "test_an_empty_register_is_an_empty_bit_array",
    "test_the_last_measurement_into_a_bit_counts",
    "test_counts_follow_the_exact_distribution",
    "test_idle_qubits_cost_nothing",
    "test_gates_that_aer_does_not_know_are_unrolled",
)
"""Tests with fewer or more shots than Coda takes; what they are about is tested with others beside this."""

LOCAL = (
    "test_result_has_the_shape_and_the_metadata_of_qiskit",
    "test_shapes_without_parameters",
    "test_sets_without_parameters_have_shots_of_their_own",
)
"""Tests of other routes, or of shots in the order in which they were taken, which Coda does not tell."""

globals().update(cases_with("sampler", suite, without=[*DYNAMIC, TOO_WIDE, *OTHER_SHOTS, *LOCAL]))


@pytest.fixture
def sampler(backend):
    return SamplerV2(backend)


@pytest.mark.parametrize("name", DYNAMIC)
def test_dynamic_circuits_are_refused(sampler, name):
    with pytest.raises(HaiquCircuitError, match="Coda hands gates to its machines"):
        getattr(suite, name)(sampler)


def test_wide_circuits_are_refused(sampler):
    with pytest.raises(HaiquCapacityError, match="uses 100 qubits, but coda_iqm has 20"):
        getattr(suite, TOO_WIDE)(sampler)


@pytest.mark.parametrize("name", OTHER_SHOTS)
def test_other_numbers_of_shots_are_refused(sampler, name):
    with pytest.raises(HaiquInputError, match=r"takes 10 to 10,000|at most 10000"):
        getattr(suite, name)(sampler)


def test_metadata(sampler):
    result = sampler.run([suite.bell()]).result()
    assert dict(result[0].metadata) == {"shots": 1024, "circuit_metadata": {"name": "bell"}}
    assert result.metadata["haiqu"]["via"] == "coda"
