"""Runs of several vendor jobs: results, lost answers, failures, and other processes."""

import shutil

import numpy as np
import pytest
from house import DEVICE, HouseVendor
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.direct import sending
from qiskit_haiqu_provider.engines.direct.circuits import samples_of_counts
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.exceptions import (
    HaiquCapacityError,
    HaiquCreditError,
    HaiquInputError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquResponseError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch):
    monkeypatch.setattr(sending, "LOOKS", (0.0, 0.0))


@pytest.fixture
def vendor():
    return HouseVendor()


@pytest.fixture
def store(tmp_path):
    return JobStore(tmp_path)


@pytest.fixture
def backend(vendor, store):
    engine = DirectEngine(vendor)
    return HaiquBackend(engine, engine.devices()[0], store=store, options={"seed_simulator": 7})


def again(vendor, store, job_id):
    """The job as another process sees it, which has nothing but the record and the vendor."""
    elsewhere = store.home.with_name(f"elsewhere-{len(list(store.home.parent.iterdir()))}")
    shutil.copytree(store.home, elsewhere)  # where this process has no live handle
    other = HouseVendor(vendor.ledger)
    for name in ("failing", "held", "tells_tokens", "unreadable"):
        setattr(other, name, getattr(vendor, name))
    return stored_job(
        JobStore(elsewhere), job_id, lambda _: None, lambda record: DirectEngine(other).resume(record.state)
    )


def flipped(*qubits, width=3):
    circuit = QuantumCircuit(QuantumRegister(width, "q"), ClassicalRegister(2, "a"), ClassicalRegister(width, "b"))
    for qubit in qubits:
        circuit.x(qubit)
    circuit.measure(range(width), circuit.cregs[1])
    circuit.measure(0, circuit.cregs[0][1])
    return circuit


def turned():
    theta = Parameter("theta")
    circuit = QuantumCircuit(2)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.rx(0.4, 1)
    return circuit


def test_registers_come_home_each_bit_in_its_place(backend, vendor):
    result = SamplerV2(backend).run([flipped(0), flipped(2), flipped()], shots=5).result()
    assert [pub.data.b.get_counts() for pub in result] == [{"001": 5}, {"100": 5}, {"000": 5}]
    assert [pub.data.a.get_counts() for pub in result] == [{"10": 5}, {"00": 5}, {"00": 5}]
    assert len(vendor.ledger.arrived) == 2


def test_values_and_their_errors_follow_from_groups(backend):
    observables = [SparsePauliOp(["ZZ", "ZI", "XX", "II"], [0.5, 1.0, -2.0, 3.0]), SparsePauliOp("IZ")]
    values = np.linspace(0.1, 2.5, 4)[:, None]
    pub = (turned(), [[observable] for observable in observables], values)
    found = EstimatorV2(backend).run([pub], precision=0.02).result()[0].data
    exact = StatevectorEstimator().run([pub]).result()[0].data.evs
    assert found.evs.shape == found.stds.shape == (2, 4)
    assert np.all(np.abs(found.evs - exact) < 5 * found.stds + 1e-9)
    shots = 2500  # 1 / 0.02^2
    assert np.allclose(found.stds[1], np.sqrt((1 - found.evs[1] ** 2) / shots), rtol=1e-6)


def test_variances_hold_the_covariances_within_a_group(backend):
    """In a Bell state ZI and IZ are one and the same bit, so that their sum varies twice as much as each."""
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    data = EstimatorV2(backend).run([(bell, [SparsePauliOp(["ZI", "IZ"]), SparsePauliOp("ZI")])], precision=0.05)
    both, one = data.result()[0].data.stds
    assert both == pytest.approx(2 * one)


def test_identities_need_no_job(backend, vendor):
    result = EstimatorV2(backend).run([(turned(), SparsePauliOp("II", 1.5), [0.3])], precision=0.1).result()
    assert (result[0].data.evs, result[0].data.stds) == (1.5, 0.0)
    assert vendor.ledger.arrived == []


def test_circuits_without_measurements_read_zero(backend, vendor):
    assert backend.run(QuantumCircuit(2, 3), shots=4).result().get_counts() == {"000": 4}
    assert vendor.ledger.arrived == []


def test_what_is_priced_is_what_is_sent(backend, vendor):
    estimate = backend.estimate_cost(flipped(0), shots=50)
    assert estimate.usd == pytest.approx(0.5)
    assert vendor.ledger.arrived == []
    vendor.prepared = 0
    backend.run(flipped(0), shots=50, max_cost_usd=1).result()
    assert vendor.prepared == 1


def test_a_run_of_several_jobs_has_one_handle_that_another_process_finds(backend, vendor, store):
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    assert job.job_id().startswith("house-")
    found = again(vendor, store, job.job_id()).result()
    assert [pub.data.b.get_counts() for pub in found] == [{"001": 5}, {"010": 5}, {"100": 5}]
    assert [entry["id"] for entry in job.plan.jobs] == ["job-0", "job-1"]


def test_the_id_of_a_single_job_is_the_vendors(backend, vendor, store):
    job = backend.run(flipped(0), shots=5)
    assert job.job_id() == "job-0"
    assert again(vendor, store, "job-0").result().get_counts() == {"001 10": 5}


def test_a_lost_answer_is_looked_up_and_never_sent_again(backend, vendor):
    vendor.lost_from = 0
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    assert job.result()[2].data.b.get_counts() == {"100": 5}
    assert len(vendor.ledger.arrived) == len(set(vendor.ledger.arrived)) == 2


def test_where_nobody_can_tell_the_job_is_said_to_be_possibly_submitted(backend, vendor, store):
    vendor.lost_from, vendor.tells_tokens = 0, False
    with pytest.raises(
        HaiquSubmissionError, match=r"not known.*second job was not made.*provider.job\('house-"
    ) as caught:
        backend.run(flipped(0), shots=5)
    assert len(vendor.ledger.arrived) == 1
    vendor.tells_tokens = True
    job_id = caught.value.message.split("provider.job('")[1].split("'")[0]
    assert again(vendor, store, job_id).result().get_counts() == {"001 10": 5}


def test_jobs_of_a_run_that_is_refused_half_way_are_cancelled(backend, vendor, store):
    vendor.refused_from, vendor.held = 1, {"job-0"}
    with pytest.raises(HaiquCreditError):
        SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    assert vendor.failing == {"job-0": (JobStatus.CANCELLED, "")}
    assert store.records() == []


def test_accepted_jobs_that_cannot_be_cancelled_are_kept(backend, vendor, store):
    vendor.refused_from, vendor.cancels, vendor.held = 1, False, {"job-0"}
    with pytest.raises(HaiquSubmissionError, match=r"Out of credit.*job-0 could not be cancelled.*partial_result"):
        SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    (record,) = store.records()
    assert record.state["jobs"][0]["id"] == "job-0"


def test_a_failure_says_the_vendors_reason(backend, vendor):
    vendor.failing["job-0"] = JobStatus.ERROR, "The cryostat is warm."
    job = backend.run(flipped(0), shots=5)
    with pytest.raises(HaiquJobError, match=r"job-0 failed at house: The cryostat is warm\."):
        job.result()
    assert "cryostat" in job.error_message()
    assert job.status() is JobStatus.ERROR


def test_what_the_other_jobs_yield_can_be_had(backend, vendor, store):
    vendor.failing["job-0"] = JobStatus.ERROR, "Bad luck."
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    with pytest.raises(HaiquJobError, match="partial_result"):
        job.result()
    for handle in (job, again(vendor, store, job.job_id())):
        partial = handle.partial_result()
        assert [pub.data.b.get_counts() for pub in partial] == [{"100": 5}]
        assert partial.metadata["haiqu"]["pubs"] == [2]


def test_results_that_cannot_be_read_keep_nobody_from_the_others(backend, vendor):
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    vendor.unreadable.add("job-0")
    with pytest.raises(HaiquResponseError, match="job-0 are damaged"):
        job.result()
    assert job.partial_result().metadata["haiqu"]["pubs"] == [2]


def test_of_many_circuits_that_failed_a_few_are_told(backend, vendor, store):
    vendor.circuits_in_a_job, vendor.failing_tasks = 5, {0, 1, 3, 4}
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2), flipped(), flipped(0, 1)], shots=5)
    with pytest.raises(HaiquJobError, match=r"house\. PUB 0: no luck; PUB 1: .*; PUB 3: no luck; and 1 more\. part"):
        job.result()
    assert job.partial_result().metadata["haiqu"]["pubs"] == [2]
    vendor.failing_tasks = {0}
    assert job.error_message() == again(vendor, store, job.job_id()).error_message()


def test_waiting_running_and_cancelling(backend, vendor):
    vendor.held = {"job-0", "job-1"}
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    with pytest.raises(HaiquJobCancelledError):
        job.result()


def test_one_job_that_cannot_be_cancelled_keeps_no_other_one(backend, vendor, store):
    vendor.circuits_in_a_job, vendor.held, vendor.stuck = 1, {"job-0", "job-2"}, {"job-0", "job-1"}
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    with pytest.raises(HaiquJobError, match="cannot cancel"):
        job.cancel()
    assert vendor.held == {"job-0"}
    assert vendor.failing == {"job-2": (JobStatus.CANCELLED, "")}


def test_a_job_that_cannot_be_seen_takes_no_other_one_with_it(backend, vendor):
    vendor.circuits_in_a_job, vendor.gone = 1, {"job-1"}
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    assert job.partial_result().metadata["haiqu"]["pubs"] == [0, 2]


def test_cost_seconds_and_logs(backend, vendor):
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    job.result()
    assert job.usage() == {"qpu_seconds": 4.0, "usd": pytest.approx(0.15), "run_seconds": 2.0}
    assert job.logs() == "job-0: completed\njob-1: completed"
    with pytest.raises(HaiquJobError, match="cannot be restarted"):
        job.restart()


def test_progress_is_told_by_parameter_sets(backend, vendor):
    told = []
    SamplerV2(backend, options={"progress": lambda done, total: told.append((done, total))}).run(
        [flipped(0), flipped(1), flipped(2)], shots=5
    ).result()
    assert told[-1] == (3, 3)


def test_a_job_is_followed_only_where_it_was_sent(vendor, backend):
    job = backend.run(flipped(0), shots=5)
    other = HouseVendor(vendor.ledger)
    other.account = "house:2"
    with pytest.raises(HaiquJobError, match="runs at house:1, but this provider speaks to house:2"):
        DirectEngine(other).resume(job._execution.state())


def test_too_many_jobs_are_refused_before_anything_is_sent(backend, vendor):
    vendor.circuits_in_a_job = 1
    pub = (flipped(0).compose(QuantumCircuit(3)), np.empty((1001, 0)))
    with pytest.raises(HaiquCapacityError, match="1,001 jobs on house_qpu, but at most 1,000"):
        SamplerV2(backend).run([pub], shots=1)
    assert vendor.ledger.arrived == []
    assert DEVICE in backend.name


def test_several_jobs_leave_at_a_time_each_once(backend, vendor, store):
    vendor.circuits_in_a_job, vendor.at_once = 1, 3
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2), flipped(), flipped(0, 1)], shots=5)
    found = [pub.data.b.get_counts() for pub in job.result()]
    assert found == [{"001": 5}, {"010": 5}, {"100": 5}, {"000": 5}, {"011": 5}]
    assert len(vendor.ledger.arrived) == len(set(vendor.ledger.arrived)) == 5
    assert [pub.data.b.get_counts() for pub in again(vendor, store, job.job_id()).result()] == found


def test_a_refusal_among_several_stops_those_that_left_with_it(backend, vendor, store):
    vendor.circuits_in_a_job, vendor.at_once, vendor.refused_from = 1, 4, 2
    vendor.held = {"job-0", "job-1"}
    with pytest.raises(HaiquCreditError):
        SamplerV2(backend).run([flipped(0), flipped(1), flipped(2), flipped()], shots=5)
    assert sorted(vendor.failing) == sorted(vendor.ledger.jobs)
    assert len(vendor.ledger.jobs) == 2
    assert store.records() == []


def test_what_is_known_of_a_run_can_be_had_though_the_fate_of_one_job_is_not(backend, vendor, store):
    vendor.circuits_in_a_job, vendor.lost_from, vendor.tells_tokens = 1, 1, False
    with pytest.raises(HaiquSubmissionError) as caught:
        SamplerV2(backend).run([flipped(0), flipped(1)], shots=5)
    job_id = caught.value.message.split("provider.job('")[1].split("'")[0]
    assert [pub.data.b.get_counts() for pub in again(vendor, store, job_id).partial_result()] == [{"001": 5}]


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b""), lambda file: file.unlink()])
def test_a_stored_result_that_is_damaged_is_fetched_again(backend, vendor, store, damage):
    job = SamplerV2(backend).run([flipped(0), flipped(1), flipped(2)], shots=5)
    job.result()
    (file,) = (store.home / "jobs").glob("*.bin")
    damage(file)
    found = again(vendor, store, job.job_id())
    assert [pub.data.b.get_counts() for pub in found.result()] == [{"001": 5}, {"010": 5}, {"100": 5}]
    assert found.result().metadata == job.result().metadata
    assert found.status() is JobStatus.DONE
    vendor.unreadable.update(vendor.ledger.jobs)
    mended = stored_job(JobStore(found._execution._store.home), job.job_id(), lambda _: None)
    assert len(mended.result()) == 3


def test_a_damaged_result_can_be_asked_for_again_when_the_vendor_is_back(backend, vendor, store):
    job = backend.run(flipped(0), shots=5)
    job.result()
    (file,) = (store.home / "jobs").glob("*.bin")
    file.write_bytes(b"")
    vendor.unreadable.add("job-0")
    found = again(vendor, store, job.job_id())
    with pytest.raises(HaiquResponseError, match="job-0 are damaged"):
        found.result()
    vendor.unreadable.clear()
    assert found.result().get_counts() == {"001 10": 5}


@pytest.fixture
def nowhere(vendor, tmp_path):
    """A backend whose jobs cannot be kept."""
    (tmp_path / "file").touch()
    engine = DirectEngine(vendor)
    return HaiquBackend(engine, engine.devices()[0], store=JobStore(tmp_path / "file" / "home"))


@pytest.mark.filterwarnings("ignore:Jobs cannot be kept in")
def test_what_is_to_be_paid_for_is_not_sent_without_a_record(nowhere, vendor):
    for _ in range(2):  # the second time there is no warning any more
        with pytest.raises(HaiquInputError, match=r"file/home.*Nothing was submitted\. Set HAIQU_HOME, or HaiquProv"):
            nowhere.run(flipped(0), shots=5)
    assert vendor.ledger.arrived == []


@pytest.mark.filterwarnings("ignore:Jobs cannot be kept in")
def test_what_is_free_runs_without_a_record_and_none_is_spoken_of(nowhere, vendor):
    vendor.usd_per_shot = 0.0
    assert nowhere.run(flipped(0), shots=5).result().get_counts() == {"001 10": 5}
    vendor.lost_from, vendor.tells_tokens = 1, False
    with pytest.raises(HaiquSubmissionError, match=r"no record of it could be kept.*run it again\.$") as caught:
        nowhere.run(flipped(0), shots=5)
    assert "provider.job(" not in str(caught.value)
    assert "not known" in str(caught.value.__cause__)


class Surprised(HouseVendor):
    """Is interrupted when its first job was accepted."""

    def send(self, job, *, request, token):
        super().send(job, request=request, token=token)
        raise KeyboardInterrupt


def test_what_arrived_of_an_interrupted_run_is_told_with_a_way_to_it(store):
    vendor = Surprised(circuits_in_a_job=1)
    engine = DirectEngine(vendor)
    with pytest.raises(KeyboardInterrupt):
        SamplerV2(HaiquBackend(engine, engine.devices()[0], store=store)).run([flipped(0), flipped(1)], shots=5)
    (record,) = store.records()
    job = again(vendor, store, record.id)
    told = "its jobs reached the service: ['job-0']. partial_result() has what they yield, and what is missing can"
    assert told in job.error_message()
    assert [pub.data.b.get_counts() for pub in job.partial_result()] == [{"001": 5}]


def test_sets_with_equal_counts_have_shots_of_their_own():
    first, second = samples_of_counts([{"0": 20, "1": 20}] * 2, 1).outcomes
    assert sorted(first.ravel()) == sorted(second.ravel())
    assert first.tolist() != second.tolist()
