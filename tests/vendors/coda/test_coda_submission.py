"""A job that is paid for is sent once, and what becomes of it is told as it is."""

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.exceptions import (
    HaiquConnectionError,
    HaiquCreditError,
    HaiquJobError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquSubmissionError,
)
from tests.vendors.coda.server import LOST, TOKEN
from tests.vendors.web import Response


@pytest.fixture
def circuit():
    found = QuantumCircuit(1)
    found.x(0)
    found.measure_all()
    return found


def sent(web):
    return sum((request.method, request.path) == ("POST", "/v0/coda/qpus") for request in web.requests)


@pytest.mark.parametrize(
    "trouble",
    [
        LOST,
        Response(status=500),
        Response(status=503),
        Response(status=408),
        Response("<html>"),
        Response({"success": True}),
        Response({"success": True, "job_id": 7}),
        Response({"success": False, "job_id": "7f6c", "error": "odd"}),
        Response([]),
    ],
)
def test_a_doubtful_submission_is_not_repeated(backend, coda, web, circuit, trouble):
    coda.upset("POST /qpus", trouble)
    with pytest.raises(HaiquSubmissionError, match=r"possibly submitted.*not sent again") as caught:
        backend.run(circuit, shots=10)
    assert caught.value.reached
    assert sent(web) == 1
    assert len(coda.jobs) == (trouble == LOST)
    (job,) = HaiquProvider(credentials={"coda_token": TOKEN}).jobs(status="ERROR")  # kept, as it may have to be paid
    with pytest.raises(HaiquJobError, match="possibly submitted"):
        job.result()


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Response({"success": False, "error": "QPU is offline"}), HaiquRequestError),
        (Response({"detail": "QPU is offline"}, 422), HaiquRequestError),
        (Response({"error": "QPU is offline"}, 402), HaiquCreditError),
        (Response(status=307, headers={"location": "/login"}), HaiquResponseError),
    ],
)
def test_a_refusal_leaves_nothing_behind(backend, provider, coda, web, circuit, trouble, error):
    coda.upset("POST /qpus", trouble)
    with pytest.raises(error) as caught:
        backend.run(circuit, shots=10)
    assert not isinstance(caught.value, HaiquSubmissionError)
    assert not caught.value.reached
    assert trouble.status == 307 or "QPU is offline" in str(caught.value)
    assert (sent(web), coda.jobs, provider.jobs()) == (1, {}, [])


def test_throttled_submissions_are_sent_when_coda_asks(backend, coda, web, circuit):
    coda.upset("POST /qpus", Response(status=429, headers={"retry-after": "0"}), Response(status=429))
    assert backend.run(circuit, shots=10).result().get_counts() == {"1": 10}
    assert (sent(web), len(coda.jobs)) == (3, 1)


def test_overage_has_to_be_accepted(backend, coda, circuit):
    coda.credits = 100
    with pytest.raises(HaiquCreditError, match=r"Insufficient credits.*accept_overage=True"):
        backend.run(circuit, shots=100)
    backend.run(circuit, shots=100, accept_overage=True).result()
    assert [job.body["accept_overage"] for job in coda.jobs.values()] == [True]


def test_no_token_on_disk(backend, coda, circuit, tmp_path):
    coda.upset("POST /qpus", LOST)
    with pytest.raises(HaiquSubmissionError):
        backend.run(circuit, shots=10)
    backend.run(circuit, shots=10).result()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".json" for path in files)
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)


def test_a_refusal_midway_is_told_with_what_goes_on(backend, coda, circuit):
    fine = Response({"success": True, "job_id": "first"})
    coda.upset("POST /qpus", fine, Response({"success": False, "error": "limit reached"}))
    with pytest.raises(HaiquSubmissionError, match=r"limit reached.*first could not be cancelled \(Coda has no way"):
        backend.run([circuit, circuit], shots=10)


def test_a_submission_that_cannot_leave_was_not_made(backend, web, circuit, monkeypatch):
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")
    web.reset()  # nobody plays Coda any more
    provider = HaiquProvider(credentials={"coda_token": TOKEN})
    with pytest.raises(HaiquConnectionError, match="cannot be reached") as caught:
        provider.get_backend("coda_iqm", via="coda")
    assert not caught.value.reached
