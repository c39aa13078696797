"""The tests of SamplerV2 on a simulator of IBM, dynamic circuits included."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_sampler")

from tests.engines.braket.suite import cases_with  # noqa: E402
from tests.primitives import test_sampler as suite  # noqa: E402
from tests.vendors.ibm.isa import IsaSampler  # noqa: E402

METADATA = "test_result_has_the_shape_and_the_metadata_of_qiskit"  # of the two routes that it knows
DRAWS = "test_sets_without_parameters_have_shots_of_their_own"  # our fake draws the same for equal circuits

globals().update(cases_with("sampler", suite, without=[METADATA, DRAWS]))


@pytest.fixture
def sampler(simulator):
    return IsaSampler(simulator)


def test_result_has_the_metadata_of_qiskit(sampler):
    result = sampler.run([suite.bell()]).result()
    assert result[0].metadata == {"shots": 1024, "circuit_metadata": {"name": "bell"}}
    assert (result.metadata["version"], result.metadata["haiqu"]["via"]) == (2, "ibm")


def test_sets_without_parameters_are_executions_of_their_own(sampler, ibm):
    circuit = suite.rotated().assign_parameters([0.1])
    assert sampler.run([(circuit, [[], []])], shots=64).result()[0].data.c.shape == (2,)
    assert sampler.estimate_cost([(circuit, [[], []])], shots=64).circuits == 2
