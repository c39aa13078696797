"""Who may call, and what every answer has."""

import httpx
import pytest

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.database import Database
from tests.gateway.rest import Api, ok, refused
from tests.gateway.servers import client_of

PROTECTED = [
    ("GET", "/health/auth"),
    ("GET", "/user"),
    ("GET", "/experiments"),
    ("GET", "/devices"),
    ("GET", "/jobs/jb-1"),
    ("POST", "/run"),
    ("POST", "/flow"),
    ("POST", "/circuits"),
    ("POST", "/circuits/transpile"),
    ("POST", "/jobs/jb-1/cancel"),
    ("POST", "/data_loading"),
]
NOT_OFFERED = [
    ("POST", "/data_loading"),
    ("POST", "/data_loading_estimates"),
    ("POST", "/compression"),
    ("POST", "/compression_estimates"),
    ("POST", "/variational"),
    ("POST", "/pretraining"),
    ("POST", "/postprocess"),
    ("POST", "/postprocess_skqd"),
    ("POST", "/circuits/lr_qaoa"),
    ("POST", "/circuits/circ-1/backpropagate_observables"),
    ("GET", "/help/benchmarks"),
    ("GET", "/circuits/circ-1/metrics_evolution"),
]


@pytest.fixture
def stranger(gateway):
    """Somebody without a key."""
    with httpx.Client(base_url=gateway.url, timeout=60, trust_env=False) as client:
        yield client


def test_version_needs_no_key(stranger):
    assert ok(stranger.get("/version"), models.Version)["version"]


def test_key_in_the_header_and_in_the_query(gateway, stranger):
    by_header = stranger.get("/health/auth", headers={"authorization": gateway.key})
    by_query = stranger.get("/health/auth", params={"HAIQU_API_KEY": gateway.key})
    by_scheme = stranger.get("/health/auth", headers={"authorization": f"Bearer {gateway.key}"})
    for answer in (by_header, by_query, by_scheme):
        assert ok(answer, models.AuthHealth) == {"username": "ada"}


def test_user_is_shown_without_the_key(gateway):
    user = ok(gateway.client.get("/user"), models.User)
    assert user["username"] == "ada"
    assert gateway.key not in str(user)
    assert gateway.key[3:12] not in str(user)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_everything_else_needs_a_key(stranger, method, path):
    assert "A key is needed" in refused(stranger.request(method, path), 401)
    wrong = stranger.request(method, path, headers={"authorization": "hq_wrong"})
    assert "not valid" in refused(wrong, 401)
    assert wrong.headers["www-authenticate"] == "ApiKey"


@pytest.mark.parametrize("key", ["", "Bearer", "hq_", "x" * 10_000, "é", "' OR 1=1 --", "null"])
def test_odd_keys_are_no_keys(gateway, stranger, key):
    refused(stranger.get("/user", headers={"authorization": key.encode()}), 401)
    refused(stranger.get("/user", params={"HAIQU_API_KEY": key}), 401)


def test_without_a_key_nothing_is_said_of_the_body(stranger):
    """Not even whether it is JSON: it is not read."""
    for body in (b"{", b'{"name": 3}', b"{}"):
        refused(stranger.post("/experiments/init", content=body), 401)


def test_a_revoked_key_is_refused_at_once(gateway):
    key = gateway.new_key("eve")
    with client_of(gateway.url, key) as client:
        ok(client.get("/user"))
        database = Database(f"sqlite:///{gateway.home / 'gateway.db'}")
        with database.write() as session:
            found = [row for row, user in users.list_keys(session) if user.username == "eve" and not row.revoked_date]
            assert all(users.revoke_key(session, row.id) for row in found)
        database.close()
        assert "revoked" in refused(client.get("/user"), 401)


@pytest.mark.parametrize(("method", "path"), NOT_OFFERED)
def test_what_is_not_offered_says_so_by_name(gateway, method, path):
    detail = refused(gateway.client.request(method, path, json={}), 501)
    assert path.replace("circ-1", "{circuit_id}") in detail
    assert "not offered" in detail


def test_unknown_paths_and_methods(gateway):
    assert "/openapi.json" in refused(gateway.client.get("/nowhere"), 404)
    answer = gateway.client.delete("/experiments")
    assert "/openapi.json" in refused(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_every_answer_has_the_headers_of_the_gateway(gateway, stranger):
    api = Api(gateway.client)
    answers = [
        stranger.get("/version"),
        stranger.get("/openapi.json"),
        stranger.get("/user"),
        stranger.get("/nowhere"),
        stranger.get("/nowhere?x=%00"),
        gateway.client.get("/experiments"),
        gateway.client.post("/run", json={}),
        gateway.client.get(f"/experiments/{api.experiment}/artifacts/none"),
        gateway.client.post("/data_loading"),
        gateway.client.delete("/experiments"),
        gateway.client.post("/run", content=b" " * (Limits().body_bytes + 1)),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 404, 422, 200, 422, 404, 501, 405, 413]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["idempotency-key-support"] == "honoured"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_an_address_with_nul_is_refused(gateway):
    for path in ("/jobs/%00", "/experiments?name=%00", "/experiments/x%00/jobs"):
        assert "NUL" in refused(gateway.client.get(path), 422)[0]["msg"]


def test_devices_have_the_documented_shape(gateway):
    listed = ok(gateway.client.get("/devices"), list[models.Device])
    by_id = {device["id"]: device for device in listed}
    assert {"aer_simulator", "fake_torino", "fake_brisbane", "fake_montreal"} <= by_id.keys()
    assert by_id["aer_simulator"]["coupling_map"] is None
    torino = ok(gateway.client.get("/devices/fake_torino"), models.Device)
    assert torino == by_id["fake_torino"]
    assert (torino["qubits"], torino["simulator"], torino["pending_jobs"]) == (133, True, None)
    assert {"cz", "rz", "sx", "x"} <= set(torino["operation_names"])
    assert [0, 1] in torino["coupling_map"]


def test_gate_map_says_what_acts_where(gateway):
    answer = ok(gateway.client.get("/devices/fake_torino/gate_map"), models.GateMap)
    assert len(answer["operations"]["sx"]) == 133
    assert sorted(answer["operations"]["cz"]) == answer["operations"]["cz"]
    aer = ok(gateway.client.get("/devices/aer_simulator/gate_map"), models.GateMap)
    assert aer["coupling_map"] is None
    assert {"h", "cx", "rz"} <= aer["operations"].keys()


@pytest.mark.parametrize("path", ["/devices/nothing", "/devices/nothing/gate_map", "/devices/..%2Fetc"])
def test_unknown_devices_are_404(gateway, path):
    refused(gateway.client.get(path), 404)
