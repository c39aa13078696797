"""The unmodified haiqu-sdk, and a gateway in a process and a Python of its own."""

import os
import signal
import socket
import subprocess
import urllib.request
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from haiqu.sdk import Haiqu
from haiqu.sdk.version import get_version

# Absolute, because the gateway runs in a folder of its own; links stay, they make the environment.
PYTHON = Path(os.environ.get("HAIQU_GATEWAY_PYTHON", Path(__file__).parents[2] / ".venv/bin/python")).absolute()
START_SECONDS = 300
STOP_SECONDS = 60

# The client reads proxies and netrc from the environment: nothing of the user's own may take part.
os.environ.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1", NETRC=os.devnull)
for name in [name for name in os.environ if name.startswith("HAIQU_") and name != "HAIQU_GATEWAY_PYTHON"]:
    del os.environ[name]


@dataclass
class Gateway:
    """One server with its database, and the keys made for it."""

    folder: Path
    environment: dict = field(repr=False)
    keys: list = field(default_factory=list, repr=False)
    url: str = ""

    @property
    def database(self):
        return f"sqlite:///{self.folder / 'gateway.db'}"

    @property
    def log(self):
        return self.folder / "server.log"

    def key(self, user):
        """A new key for a user, as the command prints it."""
        command = [*command_line("keys", "create"), "--user", user, "--database", self.database]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        key = done.stdout.splitlines()[-1]
        assert key.startswith("hq_"), "the last line is the key alone"
        self.keys.append(key)
        return key


def command_line(*words):
    return [str(PYTHON), "-m", "qiskit_haiqu_provider.cli", *words]


def address_of(process, log):
    """Where the gateway is reached, as it says itself; requests wait until it has started."""
    line = process.stdout.readline()
    assert line.startswith("Gateway: "), f"{line}{log.read_text()}"
    url = f"{line.removeprefix('Gateway: ').strip()}/"
    with urllib.request.urlopen(f"{url}version", timeout=START_SECONDS):
        return url


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A running gateway; its log must hold neither a traceback nor a key."""
    assert find_spec("qiskit_haiqu_provider") is None, "the client's environment must not contain our package"
    assert get_version() == "1.7.0"
    folder = tmp_path_factory.mktemp("gateway")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAIQU_")}
    environment |= {"HAIQU_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"}
    server = Gateway(folder, environment)
    server.key("ada")
    command = [*command_line("serve"), "--host", "127.0.0.1", "--port", "0", "--database", server.database]
    with (
        server.log.open("w") as output,
        subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=output, text=True
        ) as process,
    ):
        try:
            server.url = address_of(process, server.log)
            yield server
        finally:
            stop(process)
    written = server.log.read_text()
    assert "Traceback" not in written, written[written.index("Traceback") :]
    assert not any(key in written for key in server.keys), "a key was written to the log"


@pytest.fixture(scope="session")
def client(gateway):
    """The official client, logged in."""
    client = Haiqu()
    client.login(gateway.keys[0], gateway.url, raise_on_error=True)
    return client


@pytest.fixture
def haiqu(client, request):
    """The official client in an experiment of the test's own."""
    client.init(request.node.name)
    return client


@pytest.fixture
def other(gateway):
    """The official client as another user."""
    other = Haiqu()
    other.login(gateway.key("grace"), gateway.url, raise_on_error=True)
    return other


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """A connection to anything but this machine fails the test that made it."""
    connect = socket.socket.connect

    def guarded(self, address):
        assert not isinstance(address, tuple) or address[0] in ("127.0.0.1", "localhost", "::1"), address
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
