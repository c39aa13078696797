"""The official client: session, experiments, devices, circuits, and what is logged beside them."""

import pandas as pd
import pytest
from exact import bell, unpacked
from haiqu.sdk import Haiqu
from haiqu.sdk.exceptions import (
    CircuitNotFoundError,
    CircuitNotRegisteredInExperimentError,
    ExperimentSearchByNameError,
    InvalidAPIKeyError,
    JobNotRegisteredInExperimentError,
)
from matplotlib.figure import Figure
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter

WRONG_KEY = "hq_" + "x" * 43


def experiment_named(haiqu, name):
    """The record of an experiment as the list shows it."""
    found = [item for item in haiqu.list_experiments(widget=False) if item.name == name]
    assert len(found) == 1
    return found[0]


def latest(artifact):
    """The client shows the last of the values that an artifact holds."""
    return list(artifact.artifact_data.values())[-1]


def test_login(gateway):
    assert "ada" in Haiqu().login(gateway.keys[0], gateway.url)
    with pytest.raises(InvalidAPIKeyError):
        Haiqu().login(WRONG_KEY, gateway.url, raise_on_error=True)
    assert "Success" not in Haiqu().login(WRONG_KEY, gateway.url)


def test_login_from_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("HAIQU_API_KEY", gateway.keys[0])
    monkeypatch.setenv("HAIQU_EDGE_URI", gateway.url)
    haiqu = Haiqu()
    haiqu.init("from the environment")
    assert haiqu.user().username == "ada"


def test_health_check(gateway, client, capsys):
    client.health_check(gateway.keys[0], gateway.url)
    printed = capsys.readouterr().out
    assert printed.count("[OK]") == 3
    assert "ada" in printed
    client.health_check(WRONG_KEY, gateway.url)
    printed = capsys.readouterr().out
    assert printed.count("[OK]") == 2
    assert "The API key is not valid" in printed
    client.health_check(None, gateway.url)
    assert "[SKIP]" in capsys.readouterr().out


def test_user(client):
    assert client.user(raise_on_error=True).username == "ada"


def test_experiments(client):
    assert "first ideas" in client.init("first ideas", "what <b>it</b> is about")
    client.log(bell())
    client.init("something else")
    record = experiment_named(client, "first ideas")
    assert record.id.startswith("exp-")
    assert (record.description, record.circuits_count, record.jobs_count) == ("what <b>it</b> is about", 1, 0)
    client.init("first ideas")
    assert len(client.list_circuits(widget=False)) == 1
    assert experiment_named(client, "first ideas").description == "what <b>it</b> is about"
    client.init("something else")
    assert "first ideas" in client.init(record.id)
    assert len(client.list_circuits(widget=False)) == 1
    assert "renamed" in client.update_experiment(name="renamed")
    client.update_experiment(description="new words")
    changed = experiment_named(client, "renamed")
    assert (changed.id, changed.description) == (record.id, "new words")
    assert record.id in client.list_experiments(pandas=True)["id"].tolist()


def test_names_of_experiments_are_exact(client):
    client.init("ab")
    client.init("a")
    client.init("a b/c ?ü")
    assert experiment_named(client, "a").id != experiment_named(client, "ab").id
    assert client.list_circuits(experiment_name="a b/c ?ü", widget=False) == []
    with pytest.raises(ExperimentSearchByNameError):
        client.list_circuits(experiment_name="A", widget=False)
    with pytest.raises(ExperimentSearchByNameError):
        client.list_circuits(experiment_id="exp-00000000-0000-0000-0000-000000000000", widget=False)


def test_what_another_user_sees(haiqu, other, request):
    circuit = haiqu.log(bell())
    job = haiqu.run(bell(), device_id="aer_simulator")
    assert other.user().username == "grace"
    other.init(request.node.name)
    assert other.list_circuits(widget=False) == []
    assert [item.name for item in other.list_experiments(widget=False)] == [request.node.name]
    with pytest.raises(CircuitNotRegisteredInExperimentError):
        other.get_circuit(circuit.id)
    with pytest.raises(JobNotRegisteredInExperimentError):
        other.get_job(job.id)
    with pytest.raises(ExperimentSearchByNameError):
        other.list_circuits(experiment_id=circuit.experiment_id, widget=False)


def test_devices(client):
    simulators = {device.id: device for device in client.list_simulators(widget=False)}
    assert {"aer_simulator", "fake_torino", "fake_fez"} <= simulators.keys()
    assert not any(device.simulator for device in client.list_devices(widget=False))
    assert set(client.list_simulators(pandas=True)["id"]) == set(simulators)
    device = client.get_device("fake_torino")
    assert (device.id, device.vendor, device.qubits, device.simulator) == ("fake_torino", "IBM", 133, True)
    assert {"cz", "rz", "sx", "x"} <= set(device.operation_names)
    assert [0, 1] in device.coupling_map or [1, 0] in device.coupling_map
    assert client.get_device("aer_simulator").simulator


@pytest.mark.parametrize("device_id", ["nowhere", "fake_nowhere", "a/b", "ü"])
def test_unknown_devices(haiqu, device_id):
    with pytest.raises(ValueError, match="not found in the list of devices"):
        haiqu.get_device(device_id)
    with pytest.raises(ValueError, match="not found in the list of devices"):
        haiqu.run(bell(), device_id=device_id)


def test_circuits(haiqu):
    circuit = bell()
    record = haiqu.log(circuit, name="a pair", description="entangled")
    assert record.id.startswith("circ-")
    assert (record.name, record.description, record.generated) == ("a pair", "entangled", False)
    assert unpacked(record.qpy) == circuit
    again = haiqu.get_circuit(record.id)
    assert (again.id, again.name, again.num_qubits) == (record.id, "a pair", 2)
    assert unpacked(again.qpy) == circuit
    again.draw()
    with pytest.raises(CircuitNotRegisteredInExperimentError):
        haiqu.get_circuit("circ-00000000-0000-0000-0000-000000000000")


def test_the_same_circuit_twice_is_one_circuit(haiqu):
    circuit = bell()
    assert haiqu.log(circuit).id == haiqu.log(circuit).id == haiqu.log(bell()).id
    assert len(haiqu.list_circuits(widget=False)) == 1


def test_a_circuit_built_again_with_parameters_is_one_circuit(haiqu):
    def build():
        circuit = QuantumCircuit(1, name="one angle")
        circuit.rx(2 * Parameter("x"), 0)
        return circuit

    assert haiqu.log(build()).id == haiqu.log(build()).id
    assert haiqu.list_circuits(widget=False)[0].analytics.num_parameters == 1


def test_the_same_circuit_in_two_experiments_is_two_circuits(haiqu):
    one = haiqu.log(bell())
    haiqu.init("elsewhere")
    two = haiqu.log(bell())
    assert one.id != two.id
    assert one.experiment_id != two.experiment_id


def test_logged_circuits_come_back_as_they_went(haiqu):
    angle, a, b = Parameter("φ"), QuantumRegister(2, "a"), ClassicalRegister(3, "b")
    circuit = QuantumCircuit(a, b, ClassicalRegister(1, "c"), name="many things")
    circuit.crx(angle, 0, 1)
    circuit.measure(1, 2)
    with circuit.if_test((b[2], 1)):
        circuit.x(a[0])
    circuit.delay(100, 0)
    circuit.measure(0, 3)
    assert unpacked(haiqu.get_circuit(haiqu.log(circuit).id).qpy) == circuit


def test_lists_of_circuits(haiqu, request):
    records = []
    for qubits in range(1, 13):
        circuit = QuantumCircuit(qubits)
        circuit.h(range(qubits))
        records.append(haiqu.log(circuit, name=f"{qubits} qubits"))
    ids = [record.id for record in records]
    assert len(haiqu.list_circuits(widget=False)) == 10
    assert {item.id for item in haiqu.list_circuits(widget=False, limit=100)} == set(ids)
    some = haiqu.list_circuits(circuit_ids=ids[:3], widget=False)
    assert {item.id for item in some} == set(ids[:3])
    assert len(haiqu.list_circuits(experiment_name=request.node.name, limit=2, widget=False)) == 2
    by_id = haiqu.list_circuits(experiment_id=records[0].experiment_id, limit=100, widget=False)
    assert {item.id for item in by_id} == set(ids)
    assert set(haiqu.list_circuits(limit=100, pandas=True)["id"]) == set(ids)


def test_lists_as_widgets(haiqu, capsys):
    haiqu.log({"number": 1.5, "text": "words", "empty": [], "nothing": None})
    haiqu.log(haiqu.log(bell()), 3)
    haiqu.run(bell(), device_id="aer_simulator")
    for show in ("experiments", "circuits", "jobs", "artifacts", "devices", "simulators"):
        assert getattr(haiqu, f"list_{show}")() is None
    capsys.readouterr()


def test_core_metrics(haiqu):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.rz(Parameter("t"), 1)
    circuit.cx(1, 2)
    record = haiqu.log(circuit)
    record.compute_analytics()
    metrics = record.core_metrics(widget=False)
    wanted = {"qubits": 3, "num_parameters": 1, "depth": 4, "depth_2q": 2, "gates_1q": 2, "gates_2q": 2}
    assert wanted.items() <= metrics.items()
    assert (metrics["gates_total"], metrics["other_ops"]) == (4, 0)
    assert (record.num_qubits, record.depth) == (3, 4)
    assert haiqu.get_circuit(record.id).core_metrics(widget=False) == metrics


def test_metrics_of_a_circuit(haiqu):
    circuit = bell()
    haiqu.log(circuit, {"energy": -1.5})
    record = haiqu.log(circuit)
    haiqu.log(record, {"shape": [1, 2], "energy": -1.6})
    haiqu.log(record, 42, name="answer")
    haiqu.log(circuit, 7)
    metrics = haiqu.get_circuit(record.id).metrics
    assert (metrics["energy"], metrics["shape"], metrics["answer"]) == (-1.6, [1, 2], 42)
    assert 7 in metrics.values()


def test_metrics_of_circuits_that_share_a_hash(haiqu):
    angle = Parameter("t")
    one, two = QuantumCircuit(1), QuantumCircuit(1)
    one.ry(angle, 0)
    two.ry(2 * angle, 0)
    records = [haiqu.log(one), haiqu.log(two)]
    for circuit, word in ((two, "two"), (one, "one")):
        haiqu.log(circuit, {"from": word})
    assert [haiqu.get_circuit(record.id).metrics["from"] for record in records] == ["one", "two"]
    for record, word in zip(records, ("first", "second"), strict=True):
        haiqu.log(record, {"model": word})
    assert [haiqu.get_circuit(record.id).metrics["model"] for record in records] == ["first", "second"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a number", 12.34),
        ("a text", "Hello quantum world!"),
        ("a list", [1, 2, 3]),
        ("an object", {"a": {"b": [True, None]}}),
        ("a name/with: ünusual, signs %", 1),
    ],
)
def test_artifacts(haiqu, name, value):
    haiqu.log({name: value}) if isinstance(value, dict) else haiqu.log(value, name=name)
    artifact = haiqu.get_artifact(name)
    assert artifact.name == name
    assert latest(artifact) == value
    assert [item.name for item in haiqu.list_artifacts(widget=False)] == [name]
    assert haiqu.list_artifacts(pandas=True)["name"].tolist() == [name]


def test_artifacts_that_change(haiqu):
    for value in (3.5, 2.5, 1.5):
        haiqu.log(value, name="loss")
    assert latest(haiqu.get_artifact("loss")) == 1.5
    assert len(haiqu.list_artifacts(widget=False)) == 1


def test_tables_and_pictures(haiqu):
    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    haiqu.log({"table": pd.DataFrame({"x": [1, 2]}), "picture": figure})
    haiqu.log(figure)
    assert latest(haiqu.get_artifact("table")) == {"x": {"0": 1, "1": 2}}
    assert latest(haiqu.get_artifact("picture")).startswith("data:image/png;base64,")
    assert len(haiqu.list_artifacts(widget=False)) == 3
    assert len(haiqu.list_artifacts(widget=False, limit=2)) == 2


def test_unknown_artifacts_and_jobs(haiqu):
    with pytest.raises(ValueError, match="not found for experiment"):
        haiqu.get_artifact("never logged")
    with pytest.raises(JobNotRegisteredInExperimentError):
        haiqu.get_job("jb-00000000-0000-0000-0000-000000000000")
    with pytest.raises(CircuitNotFoundError):
        haiqu.list_jobs(circuit="circ-00000000-0000-0000-0000-000000000000", widget=False)
