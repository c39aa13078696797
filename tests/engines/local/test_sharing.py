"""Executors: the same results wherever units run, and what becomes of a job when workers are lost."""

import asyncio
import os
import pickle
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import dask
import numpy as np
import pytest
from distributed import Client
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.providers import JobStatus
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import (
    EstimatorV2,
    HaiquInputError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquJobTimeoutError,
    HaiquProvider,
    SamplerV2,
)
from qiskit_haiqu_provider.engines.local import units
from qiskit_haiqu_provider.engines.local.execution import LocalExecution
from qiskit_haiqu_provider.engines.local.sharing import workers_for
from tests.paths import dask_client

LONG = 120


def sweep(sets=300):
    circuit = efficient_su2(2, reps=1)
    values = np.linspace(-2, 2, sets * circuit.num_parameters).reshape(sets, -1)
    return circuit, values


def feedback():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def everything(provider):
    """Exact, shot-based, noisy and dynamic results, as plain arrays."""
    circuit, values = sweep()
    ideal = provider.get_backend("aer_simulator", seed_simulator=1)
    noisy = provider.get_backend("fake_manila", seed_simulator=1)
    isa = generate_preset_pass_manager(0, backend=noisy, seed_transpiler=1).run(circuit)
    measured = isa.measure_all(inplace=False)
    wide = "ZX" + "I" * (isa.num_qubits - 2)
    return [
        EstimatorV2(ideal).run([(circuit, "ZX", values)], precision=0).result()[0].data.evs,
        EstimatorV2(ideal).run([(circuit, "ZX", values)], precision=0.1).result()[0].data.evs,
        SamplerV2(ideal).run([(circuit.measure_all(inplace=False), values)], shots=50).result()[0].data.meas.array,
        SamplerV2(ideal).run([feedback()], shots=500).result()[0].data.c.array,
        EstimatorV2(noisy).run([(isa, wide, values[:40])], precision=0.1).result()[0].data.evs,
        EstimatorV2(noisy).run([(isa, wide, values[:40])], precision=0).result()[0].data.evs,
        SamplerV2(noisy).run([(measured, values)], shots=50).result()[0].data.meas.array,
    ]


def equal(one, other):
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return everything(HaiquProvider(home=tmp_path_factory.mktemp("alone")))


@pytest.fixture
def small_units(monkeypatch):
    """Units of 64 sets of two qubits."""
    monkeypatch.setattr(units, "_AMPLITUDES", 64 * 4)


@pytest.fixture
def busy():
    """An executor whose only worker is busy with something else until the event is set."""
    free = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(free.wait, LONG)
        executor.free = free
        yield executor
        free.set()


def test_threads_give_the_same_results(alone):
    with ThreadPoolExecutor(3) as executor:
        assert equal(everything(HaiquProvider(executor=executor)), alone)


def test_spawned_processes_give_the_same_results(alone, processes):
    assert equal(everything(HaiquProvider(executor=processes)), alone)


def test_processes_of_a_fork_server_give_the_same_results(alone):
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as executor:
        assert equal(everything(HaiquProvider(executor=executor)), alone)


def test_a_dask_cluster_gives_the_same_results_and_its_workers_do_the_work(alone, dask_workers):
    before = sum(dask_workers.run(lambda dask_worker: dask_worker.state.executed_count).values())
    assert equal(everything(HaiquProvider(executor=dask_workers)), alone)
    after = dask_workers.run(lambda dask_worker: dask_worker.state.executed_count)
    assert len(after) == 2
    assert sum(after.values()) > before  # how they share it is up to them


def test_smaller_units_give_the_same_results(alone, provider, small_units):
    assert equal(everything(provider), alone)


def test_the_same_call_again_is_another_one(dask_workers):
    """Dask takes equal calls for one; runs without a seed must not be."""
    backend = HaiquProvider(executor=dask_workers).get_backend()
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    first, second = (SamplerV2(backend).run([circuit]).result()[0].data.meas.array for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_lost_dask_worker_costs_time_not_results(small_units):
    circuit, values = sweep(40 * 64)
    pub = (circuit.measure_all(inplace=False), values)
    expected = SamplerV2(options={"seed_simulator": 1}).run([pub], shots=50).result()[0].data.meas
    killed = []
    with dask_client(workers=2) as client:
        victim = client.run(os.getpid).popitem()[1]

        def progress(done, total):
            if not killed:
                os.kill(victim, signal.SIGKILL)
                killed.append((done, total))

        backend = HaiquProvider(executor=client).get_backend("aer_simulator", seed_simulator=1)
        job = SamplerV2(backend, options={"progress": progress}).run([pub], shots=50)
        found = job.result(LONG)[0].data.meas
        assert job.status() is JobStatus.DONE
    done, total = killed[0]
    assert done < total / 10  # in the middle of it
    assert found == expected


def _kill_worker(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_unit_that_kills_every_dask_worker_fails_the_job():
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), dask_client(workers=1) as client:
        execution = LocalExecution("x", [_Unit()], lambda parts: None, run=_kill_worker, executor=client)
        execution.start()
        with pytest.raises(HaiquJobError, match=r"KilledWorker.*Give the workers more memory"):
            execution.result()


class _Unit:
    num_sets = 1.0


def test_a_lost_process_of_a_pool_fails_the_job_and_says_what_to_do(small_units):
    circuit, values = sweep(40 * 64)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        victim = executor.submit(os.getpid).result()
        backend = HaiquProvider(executor=executor).get_backend()
        options = {"progress": lambda done, total: os.kill(victim, signal.SIGKILL) if done < total / 10 else None}
        job = EstimatorV2(backend, options=options).run([(circuit, "ZZ", values)])
        with pytest.raises(HaiquJobError, match=r"BrokenProcessPool.*Make a new pool"):
            job.result(LONG)
        again = EstimatorV2(backend).run([(circuit, "ZZ", values)])
        with pytest.raises(HaiquJobError, match=r"BrokenProcessPool.*Make a new pool"):
            again.result(LONG)


def test_an_executor_that_is_closed_takes_no_work():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    backend = HaiquProvider(executor=executor).get_backend()
    job = EstimatorV2(backend).run([(*sweep(5)[:1], "ZZ", sweep(5)[1])])
    with pytest.raises(HaiquJobError, match="cannot schedule new futures"):
        job.result()
    assert "cannot schedule" in job.error_message()


def test_an_executor_that_is_closed_on_the_way_fails_the_job(busy):
    circuit, values = sweep(5)
    job = EstimatorV2(HaiquProvider(executor=busy).get_backend()).run([(circuit, "ZZ", values)])
    while job.status() is not JobStatus.RUNNING:
        pass
    busy.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(HaiquJobError, match=r"executor was closed before the job was done\. Close it after"):
        job.result(LONG)


def test_a_dask_client_that_cannot_be_used_is_refused(dask_workers):
    address = dask_workers.scheduler_info()["address"]
    with Client(address) as closed:
        pass
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    with pytest.raises(HaiquInputError, match="the Dask client is closed"):
        SamplerV2(HaiquProvider(executor=closed).get_backend()).run([circuit])

    async def run_inside():
        async with Client(address, asynchronous=True) as client:
            SamplerV2(HaiquProvider(executor=client).get_backend()).run([circuit])

    with pytest.raises(HaiquInputError, match="the Dask client is asynchronous"):
        asyncio.run(run_inside())


def test_cancelling_does_not_wait_for_workers(busy):
    circuit, values = sweep()
    job = EstimatorV2(HaiquProvider(executor=busy).get_backend()).run([(circuit, "ZZ", values)])
    with pytest.raises(HaiquJobTimeoutError):
        job.result(timeout=0.01)
    assert job.cancel()
    with pytest.raises(HaiquJobCancelledError):
        job.result(LONG)  # the worker is still busy
    assert not busy.free.is_set()


def test_jobs_do_not_wait_for_each_other_to_reach_the_executor(busy):
    """What waits for workers is not one of the few threads that work here."""
    circuit, values = sweep(5)
    estimator = EstimatorV2(HaiquProvider(executor=busy).get_backend())
    jobs = [estimator.run([(circuit, "ZZ", values)]) for _ in range(2 * (os.cpu_count() or 1) + 2)]
    while not all(job.status() is JobStatus.RUNNING for job in jobs):
        pass
    busy.free.set()
    assert [job.result(LONG)[0].data.evs.shape for job in jobs] == [(5,)] * len(jobs)


def test_progress_counts_parameter_sets_on_an_executor(processes, small_units):
    seen = []
    circuit, values = sweep(300)
    backend = HaiquProvider(executor=processes).get_backend()
    options = {"progress": lambda done, total: seen.append((done, total))}
    EstimatorV2(backend, options=options).run([(circuit, "ZZ", values)], precision=0).result()
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (300, 300)
    assert len(seen) > 2


def test_a_sweep_is_cut_for_all_workers(dask_workers):
    assert workers_for(None) == 1
    assert workers_for(dask_workers) >= sum(dask_workers.nthreads().values())
    with ThreadPoolExecutor(1) as executor:
        assert workers_for(executor) >= (os.cpu_count() or 1)


class Recording(ThreadPoolExecutor):
    """Keeps what would travel to another process."""

    def __init__(self):
        super().__init__(1)
        self.sent = []

    def submit(self, fn, /, *args):
        self.sent.append(pickle.dumps((fn, args)))
        return super().submit(fn, *args)


def test_what_travels_is_small_and_holds_no_secret(monkeypatch):
    """Each unit has its values, and a circuit of some kilobytes."""
    monkeypatch.setenv("HAIQU_API_KEY", "a-secret-key-of-the-user")
    circuit = efficient_su2(10, reps=3)
    values = np.zeros((1000, circuit.num_parameters))
    with Recording() as executor:
        backend = HaiquProvider(executor=executor).get_backend()
        EstimatorV2(backend).run([(circuit, "Z" * 10, values)], precision=0).result()
    assert len(executor.sent) > 4
    assert sum(map(len, executor.sent)) < values.nbytes + 20_000 * len(executor.sent)
    assert not any(b"a-secret-key-of-the-user" in each for each in executor.sent)


def test_a_sweep_with_noise_is_shared_out_without_the_noise_model():
    """What is simulated here needs the matrices of its gates alone."""
    circuit, values = sweep(300)
    with Recording() as executor:
        noisy = HaiquProvider(executor=executor).get_backend("fake_torino")
        measured = circuit.measure_all(inplace=False)
        isa = generate_preset_pass_manager(0, backend=noisy, seed_transpiler=1).run(measured)
        SamplerV2(noisy).run([(isa, values)], shots=50).result()
    assert len(executor.sent) > 4
    assert max(map(len, executor.sent)) < 100_000
