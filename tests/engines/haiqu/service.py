"""A scripted service: as little of the REST API as the engine needs, with answers that a test can change."""

import json
import re
import threading

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.store import JobStore
from tests.api.odd_server import Answer

WHEN = "2026-01-02T03:04:05Z"
USER = {"email": "", "username": "ada", "first_name": "", "last_name": "", "api_access_key": "***"}
KEY = "key-of-the-desk-0123456789"
LINE = {
    "id": "ibm_line",
    "vendor": "IBM",
    "name": "Line",
    "qubits": 3,
    "status": "online",
    "simulator": False,
    "operation_names": ["cz", "rz", "sx", "x", "measure"],
    "coupling_map": [[0, 1], [1, 2]],
}
SIMULATOR = {**LINE, "id": "aer_simulator", "simulator": True, "operation_names": None, "coupling_map": None}


class Desk:
    """The service, its jobs, and an engine that speaks to it.

    Args:
        server: The server that answers.
        results: ``quantum_results`` of every job.
        timeout: Time limit of the client.
    """

    def __init__(self, server, *, results=None, timeout=20.0):
        self.server = server
        self.results = results if results is not None else [{"00": 0.5, "11": 0.5}]
        self.jobs = {}
        self.fields = {}
        """What differs in the jobs from what was asked for."""

        self._lock = threading.Lock()
        experiment = {"id": "exp-1", "name": "e", "description": "", "creation_date": WHEN, "user_id": 1, "user": USER}
        server.on("POST /experiments/init", Answer(json={**experiment, "circuits_count": 0}))
        server.on("GET /devices", Answer(json=[LINE, SIMULATOR]))
        server.on("POST /circuits", self.upload)
        server.on("POST /run", self.run)
        server.on("POST /flow", self.flow)
        server.on("GET /experiments/exp-1/jobs", lambda _: Answer(json=[*reversed(self.jobs.values())]))
        self.client = HaiquClient(KEY, url=server.url, timeout=timeout, retry_seconds=0.5)
        self.engine = HaiquEngine(
            self.client, experiment="e", home=lambda: JobStore().home, credentials=lambda _device: {}
        )

    def close(self):
        """Close the client."""
        self.client.close()

    def backend(self, device="aer_simulator", **options):
        """A backend of the engine."""
        (record,) = [record for record in self.engine.devices() if record.id == device]
        return HaiquBackend(self.engine, record, store=JobStore(), options=options)

    def upload(self, asked):
        """The answer to an upload."""
        body = asked.json
        with self._lock:
            number = self.server.count("POST /circuits")
        circuit = {
            **{name: body[name] for name in ("name", "hash", "experiment_id")},
            "id": f"circ-{body['hash'][:8]}-{number}",
            "user_id": 1,
            "creation_date": WHEN,
            "status": "Done",
            "generated": False,
        }
        return Answer(json=circuit)

    def accept(self, asked, **more):
        """The job of a submission; one of the same token is the same."""
        body = asked.json
        token = re.search(r"\[client-token:(\w+)\]", body["description"])[1]
        with self._lock:
            if token not in self.jobs:
                self.jobs[token] = self._job(body, f"jb-{len(self.jobs) + 1}", **more)
        job = self.jobs[token]
        self.server.on(f"GET /jobs/{job['id']}", lambda _: Answer(json=self.jobs[token]))
        return Answer(json=job)

    def run(self, asked):
        """The answer to ``POST /run``."""
        return self.accept(asked, job_type="Run")

    def flow(self, asked):
        """The answer to ``POST /flow``."""
        return self.accept(asked, job_type="Hybrid", input_circuit_ids=asked.json["circuit_ids"])

    def bodies(self, name="POST /run"):
        """The bodies that were sent."""
        return [asked.json for asked in self.server.requests if asked.name == name]

    def end(self, **fields):
        """Change all jobs."""
        for job in self.jobs.values():
            job.update(fields)

    def _job(self, body, job_id, **more):
        free = {name: body.get(name) for name in ("parameters", "observables", "readout_bases")}
        return {
            **json.loads(json.dumps(body)),
            **free,
            "id": job_id,
            "user_id": 1,
            "status": "Done",
            "creation_date": WHEN,
            "quantum_results": None if body.get("dry_run") else self.results,
            "estimated_qpu_cost": None,
            "info": {},
            **more,
            **self.fields,
        }
