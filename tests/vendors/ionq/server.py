"""IonQ's API v0.4, played on this machine: ``web.serve("api.ionq.co", IonQ().site)``.

It reads the payloads as they come over the wire, runs them on Aer (see :mod:`.machine`) and answers in IonQ's shapes,
old or new. Switches make it fail in the ways in which services fail.
"""

import json
import re
import threading
import uuid
from collections import Counter, deque
from datetime import UTC, datetime

from tests.vendors.ionq import machine
from tests.vendors.web import Lost, Response

HOST = "api.ionq.co"
KEY = "ionq-key-for-tests-0123456789"
RATES = {"cost_1q_gate": 0.000164, "cost_2q_gate": 0.001121, "job_cost_minimum": 25.7899}

_PROGRAM = "ionq.qasm3.v1"
_SHOTS = "ionq.result.shots.json.v2"
_GATES = "x,y,z,h,s,si,t,ti,v,vi,rx,ry,rz,cnot,swap,xx,yy,zz,not"


def _backend(name, qubits, two, **more):
    return {
        "backend": name,
        "qubits": qubits,
        "status": "available",
        "average_queue_time": 1181215,
        "last_updated": "2026-11-20T00:00:00Z",
        "supported_gates": _GATES.split(","),
        "supported_native_gates": ["gpi", "gpi2", *two],
        "supported_error_mitigations": ["debiasing"],
        **more,
    }


class IonQ:
    """The service.

    Args:
        shape: ``old`` names results by their address, ``new`` by the id of an artifact.
        looks: How often a job is looked at before it has ended.
    """

    def __init__(self, *, shape="old", looks=0):
        self.shape = shape
        self.looks = looks
        self.key = KEY
        self.jobs = {}
        self.arrived = Counter()
        """How often a job of each name arrived, accepted or not."""

        self.bodies = []
        self.legacy_endpoint = True
        """Whether results are also at the address that they had before artifacts."""

        self.failure = None
        """``(code, message)`` of jobs that come in from now on, which fail."""

        self.debiased_minimum = 97.5
        self.unit = "usd"
        self.page = 25
        self.backends = {
            each["backend"]: each
            for each in (
                _backend("simulator", 29, ["ms", "zz"], noise_models=["ideal", "aria-1", "forte-1"]),
                _backend("qpu.aria-1", 25, ["ms"], status="unavailable"),
                _backend("qpu.forte-1", 36, ["zz"], characterization_id=str(uuid.uuid4())),
            )
        }
        self.connectivity = None
        self._faults = []
        self._lock = threading.Lock()

    def fault(self, method, path, *outcomes):
        """Answer the next requests to a path (a regular expression) otherwise: with a Response, or ``"lost"``.

        A lost answer is one to a request that took effect; ``"cut"`` ends the connection before that.
        """
        self._faults.append((method, re.compile(path), deque(outcomes)))

    def no_more_faults(self):
        """Answer as usual from now on."""
        self._faults.clear()

    def site(self, request):
        """Answer a request."""
        with self._lock:
            outcome = self._fault(request)
            if request.method == "POST" and request.path == "/v0.4/jobs":
                self.arrived[request.json().get("name")] += 1
            if isinstance(outcome, Response):
                return outcome
            if outcome == "cut":
                raise Lost
            response = self._answer(request)
            if outcome == "lost":
                raise Lost
            return response

    def _fault(self, request):
        for method, path, outcomes in self._faults:
            if outcomes and method == request.method and path.fullmatch(request.path.removeprefix("/v0.4")):
                return outcomes.popleft()
        return None

    def _answer(self, request):
        path = request.path.removeprefix("/v0.4")
        if not request.path.startswith("/v0.4/"):
            return _error(404, "there is no such version")
        if not path.startswith("/backends") and request.headers.get("authorization") != f"apiKey {self.key}":
            return _error(401, "Invalid API key provided.")
        for method, pattern, name in _ROUTES:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                return getattr(self, name)(request, *found.groups())
        return _error(404, "Not Found")

    def _list_backends(self, _request):
        return Response(list(self.backends.values()))

    def _one_backend(self, _request, name):
        return Response(self.backends[name]) if name in self.backends else _error(404, "no such backend")

    def _characterizations(self, _request, name):
        if name not in self.backends or "characterization_id" not in self.backends[name]:
            return Response({"characterizations": [], "pages": 0})
        return Response(
            {
                "characterizations": [
                    {
                        "id": self.backends[name]["characterization_id"],
                        "backend": name,
                        "date": "2026-11-19T08:00:00Z",
                        "qubits": self.backends[name]["qubits"],
                        "fidelity": {"spam": {"median": 0.995}, "1q": {"median": 0.9998}, "2q": {"median": 0.992}},
                        "timing": {
                            "readout": 0.00025,
                            "reset": 0.00002,
                            "1q": 0.00013,
                            "2q": 0.00095,
                            "t1": 100,
                            "t2": 1,
                        },
                        **({} if self.connectivity is None else {"connectivity": self.connectivity}),
                    }
                ],
                "pages": 1,
            }
        )

    def _create(self, request):
        body = request.json()
        if len(request.body) > 10_000_000:
            return _error(413, "request entity too large")
        wrong = _wrong(body, self.backends)
        if wrong:
            return _error(400, wrong)
        self.bodies.append(body)
        job = self._new_job(body, body["input"], name=body.get("name"))
        for entry in body["input"].get("circuits", []):
            child = self._new_job(body, {**body["input"], **entry}, name=entry.get("name"), parent=job["id"])
            job["children"].append(child["id"])
        return Response({"id": job["id"], "status": "submitted", "session_id": None}, 201)

    def _new_job(self, body, content, *, name, parent=None):
        job = {
            "id": str(uuid.uuid4()),
            "body": body,
            "input": content,
            "name": name,
            "parent": parent,
            "children": [],
            "looks": self.looks,
            "status": "submitted",
            "failure": self.failure,
            "submitted": datetime.now(UTC).isoformat(),
        }
        self.jobs[job["id"]] = job
        return job

    def _list_jobs(self, request):
        limit = int(request.query.get("limit", [self.page])[0])
        parent = request.query.get("parent_job_id", [None])[0]
        target = request.query.get("target", [None])[0]
        found = [
            job
            for job in reversed(self.jobs.values())
            if job["parent"] == parent and target in (None, job["body"]["backend"])
        ]
        start = int(request.query.get("next", ["0"])[0])
        page, rest = found[start : start + limit], len(found) > start + limit
        return Response({"jobs": [self._shown(job) for job in page], "next": str(start + limit) if rest else None})

    def _one_job(self, _request, job_id):
        if job_id not in self.jobs:
            return _error(404, "job not found")
        job = self.jobs[job_id]
        self._advance(job)
        return Response(self._shown(job))

    def _advance(self, job):
        if job["status"] in ("completed", "failed", "canceled"):
            return
        if job["looks"] > 0:
            job["looks"] -= 1
            job["status"] = {"submitted": "ready", "ready": "started"}.get(job["status"], "started")
            return
        job["status"] = "failed" if job["failure"] else "completed"
        for child in job["children"]:
            self.jobs[child]["status"] = job["status"]

    def _shown(self, job):
        body, done = job["body"], job["status"] == "completed"
        code, reason = job["failure"] or ("", "")
        failure = {"code": code, "error" if self.shape == "old" else "message": reason}
        circuits = [self.jobs[child]["input"] for child in job["children"]] or [job["input"]]
        return {
            "id": job["id"],
            "status": job["status"],
            "type": body["type"],
            "backend": body["backend"],
            "name": job["name"],
            "metadata": body.get("metadata"),
            "shots": body["shots"],
            "dry_run": False,
            "submitter_id": "someone",
            "project_id": None,
            "session_id": None,
            "parent_job_id": job["parent"],
            "submitted_at": job["submitted"],
            "started_at": job["submitted"] if done else None,
            "completed_at": job["submitted"] if done else None,
            "predicted_wait_time_ms": 4000,
            "predicted_execution_duration_ms": 2000,
            "execution_duration_ms": 1500 if done else None,
            "child_job_ids": job["children"] or None,
            "failure": failure if job["status"] == "failed" else None,
            "settings": body.get("settings", {}),
            "noise": body.get("noise"),
            "output": {"error_mitigation": {"debiasing": self.debiased(job)}},
            "stats": {"qubits": body["input"].get("qubits"), "circuits": len(circuits)},
            "results": self._results(job) if done else None,
        }

    def debiased(self, job):
        """Whether the machine evens out its biases for a job: always if it was told so, else by IonQ's default."""
        body = job["body"]
        told = body.get("settings", {}).get("error_mitigation", {}).get("debiasing")
        if body["backend"] == "simulator":
            return False
        return body["shots"] >= 500 and body["input"].get("gateset") == "qis" if told is None else told

    def _results(self, job):
        several = bool(job["children"])
        if job["body"]["type"] == _PROGRAM:
            return {_SHOTS: {"id": f"{job['id']}-{_SHOTS}", "format": _SHOTS, "media_type": "application/json"}}
        if self.shape == "old":
            address = f"/v0.4/jobs/{job['id']}/results/probabilities"
            return {"probabilities": {"url": f"{address}/aggregated" if several else address}}
        names = ["probabilities-aggregate.json.v1"] if several else ["probabilities.json.v2", "histogram.json.v2"]
        formats = [f"ionq.result.{name}" for name in names]
        return {
            each: {"id": f"{job['id']}-{each}", "format": each, "media_type": "application/json"} for each in formats
        }

    def _probabilities(self, request, job_id):
        job = self.jobs.get(job_id)
        if job is None or job["status"] != "completed" or not self.legacy_endpoint or job["children"]:
            return _error(404, "no results")
        return Response(self._by_state(job, sharpen=request.query.get("sharpen", ["false"])[0].lower() == "true"))

    def _aggregated(self, _request, job_id):
        job = self.jobs.get(job_id)
        if job is None or job["status"] != "completed" or not self.legacy_endpoint or not job["children"]:
            return _error(404, "no results")
        return Response(self._aggregate(job))

    def _artifact(self, _request, job_id, artifact):
        job = self.jobs[job_id]
        if artifact.endswith("probabilities-aggregate.json.v1"):
            return Response(self._aggregate(job))
        if artifact.endswith(_SHOTS):
            program = job["input"]["data"]
            return Response({"shots": machine.shots_by_register(program, shots=job["body"]["shots"], seed=7)})
        weights = self._by_state(job)
        width = job["input"]["qubits"]
        kind = "histogram" if "histogram" in artifact else "probabilities"
        scale = job["body"]["shots"] if kind == "histogram" else 1
        register = {f"{int(state):0{width}b}"[::-1]: weight * scale for state, weight in weights.items()}
        return Response({kind: {"registers": {"output_all": register}}})

    def _aggregate(self, job):
        # In no order: who trusts that of the answer mixes up circuits.
        return {child: self._by_state(self.jobs[child]) for child in sorted(job["children"])}

    def _by_state(self, job, *, sharpen=False):
        """Probabilities by the number of the state, bit k of which is qubit k."""
        body, content = job["body"], job["input"]
        noise = body.get("noise") or {}
        circuit = machine.circuit_of(content["circuit"], content["qubits"], content["gateset"])
        if body["backend"] == "simulator" and noise.get("model", "ideal") == "ideal":
            weights = machine.probabilities(circuit)
        else:
            seed = noise.get("seed") or 7
            weights = machine.frequencies(circuit, shots=body["shots"], seed=seed, error=0.02 if noise else 0.0)
        if sharpen and self.debiased(job):
            most = max(weights, key=weights.get)
            weights = {most: 1.0}
        return {str(state): weight for state, weight in weights.items()}

    def _estimate(self, request):
        asked = {name: values[0] for name, values in request.query.items()}
        mitigated = asked.get("error_mitigation") == "true"
        minimum = self.debiased_minimum if mitigated else RATES["job_cost_minimum"]
        usd = self._cost_of(
            asked["backend"], minimum, *(int(asked[name]) for name in ("1q_gates", "2q_gates", "shots"))
        )
        if self.shape == "old":
            return Response(
                {
                    "input_values": asked,
                    "estimated_at": "2026-11-20T10:00:00.000Z",
                    "cost_unit": self.unit,
                    "estimated_cost": usd,
                    "estimated_execution_time": 96,
                    "current_predicted_queue_time": 397,
                    "rate_information": {"organization": "someone", **RATES, "job_cost_minimum": minimum},
                }
            )
        card = {"sku": "someone", "unit": "gates", **RATES, "job_cost_minimum": minimum}
        return Response(
            {
                "estimate_context": {**asked, "organization": None, "project": None},
                "estimated_at": "2026-11-20T10:00:00.000Z",
                "estimated_unit": self.unit,
                "estimated_total_cost": usd,
                "rate_card": {"id": "card", "rates": [card]},
                "estimated_execution_time": 96250,
                "current_predicted_queue_time": 397577,
            }
        )

    def _cost(self, _request, job_id):
        job = self.jobs[job_id]
        minimum = self.debiased_minimum if self.debiased(job) else RATES["job_cost_minimum"]
        circuits = [self.jobs[child]["input"] for child in job["children"]] or [job["input"]]
        counts = [machine.gate_counts(each["circuit"]) for each in circuits]
        total = [sum(each) for each in zip(*counts, strict=True)]
        usd = self._cost_of(job["body"]["backend"], minimum, *total, job["body"]["shots"])
        answer = {"dry_run": False, "estimated_cost": {"value": usd, "unit": self.unit}}
        if job["status"] == "completed":
            answer["cost"] = {"value": round(usd * 0.99, 4), "unit": self.unit}
        return Response({"dry_run": False} if job["body"]["backend"] == "simulator" else answer)

    def _cost_of(self, backend, minimum, ones, twos, shots):
        if backend == "simulator":
            return 0.0
        return round(max(minimum, shots * (ones * RATES["cost_1q_gate"] + twos * RATES["cost_2q_gate"])), 4)

    def _cancel(self, _request, job_id):
        job = self.jobs.get(job_id)
        if job is None:
            return _error(404, "job not found")
        if job["status"] in ("completed", "failed"):
            return _error(400, f"job is {job['status']}")
        job["status"] = "canceled"
        return Response({"id": job_id, "status": "canceled"})


_ROUTES = [
    (method, re.compile(path), name)
    for method, path, name in (
        ("GET", "/backends", "_list_backends"),
        ("GET", "/backends/([^/]+)", "_one_backend"),
        ("GET", "/backends/([^/]+)/characterizations", "_characterizations"),
        ("POST", "/jobs", "_create"),
        ("GET", "/jobs", "_list_jobs"),
        ("GET", "/jobs/estimate", "_estimate"),
        ("GET", "/jobs/([^/]+)", "_one_job"),
        ("GET", "/jobs/([^/]+)/cost", "_cost"),
        ("PUT", "/jobs/([^/]+)/status/cancel", "_cancel"),
        ("GET", "/jobs/([^/]+)/results/probabilities", "_probabilities"),
        ("GET", "/jobs/([^/]+)/results/probabilities/aggregated", "_aggregated"),
        ("GET", "/jobs/([^/]+)/artifacts/([^/]+)", "_artifact"),
    )
]


def _error(status, message):
    return Response({"statusCode": status, "error": "Error", "message": message}, status)


def _wrong(body, backends):
    """Why a job is refused; None if it is not."""
    content = body.get("input") or {}
    circuits = [content, *content["circuits"]][1:] if "circuits" in content else [content]
    backend = backends.get(body.get("backend"))
    if backend is None:
        return "backend is not known"
    if body.get("type") == _PROGRAM:
        return None if "OPENQASM 3" in content.get("data", "") else "data is no OpenQASM 3"
    if body.get("type") != ("ionq.multi-circuit.v1" if "circuits" in content else "ionq.circuit.v1"):
        return f"type {body.get('type')} does not fit the input"
    if not isinstance(body.get("shots"), int) or body["shots"] < 1:
        return "shots must be a positive number"
    if any(not isinstance(value, str) for value in (body.get("metadata") or {}).values()):
        return "metadata must be texts"
    if len(circuits) > 5000 or sum(len(each["circuit"]) for each in circuits) > 150_000:
        return "too many circuits or gates"
    if not 1 <= content.get("qubits", 0) <= backend["qubits"]:
        return f"qubits is {content.get('qubits')}"
    for each in circuits:
        try:
            machine.circuit_of(each["circuit"], content["qubits"], content["gateset"])
        except (machine.UnsupportedError, KeyError, ValueError) as error:
            return f"a gate cannot be used: {json.dumps(str(error))}"
    return None
