"""Jobs of other processes: found by id, followed while they run, and told apart from those that died."""

import asyncio
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobStatus, JobTimeoutError

from qiskit_haiqu_provider import (
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquJobTimeoutError,
    HaiquProvider,
)

LONG = 60
"""Seconds that a test waits at most for what must happen."""

MANY = """
import pickle, sys, threading
import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2

metadata = {"name": "\u00e9", "list": [1, 2.5, None, True], "nested": {"a": "b"}}
registers = ClassicalRegister(1, "low"), ClassicalRegister(9, "high")
two = QuantumCircuit(QuantumRegister(3), *registers, metadata=metadata)
two.ry(Parameter("a"), 0), two.rx(Parameter("b"), 2), two.cx(0, 1)
two.measure(0, 0), two.measure(2, 9), two.measure(1, 3)
bare = QuantumCircuit(2, metadata=metadata)
bare.ry(Parameter("a"), 0), bare.cx(0, 1)
fixed = bare.assign_parameters([0.7])
measured = fixed.measure_all(inplace=False)
swept = bare.measure_all(inplace=False)
values = np.random.default_rng(1).random((2, 3, 2))
refused, tiny, clifford = QuantumCircuit(1, 1), QuantumCircuit(1, 1), QuantumCircuit(1, 1)
angle = Parameter("angle")
with refused.for_loop(range(1, 3), angle):  # no Clifford gate, which Aer finds out
    refused.rz(angle, 0)
refused.measure(0, 0)
tiny.sx(0), tiny.measure(0, 0)
clifford.h(0), clifford.measure(0, 0)

provider = HaiquProvider()
aer = provider.get_backend(seed_simulator=5)
noisy = provider.get_backend("fake_armonk", seed_simulator=5)
reached, opened = threading.Event(), threading.Event()

def hold(done, total):
    reached.set()
    opened.wait(60)

def sampler(backend, **options):
    return SamplerV2(backend, options={"name": "a name", **options})

stabilizer = {"backend_options": {"method": "stabilizer"}}
jobs = {
    "sampler": sampler(aer).run([(two, values, 50), (two, values[0, 0], 7), measured]),
    "estimator": EstimatorV2(aer).run([
        (bare, [["ZZ"], ["XX"]], values[0, :, :1], 0.1),
        (bare, ["ZI", {"XX": 2, "ZZ": 1}], [0.3], 0),
        (fixed, "0r"),
    ]),
    "run": aer.run([swept, swept], parameter_binds=[{"a": [0.1, 0.2]}] * 2, memory=True),
    "statevector": aer.run([fixed, measured], run_type="StatevectorRun"),
    "device": sampler(noisy).run([tiny]),
    "nothing": sampler(aer).run([]),
    "failed": sampler(aer, **stabilizer).run([refused]),
    "cancelled": sampler(aer, progress=hold, default_shots=100_000, **stabilizer).run([clifford] * 3),
}
assert reached.wait(60)
jobs["cancelled"].cancel()
opened.set()
found = {}
for name, job in jobs.items():
    job.wait_for_final_state()
    found[name] = {
        "id": job.job_id(),
        "status": job.status(),
        "error": job.error_message(),
        "metrics": job.metrics(),
        "usage": job.usage(),
        "plan": job.plan,
        "backend": job.backend().name,
        "result": job.result() if job.done() else None,
    }
with open(sys.argv[1], "wb") as file:
    pickle.dump(found, file)
"""

HELD = """
import sys, threading
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import SamplerV2

bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
reached, opened = threading.Event(), threading.Event()

def progress(done, total):
    reached.set()
    opened.wait()

job = SamplerV2(options={"progress": progress}).run([bell])
reached.wait()
print(job.job_id(), flush=True)
sys.stdin.readline()
opened.set()
print(job.result()[0].data.meas.num_shots, flush=True)
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A home with jobs of another process that has ended, and what that process saw of them."""
    home, seen = tmp_path_factory.mktemp("many"), tmp_path_factory.mktemp("seen") / "seen.pickle"
    environment = {**os.environ, "HAIQU_HOME": str(home)}
    subprocess.run([sys.executable, "-c", MANY, str(seen)], check=True, timeout=2 * LONG, env=environment)
    return home, pickle.loads(seen.read_bytes())


@pytest.fixture
def stored(many, tmp_path):
    """The same as ``many``, in a copy that a test may spoil."""
    home, seen = many
    shutil.copytree(home, tmp_path / "haiqu")
    return seen


class Held:
    """A process that runs one job, and holds it until told."""

    def __init__(self, process):
        self.process = process
        self.job_id = process.stdout.readline().strip()

    def release(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait(LONG)


@contextmanager
def held_job():
    command = [sys.executable, "-c", HELD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Held(process)
        finally:
            process.kill()


@pytest.fixture
def held():
    with held_job() as made:
        yield made


def record_file(home, job_id):
    return home / "jobs" / f"{job_id}.json"


# Ended.


@pytest.mark.parametrize("kind", ["sampler", "estimator", "device", "nothing"])
def test_primitive_results_are_the_same_in_a_new_process(many, kind):
    home, seen = many
    result, expected = HaiquProvider(home=home).job(seen[kind]["id"]).result(), seen[kind]["result"]
    assert type(result) is type(expected)
    assert result.metadata == expected.metadata
    assert len(result) == len(expected) == {"nothing": 0, "device": 1}.get(kind, 3)
    for pub, before in zip(result, expected, strict=True):
        assert type(pub) is type(before)
        assert pub.metadata == before.metadata
        assert pub.data.shape == before.data.shape
        assert list(pub.data) == list(before.data)
        for name, field in before.data.items():
            if kind == "estimator":
                np.testing.assert_array_equal(pub.data[name], field)
            else:
                assert pub.data[name] == field


@pytest.mark.parametrize("kind", ["run", "statevector"])
def test_backend_results_are_the_same_in_a_new_process(many, kind):
    home, seen = many
    result, expected = HaiquProvider(home=home).job(seen[kind]["id"]).result(), seen[kind]["result"]
    assert len(result.results) == {"run": 4, "statevector": 2}[kind]
    np.testing.assert_equal(result.to_dict(), expected.to_dict())
    for index in range(len(result.results)):
        if kind == "run":
            assert result.get_counts(index) == expected.get_counts(index)
            assert result.get_memory(index) == expected.get_memory(index)
        else:
            np.testing.assert_array_equal(result.get_statevector(index), expected.get_statevector(index))


@pytest.mark.parametrize("kind", ["sampler", "estimator", "run", "statevector", "device", "failed", "cancelled"])
def test_all_that_is_known_of_a_job_is_the_same_in_a_new_process(many, kind):
    home, seen = many
    job, expected = HaiquProvider(home=home).job(seen[kind]["id"]), seen[kind]
    assert job.job_id() == expected["id"]
    assert job.status() is expected["status"]
    assert job.in_final_state()
    assert job.error_message() == expected["error"]
    assert job.metrics() == expected["metrics"]
    assert job.usage() == expected["usage"]
    assert job.plan == expected["plan"]
    assert job.backend().name == expected["backend"]
    assert job.cancel() is False


def test_a_failed_job_fails_again_with_the_same_reason(many):
    home, seen = many
    job = HaiquProvider(home=home).job(seen["failed"]["id"])
    assert job.status() is JobStatus.ERROR
    with pytest.raises(HaiquJobError, match=r'invalid .*"stabilizer"') as caught:
        job.result()
    assert str(caught.value) == seen["failed"]["error"]


def test_a_cancelled_job_stays_cancelled(many):
    home, seen = many
    job = HaiquProvider(home=home).job(seen["cancelled"]["id"])
    assert job.cancelled()
    with pytest.raises(HaiquJobCancelledError, match=job.job_id()):
        job.result()


def test_the_jobs_of_an_ended_process_are_listed(many):
    home, seen = many
    provider = HaiquProvider(home=home)
    ids = {name: outcome["id"] for name, outcome in seen.items()}
    assert [job.job_id() for job in provider.jobs()] == list(ids.values())[::-1]
    assert [job.job_id() for job in provider.jobs(status="cancelled")] == [ids["cancelled"]]
    assert [job.job_id() for job in provider.jobs(status=JobStatus.ERROR)] == [ids["failed"]]
    assert [job.job_id() for job in provider.jobs(backend_name="fake_armonk")] == [ids["device"]]
    assert len(provider.jobs(status=[JobStatus.DONE])) == len(ids) - 2


def test_asking_twice_reads_what_is_there(many):
    home, seen = many
    provider = HaiquProvider(home=home)
    one, other = (provider.job(seen["sampler"]["id"]) for _ in range(2))
    assert one.result()[0].data.low == other.result()[0].data.low
    assert one.result() is one.result()


def test_a_stored_result_pickles(many):
    home, seen = many
    result = HaiquProvider(home=home).job(seen["sampler"]["id"]).result()
    again = pickle.loads(pickle.dumps(result))
    assert again[0].data.high == result[0].data.high
    assert again.metadata == result.metadata


def test_a_stored_job_can_be_awaited(many):
    home, seen = many
    provider = HaiquProvider(home=home)

    async def main():
        return await asyncio.gather(*(provider.job(seen[kind]["id"]) for kind in ("sampler", "run")))

    sampled, ran = asyncio.run(main())
    assert sampled[1].data.low.num_shots == 7
    assert len(ran.results) == 4


def test_a_stored_job_has_nothing_to_wait_for(many):
    home, seen = many
    job = HaiquProvider(home=home).job(seen["sampler"]["id"])
    calls = []
    job.wait_for_final_state(timeout=0, callback=lambda *call: calls.append(call))
    assert calls == [(job.job_id(), JobStatus.DONE, job)]


def test_a_job_whose_device_is_gone_keeps_its_result(stored, provider, tmp_path):
    for path in (tmp_path / "haiqu" / "jobs").glob("*.json*"):
        path.write_text(path.read_text().replace("fake_armonk", "fake_forgotten"))
    job = provider.job(stored["device"]["id"])
    with pytest.raises(QiskitError, match="does not have any backend"):
        job.backend()
    assert repr(job) == f"<HaiquJob {job.job_id()} on fake_forgotten: DONE>"
    assert job.result()[0].data.c == stored["device"]["result"][0].data.c


def test_reading_changes_nothing(stored, provider, tmp_path):
    files = sorted((tmp_path / "haiqu" / "jobs").iterdir())
    before = [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    for job in provider.jobs(limit=None):
        job.wait_for_final_state()
        job.error_message()
        if job.done():
            job.result()
    files = sorted((tmp_path / "haiqu" / "jobs").iterdir())
    assert [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_a_result_that_is_gone_is_an_error_of_that_job(stored, provider, tmp_path):
    job = provider.job(stored["run"]["id"])
    home = tmp_path / "haiqu" / "jobs"
    [path] = [path for path in home.glob("*.json*") if f'{job.job_id()}"' in path.read_text()]
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(HaiquJobError, match="too short"):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert "too short" in job.error_message()
    assert provider.job(stored["cancelled"]["id"]).cancelled()


# Still running, or died.


def test_a_job_of_another_process_is_followed_to_its_end(held, provider):
    job = provider.job(held.job_id)
    assert job.status() is JobStatus.RUNNING
    assert job.running()
    assert not job.in_final_state()
    with pytest.raises(HaiquJobTimeoutError, match="goes on"):
        job.result(timeout=0.05)
    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(timeout=0.05, wait=0.01)
    assert [found.job_id() for found in provider.jobs(status="running")] == [held.job_id]
    held.release()
    assert job.result(timeout=LONG)[0].data.meas.num_shots == 1024
    assert job.done()
    assert job.cancel() is False
    assert provider.jobs(status="running") == []
    assert held.process.stdout.readline() == "1024\n"


def test_a_job_that_was_followed_knows_its_metrics(held, provider):
    job = provider.job(held.job_id)
    assert not job.in_final_state()
    held.release()
    job.result(timeout=LONG)
    assert job.metrics()["run_seconds"] > 0
    assert job.metrics() == provider.job(held.job_id).metrics()
    assert job.usage()["run_seconds"] > 0


def test_a_job_of_another_process_is_cancelled_there(held, provider):
    job = provider.job(held.job_id)
    with pytest.raises(HaiquJobError, match=r"runs in another process\. Cancel it there"):
        job.cancel()
    assert not job.in_final_state()
    held.release()
    assert job.result(timeout=LONG)[0].data.meas.num_shots == 1024


def test_a_job_of_another_process_can_be_awaited(held, provider):
    job = provider.job(held.job_id)

    async def main():
        waiting = [asyncio.ensure_future(job), asyncio.ensure_future(provider.job(held.job_id))]
        await asyncio.sleep(0.05)
        assert not any(one.done() for one in waiting)
        held.release()
        return await asyncio.wait_for(asyncio.gather(*waiting), LONG)

    one, other = asyncio.run(main())
    assert one[0].data.meas == other[0].data.meas


def test_waiting_for_another_process_calls_back(held, provider):
    job = provider.job(held.job_id)
    statuses = []

    def callback(job_id, status, handle):
        statuses.append(status)
        if len(statuses) == 2:
            held.release()

    job.wait_for_final_state(timeout=LONG, wait=0.01, callback=callback)
    assert len(statuses) > 2
    assert statuses[-1] is JobStatus.DONE
    assert JobStatus.DONE not in statuses[:-1]


def test_a_job_whose_process_was_killed_is_an_error(held, provider, tmp_path):
    before = provider.job(held.job_id)
    assert not before.in_final_state()
    held.kill()
    job = provider.job(held.job_id)
    assert job.status() is JobStatus.ERROR
    assert f"The process that ran job {held.job_id} ended before the job did" in job.error_message()
    with pytest.raises(HaiquJobError, match="Run it again") as caught:
        job.result()
    assert not isinstance(caught.value, HaiquJobCancelledError)
    assert job.cancel() is False
    assert [found.job_id() for found in provider.jobs(status=JobStatus.ERROR)] == [held.job_id]
    assert provider.jobs(status=["queued", "running", "initializing"]) == []
    # The handle from before its death, and the record, say the same.
    assert before.status() is JobStatus.ERROR
    assert before.error_message() == job.error_message()
    assert json.loads(record_file(tmp_path / "haiqu", held.job_id).read_bytes())["status"] == "ERROR"


def test_waiting_ends_when_the_process_dies(held, provider):
    job = provider.job(held.job_id)
    threading.Timer(0.1, held.kill).start()
    with pytest.raises(HaiquJobError, match="ended before the job did"):
        job.result(timeout=LONG)


def test_an_awaited_job_ends_when_its_process_dies(held, provider):
    job = provider.job(held.job_id)

    async def main():
        waiting = asyncio.ensure_future(job)
        await asyncio.sleep(0.05)
        held.kill()
        await asyncio.wait_for(waiting, LONG)

    with pytest.raises(HaiquJobError, match="ended before the job did"):
        asyncio.run(main())


def test_jobs_of_a_killed_process_do_not_touch_those_of_a_live_one(held, provider):
    with held_job() as other:
        other.kill()
        statuses = {job.job_id(): job.status() for job in provider.jobs()}
    assert statuses[other.job_id] is JobStatus.ERROR
    assert statuses[held.job_id] not in {JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.DONE}
    assert not provider.job(held.job_id).in_final_state()
