"""Submissions to IonQ of which a part was refused, or nobody knows: nothing that may be paid for is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.direct import sending
from qiskit_haiqu_provider.engines.ionq import vendor
from qiskit_haiqu_provider.exceptions import HaiquCreditError, HaiquJobError, HaiquSubmissionError
from qiskit_haiqu_provider.store import JobStore
from tests.vendors.ionq.server import KEY, IonQ
from tests.vendors.web import Response

OTHER_KEY = "ionq-key-of-another-account-98765"
NO_CREDIT = Response({"error": "Payment Required", "message": "out of credit"}, 402)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(sending, "LOOKS", (0.0, 0.0))
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0.1")


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    return circuit


def provider(key=KEY, **settings):
    return HaiquProvider(credentials={"ionq_api_key": key}, **settings)


def lost(ionq, circuit):
    """A job that arrived, though nobody here knows; returns the id under which it is on record."""
    ionq.fault("POST", "/jobs", "lost")
    ionq.fault("GET", "/jobs", *[Response({}, 500)] * 20)
    with pytest.raises(HaiquSubmissionError):
        provider().get_backend("ionq_forte_1", via="ionq").run(circuit, shots=40)
    ionq.no_more_faults()
    (record,) = JobStore().records()
    return record.id


def two_hours_later():
    (record,) = JobStore().records()
    JobStore().write(replace(record, created=(datetime.now(UTC) - timedelta(hours=2)).isoformat()))


def of_two_accounts(mine, web):
    """Let a second account live at the same address."""
    other = IonQ()
    other.key = OTHER_KEY
    sites = {f"apiKey {KEY}": mine.site, f"apiKey {OTHER_KEY}": other.site}
    web.serve("api.ionq.co", lambda request: sites.get(request.headers.get("authorization"), mine.site)(request))


def test_another_account_does_not_end_the_job(ionq, web, circuit, monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY")
    own = lost(ionq, circuit)
    two_hours_later()
    of_two_accounts(ionq, web)
    (job,) = provider(OTHER_KEY).jobs()
    assert job.status() is JobStatus.ERROR
    assert "has none of it, but its record was submitted by IonQ key #" in job.error_message()
    assert "Nothing is to be paid" not in job.error_message()
    assert not {KEY, OTHER_KEY} & set(job.error_message().split())
    assert provider().job(own).result().get_counts() == {"01": 40}


def test_a_new_key_of_the_same_account_finds_the_job(ionq, circuit):
    own = lost(ionq, circuit)
    two_hours_later()
    ionq.key = OTHER_KEY
    assert provider(OTHER_KEY).job(own).result().get_counts() == {"01": 40}


def test_jobs_beyond_those_that_are_looked_through_are_not_taken_for_none(ionq, circuit, monkeypatch):
    own = lost(ionq, circuit)
    two_hours_later()
    ionq.page = 1
    monkeypatch.setattr(vendor, "_PAGES", 3)
    for _ in range(3):
        provider().get_backend("ionq_simulator", via="ionq").run(circuit)
    job = provider().job(own)
    assert "not among the newest 3 of the key's project" in job.error_message()
    assert "Nothing is to be paid" not in job.error_message()
    monkeypatch.setattr(vendor, "_PAGES", 4)
    assert provider().job(own).result().get_counts() == {"01": 40}


def test_a_job_that_never_arrived(ionq, circuit):
    ionq.fault("POST", "/jobs", "cut")
    with pytest.raises(HaiquSubmissionError):
        provider().get_backend("ionq_forte_1", via="ionq").run(circuit, shots=40)
    (record,) = JobStore().records()
    assert "no job of it yet. It may still arrive until" in provider().job(record.id).error_message()
    two_hours_later()
    assert "Nothing is to be paid. Run it again." in provider().job(record.id).error_message()


def test_a_paid_job_is_kept_when_a_later_one_is_refused(ionq, web, circuit, tmp_path):
    """The machine has done the first one before the second one leaves."""
    here = provider(ledger=tmp_path / "books.json", budget_usd=1000)

    def site(request):
        for job in list(ionq.jobs.values()):
            ionq._advance(job)
        return ionq.site(request)

    web.serve("api.ionq.co", site)
    ionq.fault("POST", "/jobs", None, NO_CREDIT)
    with pytest.raises(HaiquSubmissionError, match=r"out of credit.* had ended before\. provider\.job\('ionq-"):
        SamplerV2(here.get_backend("ionq_forte_1", via="ionq")).run([(circuit, None, 100), (circuit, None, 200)])
    (record,) = JobStore().records()
    (entry,) = here.ledger.entries
    assert entry.actual_usd is None
    job = provider().job(record.id)
    with pytest.raises(HaiquJobError, match="A job of the run was refused"):
        job.result()
    assert job.partial_result()[0].data.meas.get_counts() == {"01": 100}
    (entry,) = here.ledger.entries
    assert entry.actual_usd == pytest.approx(25.532)


def test_the_money_of_a_refused_run_is_back(ionq, circuit, tmp_path):
    here = provider(ledger=tmp_path / "books.json", budget_usd=1000)
    ionq.looks = 5
    ionq.fault("POST", "/jobs", None, NO_CREDIT)
    with pytest.raises(HaiquCreditError):
        SamplerV2(here.get_backend("ionq_forte_1", via="ionq")).run([(circuit, None, 100), (circuit, None, 200)])
    assert [job["status"] for job in ionq.jobs.values()] == ["canceled"]
    assert here.ledger.entries == ()
    assert JobStore().records() == []
