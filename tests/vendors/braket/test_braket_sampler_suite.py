"""The tests of SamplerV2 on a simulator of AWS."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_sampler")

from qiskit_haiqu_provider import HaiquCircuitError, SamplerV2  # noqa: E402
from tests.engines.braket.suite import DYNAMIC, TOO_WIDE, cases_with  # noqa: E402
from tests.primitives import test_sampler as suite  # noqa: E402

METADATA = "test_result_has_the_shape_and_the_metadata_of_qiskit"  # of the two routes that it knows

globals().update(cases_with("sampler", suite, without=[*DYNAMIC, TOO_WIDE, METADATA]))


@pytest.fixture
def sampler(device):
    return SamplerV2(device("aws_amazon_sv1"))


def test_result_has_the_metadata_of_qiskit(sampler):
    result = sampler.run([suite.bell()]).result()
    assert result[0].metadata == {"shots": 1024, "circuit_metadata": {"name": "bell"}}
    assert (result.metadata["version"], result.metadata["haiqu"]["via"]) == (2, "braket")


@pytest.mark.parametrize("name", DYNAMIC)
def test_dynamic_circuits_are_refused(sampler, name):
    with pytest.raises(HaiquCircuitError, match=r"PUB 0: aws_amazon_sv1 runs gates"):
        getattr(suite, name)(sampler)


def test_wide_circuits_are_refused(sampler):
    with pytest.raises(HaiquCircuitError, match="uses 100 qubits, but aws_amazon_sv1 has 34"):
        getattr(suite, TOO_WIDE)(sampler)
