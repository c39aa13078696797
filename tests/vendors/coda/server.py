"""Coda as its clients see it: takes OpenQASM 3 or Qiskit programs, runs them on Aer, and counts what is to be paid.

coda = FakeCoda()
web.serve(HOST, coda.site)
coda.upset("POST /qpus", LOST)             # the next submission takes effect, but its answer is lost
coda.upset("GET /qpus", Response(status=503), Response(status=503))
"""

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from qiskit import QuantumCircuit, qasm3
from qiskit_aer import AerSimulator

from tests.vendors.web import Lost, Request, Response

HOST = "api.conductorquantum.com"
BASE = "/v0/coda"
TOKEN = "coda_of-ada-7f3a9c51"
LOST = "lost"
"""A trouble: the request takes effect, but its answer is lost."""

DEVICES = [
    {"id": "iqm", "name": "IQM Garnet", "provider": "IQM", "num_qubits": 20, "status": "online", "queue_depth": 3},
    {"id": "ionq", "name": "IonQ Forte", "qubits": 36, "status": "offline"},
    {"name": "lab-qpu"},
]
"""No stored page tells more than that there is a name and usually an id."""


@dataclass
class Job:
    """A submission that was accepted."""

    body: dict[str, Any]
    counts: dict[str, int]
    shots: int
    looks: int = 0
    """How often it was asked for."""

    failure: str | None = None
    """Why it fails, if it does."""


@dataclass
class FakeCoda:
    """The service.

    Args:
        devices: The list of devices, of any shape.
        first_first: Whether the first measured bit is the first character of an outcome; else the last is, as in
            Qiskit.
        credits: Cents that are left before overage has to be accepted.
        waits: How often a job is asked for before it has ended.
        seed: Seed of the simulator.
    """

    devices: Any = field(default_factory=lambda: list(DEVICES))
    first_first: bool = False
    credits: float = 1e9
    waits: int = 0
    seed: int = 7
    jobs: dict[str, Job] = field(default_factory=dict)
    failure: str | None = None
    """Why jobs fail that are submitted from now on."""

    missing_shots: int = 0
    """Shots that are lost of each job."""

    _troubles: dict[str, list[Response | str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def upset(self, name: str, *troubles: Response | str) -> None:
        """What happens to the next requests such as ``POST /qpus``: an answer in place of the right one, or LOST."""
        self._troubles[name] = list(troubles)

    def site(self, request: Request) -> Response:
        """Answer a request."""
        path = request.path.removeprefix(BASE)
        name = f"{request.method} {path}"
        with self._lock:
            trouble = self._troubles[name].pop(0) if self._troubles.get(name) else None
            if isinstance(trouble, Response):
                return trouble
            answer = self._answer(name, request)
        if trouble == LOST:
            raise Lost
        return answer

    def _answer(self, name: str, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response({"detail": "Invalid API token"}, 401)
        doers = {
            "GET /health": lambda _: Response({"status": "ok"}),
            "GET /qpus": lambda _: Response({"success": True, "devices": self.devices}),
            "POST /qpus": self._run,
            "POST /qpus/status": self._status,
            "POST /qpus/estimate-cost": self._estimate,
            "POST /tools/transpile": self._transpile,
        }
        return doers[name](request.json()) if name in doers else Response({"detail": "Not Found"}, 404)

    def _run(self, body: dict[str, Any]) -> Response:
        wrong = self._wrong(body)
        if wrong is not None:
            return wrong
        cents = _cents(body)
        if cents > self.credits and not body["accept_overage"]:
            return Response({"detail": "Insufficient credits; set accept_overage to continue"}, 402)
        overage = max(0.0, cents - self.credits)
        self.credits = max(0.0, self.credits - cents)
        shots = body["shots"] - self.missing_shots
        job_id = str(uuid.uuid4())
        counts = self._counts(_circuit(body), shots)
        self.jobs[job_id] = Job(body, counts, shots, failure=self.failure)
        return Response(
            {
                "success": True,
                "job_id": job_id,
                "status": "submitted",
                "backend": body["backend"],
                "shots": body["shots"],
                "estimated_cost_cents": cents,
                "credits_applied": 2,
                "overage_cents": overage,
            }
        )

    def _status(self, body: dict[str, Any]) -> Response:
        job = self.jobs.get(body["job_id"])
        if job is None:
            return Response({"success": False, "error": f"Job {body['job_id']} not found"})
        job.looks += 1
        about = {"success": True, "job_id": body["job_id"]}
        if job.looks <= self.waits:
            return Response({**about, "status": "queued" if job.looks == 1 else "running"})
        if job.failure is not None:
            return Response({**about, "success": False, "status": "failed", "error": job.failure})
        return Response({**about, "status": "completed", "results": job.counts})

    def _estimate(self, body: dict[str, Any]) -> Response:
        assert "accept_overage" not in body
        return self._wrong(body) or Response({"success": True, "estimated_cost_cents": _cents(body)})

    def _transpile(self, body: dict[str, Any]) -> Response:
        """To OpenQASM 3 only."""
        if body["target"] != "openqasm3":
            return Response({"success": False, "error": f"cannot write {body['target']}"})
        circuit = _circuit({"code": body["source_code"], "source_framework": "qiskit"})
        names = {"source_framework": "qiskit", "target_framework": "openqasm3"}
        return Response({"success": True, **names, "converted_code": qasm3.dumps(circuit)})

    def _wrong(self, body: dict[str, Any]) -> Response | None:
        """The refusal of a body that cannot be run."""
        known = {device.get("id") or device["name"] for device in self.devices}
        for name, bad in {
            "shots": not 10 <= body.get("shots", 100) <= 10_000,
            "source_framework": body.get("source_framework") not in ("qiskit", "openqasm3"),
            "backend": body.get("backend") not in known,
        }.items():
            if bad:
                issue = {"loc": ["body", name], "msg": "Input is not allowed", "type": "value_error", "input": body}
                return Response({"detail": [issue]}, 422)
        return None

    def _counts(self, circuit: QuantumCircuit, shots: int) -> dict[str, int]:
        simulator = AerSimulator(seed_simulator=self.seed + len(self.jobs))
        counts = simulator.run(circuit, shots=shots).result().get_counts()
        return {self._written(outcome.replace(" ", "")): count for outcome, count in counts.items()}

    def _written(self, outcome: str) -> str:
        return outcome[::-1] if self.first_first else outcome


def _cents(body: dict[str, Any]) -> int:
    """The example of the documentation: 130 cents for 100 shots."""
    return 30 + body.get("shots", 100)


def _circuit(body: dict[str, Any]) -> QuantumCircuit:
    if body["source_framework"] == "openqasm3":
        return qasm3.loads(body["code"])
    names: dict[str, Any] = {}
    exec(body["code"], names)
    return next(value for value in names.values() if isinstance(value, QuantumCircuit))
