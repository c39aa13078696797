"""Whatever IonQ answers, what goes wrong is an error of this package, and nothing is taken for a success."""

import contextlib

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.run.request import RunRequest, Task
from tests.vendors.web import Response

GARBAGE = [None, True, 7, "text", [], {}, [1], [[]], [None], {"id": None}, {"": {}}, b"\xff", b"", "<html>"]
FIELDS = ["status", "failure", "results", "child_job_ids", "execution_duration_ms", "submitted_at", "metadata"]
CALLS = {
    "POST /jobs": lambda vendor, job: vendor.send(job["content"], request=job["request"], token="t"),
    "GET /jobs": lambda vendor, job: vendor.find("t", device="ionq_forte_1"),
    "GET /jobs/[^/]+": lambda vendor, job: vendor.look(job["id"], device="ionq_forte_1"),
    "GET /jobs/[^/]+/results/probabilities": lambda vendor, job: vendor.read(job["id"], job["sent"], device=""),
    "GET /jobs/[^/]+/artifacts/[^/]+": lambda vendor, job: vendor.read(job["id"], job["sent"], device=""),
    "GET /jobs/[^/]+/cost": lambda vendor, job: vendor.usage(job["id"], job["sent"], device="ionq_forte_1"),
    "PUT /jobs/[^/]+/status/cancel": lambda vendor, job: vendor.cancel(job["id"], device="ionq_forte_1"),
    "GET /backends": lambda vendor, job: vendor.pending_jobs("ionq_forte_1"),
    "GET /backends/[^/]+/characterizations": lambda vendor, job: vendor.target("ionq_forte_1", {}),
    "GET /jobs/estimate": lambda vendor, job: vendor.price(job["request"], [job["content"]]),
}
HARMLESS = {"PUT /jobs/[^/]+/status/cancel", "GET /jobs/estimate", "GET /backends/[^/]+/characterizations"}
"""What says nothing that is needed, or has something else in its place."""


@pytest.fixture
def job(ionq, engine):
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    request = RunRequest(
        device="ionq_forte_1", tasks=(Task(circuit=circuit, parameter_values=np.empty((1, 0)), shots=5),)
    )
    execution = engine.submit(request)
    assert execution.wait(10)
    (content,) = engine.vendor.prepare(request)
    (sent,) = execution._state.jobs
    return {"id": sent.id, "sent": sent, "content": content, "request": request}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:IonQ lists")
def test_answers_that_are_something_else(ionq, engine, job, call):
    method, path = call.split()
    if "artifacts" in path:
        ionq.shape, ionq.legacy_endpoint = "new", False
    for garbage in GARBAGE:
        ionq.fault(method, path, Response(garbage))
        with contextlib.suppress(HaiquError):
            found = CALLS[call](engine.vendor, job)
            assert call in HARMLESS or found in (None, 0, {}, {"qpu_seconds": 1.5}), garbage
        ionq.no_more_faults()


@pytest.mark.parametrize("name", FIELDS)
def test_jobs_with_odd_fields(ionq, engine, job, name):
    plain = {"id": job["id"], "status": "completed"}
    for garbage in GARBAGE[:11]:
        odd = {**plain, name: garbage}
        for call in ("GET /jobs/[^/]+", "GET /jobs/[^/]+/results/probabilities"):
            ionq.fault("GET", "/jobs/[^/]+", Response(odd))
            with contextlib.suppress(HaiquError):
                found = CALLS[call](engine.vendor, job)
                assert name != "status" or "results" in call or found.status is JobStatus.RUNNING
            ionq.no_more_faults()
        ionq.fault("GET", "/jobs", Response({"jobs": [odd, garbage]}))
        with contextlib.suppress(HaiquError):
            assert engine.vendor.find("t", device="") is None
