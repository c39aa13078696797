"""Following jobs at the service: polling, outages, results, logs, costs, cancelling and restarting."""

import asyncio
import threading
import time

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines import following
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquJobTimeoutError,
    HaiquResponseError,
)
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job
from tests.api.odd_server import CUT_BEFORE_ANSWER, HTML, MALFORMED, Answer
from tests.engines.haiqu.service import KEY

ENDED = {"status": "Done", "run_date": "2026-01-02T03:04:06Z", "finish_date": "2026-01-02T03:04:09Z", "time": 2.5}


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def sweep():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("t"), 0)
    circuit.measure_all()
    return circuit


@pytest.fixture
def job(desk):
    """A job that has not ended."""
    desk.fields = {"status": "Queued", "quantum_results": None}
    return SamplerV2(desk.backend()).run([bell()], shots=4)


def finish(desk, **fields):
    desk.end(**{**ENDED, "quantum_results": desk.results, **fields})


def followed(desk, job_id):
    """The job as another process finds it."""
    from qiskit_haiqu_provider import job as room

    room._LIVE.clear()
    return stored_job(JobStore(), job_id, lambda _: None, lambda record: desk.engine.resume(record.state))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Submitted", JobStatus.INITIALIZING),
        ("Initializing", JobStatus.INITIALIZING),
        ("Queued", JobStatus.QUEUED),
        ("Validating", JobStatus.VALIDATING),
        ("Running", JobStatus.RUNNING),
        ("Done", JobStatus.DONE),
        ("Error", JobStatus.ERROR),
        ("Cancelled", JobStatus.CANCELLED),
    ],
)
def test_the_service_s_words_become_statuses(desk, job, word, status):
    desk.end(status=word, quantum_results=desk.results)
    assert job.status() is status


def test_a_word_that_nobody_knows_is_never_taken_for_success(desk, job):
    desk.end(status="Paused")
    with pytest.warns(UserWarning, match="Paused"):
        assert job.status() is JobStatus.RUNNING
    assert not job.in_final_state()


def test_a_job_that_nobody_waits_for_costs_no_requests(job, server, monkeypatch):
    monkeypatch.setattr(following, "SHORTEST", 60.0)  # no pause of a busy machine is as long
    before = len(server.requests)
    time.sleep(0.3)
    assert len(server.requests) == before
    assert job.status() is JobStatus.QUEUED
    job.status()
    assert len(server.requests) == before + 1  # asked just now


def test_waiting_ends_in_time_and_the_job_goes_on(desk, job):
    with pytest.raises(HaiquJobTimeoutError):
        job.result(timeout=0.3)
    finish(desk)
    assert job.result()[0].data.meas.get_counts() == {"00": 2, "11": 2}


def test_looks_become_rarer(job, server):
    before = len(server.requests)
    with pytest.raises(HaiquJobTimeoutError):
        job.result(timeout=1.5)
    assert 1 <= len(server.requests) - before <= 9


@pytest.mark.parametrize("trouble", [HTML, CUT_BEFORE_ANSWER, Answer(status=503, json={"detail": "busy"})])
def test_an_outage_is_waited_out(desk, job, server, trouble):
    finish(desk)
    good = desk.jobs[next(iter(desk.jobs))]
    server.on("GET /jobs/jb-1", *[trouble] * 12, Answer(json=good))
    assert job.result(timeout=60)[0].data.meas.num_shots == 4


def test_a_key_that_is_not_valid_any_more_is_told_at_once(job, server):
    server.on("GET /jobs/jb-1", Answer(status=401, json={"detail": "revoked"}))
    with pytest.raises(Exception, match="revoked"):
        job.result(timeout=60)
    assert not job.in_final_state.__self__._complete.is_set()  # asked again, it is not an error of the job


def test_a_failed_job_says_what_the_service_says(desk, job):
    desk.end(status="Error", logs="The device is on fire.", quantum_results=None)
    with pytest.raises(HaiquJobError, match=r"The device is on fire\."):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert "on fire" in job.error_message()


def test_of_several_jobs_the_failed_one_is_told(desk):
    desk.fields = {"status": "Running", "quantum_results": None}
    job = SamplerV2(desk.backend()).run([(bell(), None, 4), (bell(), None, 8)])
    next(found for found in desk.jobs.values() if found["id"] == "jb-2").update(status="Error", logs="bad luck")
    with pytest.raises(HaiquJobError, match=r"Job jb-2 failed at the service: bad luck"):
        job.result(timeout=60)


def test_a_cancelled_job_has_no_result(desk, job, server):
    def cancel(_asked):
        desk.end(status="Cancelled")
        return Answer(json=desk.jobs[next(iter(desk.jobs))])

    server.on("POST /jobs/jb-1/cancel", cancel)
    assert job.cancel()
    with pytest.raises(HaiquJobCancelledError):
        job.result()
    assert job.cancelled()


REFUSED = Answer(status=400, json={"detail": "Not now."})


def test_one_job_that_cannot_be_cancelled_keeps_no_other_one(desk, server):
    desk.fields = {"status": "Running", "quantum_results": None}
    job = SamplerV2(desk.backend()).run([(bell(), None, shots) for shots in (4, 5, 6)])
    jobs = {each["id"]: each for each in desk.jobs.values()}

    def cancelled(job_id):
        def answer(_asked):
            jobs[job_id]["status"] = "Cancelled"
            return Answer(json=jobs[job_id])

        return answer

    server.on("POST /jobs/jb-1/cancel", REFUSED)
    for job_id in ("jb-2", "jb-3"):
        server.on(f"POST /jobs/{job_id}/cancel", cancelled(job_id))
    with pytest.raises(HaiquApiError, match="Not now"):
        job.cancel()
    assert [each["status"] for each in jobs.values()] == ["Running", "Cancelled", "Cancelled"]


def test_what_goes_on_of_a_run_that_has_failed_is_stopped_from_its_record(desk, server):
    desk.fields = {"status": "Running", "quantum_results": None}
    job = SamplerV2(desk.backend()).run([(bell(), None, shots) for shots in (4, 5)])
    first, second = desk.jobs.values()
    first.update(status="Error", logs="bad luck")
    with pytest.raises(HaiquJobError, match=r"Others of the run go on: \['jb-2'\]. Call cancel\(\)"):
        job.result(timeout=60)
    server.on("POST /jobs/jb-1/cancel", REFUSED)
    server.on("POST /jobs/jb-2/cancel", lambda _: second.update(status="Cancelled") or Answer(json=second))
    followed(desk, job.job_id()).cancel()
    assert second["status"] == "Cancelled"


@pytest.mark.parametrize("answer", [Answer(status=404, json={"detail": "Removed."}), MALFORMED], ids=["gone", "odd"])
def test_a_job_that_cannot_be_seen_takes_no_other_one_with_it(desk, server, answer):
    job = SamplerV2(desk.backend()).run([(bell(), None, shots) for shots in (4, 5, 6)])
    server.on("GET /jobs/jb-2", answer)
    partial = job.partial_result()
    assert partial.metadata["haiqu"]["pubs"] == [0, 2]
    assert [pub.data.meas.num_shots for pub in partial] == [4, 6]


def test_a_circuit_without_a_result_takes_no_other_one_with_it(desk):
    desk.results = [{"00": 0.5, "11": 0.5}, None, {"00": 1.0}]
    job = SamplerV2(desk.backend()).run([bell(), other(), bell()], shots=4)
    assert len(desk.jobs) == 1
    with pytest.raises(HaiquResponseError, match=r"PUB 1 \(circuit 1 of the job\)"):
        job.result()
    partial = job.partial_result()
    assert partial.metadata["haiqu"]["pubs"] == [0, 2]
    assert [pub.data.meas.get_counts() for pub in partial] == [{"00": 2, "11": 2}, {"00": 4}]
    desk.end(quantum_results="nonsense")
    job = followed(desk, job.job_id())
    assert len(job.partial_result()) == 0


def other():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("results", [None, [], [{}], [{"00": None}], [{"0": 1.0}, {"1": 1.0}], "nonsense"])
def test_results_that_cannot_be_right_are_refused(desk, job, results):
    desk.end(**ENDED, quantum_results=results)
    with pytest.raises(HaiquResponseError):
        job.result()


def test_an_answer_that_is_cut_short_is_never_a_result(desk, job, server):
    finish(desk)
    server.on("GET /jobs/jb-1", MALFORMED)
    with pytest.raises(HaiquResponseError):
        job.result(timeout=60)
    server.on("GET /jobs/jb-1", lambda _: Answer(json=desk.jobs[next(iter(desk.jobs))]))
    assert job.result()[0].data.meas.num_shots == 4


def test_logs_are_told_and_followed(desk, job):
    desk.end(logs="queued")
    assert job.logs() == "queued"
    lines = job.logs(follow=True)
    assert next(lines) == "queued"
    desk.end(logs="queued\nrunning: 0 of 5")
    assert next(lines) == "running: 0 of 5"
    desk.end(logs="queued\nrunning: 3 of 5")  # its last line is replaced
    assert next(lines) == "running: 3 of 5"
    finish(desk, logs="queued\nrunning: 3 of 5\ndone")
    assert list(lines) == ["done"]


def test_usage_is_what_the_service_billed(desk, job):
    cost = {"native": {"amount": 4.1, "unit": "s"}, "converted": {"amount": 6.56, "unit": "USD"}}
    finish(desk, info={"qpu_cost": cost})
    job.result()
    assert job.usage() == {"qpu_seconds": 4.1, "usd": 6.56, "run_seconds": 2.5}
    assert job.metrics()["queue_seconds"] == 1.0
    assert followed(desk, "jb-1").usage() == {"qpu_seconds": 4.1, "usd": 6.56, "run_seconds": 2.5}


def test_progress_is_told_as_far_as_the_service_tells(desk):
    told = []
    desk.fields = {"status": "Running", "quantum_results": None, "logs": "Running: 1 of 3 parameter sets"}
    options = {"progress": lambda done, total: told.append((done, total))}
    job = SamplerV2(desk.backend(), options=options).run([(sweep(), [[0.1], [0.2], [0.3]])], shots=2)
    assert not job._execution.wait(0)
    desk.end(**ENDED, quantum_results=[[{"0": 1.0}, {"0": 1.0}, {"0": 1.0}]])
    job.result()
    assert told == [(1, 3), (3, 3)]


def test_a_job_that_failed_half_way_is_not_told_as_complete(desk):
    told = []
    desk.fields = {"status": "Error", "quantum_results": None, "logs": "Running: 1 of 3 parameter sets"}
    options = {"progress": lambda done, total: told.append((done, total))}
    job = SamplerV2(desk.backend(), options=options).run([(sweep(), [[0.1], [0.2], [0.3]])], shots=2)
    with pytest.raises(HaiquJobError):
        job.result()
    assert told == [(1, 3)]


def test_facts_in_another_form_do_not_spoil_the_result(desk, job):
    finish(desk, quality=0.9, info={"quality_assessment": [0.9], "qpu_cost": [1], "uncertainty": "low"})
    result = job.result()
    assert result[0].data.meas.get_counts() == {"00": 2, "11": 2}
    assert result.metadata["haiqu"]["quality"] == {"jb-1": {"overall": 0.9}}
    assert job.usage()["usd"] == 0


def test_what_fails_here_is_not_taken_for_a_failure_of_the_job(desk, job):
    finish(desk)
    job._plan = None
    with pytest.raises(AttributeError):
        job.result()
    assert JobStore().read("jb-1").status == "QUEUED"
    assert followed(desk, "jb-1").result()[0].data.meas.get_counts() == {"00": 2, "11": 2}


def test_the_quality_that_the_service_estimates_is_told(desk, job):
    finish(desk, quality=0.9, info={"quality_assessment": {"per_circuit": {"circ-1": 0.9}}})
    facts = job.result().metadata["haiqu"]
    assert facts["quality"] == {"jb-1": {"overall": 0.9, "per_circuit": {"circ-1": 0.9}}}


def test_a_job_is_followed_in_another_process(desk, job, server):
    finish(desk)
    found = followed(desk, "jb-1")
    assert found.result()[0].data.meas.get_counts() == {"00": 2, "11": 2}
    before = len(server.requests)
    again = followed(desk, "jb-1")
    assert again.result()[0].data.meas.get_counts() == {"00": 2, "11": 2}
    assert len(server.requests) == before  # kept on disk


def test_a_job_of_another_service_is_not_mixed_up(desk, job):
    (record,) = JobStore().records()
    with pytest.raises(HaiquJobError, match=r"other\.example"):
        desk.engine.resume({**record.state, "url": "https://other.example"})


def test_without_a_key_a_job_of_a_service_is_kept_and_says_what_is_missing(desk, job):
    from qiskit_haiqu_provider import job as room

    room._LIVE.clear()
    found = stored_job(JobStore(), "jb-1", lambda _: None, None)
    with pytest.raises(HaiquJobError, match="HAIQU_API_KEY"):
        found.result()
    with pytest.raises(HaiquJobError, match="HAIQU_API_KEY"):
        found.cancel()
    with pytest.raises(HaiquJobError, match="HAIQU_API_KEY"):
        asyncio.run(asyncio.wait_for(_result(found), 20))
    finish(desk)
    assert followed(desk, "jb-1").done()


def test_a_job_can_be_restarted(desk, job, server):
    desk.end(status="Error", logs="bad luck")
    with pytest.raises(HaiquJobError):
        job.result()

    def restart(_asked):
        desk.end(status="Submitted", logs="")
        return Answer(json=desk.jobs[next(iter(desk.jobs))])

    server.on("POST /jobs/jb-1/restart", restart)
    assert job.restart()
    assert job.status() is JobStatus.INITIALIZING
    finish(desk)
    assert job.result()[0].data.meas.num_shots == 4
    (record,) = JobStore().records()
    assert (record.status, record.error) == ("DONE", None)


def test_a_restart_whose_answer_is_lost_is_not_repeated(desk, job, server):
    desk.end(status="Error", logs="bad luck")

    def restart(_asked):
        desk.end(status="Queued", logs="")
        return CUT_BEFORE_ANSWER

    server.on("POST /jobs/jb-1/restart", restart)
    assert job.restart()
    assert server.count("POST /jobs/jb-1/restart") == 1


def test_waiting_in_several_threads_gives_one_result(desk, job):
    found = []
    threads = [threading.Thread(target=lambda: found.append(job.result())) for _ in range(4)]
    for thread in threads:
        thread.start()
    finish(desk)
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert all(result is found[0] for result in found)


def test_an_awaited_job_ends_also_if_its_progress_cannot_be_shown(desk):
    def show(_done, _total):
        raise ValueError("no screen")

    job = SamplerV2(desk.backend(), options={"progress": show}).run([bell()], shots=4)
    assert asyncio.run(asyncio.wait_for(_result(job), 60))[0].data.meas.num_shots == 4


def test_a_job_can_be_awaited(desk, job):
    async def both():
        waiting = asyncio.ensure_future(_result(job))
        await asyncio.sleep(0.05)
        finish(desk)
        return await waiting

    assert asyncio.run(both())[0].data.meas.num_shots == 4


async def _result(job):
    return await job


def test_nothing_to_run_asks_for_nothing(desk, server):
    before = server.asked.count("POST /run")
    assert len(SamplerV2(desk.backend()).run([]).result()) == 0
    assert server.asked.count("POST /run") == before


def test_a_silent_service_is_not_waited_for_longer_than_was_said(desk, job, server):
    hold = threading.Event()
    server.on("GET /jobs/jb-1", Answer(json={}, hold=hold))
    patient = desk.client._settings.timeout  # an answer that does not come is given up before that
    assert patient > 1
    with pytest.raises(HaiquJobTimeoutError):
        job.result(timeout=1)
    assert server.count("GET /jobs/jb-1") == 1
    hold.set()


def test_secrets_that_the_service_repeats_are_masked(desk, server):
    token = Secret("ibm token 'with' quotes")
    engine = HaiquEngine(
        desk.client, experiment="e", home=lambda: JobStore().home, credentials=lambda _device: {"t": token}
    )
    (record,) = [found for found in engine.devices() if found.id == "aer_simulator"]
    desk.fields = {"status": "Error", "logs": f"Cannot log in with {token.reveal()} or {KEY}.", "quantum_results": None}
    job = SamplerV2(HaiquBackend(engine, record, store=JobStore())).run([bell()])
    with pytest.raises(HaiquJobError, match=r"Cannot log in with \*\*\* or \*\*\*\."):
        job.result()
    assert job.logs() == "Cannot log in with *** or ***."
    (file,) = (JobStore().home / "jobs").glob("*.json")
    assert token.reveal() not in file.read_text()
