"""What runs at IonQ cost: its own estimate in both forms, the table, and what was paid in the end."""

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.exceptions import HaiquAuthenticationError, HaiquCostLimitError, HaiquInputError
from tests.vendors.web import Response


def _gates(ones, twos):
    circuit = QuantumCircuit(2, 1)
    for _ in range(ones):
        circuit.x(0)
    for _ in range(twos):
        circuit.cx(0, 1)
    circuit.measure(1, 0)
    return circuit


@pytest.fixture
def backend(device):
    return device("ionq_forte_1")


@pytest.mark.parametrize("shape", ["old", "new"])
@pytest.mark.parametrize(("shots", "usd"), [(1, 25.7899), (10_000, 206.95)])
def test_ionqs_own_estimate(ionq, backend, web, shape, shots, usd):
    ionq.shape = shape
    estimate = backend.estimate_cost(_gates(51, 11), shots=shots)
    assert estimate.usd == usd
    assert estimate.usd_range == (usd, usd)
    assert (estimate.amount, estimate.unit, estimate.kind) == (62 * shots, "gate-shots", "quote")
    assert (estimate.circuits, estimate.shots) == (1, shots)
    (asked,) = [request.query for request in web.requests if request.path.endswith("estimate")]
    assert asked["error_mitigation"] == ["false"]
    assert not ionq.bodies


def test_debiasing_is_estimated(ionq, backend):
    estimate = backend.estimate_cost(_gates(1, 1), shots=500, use_mitigation=True)
    assert estimate.usd == ionq.debiased_minimum


def test_the_least_price_of_several_circuits(ionq, backend):
    estimate = SamplerV2(backend).run([_gates(5, 1), _gates(50, 10)], shots=1000).plan  # one job
    assert len(estimate.jobs) == 1
    estimate = backend.estimate_cost([_gates(5, 1), _gates(50, 10)], shots=1000)
    assert estimate.usd == 25.7899
    assert estimate.usd_range == pytest.approx((25.7899, 2 * 25.7899))
    assert "least price" in estimate.unknown
    assert [line.usd for line in estimate.lines] == pytest.approx([25.7899 / 2] * 2)


def test_jobs_of_their_own_are_priced_one_by_one(backend):
    circuit = _gates(50, 10).remove_final_measurements(inplace=False)
    options = {"default_shots": 10_000}
    estimate = EstimatorV2(backend, options=options).run([(circuit, ["ZZ", "XX"])], precision=0.05)
    assert estimate.result()[0].data.evs.shape == (2,)
    priced = EstimatorV2(backend, options={"dry_run": True}).run([(circuit, "ZZ", None, 0.01), (circuit, "ZZ")])
    price = priced.result()
    assert len(price.jobs) == 2
    assert price.usd == pytest.approx(sum(job.usd for job in price.jobs))
    assert [line.shots for line in price.lines] == [10_000, 4096]


@pytest.mark.parametrize("trouble", ["down", "credit"])
def test_the_table_where_ionq_gives_no_price(ionq, backend, trouble):
    if trouble == "down":
        ionq.fault("GET", "/jobs/estimate", Response({}, 500))
    else:
        ionq.unit = "credit"
    estimate = backend.estimate_cost(_gates(51, 11), shots=10_000)
    assert estimate.usd == pytest.approx(206.95)
    assert estimate.kind == "table"
    ionq.fault("GET", "/jobs/estimate", Response({}, 500))
    mitigated = backend.estimate_cost(_gates(51, 11), shots=10_000, use_mitigation=True)
    assert "Debiasing" in mitigated.unknown
    ionq.fault("GET", "/jobs/estimate", Response({}, 401))
    with pytest.raises(HaiquAuthenticationError):
        backend.estimate_cost(_gates(1, 1))


def test_a_machine_without_a_price(ionq, device):
    ionq.fault("GET", "/jobs/estimate", Response({}, 500))
    with pytest.raises(HaiquInputError, match="No price is known of ionq ionq_aria_1"):
        device("ionq_aria_1").estimate_cost(_gates(1, 1))


def test_a_limit(ionq, backend):
    with pytest.raises(HaiquCostLimitError):
        backend.run(_gates(1, 1), max_cost_usd=20)
    assert not ionq.bodies
    assert backend.run(_gates(1, 1), max_cost_usd=30).result()
    assert len(ionq.bodies) == 1


def test_what_is_free(device, web):
    estimate = device().estimate_cost(_gates(1, 1), shots=7)
    assert (estimate.usd, estimate.kind, estimate.shots) == (0.0, "free", 7)
    empty = device("ionq_forte_1").estimate_cost(QuantumCircuit(1, 1))
    assert (empty.usd, empty.kind, empty.circuits) == (0.0, "free", 0)
    assert not any(request.path.endswith("estimate") for request in web.requests)


def test_what_was_paid(ionq, backend):
    job = backend.run(_gates(51, 11), shots=10_000)
    assert job.result()
    assert job.usage()["usd"] == pytest.approx(206.95 * 0.99)
    ionq.unit = "credit"
    assert "usd" not in backend._engine.vendor.usage(job.job_id(), None, device="ionq_forte_1")
