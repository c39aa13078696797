"""The service of these tests is IonQ as its own client knows it: the unmodified qiskit-ionq runs through."""

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.providers import JobStatus

from tests.vendors.web import Response

pytest.importorskip("qiskit_ionq")
from qiskit_ionq import ErrorMitigation, IonQProvider
from qiskit_ionq.exceptions import IonQJobFailureError

pytestmark = pytest.mark.filterwarnings("ignore:Transpiler default optimization_level")


@pytest.fixture
def backend(ionq):
    return IonQProvider().get_backend("ionq_simulator")


@pytest.fixture
def qpu(ionq):
    return IonQProvider().get_backend("ionq_qpu.forte-1")


def _asymmetrical():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.h(1)
    circuit.measure([0, 2, 1], [1, 0, 2])
    return circuit


def test_machines(backend, qpu):
    assert (backend.num_qubits, qpu.num_qubits) == (29, 36)
    assert qpu.calibration().median_spam_fidelity == 0.995


def test_simulator_and_machine(backend, qpu):
    assert backend.run(_asymmetrical(), shots=100).get_probabilities() == pytest.approx({"010": 0.5, "110": 0.5})
    counts = qpu.run(_asymmetrical(), shots=400).result(wait=0).get_counts()
    assert set(counts) == {"010", "110"}
    assert sum(counts.values()) == 400


def test_several_circuits_in_one_job(ionq, backend):
    other = QuantumCircuit(2, 1)
    other.x(1)
    other.measure(1, 0)
    ionq.looks = 1
    job = backend.run([_asymmetrical(), other], shots=10)
    job.wait_for_final_state(wait=0)
    assert len(ionq.bodies) == 1
    assert ionq.jobs[job.job_id()]["children"] == [each for each in ionq.jobs if each != job.job_id()]


@pytest.mark.parametrize(("name", "two"), [("ionq_qpu.forte-1", "zz"), ("ionq_qpu.aria-1", "ms")])
def test_native_gates(ionq, name, two):
    backend = IonQProvider().get_backend(name, gateset="native")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(1)
    circuit.measure_all()
    counts = backend.run(transpile(circuit, backend, optimization_level=1), shots=200).result(wait=0).get_counts()
    assert set(counts) == {"01", "10"}
    assert {gate["gate"] for gate in ionq.bodies[0]["input"]["circuit"]} >= {"gpi2", two}


def test_measurements_on_the_way(ionq):
    backend = IonQProvider().get_backend("ionq_simulator")
    backend.set_options(noise_model="forte-1")
    first, last = ClassicalRegister(1, "first"), ClassicalRegister(2, "last")
    circuit = QuantumCircuit(QuantumRegister(2), first, last)
    circuit.x(0)
    circuit.measure(0, first[0])
    circuit.reset(0)
    circuit.measure([1, 0], last)
    circuit.x(1)
    circuit.measure(1, last[1])
    if not hasattr(backend.client, "get_artifact"):
        pytest.skip("this version of qiskit-ionq knows no measurements on the way")
    assert backend.run(circuit, shots=20).result(wait=0).get_counts() == {"10 1": 20}
    assert ionq.bodies[0]["type"] == "ionq.qasm3.v1"


def test_debiasing_is_the_default_of_large_jobs(ionq, qpu):
    jobs = [qpu.run(_asymmetrical(), shots=500), qpu.run(_asymmetrical(), shots=499)]
    jobs.append(qpu.run(_asymmetrical(), shots=500, error_mitigation=ErrorMitigation.NO_DEBIASING))
    assert [ionq.debiased(ionq.jobs[job.job_id()]) for job in jobs] == [True, False, False]
    assert len(jobs[0].result(sharpen=True, wait=0).get_counts()) == 1
    assert len(jobs[2].result(sharpen=True, wait=0).get_counts()) == 2


@pytest.mark.parametrize("shape", ["old", "new"])
def test_estimates(ionq, qpu, shape):
    ionq.shape = shape
    ask = {"backend": "ionq_qpu.forte-1", "oneq_gates": 51, "twoq_gates": 11, "qubits": 8}
    answers = [qpu.client.estimate_job(shots=shots, **ask).to_dict() for shots in (1, 10_000)]
    name = "estimated_cost" if shape == "old" else "estimated_total_cost"
    assert [answer[name] for answer in answers] == [25.7899, 206.95]


def test_results_as_artifacts(ionq, qpu):
    ionq.shape = "new"
    job = qpu.run(_asymmetrical(), shots=100)
    job.wait_for_final_state(wait=0)
    descriptor = job._metadata["results"]["ionq.result.probabilities.json.v2"]
    if not hasattr(qpu.client, "get_artifact"):
        pytest.skip("this version of qiskit-ionq knows no artifacts")
    found = qpu.client.get_artifact(job.job_id(), descriptor["id"])
    assert set(found["probabilities"]["registers"]["output_all"]) == {"100", "110"}  # the first character is qubit 0


def test_cancelled_failed_and_throttled(ionq, backend):
    ionq.looks = 5
    job = backend.run(_asymmetrical())
    job.cancel()
    with pytest.warns(UserWarning, match="cancelled"):
        assert job.status() is JobStatus.CANCELLED

    ionq.looks, ionq.failure = 0, ("NotEnoughQubits", "too wide")
    with pytest.raises(IonQJobFailureError, match="too wide"):
        backend.run(_asymmetrical()).status()

    ionq.fault("POST", "/jobs", Response({"message": "slow down"}, 503), "lost")
    with pytest.warns(UserWarning, match="Retrying submit_job"), pytest.raises(OSError, match=r"[Cc]onnection"):
        backend.run(_asymmetrical())
    assert sum(ionq.arrived.values()) == 4  # each was sent once, but the last one, which was refused at first
    assert len(ionq.bodies) == 3
