"""The Coda of the tests, as the vendor's own client sees it."""

import pytest

from tests.vendors.coda.server import HOST, LOST, TOKEN, FakeCoda
from tests.vendors.web import Response

coda_client = pytest.importorskip("conductorquantum.coda.client")
coda_errors = pytest.importorskip("conductorquantum.coda.errors")

BELL = "from qiskit import QuantumCircuit\nqc = QuantumCircuit(2)\nqc.h(0)\nqc.cx(0, 1)\nqc.measure_all()"
FLIPPED = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
x q[0];
c = measure q;
"""


@pytest.fixture
def coda(web):
    service = FakeCoda()
    web.serve(HOST, service.site)
    return service


@pytest.fixture
def client(coda):
    found = coda_client.CodaClient(token=TOKEN)
    yield found
    found.close()


def test_the_vendors_client_runs_a_program(coda, client):
    assert client.health() == {"status": "ok"}
    assert [device["name"] for device in client.qpus.list()["devices"]] == ["IQM Garnet", "IonQ Forte", "lab-qpu"]
    order = {"code": BELL, "source_framework": "qiskit", "backend": "iqm", "shots": 100}
    assert client.qpus.estimate_cost(**order) == {"success": True, "estimated_cost_cents": 130}
    assert not coda.jobs
    answer = client.qpus.run(**order)
    assert answer["status"] == "submitted"
    results = client.qpus.status(job_id=answer["job_id"])["results"]
    assert set(results) == {"00", "11"}
    assert sum(results.values()) == 100


def test_it_reads_openqasm_and_writes_it(coda, client):
    answer = client.qpus.run(code=FLIPPED, source_framework="openqasm3", backend="iqm")
    assert client.qpus.status(job_id=answer["job_id"])["results"] == {"01": 100}
    coda.first_first = True
    answer = client.qpus.run(code=FLIPPED, source_framework="openqasm3", backend="iqm")
    assert client.qpus.status(job_id=answer["job_id"])["results"] == {"10": 100}
    assert "OPENQASM 3" in client.tools.transpile(source_code=BELL, target="openqasm3")["converted_code"]


def test_jobs_wait_and_fail(coda, client):
    coda.waits, coda.failure = 2, "Qubit calibration timeout"
    job_id = client.qpus.run(code=BELL, source_framework="qiskit", backend="iqm")["job_id"]
    words = [client.qpus.status(job_id=job_id) for _ in range(3)]
    assert [word["status"] for word in words] == ["queued", "running", "failed"]
    assert words[-1]["error"] == "Qubit calibration timeout"
    assert client.qpus.status(job_id="none")["success"] is False


def test_refusals(coda, client):
    order = {"code": BELL, "source_framework": "qiskit", "backend": "iqm"}
    with pytest.raises(coda_errors.CodaAPIError, match="shots"):
        client.qpus.run(**order, shots=9)
    coda.credits = 10
    with pytest.raises(coda_errors.CodaAPIError, match="Insufficient credits"):
        client.qpus.run(**order)
    assert client.qpus.run(**order, accept_overage=True)["overage_cents"] == 120
    coda.upset("GET /qpus", Response(status=307, headers={"location": "https://app.example.com/login"}))
    with pytest.raises(coda_errors.CodaAPIError, match="web app"):
        client.qpus.list()
    stranger = coda_client.CodaClient(token="coda_wrong")
    with pytest.raises(coda_errors.CodaAuthError):
        stranger.health()
    stranger.close()


def test_the_vendors_client_pays_twice_for_a_lost_answer(coda, client):
    """Why this package does not use it."""
    coda.upset("POST /qpus", LOST)
    client.qpus.run(code=BELL, source_framework="qiskit", backend="iqm")
    assert len(coda.jobs) == 2
