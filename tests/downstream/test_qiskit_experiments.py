"""qiskit-experiments: characterization and tomography, by backend.run and by samplers."""

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, state_fidelity
from qiskit_experiments.framework import BackendTiming, ExperimentData, ParallelExperiment
from qiskit_experiments.library import T1, LocalReadoutError, StateTomography

from qiskit_haiqu_provider import HaiquProvider, SamplerV2

pytestmark = pytest.mark.downstream

DEVICE = "fake_manila"
ROUTES = pytest.mark.parametrize("route", ["backend.run", "sampler", "default"])


@pytest.fixture
def backend():
    return HaiquProvider().get_backend(DEVICE, seed_simulator=17)


def _run(experiment, backend, route, **options):
    """Run by ``backend.run``, our sampler, or the default: IBM's sampler on our backend."""
    if route == "sampler":
        data = experiment.run(sampler=SamplerV2(backend), **options)
    else:
        direct = route == "backend.run"
        data = experiment.run(backend, backend_run=direct, seed_simulator=17, **options)
    data.block_for_results()
    assert data.status().name == "DONE", data.errors()
    return data


def _value(data, name):
    """The value of one analysis result."""
    frame = data.analysis_results(name, dataframe=True)
    assert len(frame) == 1
    return frame.iloc[0].value


@ROUTES
def test_t1_is_that_of_the_target(backend, route):
    qubit = 1
    expected = backend.qubit_properties(qubit).t1
    experiment = T1((qubit,), delays=np.linspace(1e-6, 2.5 * expected, 12), backend=backend)
    data = _run(experiment, backend, route, shots=2000)
    measured = _value(data, "T1")
    assert measured.nominal_value == pytest.approx(expected, rel=0.15)
    assert measured.std_dev < 0.1 * expected


@ROUTES
def test_readout_error_of_neighbouring_qubits(backend, route):
    qubits = (0, 3)
    data = _run(LocalReadoutError(qubits, backend), backend, route, shots=20_000)
    mitigator = _value(data, "Local Readout Mitigator")
    for qubit in qubits:
        matrix = mitigator.assignment_matrix(qubit)
        error = (matrix[1, 0] + matrix[0, 1]) / 2
        assert error == pytest.approx(backend.target["measure"][(qubit,)].error, abs=0.01)


@ROUTES
def test_state_tomography_of_an_asymmetrical_state(backend, route):
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    circuit.t(1)
    circuit.x(1)
    experiment = StateTomography(circuit, backend=backend, physical_qubits=(2, 1))
    data = _run(experiment, backend, route, shots=4000)
    state = _value(data, "state")
    ideal = DensityMatrix(circuit)
    assert 0.8 < state_fidelity(state, ideal) < 0.95
    assert _value(data, "state_fidelity") == pytest.approx(state_fidelity(state, ideal), abs=1e-6)


def test_parallel_experiments_keep_their_registers_apart(backend):
    properties = [backend.qubit_properties(qubit).t1 for qubit in (0, 2)]
    delays = np.linspace(1e-6, 2e-4, 10)
    experiment = ParallelExperiment(
        [T1((qubit,), delays=delays, backend=backend) for qubit in (0, 2)],
        flatten_results=True,
        backend=backend,
    )
    data = _run(experiment, backend, "backend.run", shots=2000)
    values = data.analysis_results("T1", dataframe=True).value
    for measured, expected in zip(values, properties, strict=True):
        assert measured.nominal_value == pytest.approx(expected, rel=0.2)


def test_jobs_are_found_again_by_the_provider(backend):
    data = _run(LocalReadoutError((0,), backend), backend, "backend.run", shots=500)
    (job_id,) = data.job_ids
    again = ExperimentData(experiment=LocalReadoutError((0,), backend), provider=backend.provider)
    again.add_jobs(backend.provider.job(job_id))
    again.block_for_results()
    assert [entry["counts"] for entry in again.data()] == [entry["counts"] for entry in data.data()]
    assert BackendTiming(backend).dt == backend.dt
