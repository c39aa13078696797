"""A server that answers oddly, and clients of it and of the gateway."""

import pytest

from qiskit_haiqu_provider.api.client import HaiquClient
from tests.api.odd_server import OddServer

KEY = "key-of-ada-7f3a9c51"

_SETTINGS = (
    "HAIQU_TIMEOUT",
    "HAIQU_RETRY_SECONDS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """No proxy, no certificates, no time limits from outside."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def odd():
    """A server that answers as it is told."""
    with OddServer() as found:
        yield found


@pytest.fixture
def client_of():
    """Makes clients of a server or an address; they are closed at the end."""
    made = []

    def make(server, key=KEY, **settings):
        settings = {"timeout": 10, "retry_seconds": 30, **settings}
        client = HaiquClient(key, url=getattr(server, "url", server), **settings)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(odd, client_of):
    """A client of the odd server that sends everything once."""
    return client_of(odd, retry_seconds=0)


@pytest.fixture
def patient(odd, client_of):
    """A client of the odd server that tries again."""
    return client_of(odd)
