"""A Haiqu-compatible server on your own machine: start it, make a key, run a circuit over REST.

pip install 'qiskit-haiqu-provider[gateway]' httpx
"""

import base64
import os
import subprocess
import sys
import tempfile
import time

import httpx
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.run.formats import write_qpy

COMMAND = [sys.executable, "-m", "qiskit_haiqu_provider.cli"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HAIQU_HOME": folder}  # a database of its own, gone at the end
        make_key = [*COMMAND, "keys", "create", "--user", "ada"]
        key = subprocess.run(make_key, env=environment, capture_output=True, text=True, check=True).stdout.strip()

        serve = [*COMMAND, "serve", "--port", "0", "--workers", "1"]
        with subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                url = server.stdout.readline().split()[-1]
                print(f"serving at {url}")
                with httpx.Client(base_url=url, headers={"authorization": key}, timeout=60) as client:
                    run(client)
            finally:
                server.terminate()


def run(client: httpx.Client) -> None:
    wait_for(lambda: ready(client))
    experiment = client.post("/experiments/init", json={"name": "Bell states"}).json()["id"]

    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    qpy = base64.b64encode(write_qpy(bell)).decode()
    upload = {"experiment_id": experiment, "name": "bell", "hash": "bell", "qpy_dump": qpy}
    circuit = client.post("/circuits", json=upload).json()

    for device in ("aer_simulator", "fake_torino"):
        body = {"experiment_id": experiment, "circuit_ids": [circuit["id"]], "device_id": device, "shots": 4096}
        job = client.post("/run", json=body, headers={"Idempotency-Key": f"bell on {device}"}).json()
        done = wait_for(lambda job=job: ended(client, job["id"]))
        print(f"{device}: {done['status']}, {done['quantum_results'][0]}")


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/version").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def ended(client: httpx.Client, job_id: str) -> dict | None:
    job = client.get(f"/jobs/{job_id}").json()
    return job if job["status"] in {"Done", "Error", "Cancelled"} else None


def wait_for(question):
    while not (answer := question()):
        time.sleep(0.1)
    return answer


if __name__ == "__main__":
    main()
