"""Jobs: followed, listed, cancelled, restarted, and noted from elsewhere."""

import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.routers.jobs import AnyJob
from tests.gateway.rest import AER, Api, device, fields, ok, refused
from tests.gateway.servers import busiest
from tests.interop.exact import bell, turned


@pytest.fixture
def api(gateway):
    return Api(gateway.client)


def endless(width=20):
    """Minutes of work: mid-circuit measurements make every shot a simulation of its own."""
    circuit = QuantumCircuit(width, width, name="endless")
    for _ in range(20):
        circuit.h(range(width))
        circuit.measure(range(width), range(width))
    return circuit


def until_running(api, job):
    """Wait for the moment when a worker has the job."""
    for _ in range(6000):
        if ok(api.client.get(f"/jobs/{job['id']}"), AnyJob)["status"] == "Running":
            return
        time.sleep(0.05)
    raise AssertionError("the job does not start")


def server_of(gateway):
    """The gateway's own process."""
    (server,) = [
        process
        for process in psutil.Process().children(recursive=True)
        if str(gateway.home) in str(process.environ().get("HAIQU_HOME")) and "serve" in process.cmdline()
    ]
    return server


def test_a_job_from_submission_to_end(gateway, api):
    submitted = ok(api.post_run(bell(), name="first", description="why", options={"seed_simulator": 1}), models.RunJob)
    assert submitted["id"].startswith("jb-")
    assert submitted["status"] in {state.value for state in models.JobState}
    assert (submitted["name"], submitted["description"], submitted["shots"]) == ("first", "why", 4096)
    assert (submitted["options"], submitted["use_mitigation"], submitted["dry_run"]) == (
        {"seed_simulator": 1},
        False,
        False,
    )
    assert submitted["run_type"] == "Run"
    assert submitted["quantum_results"] is None
    job = api.finished(submitted)
    assert job["status"] == "Done"
    assert job["creation_date"] <= job["run_date"] <= job["finish_date"]
    assert job["time"] > 0
    assert job["info"]["pre_device_pipeline_time"] > 0
    assert job["quality"] is None
    same = ("id", "name", "description", "circuit_ids", "shots", "options", "device_id", "experiment_id", "job_type")
    assert {name: job[name] for name in same} == {name: submitted[name] for name in same}


def test_jobs_are_listed_newest_first_and_filtered(gateway, api):
    one, two = api.ids([bell(), turned(0.3)])
    first = api.run([one])["id"]
    second = api.flow([one, two], device())["id"]
    body = {"experiment_id": api.experiment, "circuit_ids": [two], "device_id": AER}
    third = api.done(gateway.client.post("/circuits/transpile", json=body), models.TranspileJob)["id"]
    path = f"/experiments/{api.experiment}/jobs"

    def listed(**query):
        return [job["id"] for job in ok(gateway.client.get(path, params=query), list[AnyJob])]

    assert listed() == [third, second, first]
    assert listed(limit=1) == [third]
    assert listed(job_type="Run") == [first]
    assert listed(job_type="Hybrid") == [second]
    assert listed(job_type="Transpilation") == [third]
    assert listed(circuit_id=one) == [second, first]
    assert listed(circuit_id=two, job_type="Hybrid") == [second]
    refused(gateway.client.get(path, params={"circuit_id": "circ-unknown"}), 404)
    refused(gateway.client.get(path, params={"job_type": "unknown"}), 422)
    results = [job["quantum_results"] for job in ok(gateway.client.get(path)) if job["job_type"] != "Transpilation"]
    assert all(results), "a list shows results"


def test_jobs_of_others_do_not_exist(gateway, api):
    job = api.run(bell())["id"]
    calls = [
        gateway.other.get(f"/jobs/{job}"),
        gateway.other.get(f"/jobs/{job}", headers={"prefer": "wait=1"}),
        gateway.other.post(f"/jobs/{job}/cancel"),
        gateway.other.post(f"/jobs/{job}/restart"),
        Api(gateway.other).client.post(
            f"/experiments/{Api(gateway.other).experiment}/jobs/{job}/metrics", json={"metrics": {"x": 1}}
        ),
    ]
    for answer in calls:
        assert f"no job '{job}'" in refused(answer, 404)
    assert ok(gateway.client.get(f"/jobs/{job}"))["status"] == "Done"


def test_cancel_stops_work_that_runs(gateway, api):
    job = ok(api.post_run(endless(), shots=1_000_000))
    until_running(api, job)
    worker = busiest(server_of(gateway).children(recursive=True))
    cancelled = gateway.client.post(f"/jobs/{job['id']}/cancel", content="null")
    assert ok(cancelled, models.Job)["status"] == "Cancelled"
    _, left = psutil.wait_procs([worker], timeout=300)
    assert not left, "it computes on"
    end = api.finished(job)
    assert (end["status"], end["quantum_results"]) == ("Cancelled", None)
    assert end["finish_date"] is not None


def test_cancel_reaches_jobs_that_wait(gateway, api):
    circuit = api.upload(endless())["id"]
    jobs = [ok(api.post_run([circuit], shots=1_000_000)) for _ in range(8)]
    after = ok(api.post_run(bell()))
    for job in reversed(jobs):
        assert ok(gateway.client.post(f"/jobs/{job['id']}/cancel"))["status"] == "Cancelled"
    assert api.finished(after)["status"] == "Done"
    assert {api.finished(job)["status"] for job in jobs} == {"Cancelled"}


def test_a_job_that_has_ended_cannot_be_cancelled(gateway, api):
    job = api.run(bell())
    assert ok(gateway.client.post(f"/jobs/{job['id']}/cancel"), models.Job)["status"] == "Done"
    assert api.finished(job)["quantum_results"] == job["quantum_results"]


def test_restart_runs_a_job_again(gateway, api):
    spread = QuantumCircuit(8)
    spread.h(range(8))
    spread.measure_all()
    job = api.run(spread, seed=None)  # its results are never the same twice
    again = gateway.client.post(f"/jobs/{job['id']}/restart", content="null")
    assert ok(again, models.Job)["status"] == "Submitted"
    end = api.finished(job)
    assert end["status"] == "Done"
    assert end["quantum_results"] != job["quantum_results"]
    assert end["run_date"] > job["finish_date"]


def test_a_cancelled_job_can_be_restarted_and_a_running_one_cannot(gateway, api):
    job = ok(api.post_run(endless(), shots=1_000_000))
    path = f"/jobs/{job['id']}"
    until_running(api, job)
    assert ok(gateway.client.post(f"{path}/restart"), models.Job)["status"] == "Running"
    assert ok(gateway.client.post(f"{path}/cancel"), models.Job)["status"] == "Cancelled"
    assert ok(gateway.client.post(f"{path}/restart"), models.Job)["status"] == "Submitted"
    until_running(api, job)
    assert ok(gateway.client.post(f"{path}/cancel"), models.Job)["status"] == "Cancelled"


def test_a_transpilation_can_be_restarted(gateway, api):
    body = {"experiment_id": api.experiment, "circuit_ids": api.ids([bell()]), "device_id": AER}
    job = api.done(gateway.client.post("/circuits/transpile", json=body), models.TranspileJob)
    assert ok(gateway.client.post(f"/jobs/{job['id']}/restart"), models.Job)["status"] == "Submitted"
    assert api.finished(job)["status"] == "Done"


def test_waiting_ends_with_the_job(gateway, api):
    """The answer to a wait is the end of the job, not the end of the wait."""
    job = ok(api.post_run(bell()))
    end = ok(gateway.client.get(f"/jobs/{job['id']}", headers={"prefer": "wait=30"}), AnyJob)
    assert end["status"] == "Done"
    refused(gateway.client.get("/jobs/jb-unknown", headers={"prefer": "wait=30"}), 404)


def test_many_jobs_at_once_all_end_with_their_own_results(gateway, api):
    circuits = api.ids([one_of(number) for number in range(16)])
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda circuit: api.run([circuit], shots=10), circuits))
    assert [job["quantum_results"] for job in jobs] == [[{format(number, "04b"): 1.0}] for number in range(16)]


def one_of(number):
    circuit = QuantumCircuit(4, name=f"one of {number}")
    for qubit in range(4):
        if number >> qubit & 1:
            circuit.x(qubit)
    circuit.measure_all()
    return circuit


def note(api, **fields):
    return api.client.post("/jobs", json={"experiment_id": api.experiment, **fields})


def test_a_job_from_elsewhere_is_noted_and_found_by_its_hash(gateway, api):
    circuit = api.upload(bell(), hash="c")["id"]
    given = {"hash": "j", "circuit_hash": "c", "results": '{"00": 1}', "device_id": "mine", "shots": "10", "name": "n"}
    job = ok(note(api, **given, metrics={"x": 1}), models.LocalJob)
    assert (job["status"], job["job_type"]) == ("Done", "User local job")
    assert (job["circuit_id"], job["backend_name"], job["device_id"]) == (circuit, "mine", "mine")
    assert (job["results"], job["shot_local"], job["metrics"]) == ('{"00": 1}', "10", {"x": 1})
    path = f"/experiments/{api.experiment}/jobs"
    assert ok(gateway.client.get(f"{path}/j"), models.LocalJob) == job
    assert ok(gateway.client.get(f"/jobs/{job['id']}"), AnyJob) == job
    for mark in ("j", job["id"]):
        noted = gateway.client.post(f"{path}/{mark}/metrics", json={"metrics": {mark: 2}})
        assert ok(noted, AnyJob)["metrics"][mark] == 2
    refused(gateway.client.get(f"{path}/k"), 404)
    refused(gateway.client.post(f"{path}/k/metrics", json={"metrics": {}}), 404)


def test_a_job_from_elsewhere_needs_little_and_is_never_run(gateway, api):
    job = ok(note(api), models.LocalJob)
    assert (job["device_id"], job["hash"], job["circuit_id"]) == ("Haiqu OS", "", "")
    assert ok(gateway.client.post(f"/jobs/{job['id']}/restart"), models.Job)["status"] == "Done"
    running = ok(note(api, status="Running"), models.LocalJob)
    assert ok(gateway.client.get(f"/jobs/{running['id']}"))["status"] == "Running"


def test_wrong_fields_of_a_job_from_elsewhere_are_named(api):
    assert fields(note(api, status="Sleeping"))[0].startswith("status")
    assert fields(note(api, job_type="Magic"))[0].startswith("job_type")
    assert fields(note(api, results={"00": 1})) == ["results"]
