"""The unmodified client of IBM against our fake of its service: discovery, runs, sessions, jobs, what goes wrong."""

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import Batch, EstimatorV2, QiskitRuntimeService, SamplerV2, Session

from tests.vendors.ibm.server import CRN, IBM, KEY
from tests.vendors.web import Response

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")


@pytest.fixture
def ibm(web):
    server = IBM()
    web.serve("*.cloud.ibm.com", server.site)
    return server


@pytest.fixture
def service(ibm):
    return connect()


def connect():
    return QiskitRuntimeService(token=KEY, instance=CRN)


def asymmetric(backend, measured=True):
    theta = Parameter("theta")
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.ry(theta, 1)
    circuit.cx(1, 2)
    if measured:
        circuit.measure([0, 1, 2], [0, 1, 2])
    return transpile(circuit, backend, seed_transpiler=1)


def test_discovery(service, ibm, web):
    assert [backend.name for backend in service.backends()] == ["ibm_manila"]
    backend = service.backend("ibm_manila")
    assert backend.num_qubits == 5
    assert backend.target["cx"][(0, 1)].error > 0
    assert backend.status().pending_jobs == 3
    assert service.usage()["usage_remaining_seconds"] == 588
    asked = [request for request in web.requests if request.host == "quantum.cloud.ibm.com"]
    assert all(request.headers["authorization"].startswith("Bearer ") for request in asked)


def test_sampler_and_retrieval(service, ibm):
    backend = service.backend("ibm_manila")
    ibm.queue = 1
    job = SamplerV2(backend).run([(asymmetric(backend), [[0.0], [np.pi]], 100)])
    data = connect().job(job.job_id()).result()[0].data
    assert data.c[0].get_counts() == {"001": 100}
    assert data.c[1].get_counts() == {"111": 100}
    assert job.usage() == 4.1
    assert job.metrics()["timestamps"]["running"]
    assert job.usage_estimation == {"quantum_seconds": 4.1}


def test_estimator(service):
    backend = service.backend("ibm_manila")
    circuit = asymmetric(backend, measured=False)
    observables = [[SparsePauliOp(text).apply_layout(circuit.layout)] for text in ("IIZ", "ZZI")]
    data = EstimatorV2(backend).run([(circuit, observables, [[0.0], [np.pi]])]).result()[0].data
    np.testing.assert_allclose(data.evs, [[-1, -1], [1, 1]], atol=0.1)


@pytest.mark.parametrize(("kind", "mode"), [(Session, "dedicated"), (Batch, "batch")])
def test_session_and_batch(service, ibm, kind, mode):
    backend = service.backend("ibm_manila")
    with kind(backend, max_time=60) as session:
        job = SamplerV2(session).run([(asymmetric(backend), [0.0])], shots=10)
    assert ibm.sessions[session.session_id]["mode"] == mode
    assert not ibm.sessions[session.session_id]["accepting_jobs"]
    assert ibm.jobs[job.job_id()].body["session_id"] == session.session_id
    assert job.result()[0].data.c.num_shots == 10


def test_the_primitives_of_the_client(service, ibm):
    sampler = pytest.importorskip("qiskit_ibm_runtime.executor_sampler")
    estimator = pytest.importorskip("qiskit_ibm_runtime.executor_estimator")
    if not (hasattr(sampler, "Sampler") and hasattr(estimator, "Estimator")):
        pytest.skip("this version has no primitives of the client")
    backend = service.backend("ibm_manila")
    made = sampler.Sampler(backend, options={"twirling": {"enable_gates": True}})
    job = made.run([(asymmetric(backend), [[0.0], [np.pi]])], shots=128)
    assert job.result()[0].data.c[1].get_counts() == {"111": 128}
    circuit = asymmetric(backend, measured=False)
    observables = [SparsePauliOp(text).apply_layout(circuit.layout) for text in ("IIZ", "ZZI")]
    job = estimator.Estimator(backend, options={"default_shots": 256}).run([(circuit, observables, [0.0])])
    np.testing.assert_allclose(job.result()[0].data.evs, [-1, 1], atol=0.1)
    assert {job.body["program_id"] for job in ibm.submitted()} == {"executor"}


def test_cancel_and_a_failure_with_its_reason(service, ibm):
    backend = service.backend("ibm_manila")
    ibm.queue = 1000
    job = SamplerV2(backend).run([(asymmetric(backend), [0.0])])
    job.cancel()
    assert job.status() == "CANCELLED"
    with pytest.raises(Exception, match="cannot be cancelled"):
        connect().job(job.job_id()).cancel()
    ibm.queue, ibm.reason = 0, "the fridge is warm"
    job = SamplerV2(backend).run([(asymmetric(backend), [0.0])])
    with pytest.raises(Exception, match="8888; the fridge is warm"):
        job.result()


def test_throttling_and_a_lost_answer(service, ibm):
    backend = service.backend("ibm_manila")
    ibm.fail("GET", "/backends/ibm_manila/status", Response(status=429, headers={"Retry-After": "0"}), times=2)
    assert backend.status().pending_jobs == 3
    sampler = SamplerV2(backend)
    sampler.options.environment.job_tags = ["mine"]
    ibm.lose = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler.run([(asymmetric(backend), [0.0])])
    assert len(ibm.jobs) == 2, "behind a proxy the client sends a submission again by itself"
    assert {job.job_id() for job in service.jobs(job_tags=["mine"])} == set(ibm.jobs)


def test_a_wrong_key(ibm):
    with pytest.raises(Exception, match="token"):
        QiskitRuntimeService(token="wrong", instance=CRN)
