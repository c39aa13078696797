"""Jobs that ran elsewhere, noted in an experiment: once, whatever happens on the way."""

import base64
import json
from uuid import uuid4

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import (
    BackendSamplerV2,
    DataBin,
    PrimitiveResult,
    PubResult,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.quantum_info import SparsePauliOp
from qiskit.result import Counts, QuasiDistribution
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import EstimatorV2, HaiquInputError, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquCreditError, HaiquSubmissionError
from qiskit_haiqu_provider.notes.results import read_outcome
from qiskit_haiqu_provider.run.formats import read_qpy
from tests.api.odd_server import (
    CUT_BEFORE_ANSWER,
    CUT_IN_BODY,
    CUT_IN_HEAD,
    EMPTY,
    GARBAGE,
    HTML,
    MALFORMED,
    RESET_BEFORE_ANSWER,
    Answer,
    OddServer,
)


def two_registers():
    """Outcome 01 of the first register, 1 of the second."""
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(2, "low"), ClassicalRegister(1, "high"))
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def rotated():
    theta = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.ry(theta, 0)
    return circuit


@pytest.fixture
def service(gateway):
    """A provider of the gateway, with an experiment of its own."""
    return HaiquProvider(api_key=gateway.key, url=gateway.url, experiment=f"log {uuid4()}")


def noted(service, job_id):
    """What the service knows of a job."""
    return service._service.client.job(job_id)


def results(service, job_id):
    return json.loads(noted(service, job_id).results)


# What is read of results.


def test_counts_of_a_result():
    job = AerSimulator().run(two_registers(), shots=50)
    found = read_outcome(job)
    assert found.entries == [{"counts": {"1 01": 50}, "shots": 50, "registers": [["low", 2], ["high", 1]]}]
    assert found.device == "aer_simulator"
    assert found.shots == 50
    assert read_outcome(job.result()) == found


@pytest.mark.parametrize("make", [StatevectorSampler, lambda: BackendSamplerV2(backend=AerSimulator()), SamplerV2])
def test_counts_of_a_sampler(make, provider):
    sampler = make(provider.get_backend()) if make is SamplerV2 else make()
    job = sampler.run([two_registers()], shots=50)
    [entry] = read_outcome(job).entries
    assert entry == {"counts": {"1 01": 50}, "shots": 50, "registers": [["low", 2], ["high", 1]]}
    assert read_outcome(job.result()).entries == [entry]
    assert read_outcome(job.result()[0]).entries == [entry]


def test_a_sweep_has_nested_lists():
    circuit = rotated()
    circuit.measure_all()
    job = StatevectorSampler().run([(circuit, [[[0.0], [np.pi]], [[np.pi], [0.0]]])], shots=5)
    [entry] = read_outcome(job).entries
    assert entry["counts"] == [[{"0": 5}, {"1": 5}], [{"1": 5}, {"0": 5}]]


@pytest.mark.parametrize("make", [StatevectorEstimator, EstimatorV2])
def test_values_of_an_estimator(make, provider):
    estimator = make(provider.get_backend()) if make is EstimatorV2 else make()
    observables = [[SparsePauliOp("Z")], [SparsePauliOp("I")]]
    job = estimator.run([(rotated(), observables, [[0.0], [np.pi]])], precision=0)
    [entry] = read_outcome(job).entries
    assert np.allclose(entry["evs"], [[1, -1], [1, 1]])
    assert entry["stds"] == [[0, 0], [0, 0]]
    single = read_outcome(estimator.run([(rotated(), "Z", [0.0])], precision=0)).entries
    assert single == [{"evs": 1.0, "stds": 0.0}]


def test_a_value_that_is_no_number_is_null():
    pub = PubResult(DataBin(evs=np.array([0.5, np.nan]), stds=np.array([np.inf, 0.1]), shape=(2,)))
    assert read_outcome(PrimitiveResult([pub])).entries == [{"evs": [0.5, None], "stds": [None, 0.1]}]


def test_plain_counts():
    assert read_outcome({"00": 3, "11": np.int64(5)}).entries == [
        {"counts": {"00": 3, "11": 5}, "shots": 8, "registers": []}
    ]
    assert read_outcome({0: 3, 2: 5}).entries[0]["counts"] == {"00": 3, "10": 5}
    assert read_outcome({"0x0": 3, "0x2": 5}).entries[0]["counts"] == {"00": 3, "10": 5}
    with pytest.raises(HaiquInputError, match="of one width, of 1 bits"):
        read_outcome({0: 3, 2: 5}, num_clbits=1)
    assert read_outcome({0: 3, 2: 5}, num_clbits=3).entries[0]["counts"] == {"000": 3, "010": 5}
    assert read_outcome(Counts({"0x0": 1, "0x3": 2}, memory_slots=2)).entries[0]["counts"] == {"00": 1, "11": 2}
    assert read_outcome(QuasiDistribution({0: 1.1, 1: -0.1})).entries == [
        {"counts": {"0": 1.1, "1": -0.1}, "registers": []}
    ]


def test_a_result_of_several_circuits():
    one = QuantumCircuit(1)
    one.measure_all()
    found = read_outcome(StatevectorSampler().run([(one, None, 5), (one, None, 7)]))
    assert [entry["shots"] for entry in found.entries] == [5, 7]
    assert found.shots == [5, 7]


class Raw:
    """A job of a library that returns something else."""

    def result(self):
        return [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "job_or_result must be a job, a Result"),
        ([1], "job_or_result must be a job, a Result"),
        ({}, "holds no counts"),
        ({"0": "many"}, "count of outcome '0' must be a number"),
        ({"0": float("nan")}, "count of outcome '0' must be a number"),
        ({-1: 1}, "Outcomes must be bitstrings or whole numbers"),
        ({1.5: 1}, "Outcomes must be bitstrings or whole numbers"),
        ({"ab": 1}, "Outcomes must be bitstrings or whole numbers"),
        ({"0": -1}, "count of outcome '0' must be a number that is not negative"),
        ({"00": 1, "1": 2}, "'00', '1' are not all different bitstrings of one width"),
        ({"0": 1, 0: 2}, "'0', 0 are not all different bitstrings of one width"),
        (Raw(), "The result of Raw is a list, which cannot be noted"),
        (PrimitiveResult([PubResult(DataBin(meas=np.zeros(3)))]), "PUB 0 holds neither classified bits"),
    ],
)
def test_what_cannot_be_noted_is_named(given, message):
    with pytest.raises(HaiquInputError, match=message):
        read_outcome(given)


def test_amplitudes_are_no_counts(provider):
    with pytest.raises(HaiquInputError, match="Experiment 0 of the result has no counts"):
        read_outcome(provider.get_backend().run(rotated().assign_parameters([0.1]), run_type="StatevectorRun"))


# What is sent.


def test_a_job_is_noted_once(service):
    circuit = two_registers()
    job = AerSimulator().run(circuit, shots=50)
    job_id = service.log(job, circuit, name="by Aer", metrics={"depth": 2})
    found = noted(service, job_id)
    assert found.job_type == "User local job"
    assert found.status == "Done"
    assert found.name == "by Aer"
    assert found.backend_name == "aer_simulator"
    assert found.shot_local == "50"
    assert found.metrics == {"depth": 2}
    assert json.loads(found.results) == [{"counts": {"1 01": 50}, "shots": 50, "registers": [["low", 2], ["high", 1]]}]
    assert service.log(job.result(), circuit, metrics={"fidelity": 0.5}) == job_id
    assert noted(service, job_id).metrics == {"depth": 2, "fidelity": 0.5}
    [experiment] = [each for each in service.experiments() if each.name == service.experiment]
    assert experiment.jobs_count == 1


def test_the_circuit_is_uploaded_and_linked(service):
    circuit = two_registers()
    found = noted(service, service.log({"1 01": 5}, circuit))
    stored = service._service.client.circuit(found.circuit_id)
    assert read_qpy(base64.b64decode(stored.qpy)) == circuit


def test_results_circuit_and_device_tell_jobs_apart(service):
    circuit = two_registers()
    first = service.log({"0": 5, "1": 6})
    assert service.log({"1": 6, "0": 5}) == first
    others = [
        service.log({"0": 6, "1": 5}),
        service.log({"0": 5, "1": 6}, circuit),
        service.log({"0": 5, "1": 6}, device="mine"),
    ]
    assert len({first, *others}) == 4
    assert noted(service, others[2]).backend_name == "mine"


def test_jobs_of_primitives_are_noted(service, provider):
    circuit = two_registers()
    exact = service.log(StatevectorSampler().run([circuit], shots=20), circuit)
    assert results(service, exact)[0]["counts"] == {"1 01": 20}
    ours = service.log(SamplerV2(provider.get_backend()).run([circuit], shots=20), circuit)
    assert noted(service, ours).backend_name == "aer_simulator"
    assert ours != exact
    values = service.log(EstimatorV2(provider.get_backend()).run([(rotated(), "Z", [0.0])], precision=0))
    assert results(service, values) == [{"evs": 1.0, "stds": 0.0}]
    assert noted(service, values).shot_local == "null"


def test_a_job_that_ran_through_haiqu_is_there_already(service):
    job = SamplerV2(service.get_backend(via="haiqu")).run([two_registers()], shots=20)
    assert service.log(job) == job.job_id()
    assert service.log(job.result()) == job.job_id()
    [experiment] = [each for each in service.experiments() if each.name == service.experiment]
    assert experiment.jobs_count == 1


def test_noted_jobs_are_not_listed_as_jobs_that_can_be_read(service):
    service.log({"0": 1})
    assert service.jobs() == []


def test_wrong_arguments(service):
    for arguments, message in [
        ({"circuit": "bell"}, "circuit must be a QuantumCircuit"),
        ({"metrics": 5}, "metrics must be a mapping"),
        ({"metrics": {"fidelity": [1.0, float("nan")]}}, r"metrics\['fidelity'\] is not finite"),
        ({"name": "x" * 201}, "name must be a text of at most 200"),
        ({"device": 5}, "device must be a text"),
    ]:
        with pytest.raises(HaiquInputError, match=message):
            service.log({"0": 1}, **arguments)
    assert service.experiment not in [each.name for each in service.experiments()]


def test_a_key_is_needed(provider):
    with pytest.raises(HaiquAccountError, match="There is no key"):
        provider.log({"0": 1})


# When answers are lost.

WHEN = "2026-01-02T03:04:05Z"
USER = {"email": "", "username": "ada", "first_name": "", "last_name": "", "api_access_key": "***"}
EXPERIMENT = {"id": "exp-1", "name": "e", "description": "", "creation_date": WHEN, "user_id": 1, "user": USER}
JOB = {
    "id": "jb-1",
    "user_id": 1,
    "experiment_id": "exp-1",
    "status": "Done",
    "job_type": "User local job",
    "creation_date": WHEN,
    "hash": "h",
    "backend_name": "",
}
POST = "POST /jobs"


class Notes:
    """A service that notes jobs. Answers to the first notes may get lost, and notes may be visible late.

    Args:
        server: The server that answers.
        lost: What is answered to the first note in place of the job.
        hidden: How often a job that was noted is not found.
    """

    def __init__(self, server, *, lost=None, hidden=0):
        self.jobs = {}
        self.lost = lost
        self.hidden = hidden
        server.on("POST /experiments/init", Answer(json=EXPERIMENT))
        server.on(POST, self.note)
        server.on("*", self.look)  # GET /experiments/exp-1/jobs/<hash>

    def note(self, request):
        mark = request.json["hash"]
        self.jobs[mark] = {**JOB, "hash": mark}
        lost, self.lost = self.lost, None
        return lost or Answer(json=self.jobs[mark])

    def look(self, request):
        found = self.jobs.get(request.path.rpartition("/")[2])
        if found is not None and self.hidden:
            self.hidden -= 1
            found = None
        return Answer(json=found) if found else Answer(status=404, json={"detail": "There is no such job."})


@pytest.fixture
def server():
    with OddServer() as found:
        yield found


@pytest.fixture
def far(server, monkeypatch):
    """A provider of the scripted service."""
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0.5")
    provider = HaiquProvider(api_key="some-key", url=server.url, timeout=20.0)
    yield provider
    provider._service.client.close()


@pytest.mark.parametrize(
    "lost",
    [CUT_BEFORE_ANSWER, RESET_BEFORE_ANSWER, CUT_IN_HEAD, CUT_IN_BODY, HTML, GARBAGE, EMPTY, MALFORMED],
    ids=["closed", "reset", "in the head", "in the body", "bad gateway", "no HTTP", "empty", "malformed"],
)
def test_a_lost_answer_makes_no_second_job(server, far, lost):
    service = Notes(server, lost=lost)
    assert far.log({"0": 1}) == "jb-1"
    assert far.log({"0": 1}) == "jb-1"
    assert server.count(POST) == len(service.jobs) == 1


def test_a_job_that_shows_late_is_waited_for(server, far):
    Notes(server, lost=CUT_BEFORE_ANSWER, hidden=2)
    assert far.log({"0": 1}) == "jb-1"
    assert server.count(POST) == 1


def test_a_job_that_does_not_show_is_told_and_not_sent_again(server, far):
    service = Notes(server, lost=CUT_BEFORE_ANSWER, hidden=100)
    with pytest.raises(HaiquSubmissionError, match=r"Call log\(\) again with the same result") as caught:
        far.log({"0": 1})
    assert caught.value.reached
    assert server.count(POST) == 1
    service.hidden = 0
    assert far.log({"0": 1}) == "jb-1"
    assert server.count(POST) == 1


def test_a_refusal_is_told_as_it_is(server, far):
    Notes(server, lost=Answer(status=402, json={"detail": "No credit."}))
    with pytest.raises(HaiquCreditError, match="No credit"):
        far.log({"0": 1})
    assert server.count(POST) == 1


def test_an_experiment_that_was_removed_is_made_again(server, far):
    Notes(server)
    far.log({"0": 1})
    server.on("POST /experiments/init", Answer(json={**EXPERIMENT, "id": "exp-2"}))
    gone = Answer(status=404, json={"detail": "There is no experiment exp-1."})
    server.on(POST, lambda request: gone if request.json["experiment_id"] == "exp-1" else Answer(json=JOB))
    assert far.log({"0": 2}) == "jb-1"
    assert server.last.json["experiment_id"] == "exp-2"
