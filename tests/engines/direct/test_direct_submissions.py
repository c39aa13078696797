"""Submissions that were refused in part, or of which nobody knows: nothing that may be paid for is lost."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from house import HouseVendor
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.cost.ledger import Ledger
from qiskit_haiqu_provider.engines.direct import sending
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.direct.port import Look
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquConnectionError,
    HaiquCreditError,
    HaiquJobError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch):
    monkeypatch.setattr(sending, "LOOKS", (0.0, 0.0, 0.0))


@pytest.fixture
def vendor():
    """It takes one circuit with each job."""
    return HouseVendor(circuits_in_a_job=1)


@pytest.fixture
def store(tmp_path):
    return JobStore(tmp_path / "home")


@pytest.fixture
def books(tmp_path):
    return Ledger(tmp_path / "books.json", budget_usd=100)


def backend_of(vendor, store, **settings):
    engine = DirectEngine(vendor)
    return HaiquBackend(engine, engine.devices()[0], store=store, options={}, **settings)


@pytest.fixture
def backend(vendor, store):
    return backend_of(vendor, store)


@pytest.fixture
def under_budget(vendor, store, books):
    """Its runs cost a cent a shot, of a hundred dollars."""
    return backend_of(vendor, store, provider=HaiquProvider(home=store.home, ledger=books))


def flipped(*qubits):
    circuit = QuantumCircuit(3)
    if qubits:
        circuit.x(qubits)
    circuit.measure_all()
    return circuit


THREE = [flipped(0), flipped(1), flipped(2)]


def seen(vendor, store, job_id, **changes):
    """The job as somebody else sees it, who has the record and a way to the vendor."""
    other = HouseVendor(vendor.ledger)
    vars(other).update(vars(vendor) | changes)
    return stored_job(store, job_id, lambda _: None, lambda record: DirectEngine(other).resume(record.state))


def counts(job):
    return [pub.data.meas.get_counts() for pub in job]


# A later job of a run is refused.


def test_a_job_that_had_ended_before_another_was_refused_is_kept(backend, vendor, store):
    """It did so between two submissions, and is paid for: asking for it to be stopped leaves it as it is."""
    vendor.refused_from, vendor.held = 2, {"job-1"}
    with pytest.raises(HaiquSubmissionError) as caught:
        SamplerV2(backend).run([*THREE, flipped()], shots=5)
    (record,) = store.records()
    message = str(caught.value)
    assert "Out of credit. Of those that had been accepted, job-0 had ended before; job-1 was cancelled. " in message
    assert f"provider.job('{record.id}')" in message
    job = seen(vendor, store, record.id)
    assert counts(job.partial_result()) == [{"001": 5}]
    assert job.status() is JobStatus.ERROR
    assert len(vendor.ledger.arrived) == 3


def test_jobs_that_go_on_are_followed_to_their_end(backend, vendor, store):
    vendor.refused_from, vendor.cancels, vendor.held = 1, False, {"job-0"}
    with pytest.raises(HaiquSubmissionError, match=r"Out of credit.*job-0 could not be cancelled.*partial_result"):
        SamplerV2(backend).run(THREE, shots=5)
    (record,) = store.records()
    job = seen(vendor, store, record.id)
    assert job.status() is JobStatus.RUNNING
    told = job.logs().split("\n")
    assert told == [
        "job-0: waiting",
        "no job: refused Out of credit.",
        "no job: refused It was not sent, as one before it was not accepted.",
    ]
    vendor.held.clear()
    with pytest.raises(HaiquJobError, match=r"A job of the run was refused: Out of credit\. .*\['job-0'\]"):
        job.result()
    assert counts(job.partial_result()) == [{"001": 5}]
    assert store.read(record.id).status == "ERROR"


def test_a_job_that_takes_its_time_to_stop_is_waited_for(backend, vendor, store, monkeypatch):
    vendor.refused_from = 1
    looks = iter([JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.CANCELLED])
    monkeypatch.setattr(vendor, "look", lambda job_id, *, device: Look(status=next(looks), word="stopping"))
    with pytest.raises(HaiquCreditError):
        SamplerV2(backend).run(THREE, shots=5)
    assert store.records() == []


def test_a_job_of_which_nobody_can_tell_whether_it_stopped_is_kept(backend, vendor, store, monkeypatch):
    def away(job_id, *, device):
        raise HaiquConnectionError("away")

    vendor.refused_from = 1
    monkeypatch.setattr(vendor, "look", away)
    with pytest.raises(HaiquSubmissionError, match="job-0 may go on"):
        SamplerV2(backend).run(THREE, shots=5)
    assert store.records()[0].state["jobs"][0]["id"] == "job-0"


def test_what_a_run_cost_of_which_a_part_was_refused_is_settled(under_budget, vendor, store, books):
    vendor.refused_from, vendor.held = 2, {"job-1"}
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(under_budget).run(THREE, shots=100)
    assert (books.reserved_usd, books.left_usd) == (3, 97)
    with pytest.raises(HaiquJobError):
        seen(vendor, store, store.records()[0].id).result()
    assert (books.spent_usd, books.left_usd) == (1, 99)  # for the job that had ended before


def test_what_was_set_aside_for_a_run_that_was_cancelled_again_is_given_back(under_budget, vendor, store, books):
    vendor.refused_from, vendor.held = 1, {"job-0"}
    with pytest.raises(HaiquCreditError):
        SamplerV2(under_budget).run(THREE, shots=100)
    assert vendor.failing == {"job-0": (JobStatus.CANCELLED, "")}
    assert books.entries == ()
    assert store.records() == []


@pytest.mark.parametrize("told", [{}, {"usd": 0.25}])
def test_what_a_cancelled_job_costs_all_the_same_is_settled_later(under_budget, vendor, store, books, told):
    vendor.refused_from, vendor.held, vendor.cancelled_usage = 1, {"job-0"}, told
    with pytest.raises(HaiquCreditError):
        SamplerV2(under_budget).run(THREE, shots=100)
    assert books.left_usd == 97
    vendor.cancelled_usage = {"usd": 0.25}
    (record,) = store.records()
    job = seen(vendor, store, record.id)
    assert job.cancelled()
    assert job.usage()["usd"] == 0.25
    assert books.left_usd == 99.75


# Nobody knows whether a job arrived.


def never_answered(backend, vendor):
    vendor.lost_from, vendor.tells_tokens = 0, False
    with pytest.raises(HaiquSubmissionError):
        backend.run(flipped(0), shots=100)


def two_hours_later(store):
    """The only record, as it is then; returns its id."""
    (record,) = store.records()
    store.write(replace(record, created=(datetime.now(UTC) - timedelta(hours=2)).isoformat()))
    return record.id


def test_what_is_not_there_yet_may_arrive_within_the_hour(backend, vendor, store):
    never_answered(backend, vendor)
    (record,) = store.records()
    until = datetime.fromisoformat(record.created) + timedelta(hours=1)
    told = seen(vendor, store, record.id).error_message()
    assert f"the service has no job of it yet. It may still arrive until {until:%Y-%m-%d %H:%M} UTC" in told
    assert f"provider.job('{record.id}')" in told
    assert "Run it again" not in told
    assert seen(vendor, store, record.id, tells_tokens=True).result().get_counts() == {"001": 100}


def test_what_did_not_arrive_in_time_is_over_and_its_money_is_back(under_budget, vendor, store, books):
    never_answered(under_budget, vendor)
    job_id = two_hours_later(store)
    assert books.left_usd == 99
    told = seen(vendor, store, job_id).error_message()
    assert "nothing arrived in time. Nothing is to be paid. Run it again." in told
    assert store.read(job_id).status == "ERROR"
    assert books.entries == ()


def test_what_arrived_of_a_run_is_followed_to_its_end_when_the_rest_is_too_late(under_budget, vendor, store, books):
    vendor.lost_from, vendor.tells_tokens, vendor.held = 1, False, {"job-0"}
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(under_budget).run(THREE, shots=100)
    job_id = two_hours_later(store)
    job = seen(vendor, store, job_id)
    assert job.status() is JobStatus.RUNNING
    vendor.held.clear()
    with pytest.raises(HaiquJobError, match=r"did not arrive in time\. .*\['job-0'\].*partial_result"):
        job.result()
    assert counts(job.partial_result()) == [{"001": 100}]
    assert (books.spent_usd, books.left_usd) == (1, 99)
    assert counts(seen(vendor, store, job_id).partial_result()) == [{"001": 100}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"who": "the house's key 2"}, "the house's key 2 has none of it, but .* by the house's key 1"),
        ({"tells_all": False}, "not among the newest 500"),
    ],
    ids=["another key", "not all"],
)
def test_nothing_is_concluded_from_looking_with_another_key_or_not_everywhere(backend, vendor, store, changes, reason):
    never_answered(backend, vendor)
    job_id = two_hours_later(store)
    job = seen(vendor, store, job_id, **changes)
    assert job.status() is JobStatus.ERROR
    assert re.search(reason, job.error_message())
    assert "Nothing is to be paid" not in job.error_message()
    assert store.read(job_id).status == "QUEUED"
    assert seen(vendor, store, job_id, tells_tokens=True).result().get_counts() == {"001": 100}


def test_another_key_that_sees_the_job_finds_it(backend, vendor, store):
    """The key of an account may be replaced."""
    never_answered(backend, vendor)
    found = seen(vendor, store, two_hours_later(store), who="the house's key 2", tells_tokens=True)
    assert found.result().get_counts() == {"001": 100}


def test_nothing_is_concluded_of_a_record_that_does_not_tell_whose_it_is(backend, vendor, store):
    """Such as those of earlier versions."""
    never_answered(backend, vendor)
    (record,) = store.records()
    jobs = [{name: value for name, value in job.items() if name != "refused"} for job in record.state["jobs"]]
    state = {name: value for name, value in record.state.items() if name != "identity"}
    store.write(replace(record, state={**state, "jobs": jobs}))
    job_id = two_hours_later(store)
    assert "its record does not tell by whom it was submitted" in seen(vendor, store, job_id).error_message()
    assert store.read(job_id).status == "QUEUED"
    assert seen(vendor, store, job_id, tells_tokens=True).result().get_counts() == {"001": 100}


def test_a_vendor_that_does_not_tell_whose_account_it_is_gets_its_job(backend, vendor, monkeypatch):
    def away(device):
        raise HaiquConnectionError("away")

    monkeypatch.setattr(vendor, "identity", away)
    assert backend.run(flipped(0), shots=5).result().get_counts() == {"001": 5}


def test_without_credentials_the_record_is_left_as_it_is(backend, vendor, store):
    def missing(token, *, device):
        raise HaiquAccountError("There is no key.")

    never_answered(backend, vendor)
    job_id = two_hours_later(store)
    with pytest.raises(HaiquAccountError, match="no key"):
        seen(vendor, store, job_id, find=missing).status()
    assert store.read(job_id).status == "QUEUED"


def test_one_job_that_cannot_be_seen_keeps_nobody_from_looking_for_the_others(backend, vendor, store):
    vendor.at_once, vendor.lost_from, vendor.tells_tokens = 3, 0, False
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(backend).run(THREE, shots=5)
    (record,) = store.records()
    hidden = record.state["jobs"][0]["token"]

    def find(token, *, device):
        if token == hidden:
            raise HaiquSubmissionError("It is not among the newest 500.")
        return vendor.ledger.tokens[token]

    job = seen(vendor, store, record.id, find=find)
    assert counts(job.partial_result()) == [{"010": 5}, {"100": 5}]


def test_each_job_of_a_run_is_asked_to_stop_whatever_became_of_the_others(backend, vendor, monkeypatch):
    vendor.held = {"job-0", "job-1", "job-2"}
    job = SamplerV2(backend).run(THREE, shots=5)
    cancel = vendor.cancel

    def stubborn(job_id, *, device):
        if job_id == "job-0":
            raise HaiquConnectionError("away")
        cancel(job_id, device=device)

    monkeypatch.setattr(vendor, "cancel", stubborn)
    with pytest.raises(HaiquConnectionError):
        job.cancel()
    assert sorted(vendor.failing) == ["job-1", "job-2"]


def test_what_is_known_of_a_run_can_be_stopped_though_the_fate_of_one_job_is_not(backend, vendor, store):
    vendor.lost_from, vendor.tells_tokens, vendor.held = 1, False, {"job-0"}
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(backend).run(THREE, shots=5)
    seen(vendor, store, store.records()[0].id, tells_all=False).cancel()
    assert list(vendor.failing) == ["job-0"]
