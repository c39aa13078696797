"""Gateways in processes of their own, as users run them."""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

START_SECONDS = 120
STOP_SECONDS = 60


@dataclass
class Gateway:
    """A running gateway, its folder, and clients of two users."""

    url: str
    home: Path
    environment: dict = field(repr=False)
    key: str = field(repr=False)
    other_key: str = field(repr=False)
    client: httpx.Client
    """Of the user ``ada``, with her key in the header."""

    other: httpx.Client
    """Of the user ``grace``."""

    secrets: list = field(default_factory=list, repr=False)
    """Texts that must never be in the log; tests may add theirs."""

    @property
    def log(self):
        """What the gateway has written so far."""
        return (self.home / "gateway.log").read_text()

    def new_key(self, user):
        """One more key."""
        key = create_key(user, self.environment)
        self.secrets.append(key)
        return key


def command(*words):
    """The command line, as if it were installed."""
    return [sys.executable, "-m", "qiskit_haiqu_provider.cli", *words]


def clean_environment(home):
    """The environment of a process that keeps everything in ``home``; no setting leaks in from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAIQU_")}
    return {**kept, "HAIQU_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def create_keys(users, environment):
    """A new key for each of the users, as the command prints them. One process makes all, as it is slow to start."""
    program = (
        "import sys; from qiskit_haiqu_provider.cli import main; "
        "[main(['keys', 'create', '--user', user]) for user in sys.argv[1:]]"
    )
    line = [sys.executable, "-c", program, *users]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    keys = done.stdout.splitlines()
    assert len(keys) == len(users), done.stderr
    return keys


def create_key(user, environment):
    """A new key."""
    return create_keys([user], environment)[0]


def client_of(url, key):
    """An HTTP client that nothing in the environment changes."""
    return httpx.Client(base_url=url, headers={"authorization": key}, timeout=START_SECONDS, trust_env=False)


def stop(process):
    """End a server as a user would, and see that it does."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def busiest(processes):
    """The process that computes: the first to do so for half a second, however long others keep it from that."""
    before = {process: cpu_seconds(process) for process in processes}
    for _ in range(3000):
        time.sleep(0.1)
        used = {process: cpu_seconds(process) - seconds for process, seconds in before.items()}
        found = max(used, key=used.get)
        if used[found] > 0.5:
            return found
    raise AssertionError("none of the processes computes")


def cpu_seconds(process):
    """What a process has computed so far; nothing if it is gone."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def check_log(text, secrets):
    """What is true of every log."""
    assert "Traceback" not in text, text
    assert not any(secret in text for secret in secrets), "a key was written to the log"


@contextlib.contextmanager
def running(home, line=None):
    """A gateway that keeps everything in ``home``; at its end its log holds neither a traceback nor a key.

    Args:
        home: Its folder.
        line: The command to start it with, if not the usual one.
    """
    environment = clean_environment(home)
    keys = create_keys(["ada", "grace"], environment)
    line = line or command("serve", "--port", "0", "--workers", "2", "--rate-limit", "none")
    log = home / "gateway.log"
    with (
        log.open("w") as output,
        subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=output, text=True) as process,
    ):
        try:
            first = process.stdout.readline()
            assert first.startswith("Gateway: "), f"{first}{log.read_text()}"
            url = first.removeprefix("Gateway: ").strip().replace("//0.0.0.0:", "//127.0.0.1:")
            with client_of(url, keys[0]) as client, client_of(url, keys[1]) as other:
                client.get("/version").raise_for_status()
                gateway = Gateway(url, home, environment, *keys, client=client, other=other, secrets=list(keys))
                yield gateway
        finally:
            stop(process)
    check_log(gateway.log, gateway.secrets)
