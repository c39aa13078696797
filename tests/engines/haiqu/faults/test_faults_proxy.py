"""The proxy does the harm that it is told to do, and no other."""

import socket

import pytest

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquConnectionError,
    HaiquServerError,
    HaiquTimeoutError,
)
from tests.api.odd_server import Answer
from tests.engines.haiqu.faults.proxy import FaultProxy
from tests.engines.haiqu.faults.trouble import Kind, Trouble

TIMEOUT = 0.3
VERSION = Answer(json={"version": "1.2.3"}, headers={"idempotency-key-support": "honoured"})


class Once:
    """A plan for the first request only."""

    def __init__(self, kind, **about):
        self._left = [Trouble(kind=kind, **about)]

    def draw(self, name):
        return self._left.pop() if self._left else None


@pytest.fixture
def proxy(server):
    server.on("GET /version", VERSION)
    server.on("POST /jobs/j/restart", Answer(status=404, json={"detail": "none"}))
    with FaultProxy(server.url) as found:
        yield found


def client_of(proxy, timeout):
    return HaiquClient("key-of-the-proxy", url=proxy.url, timeout=timeout, retry_seconds=0)


@pytest.fixture
def client(proxy):
    """A client that gives up soon."""
    with client_of(proxy, TIMEOUT) as found:
        yield found


@pytest.fixture
def patient(proxy):
    """A client that no pause of the machine makes give up."""
    with client_of(proxy, 60) as found:
        yield found


LASTING = {Kind.LATE_REQUEST, Kind.LATE_ANSWER, Kind.STALL}
HARMLESS = {Kind.SLOW_REQUEST, Kind.DUPLICATE}
SENT_ON = {
    *(Kind.SLOW_REQUEST, Kind.LATE_REQUEST, Kind.CLOSE_UNANSWERED, Kind.LATE_ANSWER, Kind.FAULT_SENT, Kind.DUPLICATE),
    *(Kind.CUT_STATUS, Kind.CUT_HEADERS, Kind.CUT_BODY, Kind.STALL),
    *(Kind.FLIP_STATUS, Kind.FLIP_HEADERS, Kind.FLIP_BODY),
}
SEEN = SENT_ON | {Kind.CUT_REQUEST_WHOLE, Kind.SEND_A_PART, Kind.FAULT_UNSENT}


def trouble(kind):
    seconds = TIMEOUT * (2 if kind in LASTING else 0.2)
    first = ((0.0, 0x80),)  # breaks any part of an answer
    return {"kind": kind, "seconds": seconds, "bits": first}


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_each_harm_is_a_typed_error_once(proxy, client, patient, server, kind):
    proxy.plan = Once(**trouble(kind))
    if kind in HARMLESS:
        assert patient.version() == "1.2.3"
    else:
        with pytest.raises(HaiquApiError):
            (client if kind in LASTING else patient).version()
    proxy.drain()
    if kind is not Kind.SEND_A_PART:  # what becomes of that is up to the server
        assert server.count("GET /version") == (2 if kind is Kind.DUPLICATE else kind in SENT_ON)
    assert [seen.kind for seen in proxy.seen] == [kind] * (kind in SEEN)
    assert patient.version() == "1.2.3"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.CLOSE_UNREAD, HaiquConnectionError),
        (Kind.CUT_REQUEST_BODY, HaiquConnectionError),
        (Kind.CLOSE_UNANSWERED, HaiquConnectionError),
        (Kind.LATE_REQUEST, HaiquTimeoutError),
        (Kind.STALL, HaiquTimeoutError),
        (Kind.FAULT_SENT, HaiquServerError),
        (Kind.FAULT_UNSENT, HaiquServerError),
    ],
)
def test_nobody_knows_what_became_of_a_request_that_left(proxy, client, patient, kind, error):
    proxy.plan = Once(**trouble(kind))
    with pytest.raises(error) as raised:
        (client if kind in LASTING else patient).restart("j")
    assert raised.value.reached


def test_a_refused_connection_took_no_effect(proxy, patient, server):
    proxy.plan = Once(Kind.OUTAGE, seconds=3)
    with pytest.raises(HaiquApiError):
        patient.version()
    with pytest.raises(HaiquConnectionError) as raised:
        patient.restart("j")
    assert not raised.value.reached
    proxy.drain()
    assert patient.version() == "1.2.3"


def test_connections_are_kept_open(proxy, patient):
    for _ in range(5):
        patient.version()
    assert proxy.connections == 1


@pytest.mark.parametrize("silent", [False, True])
def test_a_silent_service_says_nothing_of_idempotency_keys(server, silent):
    server.on("*", VERSION)
    with FaultProxy(server.url, silent=silent) as proxy:
        with HaiquClient("key-of-the-proxy", url=proxy.url) as client:
            client.version()
            assert client.honours_idempotency is not silent
        address = ("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        with socket.create_connection(address) as connection:
            connection.sendall(b"GET /x HTTP/1.1\r\nhost: a\r\nIdempotency-Key: k\r\n\r\n")
            connection.recv(1000)
    assert ("idempotency-key" in server.last.headers) is not silent
