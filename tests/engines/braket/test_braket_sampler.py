"""The tests of SamplerV2 on braket_sv, and refusals of what it cannot do."""

import pytest

pytest.register_assert_rewrite("tests.primitives.test_sampler")

from qiskit_haiqu_provider import HaiquCapacityError, HaiquCircuitError, SamplerV2  # noqa: E402
from tests.engines.braket.suite import DYNAMIC, TOO_WIDE, cases_with  # noqa: E402
from tests.primitives import test_sampler as suite  # noqa: E402

globals().update(cases_with("sampler", suite, without=[*DYNAMIC, TOO_WIDE]))


@pytest.fixture
def via():
    return "local"


@pytest.fixture
def sampler(simulator):
    return SamplerV2(simulator(seed_simulator=11))


@pytest.mark.parametrize("name", DYNAMIC)
def test_dynamic_circuits_are_refused(sampler, name):
    with pytest.raises(HaiquCircuitError, match=r"PUB 0: braket_sv runs gates .* Use aer_simulator"):
        getattr(suite, name)(sampler)


def test_wide_circuits_are_refused(sampler):
    with pytest.raises(HaiquCapacityError, match="uses 100 qubits, but braket_sv takes at most 26"):
        getattr(suite, TOO_WIDE)(sampler)
