"""Keys and credentials are nowhere to be seen: not in logs, errors, tracebacks, reprs or pickles, whatever happens."""

import copy
import io
import logging
import pickle
import traceback
from urllib.parse import quote

import pytest

from qiskit_haiqu_provider.api import hush, models
from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquApiError
from qiskit_haiqu_provider.secret import Secret
from tests.api.odd_server import (
    CUT_BEFORE_ANSWER,
    CUT_IN_BODY,
    GARBAGE,
    HTML,
    MALFORMED,
    RESET_BEFORE_ANSWER,
    Answer,
    nobody,
)
from tests.api.records import FLOW_JOB, RUN_JOB, flow_body, run_body

KEY = "top/secret+key=of&ada"
TOKEN = "token of ibm, 'quoted' \"twice\" & <more>"
NESTED = "nested-credential-0815"
SECRETS = [form for text in (KEY, TOKEN, NESTED) for form in (text, quote(text), quote(text, safe=""))]

OPTIONS = {"ibm_quantum_token": TOKEN, "vendor": {"password": [NESTED]}, "pack_size": 2}
PROGRAM = {"layers": [{"type": "input"}, {"type": "device", "device_id": "ibm_fez", "options": OPTIONS}]}

SUBMITS = {
    "run": lambda client: client.run(run_body(options=OPTIONS)),
    "flow": lambda client: client.flow(
        flow_body(program=PROGRAM, device_credentials={"anything": KEY[::-1], "ionq_api_key": TOKEN, "no": None})
    ),
    "ai": lambda client: client.ai_run(
        models.AiRunCreate(experiment_id="exp-1", circuit_ids=["circ-1"], options=OPTIONS)
    ),
    "get": lambda client: client.job("jb-1"),
}


def echo(request):
    """All that came in, as a careless service may repeat it."""
    sent = request.body.decode()
    return {
        "detail": f"cannot serve {request.target} with {request.headers.get('authorization')}: {sent}",
        "headers": dict(request.headers),
    }


def echoing(status=400, **more):
    def answered(request):
        whole = {**echo(request), "options": OPTIONS, **more}
        return Answer(status=status, json=whole, headers={"x-request-id": KEY, "location": f"/x?{KEY}", "x-echo": KEY})

    return answered


def echoing_text(request):
    page = f"<html><title>{request.target} {request.headers.get('authorization')} {quote(KEY, safe='')}</title></html>"
    return Answer(status=500, body=page, headers={"content-type": "text/html"})


def echoing_issues(request):
    known = (TOKEN, NESTED) if "options" in request.body.decode() else (KEY, KEY)
    issue = {"loc": ["body", "options", KEY], "msg": f"bad {known[0]}", "type": "x", "input": request.body.decode()}
    return Answer(status=422, json={"detail": [issue, {"loc": [known[0]], "msg": known[1], "ctx": {"given": KEY}}]})


def echoing_line(_):
    return Answer(raw=f"HTTP/1.1 {KEY} what\r\n\r\n".encode())


FAILURES = {
    **{str(status): echoing(status) for status in (301, 400, 401, 402, 403, 404, 409, 422, 426, 429, 500, 503)},
    "wrong": echoing(200),
    "nested": echoing(200, job=RUN_JOB),
    "page": echoing_text,
    "issues": echoing_issues,
    "line": echoing_line,
    "html": HTML,
    "malformed": MALFORMED,
    "truncated": lambda request: Answer(body=f'{{"options": {request.body.decode()}, "k": "{KEY}"'),
    "cut": CUT_BEFORE_ANSWER,
    "reset": RESET_BEFORE_ANSWER,
    "body": CUT_IN_BODY,
    "garbage": GARBAGE,
    "silent": Answer(delay=2),
}


@pytest.fixture
def logs():
    """All that is logged, of all libraries, at the lowest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def shown(error):
    """Every way in which an error can be looked at."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The frames of the test itself hold the body that it sends; those of the client must show nothing.
    stack.stack = traceback.StackSummary.from_list([one for one in stack.stack if "/tests/" not in one.filename])
    facts = (error.status, error.detail, error.request_id, error.args, vars(error))
    return "\n".join([str(error), repr(error), repr(facts), *stack.format(), str(pickle.dumps(error))])


def hidden(text):
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("auth", ["header", "query"])
@pytest.mark.parametrize("submit", SUBMITS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_a_secret(odd, client_of, logs, failure, submit, auth):
    odd.on("*", FAILURES[failure])
    client = client_of(odd, KEY, auth=auth, timeout=0.5 if failure == "silent" else 30, retry_seconds=0)
    with pytest.raises(HaiquApiError) as found:
        SUBMITS[submit](client)
    error = found.value
    assert error.__cause__ is None
    assert error.__context__ is None
    hidden(shown(error))
    hidden(logs.getvalue())
    assert "httpcore" not in "".join(traceback.format_exception(error))
    assert "send_request_headers.started" in logs.getvalue()  # the libraries did log


@pytest.mark.parametrize("auth", ["header", "query"])
def test_no_attempt_to_connect_shows_a_secret(client_of, logs, auth):
    client = client_of(nobody(), KEY, auth=auth, retry_seconds=0.2)
    with pytest.raises(HaiquApiError) as found:
        SUBMITS["run"](client)
    hidden(shown(found.value))
    hidden(logs.getvalue())


@pytest.mark.parametrize("auth", ["header", "query"])
def test_no_success_shows_a_secret(odd, client_of, logs, auth):
    echoes = {"x-echo": KEY, "set-cookie": f"key={quote(KEY, safe='')}"}
    odd.on("POST /run", Answer(json={**RUN_JOB, "options": OPTIONS}, headers=echoes))
    odd.on("POST /flow", Answer(json={**FLOW_JOB, "program": PROGRAM}, headers=echoes))
    client = client_of(odd, KEY, auth=auth)
    jobs = [SUBMITS["run"](client), SUBMITS["flow"](client)]
    hidden(repr([job.model_dump() for job in jobs]))
    hidden(logs.getvalue())
    assert "HTTP Request: POST" in logs.getvalue()
    assert "HAIQU_API_KEY" not in logs.getvalue()


def test_the_client_itself_shows_nothing(odd, client_of):
    client = client_of(odd, Secret(KEY))
    assert repr(client) == f"<HaiquClient of {odd.url}>"
    hidden(f"{client!r} {client} {vars(client)} {client._settings} {vars(client._link)} {client._link._settings!r}")
    hidden(f"{client.account} {client.url}")
    hidden(str(pickle.dumps(client)))


def test_a_pickle_leaves_the_key_behind(odd, client_of):
    odd.on("*", Answer(json={"version": "1.0"}))
    client = client_of(odd, KEY, auth="query", timeout=3, retry_seconds=4)
    found = pickle.loads(pickle.dumps(client))
    assert found.url == client.url
    assert (found._settings.auth, found._settings.timeout, found._settings.retry_seconds) == ("query", 3, 4)
    with pytest.raises(HaiquAccountError, match="does not travel with pickles"):
        found.version()
    with pytest.raises(HaiquAccountError):
        _ = found.account
    assert odd.requests == []
    found.close()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_the_key(odd, client_of, copied):
    odd.on("*", Answer(json={"version": "1.0"}))
    found = copied(client_of(odd, KEY))
    assert found.version() == "1.0"
    assert odd.last.headers["authorization"] == KEY
    found.close()


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel", "tab\there", "nul\0l", "\x7f12345"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key):
    with pytest.raises(ValueError, match=r"api_key must be visible ASCII") as found:
        HaiquClient(key)
    assert not key.strip() or key not in str(found.value)
    with pytest.raises(ValueError, match=r"api_key must be visible ASCII"):
        HaiquClient(Secret(key))


def test_an_idempotency_key_that_cannot_be_sent(odd, client):
    with pytest.raises(ValueError, match=r"idempotency_key must be visible ASCII"):
        client.run(run_body(), idempotency_key="two\r\nlines")
    assert odd.requests == []


def test_space_around_a_key_is_no_part_of_it(odd, client_of):
    odd.on("*", Answer(json={"version": "1.0"}))
    client_of(odd, f"  {KEY}\n").version()
    assert odd.last.headers["authorization"] == KEY


def test_closed_clients_leave_nothing_behind(odd):
    before = set(hush._MASK.secrets)
    with HaiquClient(KEY, url=odd.url):
        (mine,) = set(hush._MASK.secrets) - before
    assert mine not in hush._MASK.secrets


def test_accounts_are_told_apart_without_their_keys():
    clients = [HaiquClient(key, url=nobody()) for key in ("key-a-123", "key-a-123", "key-b-123")]
    first, same, other = (client.account for client in clients)
    assert first == same != other
    assert len(first) == 16
    for client in clients:
        client.close()
