"""What goes wrong on the way to IBM: no job is there twice, none is lost, and no secret is told."""

import json
import logging
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.engines.ibm.careful import CarefulAdapter
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquDependencyError,
    HaiquNotFoundError,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquServerError,
    HaiquSubmissionError,
)
from tests.vendors.ibm.server import CRN, KEY
from tests.vendors.web import Lost, Response

REPOSITORY = Path(__file__).parents[3]


pytestmark = pytest.mark.usefixtures("quick_looks")


def posts(web):
    return [request for request in web.requests if request.method == "POST" and request.path.endswith("/jobs")]


def test_a_lost_answer(backend, ibm, web, flip):
    ibm.lose = 1
    job = backend.run(flip, shots=10)
    assert len(posts(web)) == len(ibm.jobs) == 1
    assert job.job_id() == "job-0"
    assert job.result().get_counts() == {"10": 10}


def handling(error, call):
    """What a call returns that is made while something else is being handled."""
    try:
        raise error
    except type(error):
        return call()


def elsewhere(status):
    """The error of another server, because of which somebody turns to a quantum computer."""
    answer = requests.Response()
    answer.status_code = status
    return requests.HTTPError("not here", response=answer)


@pytest.mark.parametrize("status", [404, 401, 500])
def test_a_lost_answer_while_something_else_is_handled(backend, ibm, web, flip, status):
    ibm.lose = 1
    job = handling(elsewhere(status), lambda: backend.run(flip, shots=10))
    assert len(posts(web)) == len(ibm.jobs) == 1
    assert job.result().get_counts() == {"10": 10}


def test_an_answer_that_nobody_can_read(backend, ibm, web, flip):
    real = ibm.site

    def site(request):
        answer = real(request)
        return Response("<html>", 200) if request.method == "POST" and request.path.endswith("/jobs") else answer

    web.serve("*.cloud.ibm.com", site)
    assert backend.run(flip, shots=10).result().get_counts() == {"10": 10}
    assert len(posts(web)) == len(ibm.jobs) == 1


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_service(backend, ibm, web, flip, status, taken):
    """The client would send it six times; here it leaves once, and the job is looked for."""
    real = ibm.site

    def site(request):
        if request.method != "POST" or not request.path.endswith("/jobs"):
            return real(request)
        if taken:
            real(request)
        return Response("fault", status)

    web.serve("*.cloud.ibm.com", site)
    if taken:
        assert backend.run(flip, shots=10).job_id() == "job-0"
    else:
        with pytest.raises(HaiquSubmissionError, match="not known"):
            backend.run(flip, shots=10)
    assert len(posts(web)) == 1
    assert len(ibm.jobs) == int(taken)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, HaiquRequestError), (403, HaiquAuthenticationError), (429, HaiquRateLimitError)]
)
def test_a_refusal(backend, ibm, web, flip, status, kind):
    ibm.fail("POST", "/jobs", Response({"error": {"message": "not today", "code": 1}}, status, {"Retry-After": "0"}))
    with pytest.raises(kind, match="not today") as caught:
        backend.run(flip, shots=10)
    assert caught.value.status == status
    assert not caught.value.reached
    assert len(posts(web)) == 1
    assert backend.run(flip, shots=10).result().get_counts() == {"10": 10}


def test_a_service_that_cannot_be_asked_gets_nothing(backend, ibm, web, flip):
    ibm.fail("GET", "/instances/usage", Response("fault", 501))
    with pytest.raises(HaiquServerError) as caught:
        backend.run(flip, shots=10)
    assert not caught.value.reached
    assert not posts(web)


def test_throttling_and_faults_while_waiting(backend, ibm, flip):
    job = backend.run(flip, shots=10)
    ibm.fail("GET", f"/jobs/{job.job_id()}", Response(status=429, headers={"Retry-After": "0"}), times=2)
    ibm.fail("GET", f"/jobs/{job.job_id()}", Response(status=503), times=1)
    assert job.result().get_counts() == {"10": 10}


def test_a_record_finds_its_job_after_a_crash(backend, connect, ibm, web, flip):
    """The answer is lost, and IBM cannot be asked for a while; another provider finds the job later."""
    ibm.lose = 1
    ibm.fail("GET", "/jobs", Response(status=501), times=2)
    with pytest.raises(HaiquSubmissionError, match=r"provider\.job\('ibm-\w+'\)") as caught:
        backend.run(flip, shots=10)
    own = str(caught.value).split("provider.job('")[1].split("'")[0]
    job = connect().job(own)
    assert job.result().get_counts() == {"10": 10}
    assert len(posts(web)) == 1


def test_a_wrong_token(ibm, caplog, capfd):
    provider = HaiquProvider(credentials={"ibm_quantum_token": "wrong-token-123", "ibm_quantum_instance": CRN})
    with pytest.raises(HaiquAuthenticationError, match="ibm_quantum_token") as caught:
        provider.get_backend("ibm_manila", via="ibm")
    told = f"{caught.value!r} {caught.value.detail} {caplog.text} {capfd.readouterr()}"
    assert "wrong-token-123" not in told
    assert caught.value.__context__ is None  # the error of the client, which a pickle of Dask would take along


def test_no_token(ibm):
    with pytest.raises(HaiquAccountError, match="ibm_quantum_token"):
        HaiquProvider().get_backend("ibm_manila", via="ibm")


def test_no_instance(ibm, flip):
    """IBM's client chooses one then."""
    provider = HaiquProvider(credentials={"ibm_quantum_token": KEY})
    job = provider.get_backend("ibm_manila", via="ibm").run(flip, shots=10)
    assert job.result().get_counts() == {"10": 10}


def test_secrets_stay_secret(connect, ibm, flip, caplog, tmp_path):
    caplog.set_level(logging.DEBUG, logger="qiskit_haiqu_provider")
    provider = connect()
    backend = provider.get_backend("ibm_manila")
    ibm.reason = f"the token {KEY} of {CRN} is tired"
    job = backend.run(flip, shots=10)
    with pytest.raises(Exception, match="is tired") as caught:
        job.result()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("qiskit_haiqu_provider")]
    for told in (str(caught.value), repr(provider), repr(backend), repr(job), *ours):
        assert KEY not in told
        assert CRN not in told
    for data in (stored, pickle.dumps(backend)):
        assert KEY.encode() not in data
        assert CRN.encode() not in data


def test_a_client_that_is_built_otherwise_sends_nothing(backend, ibm, web, flip):
    """If the client's connections cannot be reached, a submission could leave twice; so none leaves."""
    vendor = backend._engine.vendor
    del vendor._backend("ibm_manila", {})._api_client._session
    with pytest.raises(HaiquDependencyError, match="only once"):
        backend.run(flip, shots=10)
    assert not posts(web)


def test_an_outage_is_not_taken_for_no_devices(connect, ibm):
    provider = connect()
    assert [backend.name for backend in provider.backends(via="ibm")] == ["ibm_manila"]
    vendor = provider.get_backend("ibm_manila")._engine.vendor
    vendor._listed_at = float("-inf")
    for path in ("/backends", "/instances/usage"):
        ibm.fail("GET", path, Response("fault", 501), times=2)
    with pytest.raises(HaiquServerError):
        vendor.devices()
    with pytest.raises(HaiquServerError):
        vendor.target("ibm_manila", {"use_fractional_gates": True})
    assert [record.id for record in vendor.devices()] == ["ibm_manila"]
    with pytest.raises(HaiquNotFoundError, match="no device 'ibm_nowhere'"):
        vendor.target("ibm_nowhere", {})


def test_a_device_that_cannot_be_read_is_left_out(connect, ibm):
    ibm.devices = {"ibm_manila": "manila", "ibm_lima": "lima"}
    ibm.fail("GET", "/backends/ibm_lima/status", Response("fault", 501))
    with pytest.warns(UserWarning, match="ibm_lima is left out"):
        found = connect().backends(via="ibm")
    assert [backend.name for backend in found] == ["ibm_manila"]


def test_a_device_that_is_down(connect, ibm):
    ibm.offline = {"ibm_manila"}
    backend = connect().get_backend("ibm_manila")
    assert not backend.status().operational
    assert backend.status().pending_jobs == 3


def test_another_process_with_the_saved_account(backend, web, ibm, flip, tmp_path):
    """The record and the account that haiqu-sdk uses are all that another process needs."""
    job = backend.run(flip, shots=10)
    file = tmp_path / "home" / ".qiskit" / "qiskit-ibm.json"
    file.parent.mkdir()
    account = {"channel": "ibm_quantum_platform", "token": KEY, "instance": CRN}
    file.write_text(json.dumps({"haiqu_ibm_account": account}))
    code = (
        f"from qiskit_haiqu_provider import HaiquProvider as P; print(P().job({job.job_id()!r}).result().get_counts())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert "{'10': 10}" in ended.stdout, ended.stderr


class TestCarefulAdapter:
    """What stands between the client of IBM and the network."""

    @pytest.fixture
    def session(self):
        with requests.Session() as session:
            adapter = CarefulAdapter(session.get_adapter("https://"), timeout=5)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            yield session

    def test_a_host_that_is_not_there_was_not_reached(self, session):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/jobs"
        with pytest.raises(requests.ConnectionError):
            session.post(url)
        assert not session.get_adapter("http://").left

    def test_a_host_that_goes_away_may_have_been(self, session, web):
        def site(request):
            raise Lost

        web.serve("here.example.com", site)
        with pytest.raises(requests.ConnectionError):
            session.post("https://here.example.com/jobs", json={})
        assert session.get_adapter("https://").left
        assert len(web.requests) == 1

    @pytest.mark.parametrize(("status", "taken"), [(200, True), (404, False), (408, True), (429, False), (503, True)])
    def test_only_its_own_answer_refuses_a_submission(self, session, web, status, taken):
        adapter = session.get_adapter("https://")
        web.serve("here.example.com", lambda request: Response("", status if request.method == "POST" else 404))
        session.post("https://here.example.com/jobs", json={})
        session.get("https://here.example.com/jobs")
        assert adapter.left
        assert adapter.taken is taken
        adapter.begin()
        assert not adapter.left
        assert not adapter.taken

    def test_no_wait_is_without_end(self, session):
        bounded = session.get_adapter("http://")._bounded
        assert bounded(None) == (10, 5)
        assert bounded((3, None)) == (3, 5)
        assert bounded(900) == (900, 5)
        assert bounded(2) == (2, 2)


@pytest.mark.parametrize("before", [None, 404])
def test_a_network_that_is_down(backend, ibm, flip, monkeypatch, before):
    def find():
        backend._engine.vendor.find("token", device="ibm_manila")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, dead)
    with pytest.raises(HaiquConnectionError) as caught:
        find() if before is None else handling(elsewhere(before), find)
    assert KEY not in str(caught.value)
    assert caught.value.status is None
