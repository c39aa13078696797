"""A PostgreSQL server for as long as a command runs: ``python -m tests.gateway.postgres -- command ...``.

The command finds the server's URL in ``HAIQU_TEST_POSTGRES``.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PASSWORD_FILE = "password"


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a new server on loopback, with a user who may make databases. It is gone afterwards."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    password = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="haiqu-postgres-") as name:
        folder, who = Path(name), _server_user()
        (folder / _PASSWORD_FILE).write_text(password)
        if "user" in who:  # PostgreSQL refuses to run as root
            shutil.chown(folder, who["user"])
            shutil.chown(folder / _PASSWORD_FILE, who["user"])

        def call(*command: str) -> None:
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **who)

        data = str(folder / "data")
        call(initdb, "-D", data, "-U", "haiqu", "-A", "scram-sha-256", f"--pwfile={_PASSWORD_FILE}", "-E", "UTF8", "-N")
        port = _free_port()
        options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c max_connections=200"
        call(pg_ctl, "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql://haiqu:{password}@127.0.0.1:{port}/postgres"
        finally:
            call(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")


def _program(name: str) -> str:
    """Path of one of PostgreSQL's programs; Debian keeps them out of PATH."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(iter(newest_first), None)
    if found is None:
        raise FileNotFoundError(f"PostgreSQL's {name} was not found. Install PostgreSQL, or add its folder to PATH.")
    return str(found)


def _server_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": ()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str]) -> int:
    """Run a command beside a server; its exit code."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    with running_postgres() as url:
        return subprocess.run(command, check=False, env={**os.environ, "HAIQU_TEST_POSTGRES": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
