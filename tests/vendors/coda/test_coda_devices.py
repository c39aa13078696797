"""Devices of Coda, whatever its list looks like."""

import pytest

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.engines.coda.devices import SUPPOSED_QUBITS, DeviceList, records_of
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquAuthenticationError,
    HaiquBackendNotFoundError,
    HaiquInputError,
    HaiquOptionError,
    HaiquResponseError,
    HaiquServerError,
)
from tests.vendors.coda.server import HOST, TOKEN
from tests.vendors.web import Response


def test_discovery(provider, coda):
    found = {backend.name: backend for backend in provider.backends(via="coda")}
    assert list(found) == ["coda_iqm", "coda_ionq", "coda_lab-qpu"]
    assert found["coda_iqm"].num_qubits == 20
    assert found["coda_lab-qpu"].num_qubits == SUPPOSED_QUBITS
    assert found["coda_iqm"].status().pending_jobs == 3
    assert not found["coda_ionq"].status().operational
    assert provider.get_backend("coda_iqm").via == "coda"
    with pytest.raises(HaiquBackendNotFoundError, match="coda_iqn"):
        provider.get_backend("coda_iqn")


def test_the_list_is_asked_for_once(provider, web):
    provider.backends(via="coda")
    provider.get_backend("coda_iqm")
    assert [request.path for request in web.requests] == ["/v0/coda/qpus"]


def test_the_target_has_gates_and_measurements_only(backend):
    target = backend.target
    assert target.num_qubits == 20
    assert {"h", "cx", "rz", "measure"} <= set(target.operation_names)
    assert not {"reset", "if_else", "delay"} & set(target.operation_names)
    assert backend.max_circuits is None


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "devices": [{"id": "iqm"}, {"name": "lab"}]},
        {"success": True, "qpus": [{"id": "iqm", "name": "Garnet"}, {"id": None, "name": "lab"}]},
        {"data": ["iqm", "lab"]},
        {"devices": {"iqm": {"name": "Garnet"}, "lab": "online"}},
        [{"id": "iqm"}, "lab"],
    ],
)
def test_lists_of_several_shapes(answer):
    assert [record.id for record in records_of(answer)] == ["coda_iqm", "coda_lab"]


@pytest.mark.parametrize(
    ("entry", "facts"),
    [
        ({"numQubits": 5, "isOnline": False}, (5, False, None)),
        ({"n_qubits": 7, "available": True, "queue_length": 4}, (7, True, 4)),
        ({"qubits": ["QB1", "QB2"], "status": "Under maintenance"}, (2, False, None)),
        ({"qubit-count": True, "state": 7}, (SUPPOSED_QUBITS, True, None)),
    ],
)
def test_facts_under_their_usual_names(entry, facts):
    (record,) = records_of([{"id": "x", **entry}])
    assert (record.num_qubits, record.operational, record.pending_jobs) == facts


def test_what_cannot_be_read_is_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="2 devices without an id or a name"):
        assert [record.id for record in records_of([{"id": 5}, {"id": "iqm"}, None])] == ["coda_iqm"]
    for answer in ({"success": True}, {"devices": 5}, "iqm", None):
        with pytest.raises(HaiquResponseError, match="there is no list"):
            records_of(answer)


def test_an_older_list_serves_through_an_outage(caplog):
    answers, now = [["iqm"], HaiquServerError("away", status=503), ["lab"]], [0.0]

    def fetch():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = DeviceList(fetch, clock=lambda: now[0])
    for moment, expected in [(0, "coda_iqm"), (400, "coda_iqm"), (600, "coda_iqm"), (800, "coda_lab")]:
        now[0] = float(moment)
        assert [record.id for record in found.records()] == [expected]
    assert "the last one serves on" in caplog.text


def test_options(backend):
    backend.set_options(accept_overage=True, braket_execution_mode_hint="run_batch", bit_order="first_first")
    with pytest.raises(HaiquOptionError, match="accept_overrage"):
        backend.set_options(accept_overrage=True)
    for name, value in {
        "shots": 9,
        "accept_overage": 1,
        "braket_execution_mode_hint": "all",
        "bit_order": "big",
        "source_framework": "",
    }.items():
        with pytest.raises(HaiquInputError, match=name):
            backend.set_options(**{name: value})
    with pytest.raises(HaiquInputError, match="10000"):
        backend.set_options(shots=10_001)


def test_no_noise_is_known(backend):
    with pytest.raises(HaiquBackendNotFoundError, match="does not tell the errors of coda_iqm"):
        backend.to_aer()


# The token, and the address.


def test_without_a_token(coda, web):
    with pytest.raises(HaiquAccountError, match="CODA_API_TOKEN"):
        HaiquProvider().get_backend("coda_iqm")
    with pytest.raises(HaiquAccountError, match="coda_token"):
        HaiquProvider().get_backend("coda_iqm", via="coda")
    assert not web.requests


def test_a_token_of_the_environment_is_enough(coda, monkeypatch):
    monkeypatch.setenv("CODA_API_TOKEN", TOKEN)
    assert HaiquProvider().get_backend("coda_iqm").via == "coda"
    monkeypatch.setenv("CODA_API_TOKEN", "coda_wrong")
    with pytest.raises(HaiquAuthenticationError, match=r"Invalid API token.*CODA_API_TOKEN"):
        HaiquProvider().get_backend("coda_iqm", via="coda")


def test_the_token_stays_hidden(coda, web, caplog):
    """Even where the service repeats it."""
    token = "coda_very-secret-31337"
    coda.upset("GET /qpus", Response({"detail": f"Who is {token}?"}, 401))
    provider = HaiquProvider(credentials={"coda_token": token})
    with caplog.at_level("DEBUG"), pytest.raises(HaiquAuthenticationError) as caught:
        provider.get_backend("coda_iqm", via="coda")
    assert "Who is ***?" in str(caught.value)
    assert web.requests[-1].headers["authorization"] == f"Bearer {token}"
    assert "haiqu-sdk-version" not in web.requests[-1].headers
    assert token not in f"{caught.value!r} {caught.value.detail} {caplog.text} {provider!r} {vars(provider)}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODA_API_BASE_URL", f"https://{HOST}/v0/coda/"),
        ("CODA_BASE_URL", f"https://{HOST}"),
        ("CODA_BASE_URL", f"https://{HOST}/v0/coda"),
        ("CODA_BASE_URL", f"https://{HOST}/v0"),
    ],
)
def test_another_address(provider, web, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert provider.backends(via="coda")
    assert web.requests[-1].path == "/v0/coda/qpus"


def test_an_address_that_leads_elsewhere(provider, coda, monkeypatch):
    page = Response(status=307, headers={"location": "https://app.example.com/login?key=1"})
    coda.upset("GET /qpus", page)
    with pytest.raises(
        HaiquResponseError, match=r"leads elsewhere \(307 to app.example.com/login\).*CODA_API_BASE_URL"
    ):
        provider.backends(via="coda")
    coda.upset("GET /qpus", Response("<html>Log in</html>"))
    with pytest.raises(HaiquResponseError, match="not JSON"):
        provider.backends(via="coda")
    monkeypatch.setenv("CODA_API_BASE_URL", "coda")
    with pytest.raises(HaiquInputError, match="CODA_API_BASE_URL must begin with https"):
        HaiquProvider(credentials={"coda_token": TOKEN}).backends(via="coda")
