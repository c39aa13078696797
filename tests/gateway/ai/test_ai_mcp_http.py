"""The MCP server over streamable HTTP, with the official client."""

import asyncio
import contextlib
import sys

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from tests.gateway.ai.conversation import TOOLS, converse, refused
from tests.gateway.servers import running

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


@contextlib.asynccontextmanager
async def connected(url, key=None, mode="auto"):
    """The client; the key goes into the header unless it is in the URL."""
    headers = {} if key is None else {"authorization": key}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_whole_conversation(gateway, mode):
    async def talk():
        async with connected(f"{gateway.url}/mcp", gateway.key, mode) as client:
            assert client.server_info.name == "qiskit-haiqu"
            await converse(client, f"over http, {mode}")

    asyncio.run(talk())


@pytest.mark.parametrize("form", ["{url}/mcp?HAIQU_API_KEY={key}", "{url}/mcp"])
def test_the_key_may_be_in_the_query_or_come_after_a_scheme(gateway, form):
    async def talk():
        url = form.format(url=gateway.url, key=gateway.key)
        async with connected(url, None if "?" in url else f"Bearer {gateway.key}") as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS

    asyncio.run(talk())


@pytest.mark.parametrize("key", [None, "hq_wrong"])
def test_nothing_is_said_without_a_valid_key(gateway, key):
    async def talk():
        async with connected(f"{gateway.url}/mcp", key) as client:
            await client.list_tools()

    with pytest.RaisesGroup(pytest.RaisesExc(MCPError), flatten_subgroups=True):
        asyncio.run(talk())
    headers = {"authorization": key or "", "origin": "https://elsewhere.example", "host": "elsewhere.example"}
    for method in ("POST", "GET", "DELETE"):
        answer = gateway.client.request(method, "/mcp", headers=headers)
        assert answer.status_code == 401
        assert "qiskit-haiqu keys create" in answer.json()["detail"]


def test_others_have_their_own(gateway):
    async def talk():
        async with connected(f"{gateway.url}/mcp", gateway.key) as client:
            made = await client.call_tool("create_new_experiment", {"name": "of ada"})
        async with connected(f"{gateway.url}/mcp", gateway.other_key) as client:
            id_ = made.structured_content["id"]
            assert id_ in await refused(client, "get_experiment", experiment_id=id_)

    asyncio.run(talk())


def test_a_tool_that_does_not_exist_is_an_error_of_the_protocol(gateway):
    async def talk():
        async with connected(f"{gateway.url}/mcp", gateway.key) as client:
            with pytest.raises(MCPError, match="no tool 'compress'"):
                await client.call_tool("compress", {})

    asyncio.run(talk())


def test_lists_are_structured_where_the_protocol_has_them(gateway):
    async def structured(mode):
        async with connected(f"{gateway.url}/mcp", gateway.key, mode) as client:
            return (await client.call_tool("list_qpus_and_simulators", {})).structured_content

    assert asyncio.run(structured("legacy")) is None
    assert any(device["id"] == "aer_simulator" for device in asyncio.run(structured("auto")))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "elsewhere.example"}, 421),
        ({"content-type": "text/plain"}, 400),
    ],
)
def test_pages_of_other_sites_are_kept_out(gateway, headers, status):
    answer = gateway.client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})
    assert answer.status_code == status, answer.text


def test_only_post_is_spoken(gateway):
    for method in ("GET", "DELETE"):
        answer = gateway.client.request(method, "/mcp", headers=ACCEPT)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_elsewhere_any_name_of_the_machine_is_good(tmp_path):
    line = [sys.executable, "-m", "qiskit_haiqu_provider.cli", "serve", "--host", "0.0.0.0", "--port", "0"]
    with running(tmp_path, line) as gateway:

        def status(**headers):
            return gateway.client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **headers}).status_code

        assert status(host="gateway.lan:8080") == 200
        assert status(host="gateway.lan:8080", origin="http://gateway.lan:8080") == 200
        assert status(host="gateway.lan:8080", origin="https://elsewhere.example") == 403


def test_without_the_package_everything_else_is_served(tmp_path):
    hidden = "import sys; sys.modules['mcp'] = None; from qiskit_haiqu_provider.cli import main; sys.exit(main())"
    with running(tmp_path, [sys.executable, "-c", hidden, "serve", "--port", "0", "--workers", "1"]) as gateway:
        answer = gateway.client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
        assert answer.status_code == 501
        assert "pip install 'qiskit-haiqu-provider[gateway,mcp]'" in answer.json()["detail"]
        assert gateway.client.post("/mcp", headers={"authorization": ""}).status_code == 401
        assert gateway.client.get("/ai/list_experiments").json() == []
