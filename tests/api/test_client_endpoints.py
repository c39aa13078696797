"""Every method against a real gateway in a process of its own."""

import base64
import io
from uuid import uuid4

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.exceptions import (
    HaiquAuthenticationError,
    HaiquNotFoundError,
    HaiquRequestError,
    HaiquServerError,
)
from qiskit_haiqu_provider.version import __version__

AER = "aer_simulator"
BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


@pytest.fixture
def client(gateway, client_of):
    return client_of(gateway, gateway.key)


@pytest.fixture
def experiment(client):
    return client.init_experiment(f"experiment {uuid4()}").id


def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def upload(client, experiment, circuit=None, **fields):
    circuit = circuit or bell()
    file = io.BytesIO()
    qpy.dump(circuit, file, version=16)
    text = base64.b64encode(file.getvalue()).decode()
    body = {"experiment_id": experiment, "name": circuit.name, "hash": uuid4().hex, "qpy_dump": text, **fields}
    return client.upload_circuit(models.CircuitCreate(**body))


def run_of(experiment, *circuits, **fields):
    body = {"experiment_id": experiment, "circuit_ids": [one.id for one in circuits], "device_id": AER, **fields}
    return models.RunCreate(**{"shots": 400, **body})


def finished(client, job):
    for _ in range(20):
        job = client.job(job.id, wait=30)
        if job.status.final:
            return job
    raise AssertionError(f"the job does not end: {job}")


def test_version_needs_no_good_key(gateway, client_of):
    assert client_of(gateway, "some-wrong-key").version() == __version__


def test_whose_key_it_is(client):
    assert client.health_auth().username == "ada"
    assert client.user().username == "ada"


@pytest.mark.parametrize("auth", ["header", "query"])
def test_both_ways_to_give_the_key(gateway, client_of, auth):
    assert client_of(gateway, gateway.key, auth=auth).user().username == "ada"


@pytest.mark.parametrize("auth", ["header", "query"])
def test_a_wrong_key(gateway, client_of, auth):
    with pytest.raises(HaiquAuthenticationError, match=r"GET /user: 401 .*HAIQU_API_KEY") as found:
        client_of(gateway, "some-wrong-key", auth=auth).user()
    assert found.value.status == 401
    assert not found.value.reached


def test_an_experiment_is_opened_or_made(client):
    name = f"experiment {uuid4()}"
    first = client.init_experiment(name, description="about spins", tags="a, b", metrics={"energy": -1.5})
    assert first.description == "about spins"
    assert first.metrics == {"energy": -1.5}
    assert client.init_experiment(name).id == first.id
    assert client.init_experiment(first.id).id == first.id


def test_an_experiment_is_made_once(client):
    name = f"experiment {uuid4()}"
    made = client.create_experiment(name, description="new")
    assert client.experiment(made.id).description == "new"
    with pytest.raises(HaiquRequestError, match=r"POST /experiments: 409 .*POST /experiments/init opens it"):
        client.create_experiment(name)


def test_experiments_are_listed_and_found_by_name(client, experiment):
    assert experiment in [one.id for one in client.experiments()]
    name = client.experiment(experiment).name
    assert [one.id for one in client.experiments(name=name)] == [experiment]
    assert client.experiments(name="there is none") == []


def test_an_experiment_is_changed(client, experiment):
    name = f"experiment {uuid4()}"
    assert client.update_experiment(experiment, description="<b>new</b>").description == "<b>new</b>"
    changed = client.update_experiment(experiment, name=name)
    assert (changed.name, changed.description) == (name, "<b>new</b>")


def test_values_are_noted_and_read(client, experiment):
    client.log_metrics(experiment, {"energy": -1.13, "a/b c?": [1, {"x": None}]})
    noted = {one.name: list(one.artifact_data.values()) for one in client.artifacts(experiment)}
    assert noted == {"energy": [-1.13], "a/b c?": [[1, {"x": None}]]}
    assert len(client.artifacts(experiment, limit=1)) == 1
    assert list(client.artifact(experiment, "a/b c?").artifact_data.values()) == [[1, {"x": None}]]
    with pytest.raises(HaiquNotFoundError, match=f"no artifact 'none' in experiment '{experiment}'"):
        client.artifact(experiment, "none")


def test_circuits(client, experiment):
    mark = uuid4().hex
    made = upload(client, experiment, hash=mark, description="two qubits")
    assert made.id.startswith("circ-")
    read = client.circuit(made.id)
    assert read.description == "two qubits"
    assert qpy.load(io.BytesIO(base64.b64decode(read.qpy)))[0] == bell()
    assert client.circuit_by_hash(experiment, "unknown") is None
    assert client.circuit_by_hash("exp-unknown", mark) is None


def test_a_circuit_is_found_by_the_hash_that_it_was_uploaded_with(client, experiment):
    mark = uuid4().hex
    made = upload(client, experiment, hash=mark)
    assert client.circuit_by_hash(experiment, mark).id == made.id


def test_the_upload_of_a_known_circuit_finds_it(client, experiment):
    mark = uuid4().hex
    first = upload(client, experiment, hash=mark)
    assert upload(client, experiment, hash=mark).id == first.id


def test_circuits_are_listed(client, experiment):
    made = [upload(client, experiment, QuantumCircuit(n + 1, name=f"c{n}")).id for n in range(3)]
    assert {one.id for one in client.circuits(experiment)} == set(made)
    assert len(client.circuits(experiment, limit=2)) == 2
    assert {one.id for one in client.circuits(experiment, circuit_ids=made[:2])} == set(made[:2])
    assert client.circuits(experiment, job_type=models.JobKind.RUN) == []


def test_numbers_of_circuits(client, experiment):
    made = upload(client, experiment)
    client.compute_analytics(made.id, models.AnalyticsKind.CORE)
    client.log_circuit_metrics(experiment, made.hash, {"fidelity": 0.9})
    numbers = client.circuit_metrics(made.id)
    assert numbers["qubits"] == 2
    assert numbers["fidelity"] == 0.9
    with pytest.raises(HaiquServerError, match="501 Not Implemented") as found:
        client.compute_analytics(made.id, "qml")
    assert not found.value.reached


def test_transpilation(client, experiment):
    made = upload(client, experiment)
    body = models.TranspileCreate(experiment_id=experiment, circuit_ids=[made.id], device_id="fake_torino")
    job = finished(client, client.transpile(body))
    assert isinstance(job, models.TranspileJob)
    assert client.circuit(job.transpiled_circuit_ids[0]).transpilation_target == "fake_torino"


def test_devices(client):
    found = {device.id: device for device in client.devices()}
    assert found[AER].simulator
    assert client.device("fake_torino") == found["fake_torino"]
    gates = client.gate_map("fake_torino")
    assert gates.qubits == found["fake_torino"].qubits
    assert [0] in gates.operations["sx"]


@pytest.mark.parametrize("name", ["none", "a/b", "..", "%2e", "ü?x=1#", "."])
def test_a_device_that_there_is_not(client, name):
    with pytest.raises(HaiquNotFoundError) as found:
        client.device(name)
    assert f"There is no device '{name}' that this key can see." in str(found.value)
    assert found.value.detail


def test_a_run(client, experiment):
    job = client.run(run_of(experiment, upload(client, experiment)))
    assert isinstance(job, models.RunJob)
    done = finished(client, job)
    assert isinstance(done, models.RunJob)
    assert done.status is models.JobState.DONE
    assert set(done.quantum_results[0]) == {"00", "11"}


def test_a_sweep_with_observables(client, experiment):
    theta = Parameter("theta")
    circuit = QuantumCircuit(1)
    circuit.ry(theta, 0)
    made = upload(client, experiment, circuit)
    body = run_of(experiment, made, parameters=[[[0.0], [3.141592653589793]]], observables=[[(["Z"], [2.0])]])
    job = finished(client, client.run(body))
    assert job.quantum_results == [[[2.0, -2.0]]]


def test_a_submission_with_the_same_key_is_one_job(client, experiment):
    body = run_of(experiment, upload(client, experiment))
    first = client.run(body, idempotency_key="one and the same".replace(" ", "-"))
    assert client.run(body, idempotency_key="one-and-the-same").id == first.id


def test_a_program(client, experiment):
    made = upload(client, experiment)
    program = {"layers": [{"type": "input"}, {"type": "transpilation"}, {"type": "device", "device_id": AER}]}
    body = models.FlowCreate(experiment_id=experiment, circuit_ids=[made.id], program=program, shots=100)
    job = client.flow(body, idempotency_key=uuid4().hex)
    assert isinstance(job, models.FlowJob)
    done = finished(client, job)
    assert isinstance(done, models.FlowJob)
    assert sum(done.quantum_results[0].values()) == pytest.approx(1)


def test_jobs_are_listed_each_in_its_model(client, experiment):
    made = upload(client, experiment)
    run = client.run(run_of(experiment, made))
    local = client.submit_local_job(models.LocalJobCreate(experiment_id=experiment, hash="h1", results="{}"))
    body = models.TranspileCreate(experiment_id=experiment, circuit_ids=[made.id], device_id="fake_torino")
    transpiled = client.transpile(body)
    kinds = {job.id: type(job) for job in client.jobs(experiment)}
    assert kinds == {run.id: models.RunJob, local.id: models.LocalJob, transpiled.id: models.TranspileJob}
    assert [job.id for job in client.jobs(experiment, job_type="Run")] == [run.id]
    assert {job.id for job in client.jobs(experiment, circuit_id=made.id)} == {run.id, transpiled.id}
    assert len(client.jobs(experiment, limit=1)) == 1
    finished(client, run)
    finished(client, transpiled)


def test_a_job_is_cancelled_and_restarted(client, experiment):
    job = finished(client, client.run(run_of(experiment, upload(client, experiment))))
    assert client.cancel(job.id).status is models.JobState.DONE  # too late
    assert not client.restart(job.id).status.final
    assert finished(client, job).status is models.JobState.DONE


def test_a_job_that_ran_elsewhere(client, experiment):
    made = upload(client, experiment)
    body = models.LocalJobCreate(
        experiment_id=experiment, hash="mine", circuit_hash=made.hash, results='{"00": 1.0}', device_id="my_lab"
    )
    job = client.submit_local_job(body)
    found = client.local_job(experiment, "mine")
    assert found.id == job.id
    assert found.backend_name == "my_lab"
    assert client.local_job(experiment, "other") is None
    client.log_job_metrics(experiment, job.id, {"energy": 1})
    assert client.job(job.id).metrics == {"energy": 1}


def test_a_run_of_openqasm(client, experiment):
    body = models.AiRunCreate(experiment_id=experiment, circuits_qasm=[BELL], device_id=AER, shots=100)
    context = client.ai_run(body).context
    (job,) = client.jobs(experiment)
    assert f"job_id: {job.id}" in context
    finished(client, job)


def test_what_is_not_the_callers_is_not_there(gateway, client_of, client, experiment):
    other = client_of(gateway, gateway.other_key)
    with pytest.raises(HaiquNotFoundError, match=f"GET /experiments/{experiment}: 404"):
        other.experiment(experiment)
    with pytest.raises(HaiquNotFoundError, match="cannot see it: experiment 'exp-none', device 'aer_simulator', circ"):
        client.run(models.RunCreate(experiment_id="exp-none", circuit_ids=["circ-none"], device_id=AER))


def test_field_errors_are_named(client, experiment):
    made = upload(client, experiment)
    body = run_of(experiment, made, parameters=[[[0.5]]])
    with pytest.raises(HaiquRequestError, match=r"POST /run: 422 .*The service says: parameters") as found:
        client.run(body)
    assert found.value.detail[0]["loc"][:2] == ["body", "parameters"]


def test_the_gateway_says_that_it_honours_idempotency_keys(client):
    assert not client.honours_idempotency
    client.version()
    assert client.honours_idempotency
