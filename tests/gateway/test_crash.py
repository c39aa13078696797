"""A gateway whose processes are killed. The rounds are those of ``python -m benchmarks.gateway_crash``, but fewer."""

import random
import signal

import psutil
import pytest
from qiskit import QuantumCircuit

from benchmarks.gateway_client import Client, upload
from benchmarks.gateway_crash import crash, ended
from benchmarks.gateway_jobs import Planner
from benchmarks.gateway_server import Server, running, wait_until
from tests.gateway.servers import busiest

SECONDS = 300.0
ROUNDS, JOBS, SEED = 2, 40, 2026


def test_no_job_is_lost_or_doubled_when_the_server_is_killed():
    assert crash("sqlite", rounds=ROUNDS, jobs=JOBS, seed=SEED) == []


@pytest.fixture(scope="module", autouse=True)
def _unmeasured():
    """What is killed cannot say which lines it has run; others do, so that it need not keep count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("crash")
    with running(Server(home, f"sqlite:///{home / 'gateway.db'}", workers=2)) as started:
        yield started
    assert "Traceback" not in started.log.read_text()


@pytest.fixture(scope="module")
def client(server):
    with Client(server.port, server.key()) as made:
        yield made


@pytest.fixture(scope="module")
def planner(client):
    return Planner(client, random.Random(1))


def submit(client, planned):
    return client.ask("POST", "/run", planned.body, key=planned.key)["id"]


def check(client, planned, job_ids):
    problems = [job.problem(ended(client, job_id)) for job, job_id in zip(planned, job_ids, strict=True)]
    assert not any(problems), problems


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_worker_that_dies_takes_only_its_job_along(server, client, planner, number):
    doomed = submit(client, planner.sweep(5000))
    wait_until(lambda: client.ask("GET", f"/jobs/{doomed}")["status"] == "Running", SECONDS, "the job runs")
    worker = busiest(server.family())  # nothing else is computed yet
    others = [planner.short() for _ in range(20)]
    job_ids = [submit(client, planned) for planned in others]
    worker.send_signal(number)
    record = ended(client, doomed)
    assert record["status"] == "Error"
    assert "The process that ran the job ended" in record["logs"]
    assert record["quantum_results"] is None
    check(client, others, job_ids)
    more = [planner.short(), planner.sweep(10), planner.short()]
    check(client, more, [submit(client, planned) for planned in more])


def test_a_job_that_needs_more_memory_than_there_is_fails_alone(server, client, planner):
    for process in server.family():
        limit = process.memory_info().vms + 200 * 2**20
        process.rlimit(psutil.RLIMIT_AS, (limit, limit))
    wide = QuantumCircuit(26, name="wide")
    for qubit in range(26):
        wide.ry(0.1 * qubit, qubit)
    wide.measure_all()
    body = {
        "experiment_id": planner.experiment,
        "circuit_ids": [upload(client, planner.experiment, wide)],
        "device_id": "aer_simulator",
        "shots": 10,
        "options": {"method": "statevector"},
    }
    job_id = client.ask("POST", "/run", body)["id"]
    others = [planner.short() for _ in range(20)]
    job_ids = [submit(client, planned) for planned in others]
    record = ended(client, job_id)
    assert record["status"] == "Error"
    assert "memory" in record["logs"]
    check(client, others, job_ids)
