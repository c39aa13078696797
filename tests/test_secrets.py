"""Keys and credentials are nowhere to be seen, whatever goes wrong: not in logs, errors, reprs, pickles or files."""

import copy
import json
import pickle
import warnings
from urllib.parse import quote

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.accounts.saved import Account
from qiskit_haiqu_provider.cli import main
from qiskit_haiqu_provider.engines.haiqu import submission
from qiskit_haiqu_provider.engines.haiqu.sending import Order
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquError
from qiskit_haiqu_provider.secret import Secret
from tests.api.odd_server import (
    CUT_BEFORE_ANSWER,
    CUT_IN_BODY,
    CUT_IN_HEAD,
    GARBAGE,
    HTML,
    MALFORMED,
    RESET_BEFORE_ANSWER,
    Answer,
    OddServer,
)
from tests.engines.haiqu.faults.proxy import FaultProxy
from tests.engines.haiqu.faults.trouble import Kind, Trouble
from tests.engines.haiqu.service import LINE, Desk
from tests.hidden import (
    CREDENTIALS,
    KEY,
    VENDORS,
    all_logs,
    files_with_secrets,
    looked_at,
    plain_texts,
    secrets_in,
    shown,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* has no error data")

TIMEOUT = 0.25
AUTHS = ["header", "query"]
DEVICES = {vendor: f"{vendor}_line" for vendor in VENDORS}


def bell():
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.measure_all()
    return circuit


# A service that repeats whatever it is sent.


def sent(asked):
    """All that came in, as a careless service may repeat it."""
    body = asked.body.decode()
    known = [text for text in CREDENTIALS.values() if json.dumps(text)[1:-1] in body]
    return {"text": " ".join([asked.target, KEY, quote(KEY, safe=""), *known]), "headers": asked.headers, "body": body}


def echo(status, **more):
    """An answer of that status that repeats everything, in its body and its headers."""

    def answered(asked):
        headers = {"x-request-id": KEY, "x-echo": KEY, "location": f"/there?HAIQU_API_KEY={KEY}"}
        return Answer(status=status, json={"detail": sent(asked), **more}, headers=headers)

    return answered


def echo_page(asked):
    page = f"<html><title>{sent(asked)['text']}</title><body>{sent(asked)['body']}</body></html>"
    return Answer(status=502, body=page, headers={"content-type": "text/html"})


def echo_issues(asked):
    text = sent(asked)["text"]
    issue = {"loc": ["body", "options", KEY], "msg": text, "type": "x", "input": sent(asked)["body"]}
    return Answer(status=422, json={"detail": [issue, {"loc": [text], "msg": KEY, "ctx": {"given": KEY}}]})


def echo_truncated(asked):
    return Answer(body=json.dumps(sent(asked))[:-3])


def echo_line(_asked):
    return Answer(raw=f"HTTP/1.1 {KEY} {KEY}\r\n\r\n".encode())


FAILURES = {
    **{str(status): echo(status) for status in (301, 400, 401, 402, 403, 404, 409, 422, 426, 429, 500, 501, 503)},
    "wrong kind": echo(200, job_type="Run", id=KEY),
    "page": echo_page,
    "issues": echo_issues,
    "truncated": echo_truncated,
    "line": echo_line,
    "html": HTML,
    "malformed": MALFORMED,
    "cut before": CUT_BEFORE_ANSWER,
    "reset before": RESET_BEFORE_ANSWER,
    "cut in head": CUT_IN_HEAD,
    "cut in body": CUT_IN_BODY,
    "garbage": GARBAGE,
    "silent": Answer(delay=2 * TIMEOUT),
}


STEPS = ("GET /devices", "POST /experiments/init", "POST /circuits", "POST /run", "GET /experiments/exp-1/jobs")
"""Requests of a submission; all of them but the last are made by every first one."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(submission, "LOOKS", (0.0, 0.01))
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")


@pytest.fixture
def desk():
    with OddServer() as server:
        found = Desk(server)
        server.on("GET /devices", Answer(json=[{**LINE, "id": name} for name in DEVICES.values()]))
        yield found
        found.close()


@pytest.fixture
def home(tmp_path):
    """Everything that is kept; searched at the end."""
    folder = tmp_path / "kept"
    yield folder
    assert files_with_secrets(tmp_path) == {}


@pytest.fixture
def logs():
    """All logs and warnings; searched at the end."""
    with all_logs() as stream, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield stream
    assert secrets_in(stream.getvalue()) == []
    assert secrets_in(" ".join(str(each.message) for each in warned)) == []


def provider_of(url, home, auth="header", *, timeout=60):
    return HaiquProvider(
        api_key=KEY, url=url, auth=auth, credentials=CREDENTIALS, home=home, timeout=timeout, experiment="e"
    )


def hurry(provider):
    """From now on its client gives up soon; before, no pause of the machine shall look like a silence."""
    object.__setattr__(provider._service.engine.client._settings, "timeout", TIMEOUT)


def attempt(call, *arguments, **named):
    """What comes of a call; an error, which must be one of ours, is searched."""
    try:
        return call(*arguments, **named)
    except HaiquError as error:
        raised = error
    assert secrets_in(shown(raised)) == []
    return None


def submit(provider, vendor, **options):
    backend = provider.get_backend(DEVICES[vendor], via="haiqu")
    return SamplerV2(backend, options=options).run([bell()], shots=100)


# Failures


def everything(provider, vendor):
    """Whatever a user may ask of the service."""
    attempt(provider.backends, via="haiqu")
    attempt(provider.experiments)
    attempt(provider.log, {"00": 10}, name="elsewhere")
    attempt(dry_run, provider, vendor)
    job = attempt(submit, provider, vendor)
    if job is not None:
        ask(job)
        attempt(provider.job, job.job_id())
    attempt(provider.job, "jb-of-another-program")
    assert secrets_in(looked_at(attempt(provider.jobs))) == []
    assert secrets_in(str(provider.check())) == []


def dry_run(provider, vendor):
    return submit(provider, vendor, dry_run=True).result(timeout=TIMEOUT)


def ask(job):
    for call in (job.status, job.logs, job.usage, job.cancel, job.restart):
        assert secrets_in(looked_at(attempt(call))) == []
    attempt(job.result, timeout=TIMEOUT)  # also of a job that never ends


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_of_the_service_shows_a_secret(desk, home, logs, failure, auth):
    """At first everything fails; then the submission alone, for each vendor."""
    timeout = TIMEOUT if failure == "silent" else 60
    for name in STEPS:
        kept = desk.server._answers[name]
        desk.server.on(name, FAILURES[failure])
        attempt(submit, provider_of(desk.server.url, home / name, auth, timeout=timeout), "ibm")
        desk.server.on(name, *kept)
    desk.server.on("POST /run", FAILURES[failure])
    for vendor in VENDORS:
        everything(provider_of(desk.server.url, home, auth, timeout=timeout), vendor)
    sent = [asked.body.decode() for asked in desk.server.requests if asked.name in ("POST /run", "POST /flow")]
    assert all(any(name in body for body in sent) for name in CREDENTIALS)
    assert "send_request_headers.started" in logs.getvalue()  # the libraries did log


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_after_the_submission_shows_a_secret(desk, home, logs, failure, auth):
    provider = provider_of(desk.server.url, home, auth)
    job = submit(provider, "aws")
    if failure == "silent":
        hurry(provider)
    for name in ("GET /jobs/jb-1", "POST /jobs/jb-1/cancel", "POST /jobs/jb-1/restart", "*"):
        desk.server.on(name, FAILURES[failure])
    ask(job)
    everything(provider, "aws")


LASTING = (Kind.LATE_REQUEST, Kind.LATE_ANSWER, Kind.STALL, Kind.OUTAGE)


class Always:
    """A plan with one kind of trouble, once the devices are known."""

    def __init__(self, kind):
        seconds = TIMEOUT * (1.5 if kind in LASTING else 0.2)
        self._trouble = Trouble(kind=kind, seconds=seconds, bits=((0.3, 0x80),))

    def draw(self, name):
        return None if name == "GET /devices" else self._trouble


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_no_broken_connection_shows_a_secret(desk, home, logs, kind, auth):
    with FaultProxy(desk.server.url) as proxy:
        provider = provider_of(proxy.url, home, auth)
        submit(provider, "ionq")
        if kind in LASTING:
            hurry(provider)
        proxy.plan = Always(kind)
        job = attempt(submit, provider, "ionq")
        if job is not None:
            ask(job)
        assert secrets_in(str(provider.check())) == []


# Things


@pytest.fixture
def things(desk, home):
    """All that a user, or a debugger, may look at after a submission."""
    provider = provider_of(desk.server.url, home, "query")
    backend = provider.get_backend("iqm_line", via="haiqu")
    sampler, estimator = SamplerV2(backend), EstimatorV2(backend)
    job = sampler.run([bell()], shots=100)
    job.result(timeout=60)
    engine = provider._service.engine
    vendor = {name: Secret(CREDENTIALS[name]) for name in VENDORS["aws"]}
    return {
        "provider": provider,
        "service": provider._service,
        "connection": provider._service.connection,
        "backend": backend,
        "engine": engine,
        "client": engine.client,
        "sampler": sampler,
        "estimator": estimator,
        "options": sampler.options,
        "job": job,
        "execution": job._execution,
        "state": job._execution._state,
        "plan": job.plan,
        "record": job._record,
        "order": Order(request=None, layout=None, credentials=vendor),
        "account": Account(name="a", secrets=vendor),
        "secret": Secret(KEY),
    }


def test_nothing_shows_a_secret_of_itself(things):
    assert {name: found for name, thing in things.items() if (found := secrets_in(looked_at(thing)))} == {}


def test_no_text_within_is_a_secret(things):
    """Secrets are texts only where they are sent; wherever they are kept, they hide themselves."""
    found = {name: secrets_in("\n".join(plain_texts(thing))) for name, thing in things.items()}
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert len(list(plain_texts(things["provider"]))) > 100  # the search did go deep


PICKLED = ("provider", "backend", "sampler", "estimator", "client", "options", "record", "state", "order", "account")


@pytest.mark.parametrize("name", PICKLED)
def test_no_pickle_holds_a_secret(things, name):
    data = pickle.dumps(things[name])
    assert secrets_in(data.decode("latin-1")) == []
    found = pickle.loads(data)
    assert secrets_in(looked_at(found)) == []
    assert secrets_in("\n".join(plain_texts(found))) == []


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", PICKLED)
def test_no_copy_shows_a_secret(things, name, copied):
    found = copied(things[name])
    assert secrets_in(looked_at(found)) == []
    assert secrets_in("\n".join(plain_texts(found))) == []


def test_a_provider_that_travelled_says_what_it_left_behind(things):
    found = pickle.loads(pickle.dumps(things["provider"]))
    with pytest.raises(HaiquAccountError, match="does not travel with pickles") as raised:
        found.get_backend("iqm_line", via="haiqu")
    assert secrets_in(shown(raised.value)) == []


# Accounts, the environment, and the command


@pytest.fixture
def saved(tmp_path, monkeypatch, desk):
    """A saved account, and more in the environment."""
    folder = tmp_path / "haiqu"
    HaiquProvider.save_account(api_key=KEY, url=desk.server.url, credentials=CREDENTIALS)
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name.upper(), text)
    yield folder
    assert files_with_secrets(folder) == {}
    assert (folder / "accounts.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("answer", ["fine", "401", "500", "page", "line", "malformed"])
def test_check_and_doctor_show_no_secret(desk, saved, logs, capsys, answer):
    if answer == "fine":
        desk.server.on("GET /version", Answer(json={"version": "1.0"}))
        desk.server.on("GET /health_auth", Answer(json={"status": "ok", "username": KEY, "user": KEY}))
    else:
        desk.server.on("*", FAILURES[answer])
    checks = HaiquProvider().check()
    assert secrets_in(looked_at(checks)) == []
    main(["doctor"])
    shown_by_command = "".join(capsys.readouterr())
    assert "ionq_api_key (from IONQ_API_KEY)" in shown_by_command
    assert secrets_in(shown_by_command) == []


def test_saved_accounts_show_no_secret(saved, logs, desk):
    assert secrets_in(looked_at(HaiquProvider.saved_accounts())) == []
    provider = HaiquProvider()
    for failure in ("401", "cut before", "issues"):
        desk.server.on("POST /run", FAILURES[failure])
        attempt(submit, provider, "aws")
    assert secrets_in(looked_at(provider)) == []
    attempt(HaiquProvider.save_account, "no\nname", api_key=Secret(KEY))
    attempt(HaiquProvider.delete_account, "no\nname")


def test_accounts_that_cannot_be_used_show_no_secret(saved, logs):
    with pytest.raises(HaiquAccountError, match="There is an account") as exists:
        HaiquProvider.save_account(api_key=Secret(KEY))
    path = saved / "accounts.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(HaiquAccountError, match="cannot be read") as damaged:
        HaiquProvider.saved_accounts()
    for error in (exists.value, damaged.value):
        assert secrets_in(shown(error) + looked_at(error) + repr(pickle.dumps(error))) == []
    assert secrets_in(str(HaiquProvider().check())) == []
    assert secrets_in(repr(HaiquProvider())) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://nowhere"},
        {"auth": "cookie"},
        {"experiment": 7},
        {"timeout": -1},
        {"account": "nobody"},
        {"executor": 7},
        {"options": {"default_shot": 1}},
        {"credentials": {"ibm_token": Secret(CREDENTIALS["ibm_quantum_token"])}},
        {"credentials": {"ionq_api_key": 7, "iqm_token": Secret(CREDENTIALS["iqm_token"])}},
        {"api": "fly"},
    ],
)
def test_a_wrong_argument_does_not_show_those_beside_it(wrong, logs):
    """Given as ``Secret``; a plain text that is given stands in the frames of whoever gives it, as any argument."""
    hidden = {"api_key": Secret(KEY), "credentials": {name: Secret(text) for name, text in CREDENTIALS.items()}}
    with pytest.raises(HaiquError) as raised:
        repr(HaiquProvider(**{**hidden, **wrong}).backends(via="haiqu"))
    assert secrets_in(shown(raised.value)) == []
