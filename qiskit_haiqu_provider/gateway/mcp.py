"""The tools for agents as an MCP server. Each call is a request to the REST API, which does everything."""

import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import mcp_types as types
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import Receive, Scope, Send

from qiskit_haiqu_provider.gateway.auth import address_of, authenticate, bare_key
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.tools import ArgumentError, Tool, problem, tools_in
from qiskit_haiqu_provider.version import __version__

_INSTRUCTIONS = """\
Runs quantum circuits, written as OpenQASM 2 or 3, on simulators and quantum computers, and keeps circuits, jobs and
results in experiments. Begin with create_new_experiment. Then run_circuits_on_qpu_or_simulator, which answers with a
job id at once, and get_job_results_and_status until the job is Done. list_qpus_and_simulators names the devices.
"""

_STRUCTURED_BYTES = 1 << 20
"""Longer answers are text only, so that results are not sent twice."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_PLACE = "qiskit_haiqu_provider.mcp"


@dataclass(frozen=True)
class Access:
    """Where calls go, and with which key."""

    url: str
    key: str = field(repr=False)


class ToolServer:
    """Answers MCP requests.

    Args:
        client: What sends the requests to the REST API.
        document: The OpenAPI document of that API; asked for once, when it is needed.
        access: Where the calls of a request go.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        document: Callable[[], Mapping[str, Any]],
        access: Callable[[ServerRequestContext[Any]], Access],
    ) -> None:
        self._client = client
        self._document = document
        self._access = access
        self.server: Server[Any] = Server(
            "qiskit-haiqu",
            version=__version__,
            title="Quantum circuits with qiskit-haiqu",
            instructions=_INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    @cached_property
    def _tools(self) -> dict[str, Tool]:
        return tools_in(self._document())

    async def _list(
        self, context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        del context, params
        return types.ListToolsResult(tools=[_described(tool) for tool in self._tools.values()])

    async def _call(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool '{params.name[:200]}'. tools/list has them all.")
        access = self._access(context)
        try:
            request = tool.request(self._client, access.url, params.arguments or {})
            request.headers["authorization"] = access.key
            response = await self._client.send(request)
        except ArgumentError as error:
            return _failure(str(error))
        except httpx.HTTPError as error:
            return _failure(f"The gateway at {access.url} did not answer ({type(error).__name__}). See if it runs.")
        return _result(response, any_json=context.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS)


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=dict(tool.schema),
        annotations=types.ToolAnnotations(read_only_hint=tool.method == "GET"),
    )


def _failure(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)


def _result(response: httpx.Response, *, any_json: bool) -> types.CallToolResult:
    """The answer of the REST API as the result of a tool; older protocols take objects only, newer ones any JSON."""
    if response.is_error:
        return _failure(problem(response))
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if media_type.startswith("image/"):
        image = types.ImageContent(data=base64.b64encode(response.content).decode(), mime_type=media_type)
        return types.CallToolResult(content=[image])
    text = response.text or "Done."
    if media_type != "application/json" or len(response.content) > _STRUCTURED_BYTES:
        return types.CallToolResult(content=[types.TextContent(text=text)])
    body = response.json()
    words = body["context"] if isinstance(body, dict) and body.keys() == {"context"} else text
    return types.CallToolResult(
        content=[types.TextContent(text=words)],
        structured_content=body if any_json or isinstance(body, dict) else None,
    )


class HttpEndpoint:
    """The MCP server at an address of the application, over streamable HTTP.

    Every request stands for itself and needs a key, so there are no sessions to keep or to steal.

    Args:
        app: The application whose endpoints are the tools.
        settings: How it is set up.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._manager: StreamableHTTPSessionManager | None = None

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Be ready for requests."""
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, timeout=None, trust_env=False) as client:  # noqa: S113 - local
            tools = ToolServer(client, self._app.openapi, _access_of)
            self._manager = StreamableHTTPSessionManager(
                tools.server,
                json_response=True,
                stateless=True,
                security_settings=_security(self._settings),
                max_request_body_size=self._settings.limits.body_bytes,
            )
            async with self._manager.run():
                yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request.

        Raises:
            ApiError: 401 without a valid key, 403 for a page of another site, 405 for anything but POST.
        """
        request = Request(scope, receive)
        key = request.headers.get("authorization") or request.query_params.get("HAIQU_API_KEY", "")
        services = self._app.state.services
        await run_in_threadpool(authenticate, services, key, address=address_of(request))
        if request.method != "POST":
            raise ApiError(405, "MCP is spoken here with POST only; there are no sessions.", headers={"Allow": "POST"})
        _check_origin(request)
        scope[_PLACE] = Access(str(request.base_url).rstrip("/"), bare_key(key))
        assert self._manager is not None  # noqa: S101 - the application has started
        await self._manager.handle_request(scope, receive, send)


def _access_of(context: ServerRequestContext[Any]) -> Access:
    request: Any = context.request
    access: Access = request.scope[_PLACE]
    return access


def _security(settings: Settings) -> TransportSecuritySettings:
    """Which names of this machine are accepted: on loopback only its own; elsewhere they are not known.

    No page of another site can use the names it is reached by: calls need a key, which browsers do not send by
    themselves, and :func:`_check_origin` refuses them as well.
    """
    if not settings.loopback:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    hosts = [name for host in _LOOPBACK for name in (host, f"{host}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
    )


def _check_origin(request: Request) -> None:
    """Refuse requests that a page of another machine has a browser send."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    host = origin.partition("://")[2]
    if host != request.headers.get("host") and host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK:
        raise ApiError(403, "Pages of other sites cannot use this endpoint.")
