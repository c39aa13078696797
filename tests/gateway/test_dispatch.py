"""Jobs that go to vendors: sent once, resumed by id, cancelled, and without a trace of their credentials."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.run.formats import write_qpy
from tests.gateway.vendors import CENTS_PER_SHOT, DEVICE

SECRET = "vendor-secret-4242"
SECONDS = 300.0
"""Far more than anything here takes, also on a machine that is busy."""


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of tests.gateway.vendors, and the address that it prints."""
    command = [sys.executable, "-m", "tests.gateway.vendors", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            try:
                process.wait(timeout=SECONDS)
            finally:
                process.kill()


class Place:
    """A vendor's service, a database with a user, and the gateways that use them one after the other."""

    def __init__(self, folder: Path, service: str) -> None:
        self.folder, self.service = folder, service
        self.file = folder / "gateway.db"
        self.url = f"sqlite:///{self.file}"
        database = Database(self.url)
        database.migrate()
        with database.write() as session:
            self.key = users.create_key(session, username="ada")
        database.close()

    @contextlib.contextmanager
    def gateway(self, service: str | None = None) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
        with (
            running("gateway", service or self.service, self.url) as (process, address),
            httpx.Client(base_url=address, headers={"authorization": self.key}, timeout=SECONDS) as client,
        ):
            until(lambda: reachable(client))
            yield process, client

    def mode(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def submissions(self) -> list[Path]:
        return sorted(self.folder.glob("*.token"))


def reachable(client: httpx.Client) -> bool:
    try:
        return client.get("/version").status_code == 200
    except httpx.TransportError:
        return False


def until(done: Any) -> Any:
    """Wait for something to be true; a test that waits in vain fails."""
    for _ in range(int(SECONDS / 0.05)):
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def known(client: httpx.Client, job_id: str, *statuses: str) -> dict[str, Any] | None:
    """The job, once it has one of the statuses."""
    job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
    return job if job["status"] in statuses else None


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = until(lambda: known(client, job_id, "Done", "Error", "Cancelled"))
    return job


def submit(client: httpx.Client, **more: Any) -> str:
    import base64

    experiment = client.post("/experiments/init", json={"name": "one"}).json()["id"]
    bell = QuantumCircuit(2, 2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure([0, 1], [0, 1])
    upload = {"experiment_id": experiment, "hash": "1", "qpy_dump": base64.b64encode(write_qpy(bell)).decode()}
    circuit = client.post("/circuits", json=upload).json()["id"]
    body = {"experiment_id": experiment, "circuit_ids": [circuit], "device_id": DEVICE, "shots": 1000}
    answer = client.post("/run", json={**body, "options": {"vendor_token": SECRET}, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["options"] == {"vendor_token": "***"}
    job_id: str = answer.json()["id"]
    return job_id


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with running("service", str(tmp_path)) as (_, address):
        yield Place(tmp_path, address)


def test_a_job_is_sent_once_with_its_credentials_and_its_results_come_back(place):
    with place.gateway() as (_, client):
        job = ended(client, submit(client))
        assert job["status"] == "Done"
        assert set(job["quantum_results"][0]) == {"00", "11"}
        assert job["time"] == 1.0
        record = client.get(f"/devices/{DEVICE}").json()
        assert (record["vendor"], record["simulator"]) == ("Loopback", False)
    assert len(place.submissions()) == 1
    assert (place.folder / "v0.key").read_text() == SECRET
    stored = b"".join(path.read_bytes() for path in place.folder.glob("gateway.db*"))
    assert SECRET.encode() not in stored


def test_a_dry_run_sends_nothing(place):
    with place.gateway() as (_, client):
        job = ended(client, submit(client, dry_run=True))
        assert job["status"] == "Done"
        cost = job["estimated_qpu_cost"]
        assert cost["native"] == {"amount": CENTS_PER_SHOT * 1000, "unit": "cents"}
        assert cost["converted"] == {"amount": CENTS_PER_SHOT * 10.0, "unit": "USD"}
        assert cost["source"] == "the tests"
    assert not place.submissions()


def test_a_job_that_waits_at_the_vendor_is_resumed_by_its_id_after_the_server_was_killed(place):
    place.mode("slow")
    with place.gateway() as (process, client):
        job_id = submit(client)
        until(lambda: client.get(f"/jobs/{job_id}").json()["status"] == "Queued")
        process.send_signal(signal.SIGKILL)
    place.mode("")
    with place.gateway(service="none") as (_, client):  # a gateway without the vendor leaves its job alone
        assert client.get(f"/jobs/{job_id}").json()["status"] == "Running"
        assert DEVICE not in {device["id"] for device in client.get("/devices").json()}
    with place.gateway() as (_, client):
        assert ended(client, job_id)["status"] == "Done"
    assert len(place.submissions()) == 1


def test_a_mitigated_job_is_put_together_by_the_server_that_comes_after(place):
    """The circuits were drawn at random by a server that is gone; what makes results of them was stored."""
    place.mode("slow")
    with place.gateway() as (process, client):
        job_id = submit(client, use_mitigation=True)
        job = until(lambda: known(client, job_id, "Queued", "Error"))
        assert job["status"] == "Queued", job["logs"]
        process.send_signal(signal.SIGKILL)
    place.mode("")
    sent = len(place.submissions())
    with place.gateway() as (_, client):
        job = ended(client, job_id)
        assert job["status"] == "Done", job["logs"]
        assert job["quantum_results"][0]["00"] + job["quantum_results"][0]["11"] > 0.999
    ((facts,),) = job["info"]["mitigation"]
    assert len(place.submissions()) == sent == facts["circuits"]


@pytest.mark.parametrize("mode", ["hang", "swallow"])
def test_a_job_whose_answer_was_lost_is_found_by_its_token_and_not_sent_again(place, mode):
    place.mode(mode)
    with place.gateway() as (process, client):
        job_id = submit(client)
        until(place.submissions)
        if mode == "hang":
            process.send_signal(signal.SIGKILL)
        else:
            assert ended(client, job_id)["status"] == "Done"
    place.mode("")
    with place.gateway() as (_, client):
        assert ended(client, job_id)["status"] == "Done"
    assert len(place.submissions()) == 1


def test_a_job_that_the_vendor_cannot_find_again_fails_and_is_not_sent_again(place):
    place.mode("hang")
    with place.gateway() as (process, client):
        job_id = submit(client)
        until(place.submissions)
        process.send_signal(signal.SIGKILL)
    place.mode("")
    (place.folder / "v0.token").write_text("forgotten")
    with place.gateway() as (_, client):
        job = ended(client, job_id)
    assert job["status"] == "Error"
    assert "may have reached the vendor" in job["logs"]
    assert len(place.submissions()) == 1


def test_a_job_whose_credentials_went_with_the_server_is_not_sent_and_says_so(place):
    with place.gateway() as (_, client):
        job_id = submit(client)
        ended(client, job_id)
    database = Database(place.url)
    with database.write() as session:
        from sqlalchemy import text

        session.execute(text("UPDATE jobs SET status = 'Submitted', dispatch = NULL"))
    database.close()
    with place.gateway() as (_, client):
        job = ended(client, job_id)
    assert job["status"] == "Error"
    assert "Nothing was sent" in job["logs"]
    assert len(place.submissions()) == 1


def test_cancelling_stops_the_job_at_the_vendor(place):
    place.mode("slow")
    with place.gateway() as (_, client):
        job_id = submit(client)
        until(lambda: client.get(f"/jobs/{job_id}").json()["status"] == "Queued")
        assert client.post(f"/jobs/{job_id}/cancel", json=None).json()["status"] == "Cancelled"
        until(lambda: list(place.folder.glob("*.cancelled")))
        assert client.get(f"/jobs/{job_id}").json()["status"] == "Cancelled"
