"""The MCP server on standard input and output, with the official client."""

import asyncio
import contextlib
import json
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.gateway.ai.conversation import TOOLS, converse, refused
from tests.gateway.servers import check_log, clean_environment, command, create_key, running

MESSAGES = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_experiments_mcp", "arguments": {}}},
]


@contextlib.asynccontextmanager
async def started(environment, errors, *words):
    """The client of a process that it starts and ends."""
    program, *arguments = command("mcp", *words)
    parameters = StdioServerParameters(command=program, args=arguments, env=environment)
    with errors.open("w") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            yield client


def keys_of(environment):
    """The users of the keys in a database, and whether each key is valid."""
    done = subprocess.run(command("keys", "list"), env=environment, capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")[1:4:2]) for line in done.stdout.splitlines()]


def ended(environment, *words, text=""):
    """The process after its input has ended."""
    return subprocess.run(
        command("mcp", *words), env=environment, input=text, capture_output=True, text=True, check=False
    )


def test_a_whole_conversation_in_one_process(tmp_path):
    environment, errors = clean_environment(tmp_path / "home"), tmp_path / "errors"

    async def talk():
        async with started(environment, errors) as client:
            await converse(client, "on stdio")

    asyncio.run(talk())
    check_log(errors.read_text(), [])
    assert keys_of(environment) == [("local", "revoked")]


def test_a_whole_conversation_through_a_gateway(gateway, tmp_path):
    environment, errors = {**clean_environment(tmp_path / "home"), "HAIQU_API_KEY": gateway.key}, tmp_path / "errors"

    async def talk():
        async with started(environment, errors, "--url", f"{gateway.url}/") as client:
            await converse(client, "on stdio through a gateway")

    asyncio.run(talk())
    check_log(errors.read_text(), [gateway.key])
    assert not (tmp_path / "home").exists(), "nothing is kept here"
    assert "on stdio through a gateway" in gateway.client.get("/ai/list_experiments").text


def test_a_key_of_the_database_is_used_if_one_is_given(tmp_path):
    environment = clean_environment(tmp_path / "home")
    environment["HAIQU_API_KEY"] = create_key("ada", environment)

    async def talk():
        async with started(environment, tmp_path / "errors") as client:
            await client.call_tool("create_new_experiment", {"name": "of ada"})

    asyncio.run(talk())
    assert keys_of(environment) == [("ada", "valid")]
    check_log((tmp_path / "errors").read_text(), [environment["HAIQU_API_KEY"]])


def test_only_the_protocol_is_on_standard_output(tmp_path):
    text = "".join(f"{json.dumps(message)}\n" for message in MESSAGES)
    hello = "import os; os.write(1, b'stray'); print('stray')"
    program = f"from qiskit_haiqu_provider.gateway import mcp_stdio as m; serve = m._serve_here\n\
async def noisy(*rest):\n    {hello}\n    await serve(*rest)\n\
m._serve_here = noisy; import sys; from qiskit_haiqu_provider.cli import main; sys.exit(main(['mcp']))"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=clean_environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write(text)
        process.stdin.flush()
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        rest, errors = process.communicate()
    assert (first["id"], second["id"], rest) == (1, 2, "")
    assert second["result"]["content"][0]["text"] == "[]"
    assert errors.count("stray") == 2
    assert process.returncode == 0


def test_keys_of_processes_that_were_killed_end_with_the_next(tmp_path):
    environment = clean_environment(tmp_path)
    with subprocess.Popen(
        command("mcp"), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(f"{json.dumps(MESSAGES[0])}\n")
        process.stdin.flush()
        process.stdout.readline()
        process.kill()
    assert keys_of(environment) == [("local", "valid")]
    assert ended(environment).returncode == 0
    assert keys_of(environment) == [("local", "revoked"), ("local", "revoked")]


def test_a_database_in_use_is_left_to_its_gateway(gateway):
    done = ended(gateway.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Another gateway" in done.stderr
    assert "qiskit-haiqu mcp --url" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("key", "said"), [(None, "does not hold a key"), ("hq_wrong", "The key is not valid")])
def test_a_gateway_elsewhere_needs_a_key(gateway, tmp_path, key, said):
    environment = clean_environment(tmp_path)
    done = ended(environment if key is None else {**environment, "HAIQU_API_KEY": key}, "--url", gateway.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_key_is_refused_here_too(tmp_path):
    done = ended({**clean_environment(tmp_path), "HAIQU_API_KEY": "hq_wrong"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "The key in HAIQU_API_KEY is not valid" in done.stderr
    assert "hq_wrong" not in done.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no url"])
def test_a_gateway_that_cannot_be_reached_is_said_to_be(tmp_path, url):
    done = ended({**clean_environment(tmp_path), "HAIQU_API_KEY": "hq_any"}, "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The gateway at {url} cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gateway_that_ends_is_an_error_of_the_tool(tmp_path):
    async def talk(stack):
        gateway = stack.enter_context(running(tmp_path))
        environment = {**clean_environment(tmp_path / "home"), "HAIQU_API_KEY": gateway.key}
        async with started(environment, tmp_path / "errors", "--url", gateway.url) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            stack.close()
            assert f"The gateway at {gateway.url} did not answer" in await refused(client, "list_experiments_mcp")

    with contextlib.ExitStack() as stack:
        asyncio.run(talk(stack))


def test_without_the_package_the_command_says_what_to_install(tmp_path):
    hidden = (
        "import sys; sys.modules['mcp'] = None; from qiskit_haiqu_provider.cli import main; sys.exit(main(['mcp']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], env=clean_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'qiskit-haiqu-provider[gateway,mcp]'" in done.stderr
    assert "Traceback" not in done.stderr
