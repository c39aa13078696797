"""The MCP server on standard input and output, for agents that start it as a process of their own."""

import contextlib
import logging
import os
import signal
import sys
from typing import Any, TextIO

import anyio
import httpx
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.gateway.app import create_app
from qiskit_haiqu_provider.gateway.mcp import Access, ToolServer
from qiskit_haiqu_provider.gateway.services import Services
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.tools import problem

_USER = "local"
_LABEL = "qiskit-haiqu mcp"
_TIMEOUT = httpx.Timeout(600.0, connect=10.0)


def serve_stdio(settings: Settings, url: str | None = None) -> None:
    """Serve until the other side closes standard input. Only the protocol is written to standard output.

    Args:
        settings: How the gateway in this process is set up; not used with ``url``.
        url: A gateway that runs already, to which all calls go. Default: one in this process.

    Raises:
        HaiquError: If the gateway cannot be started or reached, or the key in ``HAIQU_API_KEY`` is not valid.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a reader that waits for input cannot be interrupted otherwise
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    key = os.environ.get("HAIQU_API_KEY", "").strip()
    with _wire() as (reader, writer):
        if url is None:
            anyio.run(_serve_here, settings, key, reader, writer)
        else:
            anyio.run(_serve_there, url.rstrip("/"), key, reader, writer)


@contextlib.contextmanager
def _wire() -> Any:
    """Standard input and output for the protocol alone: what anything else prints goes to standard error."""
    sys.stdout.flush()
    reader = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    wire = os.dup(1)
    writer = os.fdopen(wire, "w", encoding="utf-8", newline="\n", closefd=False)
    os.dup2(2, 1)
    try:
        yield reader, writer
    finally:
        sys.stdout.flush()
        os.dup2(wire, 1)
        os.close(wire)


async def _serve_there(url: str, key: str, reader: TextIO, writer: TextIO) -> None:
    """Serve the tools of a gateway elsewhere."""
    if not (key and key.isascii()):
        raise HaiquError("HAIQU_API_KEY does not hold a key. Set it to a key of the gateway at --url.")
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
        try:
            health = await client.get(f"{url}/health/auth", headers={"authorization": key})
            answer = await client.get(f"{url}/openapi.json")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HaiquError(
                f"The gateway at {url} cannot be reached ({type(error).__name__}). Start it: qiskit-haiqu serve"
            ) from None
        for response in (health, answer):
            if response.is_error:
                raise HaiquError(f"The gateway at {url} refused: {problem(response)}")
        document = answer.json()
        access = Access(url, key)
        await _serve(ToolServer(client, lambda: document, lambda _: access).server, reader, writer)


async def _serve_here(settings: Settings, key: str, reader: TextIO, writer: TextIO) -> None:
    """Serve the tools of a gateway in this process, which nobody else can reach."""
    app = create_app(settings)
    refused = False
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(app.router.lifespan_context(app))
        except HaiquError as error:
            raise HaiquError(f"{error} To use one that runs: qiskit-haiqu mcp --url http://127.0.0.1:8080") from None
        services: Services = app.state.services
        if key:
            with services.database.read() as session:
                refused = users.user_of_key(session, key) is None
        else:
            key = stack.enter_context(_own_key(services))
        if not refused:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - local
            await stack.enter_async_context(client)
            access = Access(settings.url, key)
            await _serve(ToolServer(client, app.openapi, lambda _: access).server, reader, writer)
    if refused:
        raise HaiquError("The key in HAIQU_API_KEY is not valid for this database. Unset it to work without one.")


@contextlib.contextmanager
def _own_key(services: Services) -> Any:
    """A key for as long as this process runs. Those of processes that were killed end now."""
    with services.database.write() as session:
        for row, user in users.list_keys(session):
            if (user.username, row.label, row.revoked_date) == (_USER, _LABEL, None):
                users.revoke_key(session, row.id)
        key = users.create_key(session, username=_USER, label=_LABEL)
    try:
        yield key
    finally:
        with services.database.write() as session:
            found = users.user_of_key(session, key)
            if found is not None:
                users.revoke_key(session, found[1].id)


async def _serve(server: Server[Any], reader: TextIO, writer: TextIO) -> None:
    async with stdio_server(anyio.wrap_file(reader), anyio.wrap_file(writer)) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
