"""What a client is made with, and what it costs to have it at hand."""

import subprocess
import sys

import pytest

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.secret import Secret
from tests.api.conftest import KEY
from tests.api.odd_server import Answer


@pytest.fixture
def made():
    clients = []

    def make(key=KEY, **settings):
        clients.append(HaiquClient(key, **settings))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_defaults(made):
    client = made(Secret(KEY))
    assert client.url == "https://api.haiqu.ai"
    assert client._settings.timeout == 30
    assert client._settings.retry_seconds == 60
    assert client._settings.auth == "header"


@pytest.mark.parametrize(
    ("url", "cloud"),
    [
        ("https://api.haiqu.ai", True),
        ("https://API.haiqu.ai:443/v1", True),
        ("https://haiqu.ai", True),
        ("https://nothaiqu.ai", False),
        ("http://127.0.0.1:8000", False),
        ("https://api.haiqu.ai.example", False),
    ],
)
def test_whether_it_is_the_cloud(made, url, cloud):
    assert made(url=url).is_cloud is cloud


def test_limits_from_the_environment(made, monkeypatch):
    monkeypatch.setenv("HAIQU_TIMEOUT", "2.5")
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")
    client = made()
    assert (client._settings.timeout, client._settings.retry_seconds) == (2.5, 0)
    client = made(timeout=1, retry_seconds=3)
    assert (client._settings.timeout, client._settings.retry_seconds) == (1, 3)


@pytest.mark.parametrize("value", ["", "soon", "inf", "nan", "-1", "0"])
def test_a_wrong_time_limit_in_the_environment(made, monkeypatch, value):
    monkeypatch.setenv("HAIQU_TIMEOUT", value)
    with pytest.raises(HaiquInputError, match=r"environment variable HAIQU_TIMEOUT is .*; give a finite number of sec"):
        made()


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "soon", [1]])
def test_a_wrong_time_limit(made, value):
    with pytest.raises(HaiquInputError, match=r"timeout is .*at least 0\.001"):
        made(timeout=value)


def test_wrong_seconds_for_attempts(made, monkeypatch):
    with pytest.raises(HaiquInputError, match=r"retry_seconds is -1; .*at least 0"):
        made(retry_seconds=-1)
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "-2")
    with pytest.raises(HaiquInputError, match="variable HAIQU_RETRY_SECONDS is '-2'"):
        made()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.haiqu.ai",
        "ftp://api.haiqu.ai",
        "https://",
        "https:///path",
        "http://x:port",
        "http://x:99999",
        "http://x:0",
        "http://[::1",
    ],
)
def test_an_address_that_is_none(made, url):
    with pytest.raises(HaiquInputError, match="url is no address; give one such as"):
        made(url=url)


@pytest.mark.parametrize(
    "url", ["https://ada:password@api.haiqu.ai", "https://password@x", "https://x?k=password", "https://x#password"]
)
def test_an_address_with_a_secret(made, url):
    with pytest.raises(HaiquInputError, match="url must not") as found:
        made(url=url)
    assert "password" not in str(found.value).replace("name or password", "")


def test_a_wrong_way_to_give_the_key(made):
    with pytest.raises(HaiquInputError, match="auth is 'bearer'; give 'header'"):
        made(auth="bearer")


@pytest.mark.parametrize("key", [None, 7, b"some-key"])
def test_a_key_that_is_no_text(made, key):
    with pytest.raises(HaiquInputError, match=r"api_key is of type .*; give the key as text"):
        made(key)


@pytest.mark.parametrize("value", ["", None, 7])
def test_an_id_that_is_none(odd, client, value):
    with pytest.raises(HaiquInputError, match="device_id is "):
        client.device(value)
    with pytest.raises(HaiquInputError, match="circuit_hash is "):
        client.circuit_by_hash("exp-1", value)
    assert odd.requests == []


@pytest.mark.parametrize("wait", [-1, 3601, float("nan")])
def test_a_wait_that_is_none(client, wait):
    with pytest.raises(HaiquInputError, match="wait is "):
        client.job("jb-1", wait=wait)


def test_a_body_that_cannot_be_sent_names_its_field(odd, client):
    with pytest.raises(HaiquInputError, match=r"name: String should have at most 200 characters. Change it"):
        client.init_experiment("x" * 201)
    with pytest.raises(HaiquInputError, match=r"metrics: .*finite"):
        client.log_metrics("exp-1", {"energy": float("nan")})
    assert odd.requests == []


def test_a_client_is_a_context_manager(odd):
    odd.on("*", Answer(json={"version": "1.0"}))
    with HaiquClient(KEY, url=odd.url) as client:
        assert client.version() == "1.0"


def test_httpx_and_pydantic_are_imported_when_a_service_is_used():
    program = """
import sys
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import HaiquProvider, SamplerV2
bell = QuantumCircuit(1, 1)
bell.measure(0, 0)
SamplerV2(HaiquProvider().get_backend()).run([bell]).result()
assert not {"httpx", "httpcore", "pydantic"} & set(sys.modules), "too early"
from qiskit_haiqu_provider.api.client import HaiquClient
HaiquClient("some-key", url="http://127.0.0.1:1").close()
assert {"httpx", "pydantic"} <= set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
