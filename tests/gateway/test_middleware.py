"""What surrounds every request: limits of bodies, headers, and answers to what nobody foresaw."""

import asyncio
import base64
import hashlib
import json
import logging

import pytest

from qiskit_haiqu_provider.gateway.middleware import BodyLimit, Hygiene

PATIENCE = 0.05


def ask(app, *messages, headers=(), path="/", query=b"", silent=False):
    """The status, the headers and the body that an application answers with."""
    waiting = list(messages)
    sent = []

    async def receive():
        if not waiting and silent:
            await asyncio.Event().wait()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": list(headers)}
    asyncio.run(app(scope, receive, send))
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1
    body = b"".join(message.get("body", b"") for message in sent)
    return starts[0]["status"], dict(starts[0]["headers"]), body


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


async def echo(scope, receive, send):
    """Answers with the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def swallow(scope, receive, send):
    """Makes its own answer of any trouble with the body, as frameworks do."""
    try:
        await echo(scope, receive, send)
    except Exception:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"bad"})


async def fail(scope, receive, send):
    raise ValueError("secret of the server")


@pytest.mark.parametrize("app", [echo, swallow])
def test_bodies_up_to_the_limit_pass(app):
    limited = BodyLimit(app, limit=10)
    assert ask(limited, part(b"12345", more=True), part(b"67890"))[::2] == (200, b"10")
    assert ask(limited, part(b""))[::2] == (200, b"0")


@pytest.mark.parametrize("app", [echo, swallow])
def test_bodies_over_the_limit_are_413(app):
    limited = BodyLimit(app, limit=10)
    status, headers, body = ask(limited, part(b"12345", more=True), part(b"678901", more=True), part(b""))
    assert (status, headers[b"connection"]) == (413, b"close")
    assert "Split the request" in json.loads(body)["detail"]


@pytest.mark.parametrize("length", [b"11", b"99999999999999999999"])
def test_a_length_over_the_limit_is_413_before_anything_is_read(length):
    limited = BodyLimit(fail, limit=10)
    assert ask(limited, headers=[(b"content-length", length)])[0] == 413


@pytest.mark.parametrize("app", [echo, swallow])
@pytest.mark.parametrize("messages", [[], [part(b"12", more=True)]], ids=["nothing", "half"])
def test_a_body_that_does_not_come_is_408(app, messages):
    limited = BodyLimit(app, limit=10, patience=PATIENCE)
    status, _, body = ask(limited, *messages, silent=True)
    assert status == 408
    assert "Send the request again" in json.loads(body)["detail"]


def test_patience_is_for_the_body_only():
    """Whoever waits for the client to leave may wait as long as it takes."""

    async def slow(scope, receive, send):
        await receive()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 4 * PATIENCE)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    assert ask(BodyLimit(slow, limit=10, patience=PATIENCE), part(b"1"), silent=True)[::2] == (200, b"done")


def test_a_failure_is_500_with_headers_and_without_its_text(caplog):
    status, headers, body = ask(Hygiene(fail))
    assert status == 500
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"idempotency-key-support"] == b"honoured"
    assert b"secret" not in body
    assert "secret of the server" in caplog.text, "the log has it"


def test_the_access_log_has_no_query(caplog):
    with caplog.at_level(logging.INFO, "qiskit_haiqu_provider.gateway.access"):
        ask(Hygiene(echo), part(b""), path="/user", query=b"HAIQU_API_KEY=hq_1")
    (line,) = [record.getMessage() for record in caplog.records if record.name.endswith("access")]
    assert line.startswith("POST /user 200 ")
    assert "hq_1" not in caplog.text


def test_headers_that_an_endpoint_has_set_stay():
    async def own(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=9")]})
        await send({"type": "http.response.body", "body": b""})

    assert ask(Hygiene(own))[1][b"cache-control"] == b"max-age=9"


@pytest.mark.parametrize("where", [{"path": "/a\0b"}, {"query": b"name=%00"}])
def test_nul_in_the_address_is_422(where):
    assert ask(Hygiene(fail), **where)[0] == 422


def test_other_protocols_pass_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    for wrapped in (Hygiene(app), BodyLimit(app, limit=1)):
        asyncio.run(wrapped({"type": "lifespan"}, None, None))
    assert seen == ["lifespan", "lifespan"]


def test_json_answers_say_what_their_bodies_are_like(gateway):
    for path in ("/version", "/user", "/devices", "/nowhere"):
        answer = gateway.client.get(path)
        digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        assert answer.headers["content-digest"] == f"sha-256=:{digest}:"
    assert "content-digest" not in gateway.client.get("/dashboard/login").headers
