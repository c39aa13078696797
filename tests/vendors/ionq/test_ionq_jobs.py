"""The life of a job at IonQ: sent once, followed, found again; whatever the service does."""

import subprocess
import sys
import threading

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.direct import sending
from qiskit_haiqu_provider.engines.ionq.vendor import IonqVendor
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquAuthenticationError,
    HaiquInputError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquSubmissionError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobStore
from tests.vendors.ionq.server import KEY
from tests.vendors.web import Response

COUNTS = {"01": 40}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(sending, "LOOKS", (0.0, 0.0))


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    return circuit


def test_a_job_has_the_id_that_ionq_gave(ionq, device, circuit):
    ionq.looks = 2
    job = device("ionq_forte_1").run(circuit, shots=40, name="mine")
    assert job.job_id() in ionq.jobs
    assert ionq.arrived == {"mine": 1}
    assert job.result().get_counts() == COUNTS
    assert job.usage() == pytest.approx({"usd": 25.532, "qpu_seconds": 1.5, "run_seconds": 1.5})
    assert device().run(circuit).usage()["usd"] == 0.0


def test_an_answer_that_was_lost(ionq, device, circuit):
    backend = device()
    other = backend.run(circuit)
    ionq.fault("POST", "/jobs", "lost")
    job = backend.run([circuit, circuit], shots=40, name="lost")
    assert ionq.arrived["lost"] == 1
    assert job.job_id() != other.job_id()
    assert job.result().get_counts() == [COUNTS, COUNTS]


@pytest.mark.parametrize("outcome", ["cut", Response({"message": "busy"}, 503), Response("<html>", 201)])
def test_what_may_have_been_accepted_is_not_sent_again(ionq, device, circuit, outcome):
    ionq.fault("POST", "/jobs", outcome)
    with pytest.raises(HaiquSubmissionError, match="is not known"):
        device("ionq_forte_1").run(circuit, name="lost")
    assert ionq.arrived == {"lost": 1}
    assert len(list(JobStore().records())) == 1


def test_a_submission_that_is_found_later(ionq, device, circuit):
    ionq.fault("POST", "/jobs", "lost")
    ionq.fault("GET", "/jobs", *[Response({}, 500)] * 2)
    with pytest.raises(HaiquSubmissionError) as error:
        device().run(circuit, shots=40, name="lost")
    (record,) = JobStore().records()
    assert record.id in str(error.value)
    ionq.page = 3
    for _ in range(7):  # so that it is not on the first page any more
        device().run(circuit, name="other")
    job = HaiquProvider().job(record.id)
    assert job.result().get_counts() == COUNTS
    assert job.job_id() in ionq.jobs
    assert ionq.arrived["lost"] == 1


def test_refused_and_throttled(ionq, device, circuit):
    ionq.fault("POST", "/jobs", Response({"error": "Bad Request", "message": "no such thing"}, 400))
    with pytest.raises(HaiquRequestError, match="no such thing"):
        device().run(circuit, name="refused")
    assert not list(JobStore().records())
    ionq.fault("POST", "/jobs", Response({}, 429, {"retry-after": "0"}))
    ionq.fault("GET", "/jobs/.+", Response({}, 429), Response({}, 503), "cut", Response({}, 409))
    job = device().run(circuit, shots=40, name="throttled")
    with pytest.raises(HaiquRequestError, match="409"):
        job.status()
    assert job.result().get_counts() == COUNTS
    assert len(ionq.bodies) == 1


def test_a_later_job_of_a_run_is_refused(ionq, device, circuit):
    ionq.looks = 1
    ionq.fault("POST", "/jobs", None, Response({"message": "enough"}, 403))
    with pytest.raises(HaiquAuthenticationError, match="enough"):
        SamplerV2(device()).run([(circuit, None, 10), (circuit, None, 20)])
    assert [job["status"] for job in ionq.jobs.values()] == ["canceled"]


def test_failed_and_cancelled(ionq, device, circuit):
    ionq.failure = ("NotEnoughQubits", f"too wide for {KEY}")
    job = device().run(circuit)
    with pytest.raises(HaiquJobError, match=r"NotEnoughQubits: too wide for \*\*\*"):
        job.result()
    ionq.shape = "new"
    with pytest.raises(HaiquJobError, match="NotEnoughQubits: too wide"):
        device().run(circuit).result()
    ionq.failure, ionq.looks = None, 3
    job = device().run(circuit)
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    with pytest.raises(HaiquJobCancelledError):
        job.result()
    ionq.looks = 0
    job = device().run(circuit, shots=40)
    ionq._advance(ionq.jobs[job.job_id()])
    assert not job.cancel()  # it was done already, which the service says with a 400
    assert job.result().get_counts() == COUNTS


def test_words_that_are_not_known_are_no_success(ionq, device, circuit):
    job = device().run(circuit)
    ionq.fault("GET", f"/jobs/{job.job_id()}", Response({"id": job.job_id(), "status": "archived"}))
    assert job.status() is JobStatus.RUNNING


def test_a_service_that_says_nothing_is_given_up(ionq, web, circuit):
    release = threading.Event()
    vendor = IonqVendor(lambda: {"ionq_api_key": Secret(KEY)}, timeout=0.2, retry_seconds=0.2)
    web.serve("api.ionq.co", lambda request: Response(str(release.wait(30))))
    try:
        with pytest.raises(HaiquTimeoutError):
            vendor.look("some-job", device="ionq_simulator")
    finally:
        release.set()
    web.serve("api.ionq.co", lambda request: Response({}, 503))
    with pytest.raises(HaiquServerError):
        vendor.read("some-job", None, device="ionq_simulator")


def test_without_a_key_or_with_a_wrong_one(ionq, web, monkeypatch):
    monkeypatch.delenv("IONQ_API_KEY")
    with pytest.raises(HaiquAccountError, match="IONQ_API_KEY"):
        IonqVendor(dict).devices()
    assert not web.requests
    ionq.fault("GET", "/backends", Response({"message": "the key wrong-key-0123 is wrong"}, 401))
    vendor = IonqVendor(lambda: {"ionq_api_key": Secret("wrong-key-0123")})
    with pytest.raises(HaiquAuthenticationError, match=r"the key \*\*\* is wrong.*IONQ_API_KEY"):
        vendor.devices()


def test_the_key_goes_to_ionq_only(ionq, web, device, circuit, monkeypatch):
    job = device().run(circuit)
    ionq.shape = "new"
    for address in ("https://elsewhere.example.com/v0.4/jobs/x", "/v1/jobs/x", "//elsewhere.example.com/v0.4/x"):
        shown = {"id": job.job_id(), "status": "completed", "results": {"probabilities": {"url": address}}}
        ionq.fault("GET", f"/jobs/{job.job_id()}", *[Response(shown)] * 2)
        with pytest.raises(HaiquResponseError, match="another address"):
            job.result()
    assert {request.host for request in web.requests} == {"api.ionq.co"}
    assert {request.headers["authorization"] for request in web.requests} == {f"apiKey {KEY}"}
    assert not any(name.startswith("haiqu") for request in web.requests for name in request.headers)
    assert KEY not in repr(vars(job)) + "".join(path.read_text("latin1") for path in JobStore().home.rglob("*.*"))
    monkeypatch.setenv("IONQ_API_URL", "ftp://user:secret@ionq.example.com")
    with pytest.raises(HaiquInputError, match="IONQ_API_URL"):
        IonqVendor(dict)


def test_in_another_process(ionq, device, circuit):
    job = device().run(circuit, shots=40)
    program = (
        "from qiskit_haiqu_provider import HaiquProvider\n"
        f"print(HaiquProvider().job({job.job_id()!r}).result().get_counts())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(COUNTS), done.stderr


@pytest.mark.filterwarnings("ignore:Transpiler default optimization_level")
def test_ionqs_own_client_reads_our_jobs(device, circuit):
    client = pytest.importorskip("qiskit_ionq")
    job = device("ionq_forte_1").run(circuit, shots=40)
    theirs = client.IonQProvider().get_backend("ionq_qpu.forte-1").retrieve_job(job.job_id())
    assert theirs.result(wait=0).get_counts() == COUNTS


@pytest.mark.parametrize("shape", ["old", "new", "new without the old address"])
@pytest.mark.parametrize("several", [False, True])
def test_every_form_of_results(ionq, device, shape, several):
    ionq.shape = shape[:3]
    ionq.legacy_endpoint = shape in ("old", "new")
    first, second = QuantumCircuit(3, 3), QuantumCircuit(3, 1)
    first.x(0)
    first.measure([0, 1, 2], [1, 0, 2])
    second.x(2)
    second.measure(2, 0)
    result = device().run([first, second] if several else first, shots=8).result()
    assert result.get_counts(0) == {"010": 8}
    assert not several or result.get_counts(1) == {"1": 8}


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"one": 1.0}, {"0": "all"}, {"0": True}, {"0": float("nan")}, {"0": 0.0}, {"\u0661": 1.0}, "text"],
)
def test_results_that_cannot_be_read(ionq, device, circuit, answer):
    job = device().run(circuit)
    ionq.fault("GET", f"/jobs/{job.job_id()}/results/probabilities", Response(answer))
    with pytest.raises(HaiquResponseError):
        job.result()
    assert job.result().get_counts() == {"01": 1024}


def test_results_of_other_circuits_are_refused(ionq, device, circuit):
    job = device().run([circuit, circuit])
    children = ionq.jobs[job.job_id()]["children"]
    ionq.jobs[job.job_id()]["children"] = children[:1]
    with pytest.raises(HaiquResponseError, match="2 circuits were sent"):
        job.result()


def test_results_in_a_form_that_is_not_known(ionq, device, circuit):
    job = device().run(circuit)
    shown = {"id": job.job_id(), "status": "completed", "results": {"ionq.result.probabilities.cbor.v3": {"id": "x"}}}
    ionq.fault("GET", f"/jobs/{job.job_id()}", *[Response(shown)] * 2)
    ionq.legacy_endpoint = False
    with pytest.raises(HaiquResponseError, match="in no form that is known"):
        job.result()


def test_flat_results_as_an_artifact(ionq, device, circuit):
    job = device().run(circuit, shots=40)
    shown = {"id": job.job_id(), "status": "completed", "results": {"ionq.result.probabilities.json.v1": {"id": "x"}}}
    ionq.fault("GET", f"/jobs/{job.job_id()}", *[Response(shown)] * 2)
    ionq.fault("GET", f"/jobs/{job.job_id()}/artifacts/x", Response({"1": 1}))
    assert job.result().get_counts() == COUNTS
