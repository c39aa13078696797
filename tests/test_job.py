"""Jobs of this process: in the background, awaited, cancelled, failed, priced."""

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BasePrimitiveJob
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from qiskit_haiqu_provider import (
    CostEstimate,
    EstimatorV2,
    HaiquBackend,
    HaiquCostLimitError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquJobTimeoutError,
    HaiquProvider,
    SamplerV2,
)
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.store import JobStore

LONG = 60
"""Seconds that a test waits at most for what must happen."""


class Gate:
    """A progress callback that holds the job after a unit until it is opened."""

    def __init__(self):
        self.calls = []
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, done, total):
        self.calls.append((done, total))
        self.reached.set()
        assert self.opened.wait(LONG)


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.opened.set()


def bell():
    circuit = QuantumCircuit(2, metadata={"purpose": "test"})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def sweep(gate):
    """A job of several units; the gate holds it after the first."""
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure_all()
    values = np.linspace(0, 1, 48).reshape(-1, 1)
    options = {"progress": gate, "backend_options": {"method": "matrix_product_state"}}
    return SamplerV2(options=options).run([(circuit, values, 10_000)])


def failing():
    """A job that Aer refuses, which only Aer can tell: no Clifford gate in a loop."""
    circuit, angle = QuantumCircuit(1), Parameter("angle")
    with circuit.for_loop(range(1, 3), angle):
        circuit.rz(angle, 0)
    circuit.measure_all()
    return SamplerV2(options={"backend_options": {"method": "stabilizer"}}).run([circuit])


def in_new_process(script, *arguments):
    """What the script printed; runs in a process of its own with the same environment."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONG, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_job_is_both_kinds_of_qiskit_job():
    job = SamplerV2().run([bell()])
    assert isinstance(job, BasePrimitiveJob)
    assert isinstance(job, JobV1)
    job.result()


def test_run_returns_while_the_job_goes_on(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    # The job cannot end before the gate opens, so run() did not wait for it.
    assert gate.reached.wait(LONG)
    assert job.status() is JobStatus.RUNNING
    assert job.running()
    assert not job.done()
    assert not job.in_final_state()
    gate.opened.set()
    assert job.result()[0].data.meas.num_shots == 1024
    assert job.status() is JobStatus.DONE
    assert job.done()
    assert not job.running()
    assert job.in_final_state()
    assert not job.cancelled()


def test_a_timeout_leaves_the_job_alive(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    with pytest.raises(HaiquJobTimeoutError, match=r"0\.01 s and goes on") as caught:
        job.result(timeout=0.01)
    assert isinstance(caught.value, JobTimeoutError)
    with pytest.raises(JobTimeoutError):
        job.result(0)
    assert not job.in_final_state()
    gate.opened.set()
    assert job.result(timeout=LONG)[0].data.meas.num_shots == 1024


def test_result_is_the_same_each_time():
    job = SamplerV2().run([bell()])
    assert job.result() is job.result()


def test_wait_for_final_state_calls_back_until_the_end(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    seen = []

    def callback(job_id, status, handle):
        seen.append((job_id, status, handle))
        if gate.reached.is_set() and len(seen) > 1:
            gate.opened.set()

    job.wait_for_final_state(timeout=LONG, wait=0.01, callback=callback)
    assert job.done()
    assert {job_id for job_id, _, _ in seen} == {job.job_id()}
    assert all(handle is job for _, _, handle in seen)
    assert [status for _, status, _ in seen].count(JobStatus.DONE) == 1
    assert seen[-1][1] is JobStatus.DONE
    assert JobStatus.RUNNING in [status for _, status, _ in seen]


def test_wait_for_final_state_does_not_sleep_through_the_end(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    threading.Timer(0.05, gate.opened.set).start()
    # A wait of an hour between callbacks would fail this test by its harness if the end did not end it.
    job.wait_for_final_state(wait=3600)
    assert job.done()


def test_wait_for_final_state_times_out(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    with pytest.raises(JobTimeoutError, match="goes on"):
        job.wait_for_final_state(timeout=0.01)
    assert not job.in_final_state()


def test_wait_for_final_state_does_not_raise_what_the_job_raises():
    job = failing()
    job.wait_for_final_state(timeout=LONG)
    assert job.status() is JobStatus.ERROR


def test_cancel_stops_between_units(gate):
    job = sweep(gate)
    assert gate.reached.wait(LONG)
    assert job.cancel() is True
    gate.opened.set()
    job.wait_for_final_state(timeout=LONG)
    [(done, total)] = gate.calls
    assert 0 < done < total == 48
    assert job.status() is JobStatus.CANCELLED
    assert job.cancelled()
    assert job.in_final_state()
    assert not job.done()
    with pytest.raises(HaiquJobCancelledError, match=job.job_id()):
        job.result()
    assert job.error_message() is None
    assert job.cancel() is True


def test_the_same_sweep_ends_when_it_is_not_cancelled(gate):
    gate.opened.set()
    result = sweep(gate).result()
    assert result[0].data.meas.shape == (48,)
    assert gate.calls[-1] == (48, 48)
    assert len(gate.calls) > 1


def test_cancel_keeps_its_word_in_the_last_unit(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    assert gate.reached.wait(LONG)
    assert gate.calls == [(1, 1)]
    stopped = job.cancel()
    gate.opened.set()
    job.wait_for_final_state(timeout=LONG)
    assert job.cancelled() is stopped


def test_a_queued_job_is_cancelled_before_it_starts(gate):
    progress = []
    running = [SamplerV2(options={"progress": gate}).run([bell()]) for _ in range(max(2, os.cpu_count() or 1))]
    queued = SamplerV2(options={"progress": lambda *done: progress.append(done)}).run([bell()])
    assert queued.status() is JobStatus.QUEUED
    assert queued.cancel() is True
    assert queued.status() is JobStatus.CANCELLED
    with pytest.raises(HaiquJobCancelledError):
        queued.result()
    assert queued.metrics()["run_seconds"] == 0
    gate.opened.set()
    for job in running:
        assert job.result()[0].data.meas.num_shots == 1024
    # A job submitted after it ran to its end, so the cancelled one had its turn, and did nothing.
    SamplerV2().run([bell()]).result()
    assert progress == []


def test_a_job_that_is_done_cannot_be_cancelled():
    job = SamplerV2().run([bell()])
    job.result()
    assert job.cancel() is False
    assert job.done()
    assert job.result()[0].data.meas.num_shots == 1024


def test_submit_is_refused():
    job = SamplerV2().run([bell()])
    with pytest.raises(HaiquJobError, match="was submitted when it was made"):
        job.submit()
    job.result()


def test_a_failed_job_says_what_aer_said():
    job = failing()
    with pytest.raises(HaiquJobError, match=r'invalid .*"stabilizer"') as caught:
        job.result()
    assert isinstance(caught.value, JobError)
    assert job.status() is JobStatus.ERROR
    assert job.in_final_state()
    assert not job.done()
    assert not job.cancelled()
    assert job.cancel() is False
    assert job.error_message() == str(caught.value)


def test_a_job_that_went_well_has_no_error_message():
    job = SamplerV2().run([bell()])
    job.result()
    assert job.error_message() is None


class BrokenExecutor:
    """An executor whose workers are gone."""

    def submit(self, fn, /, *args):
        raise RuntimeError("no workers left")


def test_an_executor_that_fails_fails_the_job():
    backend = HaiquProvider(executor=BrokenExecutor()).get_backend()
    job = SamplerV2(backend).run([bell()])
    with pytest.raises(HaiquJobError, match="RuntimeError: no workers left") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert job.error_message() == str(caught.value)
    assert job.job_id() in job.error_message()


def test_an_executor_runs_the_units():
    with ThreadPoolExecutor(2) as pool:
        backend = HaiquProvider(executor=pool).get_backend()
        elsewhere = SamplerV2(backend, options={"seed_simulator": 3}).run([bell()]).result()
    here = SamplerV2(options={"seed_simulator": 3}).run([bell()]).result()
    np.testing.assert_array_equal(elsewhere[0].data.meas.array, here[0].data.meas.array)


def test_a_progress_callback_that_fails_does_not_fail_the_job(caplog):
    def progress(done, total):
        raise ValueError("a bug of the caller")

    with caplog.at_level(logging.WARNING, logger="qiskit_haiqu_provider"):
        result = SamplerV2(options={"progress": progress}).run([bell()]).result(LONG)
    assert result[0].data.meas.num_shots == 1024
    assert "progress callback failed" in caplog.text
    assert "a bug of the caller" in caplog.text


def test_metrics_and_usage(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])
    assert gate.reached.wait(LONG)
    during = job.metrics()
    assert set(during) == {"queue_seconds", "run_seconds", "post_processing_seconds", "timestamps"}
    assert during["timestamps"]["finished"] is None
    threading.Event().wait(0.05)  # longer than the tick of a coarse clock
    gate.opened.set()
    job.result()
    after = job.metrics()
    assert after["run_seconds"] > during["run_seconds"] >= 0
    assert after["queue_seconds"] >= during["queue_seconds"] >= 0
    assert after["post_processing_seconds"] > 0
    assert job.metrics() == after
    times = [datetime.fromisoformat(after["timestamps"][name]) for name in ("created", "running", "finished")]
    assert times == sorted(times)
    assert {time.utcoffset() for time in times} == {timedelta(0)}
    assert job.usage() == {"qpu_seconds": 0.0, "usd": 0.0, "run_seconds": after["run_seconds"]}


def test_repr_names_job_backend_and_status():
    job = SamplerV2().run([bell()])
    job.result()
    assert repr(job) == f"<HaiquJob {job.job_id()} on aer_simulator: DONE>"


def test_the_job_knows_its_backend(provider):
    backend = provider.get_backend()
    job = backend.run(bell())
    assert job.backend() is backend
    job.result()


def test_the_backend_counts_jobs_that_have_not_ended(provider, gate):
    backend = provider.get_backend()
    job = SamplerV2(backend, options={"progress": gate}).run([bell()])
    assert backend.status().pending_jobs == 1
    gate.opened.set()
    job.result()
    assert backend.status().pending_jobs == 0


def test_results_of_all_kinds_pickle(provider):
    plain = bell().remove_final_measurements(inplace=False)
    sampled = SamplerV2().run([bell()]).result()
    again = pickle.loads(pickle.dumps(sampled))
    np.testing.assert_array_equal(again[0].data.meas.array, sampled[0].data.meas.array)
    assert again.metadata == sampled.metadata
    assert again[0].metadata == sampled[0].metadata
    estimated = EstimatorV2().run([(plain, ["ZZ", "XX"])]).result()
    again = pickle.loads(pickle.dumps(estimated))
    np.testing.assert_array_equal(again[0].data.evs, estimated[0].data.evs)
    assert again[0].metadata == estimated[0].metadata
    ran = provider.get_backend().run(bell(), memory=True).result()
    again = pickle.loads(pickle.dumps(ran))
    assert again.to_dict() == ran.to_dict()


# Awaiting.


def test_a_job_can_be_awaited():
    async def main():
        return await SamplerV2().run([bell()])

    assert asyncio.run(main())[0].data.meas.num_shots == 1024


def test_an_ended_job_can_be_awaited():
    async def main(job):
        return await job

    job = SamplerV2().run([bell()])
    assert asyncio.run(main(job)) is job.result()


def test_two_jobs_are_awaited_while_the_loop_runs_on(gate):
    async def main():
        first = SamplerV2(options={"progress": gate, "default_shots": 11}).run([bell()])
        second = SamplerV2(options={"progress": gate, "default_shots": 12}).run([bell()])
        both = asyncio.gather(first, second)
        await asyncio.sleep(0.01)  # the loop is free while both jobs are held
        assert not both.done()
        gate.opened.set()
        return await asyncio.wait_for(both, LONG)

    results = asyncio.run(main())
    assert [result[0].data.meas.num_shots for result in results] == [11, 12]


def test_awaiting_raises_what_result_raises():
    async def main():
        await failing()

    with pytest.raises(HaiquJobError, match=r'invalid .*"stabilizer"'):
        asyncio.run(main())


def test_cancelling_the_await_leaves_the_job_alive(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])

    async def main():
        task = asyncio.ensure_future(job)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not job.in_final_state()
        gate.opened.set()
        return await asyncio.wait_for(job, LONG)

    assert asyncio.run(main())[0].data.meas.num_shots == 1024
    assert job.done()


def test_a_loop_that_was_closed_does_not_keep_others_waiting(gate):
    job = SamplerV2(options={"progress": gate}).run([bell()])

    async def impatient():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job, 0.01)

    asyncio.run(impatient())

    async def patient():
        waiting = asyncio.ensure_future(job)
        await asyncio.sleep(0.01)
        gate.opened.set()
        return await asyncio.wait_for(waiting, LONG)

    assert asyncio.run(patient())[0].data.meas.num_shots == 1024


# Prices.


class PricedEngine(LocalEngine):
    """The local engine, for a price of two dollars, counting what is submitted."""

    def __init__(self):
        super().__init__()
        self.submitted = 0

    def estimate(self, request):
        return replace(super().estimate(request), usd=2.0, amount=2.0)

    def submit(self, request, **how):
        self.submitted += 1
        return super().submit(request, **how)


@pytest.fixture
def priced():
    """A backend with a price, and its engine."""
    engine = PricedEngine()
    return HaiquBackend(engine, engine.devices()[0], store=JobStore()), engine


def test_a_cost_above_the_cap_is_refused_before_submission(priced, provider):
    backend, engine = priced
    plain = bell().remove_final_measurements(inplace=False)
    with pytest.raises(HaiquCostLimitError, match=r"max_cost_usd is 1\.99, but the estimate is 2\.00 USD"):
        SamplerV2(backend, options={"max_cost_usd": 1.99}).run([bell()])
    with pytest.raises(HaiquCostLimitError, match="Nothing was submitted"):
        EstimatorV2(backend, options={"max_cost_usd": 0}).run([(plain, "ZZ")])
    with pytest.raises(HaiquCostLimitError):
        backend.run(bell(), max_cost_usd=1)
    assert engine.submitted == 0
    assert provider.jobs() == []


def test_a_cost_at_the_cap_is_submitted(priced):
    backend, engine = priced
    job = SamplerV2(backend, options={"max_cost_usd": 2}).run([bell()])
    assert job.result()[0].data.meas.num_shots == 1024
    assert engine.submitted == 1


def test_the_environment_caps_the_cost(priced, monkeypatch):
    backend, engine = priced
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "1.50")
    with pytest.raises(HaiquCostLimitError, match=r"1\.50"):
        SamplerV2(backend).run([bell()])
    assert engine.submitted == 0


def test_a_dry_run_gives_the_estimate_and_keeps_nothing(priced, provider):
    backend, engine = priced
    plain = bell().remove_final_measurements(inplace=False)
    options = {"dry_run": True, "max_cost_usd": 1}
    jobs = [
        SamplerV2(backend, options=options).run([bell()], shots=100),
        EstimatorV2(backend, options=options).run([(plain, ["ZZ", "XX"])], precision=0.1),
        backend.run([bell(), bell()], dry_run=True, shots=7),
    ]
    for job in jobs:
        assert isinstance(job.result(), CostEstimate)
        assert job.result().usd == 2.0
        assert job.status() is JobStatus.DONE
        assert job.cancel() is False
        assert job.error_message() is None
        assert job.usage()["usd"] == 0
        assert job.metrics()["run_seconds"] == 0
    assert [job.result().circuits for job in jobs] == [1, 2, 2]
    assert [job.result().shots for job in jobs] == [100, 200, 14]
    assert engine.submitted == 0
    assert provider.jobs() == []
    assert not list(JobStore().home.rglob("*.json"))


def test_a_dry_run_can_be_awaited():
    async def main():
        return await SamplerV2(options={"dry_run": True}).run([bell()])

    assert asyncio.run(main()).shots == 1024


def test_estimate_cost_is_what_a_dry_run_gives():
    sampler = SamplerV2()
    estimate = sampler.estimate_cost([bell()], shots=10)
    sampler.options.dry_run = True
    assert sampler.run([bell()], shots=10).result() == estimate


# What is around a job must not break it.


@pytest.mark.parametrize(
    "metadata",
    [
        {"array": np.arange(3), "number": np.int64(7)},
        {"object": object(), "type": dict, "set": {1, 2}, "bytes": b"\x00"},
        {"lock": threading.Lock()},
        {("a", "tuple"): "as key", 1: "one"},
    ],
    ids=["numpy", "objects", "what cannot be copied", "keys that are no text"],
)
def test_any_circuit_metadata_runs_and_is_kept(provider, metadata):
    circuit = bell()
    circuit.metadata = metadata
    job = SamplerV2().run([circuit])
    assert job.result(LONG)[0].metadata["circuit_metadata"].keys() == metadata.keys()
    ran = provider.get_backend().run(circuit)
    assert sum(ran.result(LONG).get_counts().values()) == 1024
    assert {found.id for found in JobStore().records() if found.status == "DONE"} == {job.job_id(), ran.job_id()}
    [stored, _] = [JobStore().result(found).tasks[0] for found in map(JobStore().read, [job.job_id(), ran.job_id()])]
    assert stored.outcomes.shape == (1, 1024, 1)


def test_a_warning_made_an_error_does_not_hang_the_job(gate, tmp_path):
    """The home cannot be written any more when the job ends; with ``-W error`` the warning about it raises."""
    job = SamplerV2(options={"progress": gate}).run([bell()])
    assert gate.reached.wait(LONG)
    home = tmp_path / "haiqu"
    home.rename(tmp_path / "gone")
    home.touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gate.opened.set()
        assert job.result(LONG)[0].data.meas.num_shots == 1024


# Other processes.


def run_in_worker(shots):
    """Runs in another process, so it is made of what pickles."""
    result = SamplerV2(options={"default_shots": shots}).run([bell()]).result(LONG)
    return result[0].data.meas.num_shots


def test_a_spawned_process_runs_jobs():
    run_in_worker(5)
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(run_in_worker, (6,)).get(2 * LONG) == 6
        pool.close()
        pool.join()


FORK = """
import os, signal, sys, threading
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit_haiqu_provider import HaiquJobError, HaiquProvider, SamplerV2

bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
provider = HaiquProvider()
sampler = SamplerV2(provider.get_backend())
sampler.run([bell] * 8).result()
reached, opened = threading.Event(), threading.Event()

def progress(done, total):
    reached.set()
    opened.wait(60)

held = SamplerV2(provider.get_backend(), options={"progress": progress}).run([bell])
assert reached.wait(60)
read, write = os.pipe()
child = os.fork()
if child == 0:
    signal.alarm(60)  # the watchdog: a child that hangs is ended by the system
    own = sampler.run([bell] * 8)
    print("child", own.result()[0].data.meas.num_shots, flush=True)
    seen = provider.job(held.job_id())
    print("held", seen.status().name, flush=True)
    os.write(write, b"x")
    print("ended", seen.result()[0].data.meas.num_shots, flush=True)
    sys.exit(0)
os.read(read, 1)
opened.set()
shots = held.result()[0].data.meas.num_shots
print("exit", os.waitpid(child, 0)[1], flush=True)
print("parent", shots, flush=True)  # not before the child is done printing
"""


if hasattr(os, "fork"):

    @pytest.fixture(scope="module")
    def forked(tmp_path_factory):
        """What a process and its forked child printed."""
        environment = {**os.environ, "HAIQU_HOME": str(tmp_path_factory.mktemp("fork"))}
        command = [sys.executable, "-c", FORK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONG, check=False, env=environment)
        return set(done.stdout.splitlines())

    def test_a_forked_child_runs_jobs(forked):
        assert {"child 1024", "parent 1024"} <= forked

    def test_a_forked_child_gets_the_result_of_a_job_of_its_parent(forked):
        assert {"held RUNNING", "ended 1024", "exit 0"} <= forked


def test_a_script_that_ends_first_does_not_lose_its_job(provider):
    script = """
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import SamplerV2
bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
print(SamplerV2().run([bell]).job_id())
"""
    [job_id] = in_new_process(script)
    assert provider.job(job_id).result(LONG)[0].data.meas.num_shots == 1024


_SCRIPT = """
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import SamplerV2
circuit = QuantumCircuit(2, 1)
circuit.h(0)
circuit.measure(0, 0)
circuit.x(0)
print(SamplerV2().run([circuit] * 3, shots=200_000).job_id())
"""


def test_a_script_that_ends_early_finishes_its_jobs(provider):
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=LONG * 2, check=True)
    job = provider.job(done.stdout.strip())
    assert job.done()
    assert [pub.data.c.num_shots for pub in job.result()] == [200_000] * 3
