"""What strangers may send: it is read within limits, refused with a reason, and never stops the server."""

import base64
import io
import socket

import pytest
from qiskit import QuantumCircuit, qpy

from qiskit_haiqu_provider.gateway.settings import Limits
from tests.gateway.rest import Api, ok, packed, refused
from tests.interop.exact import bell

QPY = base64.b64decode(packed(bell()))


@pytest.fixture(scope="module")
def api(gateway):
    return Api(gateway.client)


@pytest.fixture(autouse=True)
def _lives(gateway):
    yield
    ok(gateway.client.get("/version"))


def upload(api, data):
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    body = {"experiment_id": api.experiment, "hash": "h", "qpy_dump": text}
    return api.client.post("/circuits", json=body)


def analyse(api, program):
    body = {"experiment_id": api.experiment, "circuit_qasm": program}
    return api.client.post("/ai/submit_circuit_for_analytics", json=body)


def raw(gateway, body, path="/experiments/init"):
    return gateway.client.post(path, content=body, headers={"content-type": "application/json"})


# Circuits


@pytest.mark.parametrize("version", [1, 8, 12])
def test_old_qpy_is_refused_unread(api, version):
    detail = refused(upload(api, QPY[:6] + bytes([version]) + QPY[7:]), 400)
    assert f"version {version}" in detail
    assert "refused unread" in detail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"QISKIT",
        QPY[:20],
        QPY[:100],
        QPY[:-10],
        QPY[:7] + bytes(500),
        QPY[:7] + b"\xff" * 500,
        QPY[:6] + b"\xff" + QPY[7:],
        bytes(1000),
        b"\x80\x04\x95" + b"cos\nsystem\n(S'id'\ntR.",
    ],
)
def test_damaged_files_are_refused(api, data):
    assert "qpy" in refused(upload(api, data), 400)


def test_numbers_in_a_header_cannot_exhaust_the_server(api):
    """Sizes and counts at every place of the header are replaced by the largest there are."""
    for place in range(19, 160, 3):
        damaged = QPY[:place] + b"\x7f\xff\xff\xff\xff\xff\xff\xff" + QPY[place + 8 :]
        answer = upload(api, damaged)
        if answer.status_code != 200:  # some places hold text
            refused(answer, 413 if answer.status_code == 413 else 400)


@pytest.mark.parametrize("text", ["!!!!", "QISKIT", "é", "QUJD\nQUJD", "-_-_"])
def test_what_is_no_base64_is_refused(api, text):
    assert "base64" in refused(upload(api, text), 400)


def test_two_circuits_in_a_file_are_refused(api):
    file = io.BytesIO()
    qpy.dump([bell(), bell()], file, version=16)
    assert "holds 2 programs" in refused(upload(api, file.getvalue()), 400)


def test_a_circuit_without_qubits_is_refused(api):
    assert "no qubits" in refused(upload(api, packed(QuantumCircuit())), 400)


def test_a_circuit_over_a_limit_is_413(api):
    assert "2001 qubits, at most 2000" in refused(upload(api, packed(QuantumCircuit(2001))), 413)
    deep = QuantumCircuit(1, 1)
    for _ in range(30):
        outer = QuantumCircuit(1, 1)
        outer.if_test((outer.clbits[0], 1), deep, [0], [0])
        deep = outer
    assert "nested deeper" in refused(upload(api, packed(deep)), 413)


@pytest.mark.parametrize(
    "program",
    [
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[1000000000];',
        "OPENQASM 3.0; qubit[1000000000] q;",
        "OPENQASM 3.0; qubit q; bit[1000000000] c;",
    ],
)
def test_giant_registers_are_413(api, program):
    assert "too large" in refused(analyse(api, program), 413)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../../etc/passwd", "/proc/self/environ"])
def test_files_of_the_server_cannot_be_included(api, name):
    for program in (f'OPENQASM 2.0; include "{name}"; qreg q[1];', f'OPENQASM 3.0; include "{name}"; qubit q;'):
        answer = analyse(api, program)
        assert "is refused" in refused(answer, 400)
        assert "root:" not in answer.text


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b'{"name": "\xff"}',
        b"null",
        b"[]",
        b'"text"',
        b'{"name": NaN}',
        b'{"name": "x", "metrics": {"x": NaN}}',
        b'{"name": "x", "metrics": {"x": Infinity}}',
        b'{"name": "x", "metrics": {"x": 1e999}}',
        b'{"name": "x", "metrics": {"x": ' + b"9" * 5000 + b"}}",
        b'{"name": "x", "metrics": {"\\u0000": 1}}',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "metrics": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"name": "x", "metrics": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b"[" * 100_000,
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
def test_bodies_that_are_no_sound_json_are_422(gateway, body):
    refused(raw(gateway, body), 422)


@pytest.mark.parametrize("path", ["/run", "/flow", "/circuits", "/circuits/transpile", "/jobs", "/experiments"])
@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b"{}", b"[" * 20_000])
def test_every_endpoint_refuses_them(gateway, path, body):
    refused(raw(gateway, body, path), 422)


def test_a_body_over_the_limit_is_413_whether_announced_or_not(gateway):
    piece, limit = b" " * (1 << 20), Limits().body_bytes >> 20
    for body in (piece * (limit + 1), (piece for _ in range(limit + 1))):
        assert f"{limit} MiB" in refused(raw(gateway, body), 413)


def connection(gateway, head):
    """A connection on which this has been sent, with the key."""
    host, port = gateway.url.removeprefix("http://").split(":")
    opened = socket.create_connection((host, int(port)), timeout=60)
    lines = [head, f"host: {host}", f"authorization: {gateway.key}", "content-type: application/json"]
    opened.sendall("\r\n".join(lines).encode())
    return opened


def test_an_announced_giant_is_refused_before_it_comes(gateway):
    with connection(gateway, "POST /run HTTP/1.1") as opened:
        opened.sendall(b"\r\ncontent-length: 10000000000\r\n\r\n")
        assert opened.recv(1000).startswith(b"HTTP/1.1 413")


def test_slow_bodies_hold_up_nobody(gateway, api):
    slow = [connection(gateway, "POST /run HTTP/1.1") for _ in range(50)]
    for opened in slow:
        opened.sendall(b'\r\ncontent-length: 100\r\n\r\n{"shots":')
    assert api.run(bell())["status"] == "Done"
    for opened in slow:
        opened.close()


@pytest.mark.parametrize("head", [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0" * 100])
def test_what_is_no_http_is_dropped(gateway, head):
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as opened:
        opened.sendall(head)
        opened.shutdown(socket.SHUT_WR)
        assert b"Traceback" not in opened.recv(10_000)


# Jobs


def test_states_too_large_for_an_answer_fail_with_the_limit(api):
    log = api.failed(api.post_run(QuantumCircuit(23), run_type="StatevectorRun", device_id=""))
    assert "at most 256 MiB" in log


def test_a_circuit_too_large_to_simulate_fails_with_numbers(api):
    circuit = QuantumCircuit(60)
    circuit.h(range(60))
    for qubit in range(59):
        circuit.rzz(0.3, qubit, qubit + 1)
        circuit.t(qubit)
    circuit.measure_all()
    log = api.failed(api.post_run(circuit, options={"method": "statevector"}))
    assert "60 qubits" in log or "memory" in log


def test_parameters_that_are_not_finite_are_refused(gateway, api):
    circuit = api.upload(bell())["id"]
    for value in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"experiment_id": "{api.experiment}", "circuit_ids": ["{circuit}"], "parameters": [[{value}]]}}'
        refused(raw(gateway, body.encode(), "/run"), 422)
