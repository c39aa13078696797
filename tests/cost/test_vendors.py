"""The formulas of the vendors, with the prices of the packaged table."""

import pytest

from qiskit_haiqu_provider import HaiquInputError
from qiskit_haiqu_provider.cost import azure, braket, ibm, ionq, iqm
from qiskit_haiqu_provider.cost.prices import read_prices


def price(vendor, device):
    return read_prices().find(vendor, device)


def exactly(value):
    """Up to the rounding of floats."""
    return pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("executions", "plan", "seconds", "usd"),
    [
        (6000, "payg", 4.1, 6.56),
        (4096, "payg", 3.4336, 5.49376),
        (28672, "payg", 12.0352, 19.25632),
        (6000, "flex", 4.1, 4.92),
        (6000, "premium", 4.1, 3.28),
    ],
)
def test_ibm_counts_seconds_at_the_price_of_the_plan(executions, plan, seconds, usd):
    found = ibm.qpu_seconds(executions)
    assert found == exactly(seconds)
    assert ibm.seconds_usd(found, price("ibm", plan)) == exactly(usd)


def test_ibm_counts_sub_jobs_delays_and_lengths():
    assert ibm.qpu_seconds(1000, rep_delay=1e-3, circuit_seconds=5e-4, sub_jobs=3) == exactly(7.5)


@pytest.mark.parametrize(
    ("device", "tasks", "shots", "usd"),
    [
        ("Garnet", 1, 1000, 1.75),
        ("Garnet", 1, 100, 0.445),
        ("Emerald", 1, 1000, 1.90),
        ("Forte-1", 1, 1000, 80.30),
        ("Forte-1", 1, 2500, 200.30),
        ("Forte-Enterprise-1", 1, 1000, 80.30),
        ("IBEX-Q1", 1, 1000, 23.80),
        ("Cepheus-1-108Q", 1, 1000, 0.725),
        ("Aquila", 1, 100, 1.30),
        ("Garnet", 1, 700, 1.315),
        ("Garnet", 7, 700, 3.115),
        ("Garnet", 3, 2500, 4.525),
    ],
)
def test_braket_qpus_are_paid_by_tasks_and_shots(device, tasks, shots, usd):
    assert braket.qpu_usd(shots, price("braket", device), tasks=tasks) == exactly(usd)


@pytest.mark.parametrize(("executables", "per_task", "tasks"), [(0, 100, 0), (100, 100, 1), (250, 100, 3), (7, 1, 7)])
def test_braket_program_sets_are_one_task_each(executables, per_task, tasks):
    assert braket.tasks_of(executables, per_task=per_task) == tasks


@pytest.mark.parametrize(("seconds", "usd"), [(1.2, 0.00375), (3, 0.00375), (90, 0.1125)])
@pytest.mark.parametrize("device", ["SV1", "DM1"])
def test_braket_simulators_are_paid_by_time(device, seconds, usd):
    assert braket.simulator_usd(seconds, price("braket", device)) == exactly(usd)


@pytest.mark.parametrize(
    ("one", "two", "shots", "usd"),
    [(51, 11, 1, 25.7899), (51, 11, 10000, 206.95), (6375, 1375, 10000, 25868.75)],
)
def test_ionq_counts_gate_shots_above_a_least_price(one, two, shots, usd):
    assert ionq.job_usd(one, two, shots=shots, price=price("ionq", "qpu.forte-1")) == exactly(usd)


def test_ionq_counts_gate_shots_in_its_unit():
    assert ionq.gate_shots(51, 11, shots=1000) == 62000


def test_ionq_takes_the_least_price_of_debiasing_where_it_is_known():
    known = read_prices({"ionq": {"forte-1": {"mitigated_minimum_usd": 90}}}).find("ionq", "forte-1")
    assert ionq.job_usd(51, 11, shots=1, price=known, mitigated=True) == 90
    assert ionq.job_usd(51, 11, shots=1, price=known) == 25.7899
    assert ionq.job_usd(51, 11, shots=1, price=price("ionq", "forte-1"), mitigated=True) == 25.7899


@pytest.mark.parametrize(("mitigated", "tokens"), [(False, 153.9166), (True, 239.0)])
def test_azure_counts_tokens(mitigated, tokens):
    row = price("azure", "ionq")
    found = azure.program_tokens(200, 100, shots=1000, price=row, mitigated=mitigated)
    assert found == exactly(tokens)
    assert azure.tokens_usd(found, row) == exactly(tokens)


def test_iqm_counts_seconds():
    assert iqm.seconds_usd(10, price("iqm", "resonance")) == exactly(3.0)


@pytest.mark.parametrize(
    ("compute", "named"),
    [
        (lambda: ibm.qpu_seconds(-1), "executions must be"),
        (lambda: ibm.qpu_seconds(1, rep_delay=float("nan")), "rep_delay must be"),
        (lambda: ibm.seconds_usd(True, price("ibm", "payg")), "seconds must be"),
        (lambda: braket.qpu_usd("9", price("braket", "garnet"), tasks=1), "shots must be"),
        (lambda: braket.tasks_of(7, per_task=0), "per_task must be at least 1"),
        (lambda: braket.simulator_usd(1, price("braket", "garnet")), "braket garnet has no minimum_seconds"),
        (lambda: ionq.job_usd(1, -2, shots=1, price=price("ionq", "forte-1")), "two_qubit_gates must be"),
    ],
)
def test_what_cannot_be_computed_is_refused(compute, named):
    with pytest.raises(HaiquInputError, match=named):
        compute()
