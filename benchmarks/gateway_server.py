"""A gateway in a process of its own, started as its users start it, on a database that is gone afterwards."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

DATABASES = ("sqlite", "postgresql")

_CLI = (sys.executable, "-m", "qiskit_haiqu_provider.cli")


@contextlib.contextmanager
def database_url(kind: str, home: Path) -> Iterator[str]:
    """A new database: a SQLite file in ``home``, or a PostgreSQL server on loopback."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'gateway.db'}"
        return
    from tests.gateway.postgres import running_postgres  # needs PostgreSQL's programs

    with running_postgres() as url:
        yield url


class Server:
    """The process of a gateway.

    Args:
        home: Folder for its log and all that it keeps.
        database: URL of its database.
        workers: Processes that run jobs.
    """

    def __init__(self, home: Path, database: str, *, workers: int) -> None:
        self.log = home / "gateway.log"
        self._arguments = ["serve", "--workers", str(workers), "--rate-limit", "none"]
        self._environment = {**os.environ, "HAIQU_HOME": str(home), "HAIQU_DATABASE": database}
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        """Chosen at the first start, and kept from then on."""

    def key(self, user: str = "bench") -> str:
        """A new key."""
        command = [*_CLI, "keys", "create", "--user", user]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def start(self) -> None:
        """Start it, and wait until it listens. Requests wait until it has started."""
        command = [*_CLI, *self._arguments, "--port", str(self.port)]
        with self.log.open("a") as log:
            process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("Gateway: "):
            raise RuntimeError(f"The gateway did not start:\n{self.log.read_text()[-3000:]}")
        self.port = int(line.strip().rpartition(":")[2])

    @property
    def process(self) -> psutil.Process:
        """The server's own process."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def family(self) -> list[psutil.Process]:
        """The processes that it has started, and those that they have."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.process.children(recursive=True)
        return []

    def kill(self) -> None:
        """End it as a power cut would: it has no time to do anything."""
        assert self._process is not None
        self._process.kill()
        self._reap()

    def stop(self) -> None:
        """End it as Control-C would."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._reap(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def _reap(self, seconds: float | None = None) -> None:
        assert self._process is not None
        self._process.wait(seconds)
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, stopped at the end."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass
class Usage:
    """What the processes of a gateway have taken."""

    rss_mb: float = 0.0
    """Sum of the resident memory of all; counts what they share several times."""

    pss_mb: float = 0.0
    """The same, with shared pages divided among those that share them."""

    server_mb: float = 0.0
    """Resident memory of the server's own process."""

    server_cpu: float = 0.0
    """Seconds of the server's own process."""

    workers_cpu: float = 0.0
    """Seconds of all others."""


class Meter:
    """Watches the processes of a server while a block runs; ``usage`` is what they took at most, or in all."""

    def __init__(self, server: Server, *, every: float = 0.5) -> None:
        self._server = server
        self._every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.usage = Usage()

    def __enter__(self) -> "Meter":
        self._before = self._cpu()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        after = self._cpu()
        self.usage.server_cpu = after[0] - self._before[0]
        self.usage.workers_cpu = after[1] - self._before[1]

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            own, others = self._server.process, self._server.family()
            rss = pss = 0.0
            for process in (own, *others):
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_full_info()
                    rss += memory.rss / 1e6
                    pss += getattr(memory, "pss", memory.uss) / 1e6
            used = self.usage
            used.rss_mb, used.pss_mb = max(used.rss_mb, rss), max(used.pss_mb, pss)
            with contextlib.suppress(psutil.Error):
                used.server_mb = max(used.server_mb, own.memory_info().rss / 1e6)

    def _cpu(self) -> tuple[float, float]:
        own = self._server.process.cpu_times()
        others = 0.0
        for process in self._server.family():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                others += times.user + times.system
        return own.user + own.system, others


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again and again until a condition holds."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)
