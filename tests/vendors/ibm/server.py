"""IBM Quantum for the tests: IAM, Global Search, the catalog and the Quantum API, with jobs that run on Aer.

server = IBM()
web.serve("*.cloud.ibm.com", server.site)
server.queue = 2              # a job is queued for so many looks
server.fail("POST", "/jobs", Response(status=503), times=2)
server.lose = 1               # the answer of so many submissions is lost after the job was accepted
"""

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import qiskit_ibm_runtime

from tests.vendors.ibm import programs
from tests.vendors.web import Lost, Response

KEY = "ibm-key-for-tests-0123456789"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/0123456789abcdef0123456789abcdef:11112222-3333-4444::"
PLAN = "plan-of-the-tests"
FINAL = ("Completed", "Failed", "Cancelled")

_BACKENDS = Path(qiskit_ibm_runtime.__file__).parent / "fake_provider" / "backends"


@dataclass
class Job:
    """A job that was accepted."""

    id: str
    body: dict
    params: str
    """As the client sent them."""

    queue: int
    status: str = "Queued"
    reason: str = ""
    code: int | None = None
    result: str = ""
    tags: list = field(default_factory=list)


class IBM:
    """The service; its attributes may be changed while it plays.

    Args:
        devices: For each device the snapshot of qiskit-ibm-runtime that it is.
        key: The key of the account.
        crn: Its only instance.
    """

    def __init__(self, devices=None, *, key=KEY, crn=CRN):
        self.key, self.crn = key, crn
        self.devices = {"ibm_manila": "manila"} if devices is None else devices
        self.jobs: dict[str, Job] = {}
        self.sessions: dict[str, dict] = {}
        self.offline: set[str] = set()
        self.fractional = False
        """Whether the devices have fractional gates; they need cz."""

        self.plan = "Pay-as-you-go"
        self.simulators: set[str] = set()
        """Devices that are simulators and take any circuit."""

        self.pending = 3
        self.queue = 0
        self.lose = 0
        self.reason = ""
        """Why jobs fail; empty if they do not."""

        self.seconds = 4.1
        self._faults: list[list] = []
        self._lock = threading.RLock()

    def fail(self, method, path, response, times=1):
        """Answer the next requests to a path with this, before they take effect."""
        self._faults.append([method, path, response, times])

    def submitted(self):
        """The jobs, in the order of their submission."""
        return list(self.jobs.values())

    def site(self, request):
        """Play all hosts of ``cloud.ibm.com``."""
        name = request.host.removesuffix(".cloud.ibm.com")
        play = {
            "iam": self._iam,
            "api.global-search-tagging": self._search,
            "globalcatalog": self._catalog,
            "quantum": self._quantum,
        }.get(name)
        return Response({"errors": [{"message": f"no such host: {name}"}]}, 404) if play is None else play(request)

    # Who may come in

    def _iam(self, request):
        if parse_qs(request.body.decode()).get("apikey") != [self.key]:
            return Response({"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."}, 400)
        now = int(time.time())
        claims = {"iat": now, "exp": now + 3600, "iam_id": "tests"}
        parts = [{"alg": "RS256", "typ": "JWT"}, claims, {}]
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return Response(
            {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "expiration": now + 3600, "scope": ""}
        )

    def _search(self, request):
        item = {
            "crn": self.crn,
            "name": "tests",
            "service_plan_unique_id": PLAN,
            "tags": [],
            "doc": {"extensions": [1]},
        }
        return Response({"items": [item], "limit": 100})

    def _catalog(self, request):
        assert request.path == f"/api/v1/{PLAN}"
        about = {"overview_ui": {"en": {"display_name": self.plan}}, "metadata": {"pricing": {"type": "paygo"}}}
        return Response(about)

    # The Quantum API

    def _quantum(self, request):
        bearer = request.headers.get("authorization", "").startswith("Bearer ")
        if not bearer or request.headers.get("service-crn") != self.crn:
            return _error(401, "the token is not valid", 1200)
        kind, *rest = request.path.removeprefix("/api/v1").strip("/").split("/")
        with self._lock:
            for fault in self._faults:
                if fault[:2] == [request.method, request.path.removeprefix("/api/v1")] and fault[3]:
                    fault[3] -= 1
                    return fault[2]
            play = {
                "backends": self._devices,
                "jobs": self._jobs,
                "sessions": self._sessions,
                "instances": self._usage,
            }[kind]
            return play(request, *rest)

    def _usage(self, request, what):
        assert what == "usage"
        return Response({"usage_consumed_seconds": 12, "usage_limit_seconds": 600, "usage_limit_reached": False})

    def _devices(self, request, name=None, what=None):
        if name is None:
            return Response({"devices": [self._listed(name) for name in self.devices]})
        if name not in self.devices:
            return _error(404, f"there is no backend {name}", 1234)
        if what == "status":
            on = name not in self.offline
            return Response({"state": on, "status": "active" if on else "internal", "length_queue": self.pending})
        return Response(self._file(name, {"configuration": "conf", "properties": "props"}[what]))

    def _listed(self, name):
        status = {"name": "offline" if name in self.offline else "online", "reason": ""}
        qubits = self._file(name, "conf")["n_qubits"]
        return {"name": name, "status": status, "qubits": qubits, "queue_length": self.pending, "is_simulator": False}

    def _file(self, name, kind):
        snapshot = self.devices[name]
        path = _BACKENDS / snapshot / f"{kind}_{snapshot}.json"
        found = {**json.loads(path.read_text()), "backend_name": name}
        if kind == "conf" and self.fractional:
            found["basis_gates"] += ["rx", "rzz"]
            pairs = next(gate["coupling_map"] for gate in found["gates"] if gate["name"] == "cz")
            single = [[qubit] for qubit in range(found["n_qubits"])]
            for gate, places in (("rx", single), ("rzz", pairs)):
                found["gates"].append({"name": gate, "parameters": ["t"], "qasm_def": "", "coupling_map": places})
        if kind == "conf" and name in self.simulators:
            found |= {"simulator": True, "coupling_map": None, "n_qubits": 30, "max_shots": 1_000_000}
        return found

    def _sessions(self, request, name=None, what=None):
        if request.method == "POST":
            name = f"session-{len(self.sessions)}"
            body = request.json()
            self.sessions[name] = {
                "id": name, "backend_name": body["backend"], "mode": body["mode"], "max_ttl": body.get("max_ttl"),
                "state": "open", "accepting_jobs": True, "elapsed_time": self.seconds,
            }  # fmt: skip
            return Response(self.sessions[name])
        if name not in self.sessions:
            return _error(404, f"there is no session {name}", 1235)
        session = self.sessions[name]
        if request.method == "PATCH":
            session.update(request.json())
        elif request.method == "DELETE":
            session.update(state="closed", accepting_jobs=False)
            for job in self.jobs.values():
                if job.body.get("session_id") == name and job.status not in FINAL:
                    job.status = "Cancelled"
        return Response(session)

    def _jobs(self, request, name=None, what=None):
        if name is None:
            return self._submit(request) if request.method == "POST" else self._list(request)
        if name not in self.jobs:
            return _error(404, f"there is no job {name}", 1291)
        return _JOB[what](self, self.jobs[name], request)

    def _submit(self, request):
        body = request.json()
        session = self.sessions.get(body.get("session_id"))
        if session is not None and not session["accepting_jobs"]:
            return _error(400, "the session is closed", 1217)
        if body["backend"] not in self.devices:
            return _error(404, f"there is no backend {body['backend']}", 1234)
        job = Job(
            id=f"job-{len(self.jobs)}",
            body=body,
            params=json.dumps(body["params"]),
            queue=self.queue,
            tags=body.get("tags", []),
        )
        self.jobs[job.id] = job
        if self.lose:
            self.lose -= 1
            raise Lost
        return Response({"id": job.id, "backend": body["backend"]})

    def _list(self, request):
        ask = {name: values for name, values in request.query.items() if name not in ("exclude_params", "sort")}
        offset, limit = (int(ask.pop(name, [default])[0]) for name, default in (("offset", "0"), ("limit", "10")))
        tags = set(ask.pop("tags", []))
        found = [job for job in reversed(self.jobs.values()) if tags <= set(job.tags)]
        for name, values in ask.items():
            assert name in ("backend", "session_id"), f"the fake cannot filter by {name}"
            found = [job for job in found if job.body.get(name) == values[0]]
        page = [self._told(job) for job in found[offset : offset + limit]]
        return Response({"jobs": page, "count": len(found), "limit": limit, "offset": offset})

    def _told(self, job):
        state = {"status": job.status}
        if job.reason:
            state |= {"reason": job.reason, "reason_code": job.code}
        return {
            "id": job.id, "backend": job.body["backend"], "status": job.status, "state": state, "tags": job.tags,
            "program": {"id": job.body["program_id"]}, "created": "2026-11-20T10:00:00.000Z", "private": False,
            "session_id": job.body.get("session_id"), "cost": job.body.get("cost"),
            "estimated_running_time_seconds": self.seconds, "usage": {"quantum_seconds": self.seconds},
        }  # fmt: skip

    # One job

    def _look(self, job, request):
        if request.method == "DELETE":
            del self.jobs[job.id]
            return Response(status=204)
        if job.status not in FINAL:
            self._step(job)
        params = {} if request.query.get("exclude_params") == ["true"] else {"params": job.body["params"]}
        return Response(self._told(job) | params)

    def _step(self, job):
        if job.queue:
            job.queue -= 1
        elif self.reason:
            job.status, job.reason, job.code = "Failed", self.reason, 8888
        elif job.status == "Queued":
            job.status = "Running"
        else:
            try:
                job.result = programs.run(job.body["program_id"], job.params)
                job.status = "Completed"
            except Exception as error:
                job.status, job.reason, job.code = "Failed", f"{type(error).__name__}: {error}", 9999

    def _results(self, job, request):
        return Response(job.result, headers={"content-type": "application/json"}) if job.result else Response("", 204)

    def _cancel(self, job, request):
        if job.status in FINAL:
            return _error(409, "the job has ended", 1280)
        job.status = "Cancelled"
        return Response(status=204)

    def _metrics(self, job, request):
        ended = job.status in FINAL
        moments = {"created": "2026-11-20T10:00:00.000Z", "running": None, "finished": None}
        if ended:
            moments |= {"running": "2026-11-20T10:00:30.000Z", "finished": "2026-11-20T10:00:36.500Z"}
        used = self.seconds if job.status == "Completed" else 0
        usage = {"status": "final" if ended else "pending", "qpu_charge_time_seconds": used, "quantum_seconds": used}
        return Response({"timestamps": moments, "usage": usage, "bss": {"seconds": used}})

    def _logs(self, job, request):
        return Response(f"log of {job.id}")

    def _tags(self, job, request):
        job.tags = request.json()["tags"]
        return Response(status=204)


_JOB = {
    None: IBM._look,
    "results": IBM._results,
    "cancel": IBM._cancel,
    "metrics": IBM._metrics,
    "logs": IBM._logs,
    "tags": IBM._tags,
}


def _error(status, message, code):
    return Response(
        {"errors": [{"message": message, "code": code}], "error": {"message": message, "code": code}}, status
    )
