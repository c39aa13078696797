"""Connections: kept open, shared by threads, closed at the end."""

import base64
import gc
import gzip
import hashlib
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from qiskit_haiqu_provider.api import network
from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.api.transport import SDK_VERSION
from qiskit_haiqu_provider.exceptions import HaiquConnectionError, HaiquNotFoundError, HaiquTimeoutError
from qiskit_haiqu_provider.version import __version__
from tests.api.conftest import KEY
from tests.api.odd_server import Answer, nobody
from tests.api.records import ANSWERS, CIRCUIT, DEVICE, HARMLESS, RUN_JOB, SUBMITS, run_body

VERSION = Answer(json={"version": "1.0"})


def test_connections_are_kept_open(odd, client):
    odd.on("*", VERSION)
    for _ in range(10):
        client.version()
    assert odd.connections == 1


def test_an_error_keeps_its_connection(odd, client):
    odd.on("GET /user", Answer(status=404, json={"detail": "no"}))
    odd.on("GET /version", VERSION)
    with pytest.raises(HaiquNotFoundError):
        client.user()
    client.version()
    assert odd.connections == 1


def test_many_threads_share_a_client(odd, client):
    together = threading.Barrier(64)

    def answered(request):
        together.wait(60)  # until 64 requests are here at once
        return Answer(json={**CIRCUIT, "id": f"circ-{request.path.rsplit('/', 1)[1]}"})

    odd.on("*", answered)
    with ThreadPoolExecutor(64) as pool:
        ids = list(pool.map(lambda n: client.circuit(str(n)).id, range(256)))
    assert ids == [f"circ-{n}" for n in range(256)]
    assert odd.most_at_once == 64
    assert odd.connections < 256


def test_headers_of_every_request(odd, client):
    odd.on("*", lambda request: Answer(json=ANSWERS.get(request.name)))
    for ask in (*SUBMITS.values(), *HARMLESS.values()):
        ask(client)
    for request in odd.requests:
        assert request.headers["authorization"] == KEY
        assert request.headers["haiqu-sdk-version"] == SDK_VERSION
        assert request.headers["user-agent"] == f"qiskit-haiqu-provider/{__version__}"
        assert request.headers["accept"] == "application/json"
        assert request.query == {}
        if request.method != "GET":
            assert request.headers["content-type"] == "application/json"
            assert "idempotency-key" not in request.headers


@pytest.mark.parametrize("path", ["/jobs/jb-1/cancel", "/jobs/jb-1/restart", "/circuits/circ-1/compute_analytics/core"])
def test_bodies_that_say_nothing_are_null(odd, client, path):
    odd.on("*", lambda request: Answer(json=ANSWERS[request.name]))
    {**SUBMITS, **HARMLESS}[f"POST {path}"](client)
    assert odd.last.body == b"null"


def test_the_key_in_the_query(odd, client_of):
    odd.on("*", lambda request: Answer(json=[] if request.method == "GET" else RUN_JOB))
    client = client_of(odd, "key&of=ada?#/+%41", auth="query")
    client.circuits("exp-1", circuit_ids=["a", "b"], limit=3)
    assert odd.last.query == {"limit": ["3"], "circuit_ids": ["a", "b"], "HAIQU_API_KEY": ["key&of=ada?#/+%41"]}
    client.run(run_body())
    assert odd.last.query == {"HAIQU_API_KEY": ["key&of=ada?#/+%41"]}
    assert not any("authorization" in request.headers for request in odd.requests)


def test_queries(odd, client):
    odd.on("*", Answer(json=[]))
    client.experiments()
    assert odd.last.query == {}
    client.experiments(name="a & b=ü")
    assert odd.last.query == {"name": ["a & b=ü"]}
    client.jobs("exp-1", limit=5, job_type="User local job", circuit_id="circ-1")
    assert odd.last.query == {"limit": ["5"], "job_type": ["User local job"], "circuit_id": ["circ-1"]}
    client.circuits("exp-1")
    assert odd.last.query == {"limit": ["10"]}
    client.artifacts("exp-1", limit=2)
    assert odd.last.query == {"limit": ["2"]}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ibm_fez", "/devices/ibm_fez"),
        ("a/b", "/devices/a%2Fb"),
        ("..", "/devices/%2E%2E"),
        (".", "/devices/%2E"),
        ("%2e?x=1#y", "/devices/%252e%3Fx%3D1%23y"),
        ("a b\r\nX: y", "/devices/a%20b%0D%0AX%3A%20y"),
        ("ü\ud800", "/devices/%C3%BC%3F"),
    ],
)
def test_an_id_is_one_part_of_the_address(odd, client, name, path):
    odd.on("*", Answer(json=DEVICE))
    client.device(name)
    assert odd.last.target == path


def test_an_address_with_a_path(odd):
    odd.on("GET /haiqu/v1/version", VERSION)
    with HaiquClient(KEY, url=f"{odd.url}/haiqu/v1/") as client:
        assert client.version() == "1.0"
        assert client.url == f"{odd.url}/haiqu/v1"


def test_waiting_for_news_of_a_job(odd, client_of):
    odd.on("*", Answer(json=RUN_JOB, delay=1.5))
    client = client_of(odd, timeout=1, retry_seconds=0)
    assert client.job("jb-1", wait=5.9).id == "jb-1"  # the time limit counts from the end of the wait
    assert odd.last.headers["prefer"] == "wait=5"


@pytest.mark.parametrize("wait", [None, 0, 0.5])
def test_no_waiting_for_news(odd, client, wait):
    odd.on("*", Answer(json=RUN_JOB))
    client.job("jb-1", wait=wait)
    assert "prefer" not in odd.last.headers


def test_idempotency_keys(odd, client):
    odd.on("*", lambda request: Answer(json=ANSWERS[request.name]))
    client.run(run_body(), idempotency_key="token-1")
    assert odd.last.headers["idempotency-key"] == "token-1"
    assert not client.honours_idempotency


@pytest.mark.parametrize(("value", "honoured"), [("honoured", True), ("Honoured ", True), ("no", False)])
def test_a_service_says_whether_it_honours_idempotency_keys(odd, client, value, honoured):
    odd.on("*", Answer(status=404, headers={"Idempotency-Key-Support": value}), VERSION)
    with pytest.raises(HaiquNotFoundError):
        client.version()
    client.version()
    assert client.honours_idempotency is honoured


def test_a_transport_of_ones_own():
    seen = []

    def answered(request):
        seen.append(request)
        return httpx.Response(200, json={"version": "9"})

    with HaiquClient(KEY, url="https://api.example", transport=httpx.MockTransport(answered)) as client:
        assert client.version() == "9"
    assert str(seen[0].url) == "https://api.example/version"
    assert seen[0].headers["authorization"] == KEY


def test_a_compressed_answer(odd, client):
    odd.on("*", Answer(body=gzip.compress(b'{"version": "1.0"}'), headers={"content-encoding": "gzip"}))
    assert client.version() == "1.0"


def test_an_answer_without_a_length(odd, client):
    odd.on("*", Answer(json={"version": "1.0"}, length=False))
    assert client.version() == "1.0"


def test_a_large_answer(odd, client):
    results = [{f"{n:024b}": 1 / 50_000 for n in range(50_000)}]
    odd.on("*", Answer(json={**RUN_JOB, "quantum_results": results}))
    assert client.job("jb-1").quantum_results == results


def test_a_client_that_nobody_closes_leaves_no_open_connection(odd):
    odd.on("*", VERSION)
    client = HaiquClient(KEY, url=odd.url)
    client.version()
    gone = weakref.ref(client)
    del client
    gc.collect()  # an open socket would be a ResourceWarning, which is an error here
    assert gone() is None


def test_connections_that_have_rested_for_long_are_not_used_again(odd, client_of, monkeypatch):
    monkeypatch.setattr(network, "IDLE_SECONDS", 0.05)
    odd.on("*", VERSION)
    client = client_of(odd)
    client.version()
    time.sleep(0.1)
    client.version()
    assert odd.connections == 2


@pytest.mark.parametrize("name", ["POST /run", "GET /version"])
def test_when_all_connections_are_in_use(odd, client_of, monkeypatch, name):
    monkeypatch.setattr(network, "CONNECTIONS", 1)
    busy, release = threading.Event(), threading.Event()

    def held(_):
        busy.set()
        return Answer(json=RUN_JOB, hold=release)

    odd.on("GET /jobs/jb-1", held)
    client = client_of(odd, timeout=1, retry_seconds=0.1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.job, "jb-1", wait=60)
        busy.wait(60)
        with pytest.raises(HaiquTimeoutError, match=f"{name}: it could not be sent") as found:
            {**SUBMITS, "GET /version": HARMLESS["GET /version"]}[name](client)
        release.set()
        assert waiting.result().id == "jb-1"
    assert not found.value.reached
    assert odd.count(name) == 0


def digest_of(body):
    return {"content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"}


def test_an_answer_that_was_changed_on_its_way_is_asked_for_again(odd):
    good, bad = b'{"version": "1.0"}', b'{"version": "1.1"}'
    odd.on("GET /version", Answer(body=bad, headers=digest_of(good)), Answer(body=good, headers=digest_of(good)))
    with HaiquClient(KEY, url=odd.url, retry_seconds=30) as client:
        assert client.version() == "1.0"
    assert odd.count("GET /version") == 2


def test_a_submission_whose_answer_was_changed_is_not_sent_again(odd, client):
    odd.on("POST /run", Answer(json=RUN_JOB, headers=digest_of(b"another")))
    with pytest.raises(HaiquConnectionError, match="changed on its way") as caught:
        client.run(run_body())
    assert caught.value.reached
    assert odd.count("POST /run") == 1


def test_a_digest_of_another_kind_is_no_reason_to_doubt(odd, client):
    odd.on("GET /version", Answer(json={"version": "1.0"}, headers={"content-digest": "sha-512=:AAAA:"}))
    assert client.version() == "1.0"


FORK = """
import os, sys
from qiskit_haiqu_provider.api.client import HaiquClient

client = HaiquClient("some-key-0123", url=sys.argv[1])
client.version()  # its connection is kept
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        names = [f"jb-{os.getpid()}-{number}" for number in range(30)]
        os._exit(0 if [client.job(name).id for name in names] == names else 1)
    children.append(child)
mine = [client.job(f"jb-parent-{number}").id == f"jb-parent-{number}" for number in range(30)]
print(all(mine), [os.waitpid(child, 0)[1] for child in children])
"""


def test_a_forked_process_has_connections_of_its_own(odd):
    odd.on("GET /version", VERSION)
    odd.on("*", lambda asked: Answer(json={**RUN_JOB, "id": asked.path.removeprefix("/jobs/")}))
    done = subprocess.run(
        [sys.executable, "-c", FORK, odd.url], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "True [0, 0, 0, 0]\n"
    assert odd.connections == 1 + 4


def test_an_address_where_nobody_answers_is_named():
    url = nobody()
    with pytest.raises(HaiquConnectionError, match=url):
        HaiquClient(KEY, url=url, retry_seconds=0).version()
