"""Jobs that others submitted, in all the shapes that the REST API knows."""

import base64
import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.engines.haiqu.adoption import JobFilter
from qiskit_haiqu_provider.exceptions import HaiquJobError, HaiquNotFoundError
from qiskit_haiqu_provider.run.collect import Origin, collect
from qiskit_haiqu_provider.run.formats import write_qpy
from tests.api.odd_server import Answer
from tests.api.records import CIRCUIT, RUN_JOB


def turned(*names):
    circuit = QuantumCircuit(2)
    for qubit, name in enumerate(names):
        circuit.ry(Parameter(name), qubit)
    circuit.cx(0, 1)
    return circuit


def measured(circuit):
    return circuit.measure_all(inplace=False)


@pytest.fixture
def result_of(client, engine):
    """Submits a body as others would, adopts the job, and returns what comes home."""

    def run(circuits, *, send="run", **fields):
        ids = engine.circuit_ids(circuits)
        model = models.RunCreate if send == "run" else models.FlowCreate
        body = model(experiment_id=engine.experiment_id(), circuit_ids=ids, **fields)
        job = getattr(client, send)(body)
        execution, plan, record = engine.adopt(job.id)
        assert execution.wait(60)
        assert record.id == job.id
        return collect(plan, execution.result(), Origin(job.id, record.backend, record.via))

    return run


def test_distributions(result_of):
    circuit = QuantumCircuit(2)
    circuit.x(1)
    low, high = ClassicalRegister(1, "low"), ClassicalRegister(1, "high")
    circuit.add_register(low, high)
    circuit.measure([0, 1], [0, 1])
    (found,) = result_of([circuit], device_id="aer_simulator", shots=10)
    assert (found.data.low.get_counts(), found.data.high.get_counts()) == ({"0": 10}, {"1": 10})


def test_a_sweep_of_one_circuit_without_the_axis_of_circuits(result_of):
    (found,) = result_of(
        [measured(turned("a", "b"))], device_id="aer_simulator", parameters=[[0.0, 0.0], [math.pi, 0.0]], shots=10
    )
    assert found.data.meas.shape == (2,)
    assert found.data.meas.get_counts(1) == {"11": 10}


def test_a_sweep_with_it(result_of):
    first, second = result_of(
        [measured(turned("a", "b")), measured(turned("a"))],
        device_id="aer_simulator",
        parameters=[[[0.0, 0.0]], [[math.pi], [0.0], [0.0]]],
        shots=10,
    )
    assert (first.data.meas.shape, second.data.meas.shape) == ((1,), (3,))
    assert second.data.meas.get_counts(0) == {"11": 10}


def test_expectation_values(result_of):
    observables = [[(["ZZ"], [1.0]), (["ZI", "II"], [2.0, 0.5]), (["IZ"], [1.0])]]
    (found,) = result_of(
        [turned("a")], device_id="aer_simulator", observables=observables, parameters=[[0.0], [math.pi]], shots=100
    )
    np.testing.assert_allclose(found.data.evs, [[1, 1], [2.5, -1.5], [1, -1]])
    assert found.data.stds.shape == (3, 2)
    (found,) = result_of(
        [turned("a").assign_parameters([0.0])], device_id="aer_simulator", observables=observables, shots=100
    )
    np.testing.assert_allclose(found.data.evs, [1, 2.5, 1])


def test_readout_bases(result_of):
    plus = QuantumCircuit(2)
    plus.h([0, 1])
    (found,) = result_of([measured(plus)], device_id="aer_simulator", readout_bases=["XX", "ZZ"], shots=200)
    assert found.data.meas.shape == (2,)
    assert found.data.meas.get_counts(0) == {"00": 200}
    assert len(found.data.meas.get_counts(1)) == 4


def test_states(result_of):
    circuit = turned("a").assign_parameters([0.4])
    found = result_of([circuit], run_type="StatevectorRun")
    np.testing.assert_allclose(found.results[0].data.statevector, Statevector(circuit).data, atol=1e-12)


def test_programs(result_of):
    circuit = turned("a").assign_parameters([0.4])
    program = {"layers": [{"type": "input"}, {"type": "statevector"}]}
    found = result_of([circuit], send="flow", program=program, shots=1)
    np.testing.assert_allclose(found.results[0].data.statevector, Statevector(circuit).data, atol=1e-12)
    layers = [{"type": "input"}, {"type": "estimator"}, {"type": "device", "device_id": "aer_simulator"}]
    (found,) = result_of(
        [turned("a")],
        send="flow",
        program={"layers": layers},
        observables=[[(["ZZ"], [1.0])]],
        parameters=[[[0.1], [0.2]]],
        shots=100,
    )
    np.testing.assert_allclose(found.data.evs, [[1, 1]])


def test_a_job_of_another_kind_is_told_apart(client, engine):
    (circuit_id,) = engine.circuit_ids([measured(turned())])
    body = models.TranspileCreate(
        experiment_id=engine.experiment_id(), circuit_ids=[circuit_id], device_id="fake_montreal"
    )
    job = client.transpile(body)
    with pytest.raises(HaiquJobError, match="Transpilation"):
        engine.adopt(job.id)
    assert engine.elsewhere(JobFilter(limit=10), known=set()) == []


@pytest.mark.parametrize(
    "odd", [{"parameters": [[0.1]]}, {"parameters": [[[0.1]]]}, {"observables": [[(["ZZ"], [1.0])]]}]
)
def test_a_job_whose_parts_do_not_match_is_told_and_left_out(desk, odd):
    packed = base64.b64encode(write_qpy(measured(turned("a")))).decode()
    job = {**RUN_JOB, "status": "Done", "circuit_ids": ["circ-1", "circ-2"], **odd}
    for circuit_id in job["circuit_ids"]:
        desk.server.on(f"GET /circuits/{circuit_id}", Answer(json={**CIRCUIT, "id": circuit_id, "qpy": packed}))
    desk.server.on("GET /jobs/jb-1", Answer(json=job))
    desk.server.on("GET /experiments/exp-1/jobs", Answer(json=[job]))
    with pytest.raises(HaiquJobError, match="nobody can tell which result is whose"):
        desk.engine.adopt("jb-1")
    assert desk.engine.elsewhere(JobFilter(limit=10), known=set()) == []


def test_an_unknown_job_is_not_found(engine):
    with pytest.raises(HaiquNotFoundError, match="jb-unknown"):
        engine.adopt("jb-unknown")
