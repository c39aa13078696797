"""What a network that breaks has brought to light, one case at a time."""

import asyncio
import gc
import re

import httpx
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines import following
from qiskit_haiqu_provider.engines.haiqu import submission
from qiskit_haiqu_provider.exceptions import HaiquAuthenticationError, HaiquResponseError, HaiquSubmissionError
from tests.api.odd_server import CUT_BEFORE_ANSWER, HTML, MALFORMED, Answer

HONOURED = {"idempotency-key-support": "honoured"}
TOLD = re.compile(r"haiqu-[0-9a-f]{32}")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(submission, "LOOKS", (0.0, 0.01))
    monkeypatch.setattr(following, "SHORTEST", 0.01)
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")


@pytest.fixture
def provider_of(desk, server, tmp_path):
    def make(**more):
        return HaiquProvider(url=server.url, api_key="a-key-of-nobody", experiment="e", home=tmp_path / "kept", **more)

    return make


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def submitted(provider, *shots):
    backend = provider.get_backend("aer_simulator", via="haiqu")
    return SamplerV2(backend).run([(bell(), None, number) for number in shots or (100,)])


def records(tmp_path):
    return list((tmp_path / "kept" / "jobs").glob("*.json"))


def test_a_refusal_of_the_second_attempt_says_nothing_of_the_first(desk, server, provider_of, tmp_path):
    """The first one may still be on its way, so the record must stay."""
    server.on("GET /devices", Answer(json=desk_devices(server), headers=HONOURED))
    server.on("POST /run", CUT_BEFORE_ANSWER, Answer(status=401, json={"detail": "who?"}))
    with pytest.raises(HaiquSubmissionError):
        submitted(provider_of())
    assert server.count("POST /run") == 2
    assert len(records(tmp_path)) == 1


def desk_devices(server):
    (answer,) = server._answers["GET /devices"]
    return answer.json


def test_a_later_job_of_a_run_is_told_of_under_the_record_of_the_run(desk, server, provider_of):
    server.on("POST /run", desk.run, CUT_BEFORE_ANSWER)
    server.on("POST /jobs/jb-1/cancel", lambda _: Answer(json=next(iter(desk.jobs.values()))))
    with pytest.raises(HaiquSubmissionError) as raised:
        submitted(provider_of(), 10, 20)
    job = provider_of().job(TOLD.search(str(raised.value))[0])
    assert "only a part of its jobs reached the service: ['jb-1']" in job.error_message()


def test_a_job_is_known_by_the_id_that_it_had_at_first(desk, server, provider_of):
    def lost(asked):
        desk.run(asked)
        server.on("GET /experiments/exp-1/jobs", Answer(json=[]), Answer(json=[]), desk_jobs(desk))
        return CUT_BEFORE_ANSWER

    server.on("POST /run", lost)
    with pytest.raises(HaiquSubmissionError) as raised:
        submitted(provider_of())
    told = TOLD.search(str(raised.value))[0]
    assert provider_of().job(told).job_id() == "jb-1"
    assert provider_of().job(told).job_id() == "jb-1"
    assert [job.job_id() for job in provider_of().jobs()] == ["jb-1"]


def desk_jobs(desk):
    return lambda _asked: Answer(json=list(desk.jobs.values()))


class Surprise(httpx.BaseTransport):
    """Fails in a way that nobody foresaw, after the submission has left."""

    def __init__(self):
        self._way = httpx.HTTPTransport()

    def handle_request(self, request):
        answer = self._way.handle_request(request)
        if request.url.path == "/run":
            answer.close()
            raise RuntimeError("a surprise")
        return answer

    def close(self):
        self._way.close()


def test_a_failure_that_nobody_foresaw_leaves_the_record(desk, server, provider_of, tmp_path):
    with pytest.raises(RuntimeError, match="a surprise"):
        submitted(provider_of(transport=Surprise()))
    (path,) = records(tmp_path)
    assert provider_of().job(path.stem).job_id() == "jb-1"


def test_waiting_goes_on_through_answers_that_cannot_be_read(desk, server, provider_of):
    job = submitted(provider_of())
    server.on("GET /jobs/jb-1", MALFORMED, HTML, MALFORMED, Answer(json=desk.jobs[next(iter(desk.jobs))]))
    assert sum(job.result(timeout=60)[0].data.meas.get_counts().values()) == 100


def test_waiting_ends_if_no_answer_can_be_read(desk, server, provider_of):
    job = submitted(provider_of())
    server.on("GET /jobs/jb-1", MALFORMED)
    for _ in range(2):
        with pytest.raises(HaiquResponseError):
            job.result(timeout=60)
    assert server.count("GET /jobs/jb-1") == 10


def test_an_awaited_job_that_cannot_be_asked_for_says_why(desk, server, provider_of):
    job = submitted(provider_of())
    server.on("GET /jobs/jb-1", Answer(status=401, json={"detail": "who?"}))

    async def waited():
        return await job

    with pytest.raises(HaiquAuthenticationError):
        asyncio.run(waited())


def test_looking_at_a_job_asks_nobody(desk, server, provider_of):
    job = submitted(provider_of())
    before = len(server.requests)
    assert repr(job) == "<HaiquJob jb-1 on aer_simulator: QUEUED>"
    assert len(server.requests) == before
    job.status()
    assert repr(job) == "<HaiquJob jb-1 on aer_simulator: DONE>"


def test_results_that_cannot_be_read_are_asked_for_again_by_the_next_handle(desk, server, provider_of):
    desk.results = [{"00": "half"}]
    job = submitted(provider_of())
    with pytest.raises(HaiquResponseError):
        job.result(timeout=60)
    del job
    gc.collect()  # its error holds on to it
    desk.end(quantum_results=[{"00": 0.5, "11": 0.5}])
    again = provider_of().job("jb-1")
    assert again.result(timeout=60)[0].data.meas.get_counts() == {"00": 50, "11": 50}
