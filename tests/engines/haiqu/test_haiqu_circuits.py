"""The ids of circuits: asked for once, remembered, and never those of other circuits."""

import base64
import contextlib
import io
import json
import stat
import threading

import httpx
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.engines.haiqu.circuits import CircuitRegistry
from qiskit_haiqu_provider.exceptions import (
    HaiquConnectionError,
    HaiquCreditError,
    HaiquInputError,
    HaiquResponseError,
)
from qiskit_haiqu_provider.run.digest import content_digest
from qiskit_haiqu_provider.run.formats import read_qpy, write_qpy

KEY = "key-of-the-circuits-test"


class Service:
    """Keeps circuits by hash. A test may change what it answers."""

    def __init__(self):
        self.stored = {}
        self.lookups, self.uploads = [], []
        self.change_lookup = self.change_upload = lambda record: record
        self.before = lambda request: None
        self._lock = threading.Lock()

    def __call__(self, request):
        answer = self.before(request)
        if answer is not None:
            return answer
        with self._lock:
            return self.upload(json.loads(request.content)) if request.method == "POST" else self.lookup(request)

    def lookup(self, request):
        *_, experiment, _, name = request.url.path.split("/")
        self.lookups.append(name)
        record = self.stored.get((experiment, name))
        record = self.change_lookup(record)
        return httpx.Response(200, json=record) if record else httpx.Response(404, json={"detail": "no such circuit"})

    def upload(self, body):
        self.uploads.append(body)
        stored = self.stored.setdefault((body["experiment_id"], body["hash"]), record_of(body, len(self.uploads)))
        return httpx.Response(200, json=self.change_upload(stored))

    def client(self, url="https://service.example", key=KEY, **settings):
        return HaiquClient(key, url=url, transport=httpx.MockTransport(self), **settings)


def record_of(body, number):
    return {
        "id": f"circ-{number}",
        "hash": body["hash"],
        "name": body["name"],
        "experiment_id": body["experiment_id"],
        "user_id": 1,
        "creation_date": "2026-01-01T00:00:00Z",
        "status": "Submitted",
        "generated": False,
        "qpy": body["qpy_dump"],
    }


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def registry(service, home):
    return CircuitRegistry(service.client(), home=lambda: home)


def rotation(angle, name="rotation"):
    circuit = QuantumCircuit(2, name=name)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def text_of(circuit, **how):
    file = io.BytesIO()
    qpy.dump(circuit, file, **how)
    return base64.b64encode(file.getvalue()).decode()


def files(home):
    return list((home / "circuits").iterdir())


# What is asked


def test_new_circuits_are_looked_up_and_uploaded_once(service, registry):
    circuits = [rotation(0.1), rotation(0.2), rotation(0.1, name="same"), rotation(0.2)]
    ids = registry.ids("exp", [*circuits, circuits[1]])
    assert ids[0] == ids[2] != ids[1] == ids[3] == ids[4]
    assert sorted(service.lookups) == sorted({content_digest(circuit) for circuit in circuits})
    assert {body["hash"] for body in service.uploads} == set(service.lookups)
    assert len(service.uploads) == 2
    for body in service.uploads:
        assert content_digest(read_qpy(base64.b64decode(body["qpy_dump"]))) == body["hash"]


def test_the_order_is_kept_however_the_answers_come(service, registry):
    circuits = [rotation(angle / 100) for angle in range(100)]
    ids = registry.ids("exp", circuits)
    assert len(set(ids)) == 100
    assert ids == [service.stored["exp", content_digest(circuit)]["id"] for circuit in circuits]


def test_circuits_that_the_service_has_are_not_uploaded(service, home, tmp_path):
    circuits = [rotation(angle / 10) for angle in range(5)]
    ids = CircuitRegistry(service.client(), home=lambda: home).ids("exp", circuits)
    elsewhere = CircuitRegistry(service.client(), home=lambda: tmp_path / "elsewhere")
    assert elsewhere.ids("exp", circuits) == ids
    assert len(service.uploads) == 5


def test_an_empty_experiment_needs_no_looking_up(service, registry):
    registry.ids("exp", [rotation(0.1), rotation(0.2)], empty=True)
    assert service.lookups == []
    assert len(service.uploads) == 2


def test_no_circuits_cost_nothing(service, registry, home):
    assert registry.ids("exp", []) == []
    assert not service.lookups
    assert not home.exists()


def test_requests_are_under_way_together_but_not_too_many(service, home):
    """Each request waits until three others do, so that fewer would never end; more than four are never seen."""
    together, seen, active = threading.Barrier(4, timeout=60), [], set()

    def before(request):
        active.add(threading.get_ident())
        seen.append(len(active))
        together.wait()
        active.discard(threading.get_ident())
        together.wait()

    service.before = before
    registry = CircuitRegistry(service.client(), home=lambda: home, concurrency=4)
    registry.ids("exp", [rotation(angle) for angle in range(20)], empty=True)
    assert max(seen) == 4


def test_metadata_stays_here_and_names_are_made_fit(service, registry):
    circuit = rotation(0.1, name="a\x00b" + "x" * 300)
    circuit.metadata = {"private": object()}
    registry.ids("exp", [circuit])
    (body,) = service.uploads
    assert body["name"] == ("ab" + "x" * 300)[:200]
    assert not read_qpy(base64.b64decode(body["qpy_dump"])).metadata
    assert "private" in circuit.metadata


# What is remembered


def test_known_circuits_cost_no_request(service, registry, home):
    circuits = [rotation(0.1), rotation(0.2)]
    ids = registry.ids("exp", circuits)
    service.before = lambda request: pytest.fail("there was a request")
    assert registry.ids("exp", circuits[::-1]) == ids[::-1]
    again = CircuitRegistry(service.client(), home=lambda: home)
    assert again.ids("exp", [rotation(0.2), rotation(0.1)]) == ids[::-1]


def test_what_another_process_found_meanwhile_is_known(service, registry, home):
    other = CircuitRegistry(service.client(), home=lambda: home)
    registry.ids("exp", [rotation(0.1)])
    other.ids("exp", [rotation(0.2)])
    found = other.ids("exp", [rotation(0.3)])
    assert registry.ids("exp", [rotation(0.3)]) == found
    assert len(service.uploads) == 3


@pytest.mark.parametrize(
    "other", [{"url": "https://other.example"}, {"key": "another-key"}], ids=["service", "account"]
)
def test_services_accounts_and_experiments_are_kept_apart(service, registry, home, other):
    registry.ids("exp", [rotation(0.1)])
    registry.ids("other", [rotation(0.1)])
    CircuitRegistry(service.client(**other), home=lambda: home).ids("exp", [rotation(0.1)])
    assert len(service.lookups) == 3
    assert len(files(home)) == 3


def test_forgotten_circuits_are_asked_for_again(service, registry, home):
    registry.ids("exp", [rotation(0.1)])
    registry.ids("other", [rotation(0.1)])
    registry.forget("exp")
    service.stored.clear()
    registry.ids("exp", [rotation(0.1)])
    registry.ids("other", [rotation(0.1)])
    CircuitRegistry(service.client(), home=lambda: home).ids("exp", [rotation(0.1)])
    assert len(service.uploads) == 3


def test_a_home_that_cannot_be_written_only_costs_time(service, tmp_path):
    (tmp_path / "file").write_text("")
    registry = CircuitRegistry(service.client(), home=lambda: tmp_path / "file")
    assert registry.ids("exp", [rotation(0.1)]) == registry.ids("exp", [rotation(0.1)])
    registry.forget("exp")
    assert len(service.uploads) == 1


def test_the_file_is_private_and_holds_no_key(service, registry, home):
    registry.ids("exp", [rotation(0.1)])
    (path,) = files(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert KEY not in path.read_text()


# What goes wrong


def test_the_first_error_is_raised_and_what_succeeded_is_remembered(service, registry, home):
    good, bad = rotation(0.1), rotation(0.2)
    registry.ids("exp", [good])
    service.before = lambda request: httpx.Response(402, json={"detail": "no credit"})
    with pytest.raises(HaiquCreditError, match="no credit"):
        registry.ids("exp", [good, bad, rotation(0.3), rotation(0.4)])
    service.before = lambda request: None
    uploaded = len(service.uploads)
    registry.ids("exp", [good, bad])
    assert len(service.uploads) == uploaded + 1


def test_after_an_error_nothing_more_is_asked(service, home):
    asked = []

    def before(request):
        asked.append(request)
        raise httpx.ConnectError("no way")

    service.before = before
    registry = CircuitRegistry(service.client(retry_seconds=0), home=lambda: home, concurrency=1)
    with pytest.raises(HaiquConnectionError):
        registry.ids("exp", [rotation(angle) for angle in range(50)])
    assert len(asked) < 4
    assert not home.exists()


def test_circuits_that_were_stored_before_an_error_are_not_sent_again(service, home):
    """Uploads are one after the other here, and the third is refused."""

    def before(request):
        return httpx.Response(402, json={}) if len(service.uploads) == 2 else None

    service.before = before
    registry = CircuitRegistry(service.client(), home=lambda: home, concurrency=1)
    circuits = [rotation(angle) for angle in range(5)]
    with pytest.raises(HaiquCreditError):
        registry.ids("exp", circuits, empty=True)
    service.before = lambda request: None
    CircuitRegistry(service.client(), home=lambda: home).ids("exp", circuits, empty=True)
    assert len(service.uploads) == 5


theta = Parameter("t")


def test_another_circuit_under_the_same_hash_is_not_taken(service, registry):
    """A service might find circuits by the hash of the official client, which takes these two for one."""
    one, two = (rotation(angle) for angle in (theta, 2 * theta))
    registry.ids("exp", [one])
    record = dict(service.stored["exp", content_digest(one)])
    service.change_lookup = lambda _: record
    (found,) = registry.ids("exp", [two])
    assert found != record["id"]
    assert content_digest(read_qpy(base64.b64decode(service.uploads[-1]["qpy_dump"]))) == content_digest(two)


def test_an_upload_that_is_taken_for_another_circuit_is_sent_under_another_hash(service, registry):
    one, two = (rotation(angle) for angle in (theta, 2 * theta))
    registry.ids("exp", [one])
    wrong = service.stored["exp", content_digest(one)]
    service.change_upload = lambda record: wrong if record["hash"] == content_digest(two) else record
    (found,) = registry.ids("exp", [two])
    assert found != wrong["id"]
    assert len({body["hash"] for body in service.uploads}) == 3


@pytest.mark.parametrize("content", [True, False], ids=["content", "hash only"])
def test_a_service_that_always_mixes_circuits_up_is_refused(service, registry, home, content):
    wrong = record_of({"hash": "0", "name": "", "experiment_id": "exp", "qpy_dump": text_of(rotation(9))}, 77)
    if not content:
        del wrong["qpy"]
    service.change_lookup, service.change_upload = lambda _: None, lambda _: wrong
    for circuits in ([rotation(0.1, name="mine")], [rotation(0.1, name="mine"), rotation(0.2, name="mine")]):
        with pytest.raises(HaiquResponseError, match="circuit 'mine' for another one"):
            registry.ids("exp", circuits)
    assert not home.exists()


def test_content_decides_where_the_service_has_its_own_hashes(service, registry):
    """Gateways give a circuit that is stored already a hash of their own."""
    service.change_upload = lambda record: {**record, "hash": "its own"}
    ids = registry.ids("exp", [rotation(0.1), rotation(0.2)])
    assert len(set(ids)) == 2
    assert len(service.uploads) == 2


@pytest.mark.parametrize(
    "text",
    [
        text_of(rotation(0.1), version=13)[:40],
        "QklU",
        "not base64!",
        base64.b64encode(b"QISKIT\x0c" + b"\x00" * 40).decode(),
    ],
    ids=["cut", "no QPY", "no base64", "too old to be read safely"],
)
def test_content_that_cannot_be_read_is_not_believed(service, registry, text):
    """A look-up is answered by an upload then; an upload is believed by its hash."""
    digest = content_digest(rotation(0.1))
    old = record_of({"hash": digest, "name": "", "experiment_id": "exp", "qpy_dump": text}, 77)
    service.change_lookup = lambda _: old
    service.change_upload = lambda record: {**record, "qpy": text}
    assert registry.ids("exp", [rotation(0.1)]) == ["circ-1"]


def test_a_circuit_that_was_written_by_another_version_is_the_same(service, registry, home):
    circuit = rotation(theta + 1)
    registry.ids("exp", [circuit])
    service.change_lookup = lambda record: record and {**record, "qpy": text_of(circuit, version=13)}
    elsewhere = CircuitRegistry(service.client(), home=lambda: home / "elsewhere")
    assert elsewhere.ids("exp", [circuit]) == ["circ-1"]
    assert len(service.uploads) == 1


def test_a_formula_that_writing_simplifies_is_the_same(service, registry, home):
    """Read back, ``1*t`` is ``t``."""
    circuit = rotation(2 * theta * 0.5)
    assert content_digest(read_qpy(write_qpy(circuit))) != content_digest(circuit)
    registry.ids("exp", [circuit])
    elsewhere = CircuitRegistry(service.client(), home=lambda: home / "elsewhere")
    assert elsewhere.ids("exp", [circuit]) == ["circ-1"]
    assert len(service.uploads) == 1


def test_delays_that_would_change_on_the_way_are_refused(service, registry):
    circuit = QuantumCircuit(1, name="waits")
    circuit.delay(100, 0, "ns")
    with pytest.raises(HaiquInputError, match=r"'waits' has a delay of 100(\.0)? ns, .* in dt"):
        registry.ids("exp", [circuit])
    inside = QuantumCircuit(1, 1, name="waits")
    with inside.if_test((inside.clbits[0], 1)):
        inside.delay(1, 0, "us")
    with pytest.raises(HaiquInputError, match=r"a delay of 1(\.0)? us"):
        registry.ids("exp", [rotation(0.1), inside])
    assert len(service.uploads) <= 1


def test_what_would_not_come_back_is_refused(service, registry):
    labelled = QuantumCircuit(2, name="labelled")
    labelled.append(CXGate(ctrl_state=0, label="mine"), [0, 1])
    with contextlib.suppress(HaiquInputError):
        kept = read_qpy(write_qpy(labelled)) == labelled  # some versions of Qiskit keep the label
        if kept:
            assert registry.ids("exp", [labelled]) == ["circ-1"]
            return
    with pytest.raises(HaiquInputError, match=r"'labelled' holds something that QPY.* would change"):
        registry.ids("exp", [labelled])
    assert service.uploads == []


def test_unusual_circuits_that_survive_are_sent(service, registry):
    circuit = QuantumCircuit(2, 2, name="unusual")
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.delay(100, 0, "dt")
    inner = QuantumCircuit(1)
    inner.ry(theta, 0)
    circuit.append(inner.to_gate(), [1])
    registry.ids("exp", [circuit])
    assert len(service.uploads) == 1
