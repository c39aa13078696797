"""A vendor for the tests: a service of its own process over loopback, and the engine that talks to it.

The service runs what it is sent on Aer and keeps every submission in a file, so that tests can count them. It can be
told to swallow answers. It is run as ``python -m tests.gateway.vendors service FOLDER``, and a gateway that uses it as
``python -m tests.gateway.vendors gateway SERVICE_URL DATABASE_URL``.
"""

import json
import pickle
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquJobCancelledError, HaiquJobError
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import RunResult

DEVICE = "vendor_one"


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
        engine = LocalEngine()
        request = RunRequest(device=AER, tasks=order["tasks"], options=engine.default_options(AER))
        tasks = engine.submit(request).result().tasks
        written = self.folder / f"{name}.written"
        written.write_bytes(pickle.dumps(tasks))
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


class LoopbackExecution:
    """A run at the service."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self.id = name
        self._tasks: Any = None
        self._status = JobStatus.QUEUED

    def status(self) -> JobStatus:
        return self._status

    def wait(self, timeout: float | None = None) -> bool:
        end = time.monotonic() + (timeout or 1e9)
        while time.monotonic() < end:
            try:
                with urlopen(f"{self._url}/result/{self.id}") as answer:
                    if answer.status == 200:
                        self._tasks, self._status = pickle.loads(answer.read()), JobStatus.DONE
                        return True
            except URLError as error:
                if getattr(error, "code", 0) == 410:
                    self._status = JobStatus.CANCELLED
                    return True
            time.sleep(0.05)
        return False

    def result(self) -> RunResult:
        if self._status is JobStatus.CANCELLED:
            raise HaiquJobCancelledError(f"{self.id} was cancelled.")
        return RunResult(self._tasks)

    def cancel(self) -> bool:
        urlopen(Request(f"{self._url}/cancel/{self.id}", data=b"", method="POST")).close()
        return True

    def seconds(self) -> Mapping[str, float]:
        return {"run": 1.0}

    def on_done(self, callback: Any) -> None:
        raise NotImplementedError


class LoopbackEngine(LocalEngine):
    """The local engine's knowledge of circuits, with runs at the service."""

    def __init__(self, url: str, secrets: Mapping[str, Any]) -> None:
        super().__init__()
        self._url, self._key = url, str(secrets.get("vendor_token", ""))

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        super().check_options(AER, options)

    def target(self, device: str, options: Mapping[str, Any]) -> Any:
        return super().target(AER, options)

    def estimate(self, request: RunRequest) -> CostEstimate:
        return super().estimate(replace(request, device=AER))

    def submit(self, request: RunRequest, *, progress: Any = None) -> Any:
        body = pickle.dumps({"token": request.token, "key": self._key, "tasks": request.tasks})
        try:
            with urlopen(Request(f"{self._url}/submit", data=body, method="POST")) as answer:
                return LoopbackExecution(self._url, json.load(answer))
        except OSError as error:
            raise HaiquJobError("The vendor did not answer.") from error

    def resume(self, execution_id: str) -> Any:
        return LoopbackExecution(self._url, execution_id)

    def find(self, token: str) -> str | None:
        with urlopen(f"{self._url}/find/{token}") as answer:
            found: str | None = json.load(answer)
        return found


class LoopbackVendor:
    """The way to the service's only device."""

    def __init__(self, url: str) -> None:
        self._url = url

    def devices(self) -> Sequence[DeviceRecord]:
        return [DeviceRecord(id=DEVICE, via="vendor", vendor="Loopback", num_qubits=20, simulator=False)]

    def engine(self, secrets: Mapping[str, Any]) -> LoopbackEngine:
        return LoopbackEngine(self._url, secrets)


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
    app = create_app(Settings(database=database, workers=1), vendors=[LoopbackVendor(service)])
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    _serve(sys.argv[2]) if sys.argv[1] == "service" else _gateway(sys.argv[2], sys.argv[3])
