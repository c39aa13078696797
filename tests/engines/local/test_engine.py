"""The local engine itself: units, chunks, progress, memory."""

import threading

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2
from qiskit.providers import JobStatus
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qiskit_haiqu_provider import EstimatorV2, HaiquCapacityError, HaiquInputError, HaiquJobError, SamplerV2
from qiskit_haiqu_provider.engines.local import execution, memory, units
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.engines.local.execution import run_now
from qiskit_haiqu_provider.run.request import RunRequest, Task

NOISE = NoiseModel()
NOISE.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["h"])


def sweep(sets=300):
    circuit = efficient_su2(2, reps=1)
    values = np.linspace(-2, 2, sets * circuit.num_parameters).reshape(sets, -1)
    return circuit, values


def test_progress_counts_parameter_sets(monkeypatch):
    monkeypatch.setattr(units, "_SETS", 64)
    seen = []
    circuit, values = sweep(200)
    estimator = EstimatorV2(options={"progress": lambda done, total: seen.append((done, total))})
    estimator.run([(circuit, "ZZ", values)], precision=0).result()
    assert seen == [(64, 200), (128, 200), (192, 200), (200, 200)]


def test_a_progress_callback_that_fails_does_not_fail_the_job(caplog):
    def broken(done, total):
        raise RuntimeError("no terminal")

    circuit, values = sweep(5)
    estimator = EstimatorV2(options={"progress": broken})
    assert estimator.run([(circuit, "ZZ", values)]).result()[0].data.evs.shape == (5,)
    assert "progress callback failed" in caplog.text


def test_cancel_stops_between_units(monkeypatch):
    monkeypatch.setattr(units, "_SETS", 16)
    first, go_on = threading.Event(), threading.Event()
    seen = []

    def progress(done, total):
        seen.append(done)
        first.set()
        go_on.wait(60)

    circuit, values = sweep(200)
    job = EstimatorV2(options={"progress": progress}).run([(circuit, "ZZ", values)])
    assert first.wait(60)
    assert job.cancel()
    go_on.set()
    with pytest.raises(HaiquJobError, match="cancelled"):
        job.result()
    assert job.cancelled()
    assert len(seen) <= 2


def test_width_is_checked_against_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: memory.statevector_bytes(20))
    memory.check_width(20, method="statevector", where="PUB 0")
    with pytest.raises(HaiquCapacityError, match=r"PUB 0: the circuit uses 21 qubits.*20 qubits"):
        memory.check_width(21, method="statevector", where="PUB 0")
    assert memory.max_qubits("density_matrix", memory.statevector_bytes(20)) == 10


def test_a_container_limit_counts(tmp_path, monkeypatch):
    def path(name):
        return tmp_path / name.rpartition("/")[2]

    monkeypatch.setattr(memory, "Path", path)
    whole = memory.available_bytes()
    (tmp_path / "memory.max").write_text("4000")
    (tmp_path / "memory.current").write_text("1000")
    assert memory.available_bytes() == 3000
    (tmp_path / "memory.max").write_text("max")
    assert memory.available_bytes() > whole / 10


def test_pending_jobs_are_counted(provider):
    backend = provider.get_backend()
    assert backend.status().pending_jobs == 0
    go_on, started = threading.Event(), threading.Event()

    def progress(done, total):
        started.set()
        go_on.wait(60)

    circuit, values = sweep(3)
    job = EstimatorV2(backend, options={"progress": progress}).run([(circuit, "ZZ", values)])
    assert started.wait(60)
    assert backend.status().pending_jobs == 1
    go_on.set()
    job.result()
    assert backend.status().pending_jobs == 0


def test_a_failing_simulation_says_why(provider):
    backend = provider.get_backend("aer_simulator", method="stabilizer")
    circuit, turn = QuantumCircuit(1, name="loop"), Parameter("turn")
    with circuit.for_loop(range(3), turn):
        circuit.rz(turn, 0)
    circuit.measure_all()
    job = SamplerV2(backend).run([circuit])
    with pytest.raises(HaiquJobError) as caught:
        job.result()
    message = 'The simulation failed: Circuit loop contains invalid parameters  for "stabilizer" method.'
    assert str(caught.value) == message


def raising(error):
    def assemble(parts):
        raise error

    return assemble


def test_a_run_that_fails_at_once_fails_its_job_alone():
    error = RuntimeError("no luck")
    ended = run_now("local-1", (), raising(error))
    assert ended.status() is JobStatus.ERROR
    with pytest.raises(HaiquJobError, match="Job local-1 failed: RuntimeError: no luck") as caught:
        ended.result()
    assert caught.value.__cause__ is error
    with pytest.raises(HaiquInputError, match="as it was"):
        run_now("local-1", (), raising(HaiquInputError("as it was"))).result()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_goes_through_a_run_at_once(error):
    with pytest.raises(error):
        run_now("local-1", (), raising(error()))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_program_that_is_ended_in_a_run_leaves_no_job(provider, monkeypatch, error):
    def ended(unit):
        raise error

    monkeypatch.setattr(execution, "run_unit", ended)
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    backend = provider.get_backend()
    with pytest.raises(error):
        SamplerV2(backend).run([bell])
    assert provider.jobs() == []
    assert backend.status().pending_jobs == 0


def test_small_runs_are_over_when_they_are_submitted():
    engine = LocalEngine()
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    tasks = [Task(circuit=bell, parameter_values=np.empty((1, 0)), shots=shots) for shots in (100, 10**7)]
    options = engine.default_options("aer_simulator")
    small, big = [
        engine.submit(RunRequest(device="aer_simulator", tasks=(task,), options=options, seed=1)) for task in tasks
    ]
    assert small.status() is JobStatus.DONE
    assert big.result().tasks[0].outcomes.shape == (1, 10**7, 1)


@pytest.mark.parametrize("more", [{"noise_model": NOISE}, {"method": "matrix_product_state"}])
def test_tasks_that_measure_nothing_have_only_zeros(more):
    engine = LocalEngine()
    circuit = QuantumCircuit(2, 9)
    circuit.h(0)
    tasks = [Task(circuit=each, parameter_values=np.empty((2, 0)), shots=30) for each in (circuit, QuantumCircuit(1))]
    options = {**engine.default_options("aer_simulator"), **more}
    request = RunRequest(device="aer_simulator", tasks=tuple(tasks), options=options, seed=1)
    found = [task.outcomes for task in engine.submit(request).result().tasks]
    assert [each.shape for each in found] == [(2, 30, 2), (2, 30, 0)]
    assert not found[0].any()
