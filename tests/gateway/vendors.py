"""A vendor for the tests: a service of its own process over loopback, and the room that talks to it.

The service runs what it is sent on Aer and keeps every submission in a file, so that tests can count them. It can be
told to be slow, and to swallow answers. It is run as ``python -m tests.gateway.vendors service FOLDER``, and a gateway
that uses it as ``python -m tests.gateway.vendors gateway SERVICE_URL DATABASE_URL``; ``none`` is a gateway without it.
"""

import json
import pickle
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.circuits import executions, samples_of_counts
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.direct.options import check, common_options, defaults
from qiskit_haiqu_provider.engines.direct.port import Look, Sent, VendorJob
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquConnectionError
from qiskit_haiqu_provider.run.request import RunRequest

DEVICE = "vendor_one"
CENTS_PER_SHOT = 2
_OPTIONS = common_options(max_shots=100_000)


class Service(BaseHTTPRequestHandler):
    """``POST /submit``, ``GET /find/TOKEN``, ``GET /result/ID``, ``POST /cancel/ID``; ``mode`` says how it behaves."""

    folder: Path
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/submit":
            self._submit(body)
        elif self.path.startswith("/cancel/"):
            (self.folder / f"{self.path.rsplit('/', 1)[1]}.cancelled").touch()
            self._answer(b"{}")

    def do_GET(self) -> None:
        kind, name = self.path.strip("/").split("/")
        if kind == "find":
            found = [p.stem for p in self.folder.glob("*.token") if p.read_text() == name]
            self._answer(json.dumps(found[0] if found else None).encode())
        elif (self.folder / f"{name}.cancelled").exists():
            self._answer(b"", status=410)
        elif self._mode() == "slow" or not (self.folder / f"{name}.result").exists():
            self._answer(b"", status=202)
        else:
            self._answer((self.folder / f"{name}.result").read_bytes())

    def _submit(self, body: bytes) -> None:
        order = pickle.loads(body)
        with self.lock:
            number = len(list(self.folder.glob("*.token")))
            name = f"v{number}"
            (self.folder / f"{name}.token").write_text(order["token"])
            (self.folder / f"{name}.key").write_text(order["key"])
        result = AerSimulator().run(order["circuit"], shots=order["shots"], seed_simulator=number).result()
        written = self.folder / f"{name}.written"
        written.write_bytes(json.dumps(result.get_counts()).encode())
        written.replace(self.folder / f"{name}.result")  # whole from its first moment on
        mode = self._mode()
        if mode == "swallow":
            self.connection.close()
            return
        if mode == "hang":
            time.sleep(600)
        self._answer(json.dumps(name).encode())

    def _mode(self) -> str:
        path = self.folder / "mode"
        return path.read_text() if path.exists() else ""

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class LoopbackRoom:
    """The service behind the port of vendors: one circuit a job."""

    via = "vendor"
    at_once = 1

    def __init__(self, url: str, key: str) -> None:
        self.account = url
        self._key = key

    def identity(self, device: str) -> str:
        return self.account

    def devices(self) -> Sequence[DeviceRecord]:
        return [DeviceRecord(id=DEVICE, via=self.via, vendor="Loopback", num_qubits=20, simulator=False)]

    def target(self, device: str, options: Mapping[str, Any]) -> Any:
        return LocalEngine().target(AER, {})

    def default_options(self, device: str) -> Mapping[str, Any]:
        return defaults(_OPTIONS)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        check(options, _OPTIONS, owner=device)

    def max_shots(self, device: str) -> int:
        return 100_000

    def pending_jobs(self, device: str) -> int:
        return 0

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def mitigates(self, request: RunRequest) -> bool:
        return False

    def recompiles(self, request: RunRequest) -> str:
        return ""

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        return [
            VendorJob(
                slots=(one.slot,),
                content={"circuit": one.circuit, "shots": one.shots},
                circuits=1,
                shots=one.shots,
                facts={"bits": one.circuit.num_clbits},
            )
            for one in executions(request)
        ]

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        shots = sum(job.shots for job in jobs)
        return CostEstimate(
            device=DEVICE,
            via=self.via,
            amount=CENTS_PER_SHOT * shots,
            unit="cents",
            usd=CENTS_PER_SHOT * shots / 100,
            circuits=len(jobs),
            shots=shots,
            lines=(),
            basis="So much a shot.",
            source="the tests",
            as_of=date(2026, 1, 1),
        )

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:
        body = pickle.dumps({"token": token, "key": self._key, **job.content})
        name: str = json.loads(self._ask("submit", body)[1])
        return Sent(name)

    def find(self, token: str, *, device: str) -> str | None:
        found: str | None = json.loads(self._ask(f"find/{token}")[1])
        return found

    def look(self, job_id: str, *, device: str) -> Look:
        status, _ = self._ask(f"result/{job_id}")
        stands = {200: JobStatus.DONE, 202: JobStatus.QUEUED, 410: JobStatus.CANCELLED}[status]
        return Look(status=stands, word=str(status), run=1.0)

    def read(self, job_id: str, job: SentJob, *, device: str) -> Any:
        return [samples_of_counts([json.loads(self._ask(f"result/{job_id}")[1])], job.facts["bits"])]

    def cancel(self, job_id: str, *, device: str) -> None:
        self._ask(f"cancel/{job_id}", b"")

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:
        return {}

    def _ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        request = Request(f"{self.account}/{path}", data=body, method="GET" if body is None else "POST")
        try:
            with urlopen(request) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, b""
        except OSError:
            raise HaiquConnectionError("The vendor did not answer.") from None


class LoopbackVendor:
    """The way to the service's only device."""

    prefix = "vendor_"

    def __init__(self, url: str) -> None:
        self._url = url

    def devices(self) -> Sequence[DeviceRecord]:
        return LoopbackRoom(self._url, "").devices()

    def engine(self, secrets: Mapping[str, Any]) -> DirectEngine:
        return DirectEngine(LoopbackRoom(self._url, str(secrets.get("vendor_token", ""))))


def _serve(folder: str) -> None:
    Service.folder = Path(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _gateway(service: str, database: str) -> None:
    import socket

    import uvicorn

    from qiskit_haiqu_provider.gateway.app import create_app
    from qiskit_haiqu_provider.gateway.settings import Settings

    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"Gateway: http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    vendors = [] if service == "none" else [LoopbackVendor(service)]
    app = create_app(Settings(database=database, workers=1), vendors=vendors)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    _serve(sys.argv[2]) if sys.argv[1] == "service" else _gateway(sys.argv[2], sys.argv[3])
