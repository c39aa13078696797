"""What the commands of ``qiskit-haiqu`` do."""

import os
import socket
import sys
from argparse import Namespace
from dataclasses import replace

import uvicorn

from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquError
from qiskit_haiqu_provider.gateway.app import create_app
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.gateway.vendors import direct_vendors

_LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"uvicorn": {"level": "WARNING"}, "qiskit_haiqu_provider.gateway": {"level": "INFO"}},
}


def serve(arguments: Namespace) -> None:
    """Start the gateway and run it until it is stopped.

    Raises:
        HaiquError: If it cannot start; says why.
    """
    settings, vendors = _settings(arguments), direct_vendors(arguments.vendor)
    database = _open(arguments)
    with database.own(), database.read() as session:  # says now if another gateway has it
        keys = users.any_key(session)
    database.close()
    if not keys and not settings.loopback:
        raise HaiquError(
            f"The gateway has no key yet, so it does not listen on {settings.host}, where others could reach it. "
            "Make one first: qiskit-haiqu keys create --user NAME"
        )
    listener = _listen(settings)
    settings = replace(settings, port=listener.getsockname()[1])
    print(f"Gateway: {settings.url}\nDashboard: {settings.url}/dashboard", flush=True)  # noqa: T201
    if not keys:
        print("There is no key yet. Make one: qiskit-haiqu keys create --user NAME", flush=True)  # noqa: T201
    config = uvicorn.Config(
        create_app(settings, vendors=vendors),
        log_config=_LOG,
        access_log=False,  # it would show keys in queries; the gateway writes its own
        server_header=False,
        timeout_graceful_shutdown=5,
        ws="none",
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise HaiquError("The gateway did not start. The lines above say why.")


def create_key(arguments: Namespace) -> None:
    """Make a key and show it, once."""
    database = _open(arguments)
    with database.write() as session:
        key = users.create_key(session, username=arguments.user, email=arguments.email, label=arguments.label)
    database.close()
    print("Keep this key; it is not shown again. Use it as HAIQU_API_KEY.", file=sys.stderr)  # noqa: T201
    print(key)  # noqa: T201


def list_keys(arguments: Namespace) -> None:
    """List keys, without the keys themselves."""
    database = _open(arguments)
    with database.read() as session:
        found = users.list_keys(session)
    database.close()
    for key, user in found:
        state = "revoked" if key.revoked_date else "valid"
        print(f"{key.id}\t{user.username}\t{key.prefix}...\t{state}\t{key.creation_date:%Y-%m-%d}\t{key.label}")  # noqa: T201


def revoke_key(arguments: Namespace) -> None:
    """Make a key invalid, at once.

    Raises:
        HaiquError: If there is no such key.
    """
    database = _open(arguments)
    with database.write() as session:
        revoked = users.revoke_key(session, arguments.id)
    database.close()
    if not revoked:
        raise HaiquError(f"There is no valid key {arguments.id}. List them: qiskit-haiqu keys list")


def serve_mcp(arguments: Namespace) -> None:
    """Serve the tools on standard input and output until the other side closes.

    Raises:
        HaiquError: If the extra is not installed, or the gateway cannot be started or reached.
    """
    try:
        from qiskit_haiqu_provider.gateway.mcp_stdio import serve_stdio  # another extra
    except ImportError as error:
        raise HaiquDependencyError(
            f"{error.name} is not installed, or too old. Run: pip install 'qiskit-haiqu-provider[gateway,mcp]'"
        ) from None
    serve_stdio(_settings(arguments), url=arguments.url)


def _settings(arguments: Namespace) -> Settings:
    given = {name: getattr(arguments, name, None) for name in ("host", "port", "workers", "rate_limit")}
    chosen = {name: value for name, value in given.items() if value is not None}
    if chosen.get("rate_limit") == "none":
        chosen["rate_limit"] = ""
    return Settings(database=_database_url(arguments), **chosen)


def _database_url(arguments: Namespace) -> str | None:
    return arguments.database or os.environ.get("HAIQU_DATABASE") or None


def _open(arguments: Namespace) -> Database:
    """The database, with its tables up to date."""
    database = Database(_database_url(arguments))
    database.migrate()
    return database


def _listen(settings: Settings) -> socket.socket:
    """A socket that listens, so that a port in use is found before anything starts."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio leaves Nagle on
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise HaiquError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}). Give another --port."
        ) from None
    listener.listen(2048)
    return listener
