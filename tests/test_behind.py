"""What is written a moment later: found at once in this process, on disk shortly after, and at the end."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquJob, HaiquJobNotFoundError, HaiquProvider, SamplerV2, behind
from qiskit_haiqu_provider.behind import Late, WriteBehind
from qiskit_haiqu_provider.engines.local.execution import LocalExecution
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.run.result import Expectations, RunResult, Samples
from qiskit_haiqu_provider.store import JobRecord, JobStore

LONG = 60
"""Seconds that a test waits at most for what must happen."""


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def record(job_id, created="2026-01-02T03:04:05+00:00"):
    plan = {"kind": "sampler", "outlines": []}
    return JobRecord(
        id=job_id, backend="aer_simulator", via="local", plan=plan, created=created, status="DONE", owner=""
    )


def files(home):
    folder = home / "jobs"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def until(condition):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Pen:
    """Takes what is written; can be held."""

    def __init__(self):
        self.written = []
        self.opened = threading.Event()
        self.opened.set()
        self.reached = threading.Event()

    def __call__(self, batch):
        self.reached.set()
        assert self.opened.wait(LONG)
        self.written += [late.record() for late in batch]


def late_of(name, result=None):
    return Late(lambda: name, result)


def test_what_is_put_off_is_written_when_it_is_quiet():
    pen = Pen()
    late = WriteBehind(pen, most=10)
    for name in "abc":
        late.put(name, late_of(name))
    assert late.get("b").record() == "b"
    assert [found.record() for found in late.all()] == ["a", "b", "c"]
    until(lambda: not late.all())
    assert pen.written == ["a", "b", "c"]
    late.put("d", late_of("d"))
    until(lambda: not late.all())
    assert pen.written[-1] == "d"


def test_flush_writes_at_once_and_only_once():
    pen = Pen()
    late = WriteBehind(pen, most=10)
    late.put("a", late_of("a"))
    late.flush()
    late.flush()
    assert pen.written == ["a"]
    assert late.get("a") is None


def test_it_can_be_read_while_it_is_written():
    pen = Pen()
    late = WriteBehind(pen, most=10)
    pen.opened.clear()
    late.put("a", late_of("a"))
    assert pen.reached.wait(LONG)
    assert late.get("a") is not None
    late.put("b", late_of("b"))
    pen.opened.set()
    until(lambda: not late.all())
    assert pen.written == ["a", "b"]


def test_the_oldest_make_room():
    pen = Pen()
    late = WriteBehind(pen, most=3)
    for name in "abcde":
        late.put(name, late_of(name))
    late.flush()
    assert pen.written[-3:] == ["c", "d", "e"]


def test_much_is_not_put_off(monkeypatch):
    monkeypatch.setattr(behind, "MOST_BYTES", 10)
    pen = Pen()
    late = WriteBehind(pen, most=10)
    late.put("a", late_of("a", b"12345678"))
    late.put("b", late_of("b", b"12345678"))
    assert pen.written == ["a", "b"]
    assert late.all() == []


def test_a_writer_that_fails_does_not_stop_the_next(caplog):
    def write(batch):
        if batch[0].record() == "a":
            raise OSError("no space")

    late = WriteBehind(write, most=10)
    late.put("a", late_of("a"))
    late.flush()
    assert "could not be written" in caplog.text
    late.put("b", late_of("b"))
    late.flush()
    assert late.all() == []


# In the store.


def test_a_job_is_found_before_it_is_on_disk_and_after(tmp_path):
    jobs, other = JobStore(tmp_path), JobStore(tmp_path)
    outcomes = np.arange(6, dtype=np.uint8).reshape(1, 6, 1)
    jobs.write_later("job-1", lambda: record("job-1"), RunResult((Samples(outcomes, 3),), {"seed": 1}, ({"told": 2},)))
    before = jobs.read("job-1"), other.result(other.read("job-1"))
    assert [one.id for one in other.records()] == ["job-1"]
    jobs.flush()
    assert files(tmp_path) == ["job-1.bin", "job-1.json"]
    after = jobs.read("job-1"), jobs.result(jobs.read("job-1"))
    assert [one.id for one in other.records()] == ["job-1"]
    assert json.dumps(vars(before[0])) == json.dumps(vars(after[0]))  # tuples come back as lists
    for _, result in (before, after):
        np.testing.assert_array_equal(result.tasks[0].outcomes, outcomes)
        assert (result.metadata, result.task_facts) == ({"seed": 1}, ({"told": 2},))


def test_a_result_that_is_changed_afterwards_is_kept_as_it_was(tmp_path):
    values = np.ones((1, 2))
    jobs = JobStore(tmp_path)
    jobs.write_later("job-1", lambda: record("job-1"), RunResult((Expectations(values, values),)))
    values[:] = 7
    np.testing.assert_array_equal(jobs.result(jobs.read("job-1")).tasks[0].values, [[1, 1]])
    jobs.flush()
    np.testing.assert_array_equal(jobs.result(jobs.read("job-1")).tasks[0].values, [[1, 1]])


def test_records_on_disk_and_those_to_come_are_listed_together(tmp_path):
    jobs = JobStore(tmp_path)
    jobs.write(record("old", "2026-01-01T00:00:00+00:00"))
    jobs.write_later("new", lambda: record("new", "2026-01-03T00:00:00+00:00"))
    jobs.write(record("middle", "2026-01-02T00:00:00+00:00"))
    assert [found.id for found in jobs.records()] == ["new", "middle", "old"]


def test_a_result_without_any_task_is_a_result(tmp_path):
    jobs = JobStore(tmp_path)
    jobs.write_later("job-1", lambda: record("job-1"), RunResult(()))
    jobs.flush()
    assert jobs.result(jobs.read("job-1")).tasks == ()


def test_a_home_that_was_removed_stays_removed(tmp_path):
    home = tmp_path / "gone"
    home.mkdir()
    jobs = JobStore(home)
    jobs.write_later("job-1", lambda: record("job-1"))
    home.rmdir()
    jobs.flush()
    assert not home.exists()
    with pytest.raises(HaiquJobNotFoundError):
        jobs.read("job-1")


def test_a_record_that_cannot_be_written_does_not_keep_others_from_the_disk(tmp_path, caplog):
    def broken():
        raise ValueError("a bug")

    jobs = JobStore(tmp_path)
    jobs.write_later("bad", broken)
    jobs.write_later("good", lambda: record("good"))
    jobs.flush()
    assert files(tmp_path) == ["good.json"]
    assert "a bug" in caplog.text


def test_a_record_that_cannot_be_told_does_not_hide_others_that_wait(tmp_path):
    def broken():
        raise RuntimeError("no text")

    jobs = JobStore(tmp_path)
    jobs.write_later("bad", broken)
    jobs.write_later("good", lambda: record("good"))
    with pytest.warns(UserWarning, match=r"cannot be told \(no text\)"):
        assert [found.id for found in jobs.records()] == ["good"]
    with pytest.raises(HaiquJobNotFoundError, match=r"cannot be told \(no text\)"):
        jobs.read("bad")


# From the front door.


def test_a_small_job_comes_to_disk_by_itself(provider, tmp_path):
    job = SamplerV2(provider.get_backend()).run([bell()])
    until(lambda: files(tmp_path / "haiqu") == [f"{job.job_id()}.bin", f"{job.job_id()}.json"])
    assert JobStore().read(job.job_id()).status == "DONE"


class Untold:
    """Metadata without any text."""

    def __str__(self):
        raise RuntimeError("no text")


def test_metadata_without_text_costs_the_record_of_its_job_alone(provider, caplog):
    sampler, odd = SamplerV2(provider.get_backend()), bell()
    odd.metadata = {"user": Untold()}
    jobs = [sampler.run([circuit]) for circuit in (bell(), odd, *[bell()] * 8)]
    ids = [job.job_id() for job in jobs]
    assert jobs[1].result()[0].data.meas.num_shots == 1024
    JobStore().flush()
    del jobs
    assert [job.job_id() for job in HaiquProvider().jobs()] == [ids[0], *ids[2:]][::-1]
    assert "The record of a job could not be written" in caplog.text


def test_a_small_job_is_found_by_its_id_when_its_handle_is_gone(provider):
    sampler = SamplerV2(provider.get_backend())
    ids = [sampler.run([bell()], shots=shots).job_id() for shots in (5, 6, 7)]
    assert [job.job_id() for job in provider.jobs()] == ids[::-1]
    assert [provider.job(job_id).result()[0].data.meas.num_shots for job_id in ids] == [5, 6, 7]
    JobStore().flush()
    assert [HaiquProvider().job(job_id).result()[0].data.meas.num_shots for job_id in ids] == [5, 6, 7]


def test_a_job_that_is_on_disk_as_not_yet_ended_is_not_put_off(tmp_path):
    jobs, first = JobStore(tmp_path), replace(record("local-1"), status="QUEUED")
    jobs.write(first)
    execution = LocalExecution("local-1", (), lambda parts: RunResult(()))
    execution.start()
    assert execution.wait(LONG)
    HaiquJob(execution, Plan("sampler"), record=first, store=jobs).result(LONG)
    assert json.loads((tmp_path / "jobs" / "local-1.json").read_bytes())["status"] == "DONE"


def test_what_waits_to_be_written_does_not_keep_its_job_alive(provider):
    job = SamplerV2(provider.get_backend()).run([bell()])
    wanted, job_id, alive = job.result()[0].data.meas, job.job_id(), weakref.ref(job)
    del job
    gc.collect()
    assert alive() is None
    assert provider.job(job_id).result()[0].data.meas == wanted


def test_a_job_that_takes_longer_is_on_disk_before_it_is_done(provider, tmp_path):
    reached, opened = threading.Event(), threading.Event()

    def progress(done, total):
        reached.set()
        opened.wait(LONG)

    job = SamplerV2(provider.get_backend(), options={"progress": progress}).run([bell()])
    assert f"{job.job_id()}.json" in files(tmp_path / "haiqu")
    assert reached.wait(LONG)
    opened.set()
    job.result(LONG)
    assert f"{job.job_id()}.bin" in files(tmp_path / "haiqu")


SCRIPT = """
import sys, threading
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import SamplerV2
bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
sampler = SamplerV2()
print(*[sampler.run([bell]).job_id() for _ in range(3)], flush=True)
"""

ENDINGS = {
    "its end": "",
    "sys.exit": "sys.exit(0)",
    "an error": "raise ValueError",
    "an interrupt": "raise KeyboardInterrupt",
    "a job at exit": "import atexit; atexit.register(lambda: print(sampler.run([bell]).job_id(), flush=True))",
    "a thread that goes on": (
        "threading.Timer(0.3, lambda: print(*[sampler.run([bell]).job_id() for _ in range(2)], flush=True)).start()"
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_nothing_is_lost_at_the_end_of_a_program(provider, ending):
    command = [sys.executable, "-c", SCRIPT + ending]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONG, check=False)
    ids = done.stdout.split()
    assert len(ids) >= 3
    assert {job.job_id() for job in provider.jobs()} == set(ids)
    assert all(provider.job(job_id).result()[0].data.meas.num_shots == 1024 for job_id in ids)


def run_small_jobs(count, home):
    """Runs in another process, so it is made of what pickles; a fork server has the environment of its first user."""
    os.environ["HAIQU_HOME"] = home
    sampler = SamplerV2()
    return [sampler.run([bell()]).job_id() for _ in range(count)]


@pytest.mark.parametrize("method", ["spawn", "forkserver"] if os.name == "posix" else ["spawn"])
def test_nothing_is_lost_at_the_end_of_a_worker(provider, method):
    with get_context(method).Pool(1) as pool:
        ids = pool.apply(run_small_jobs, (3, os.environ["HAIQU_HOME"]))
        pool.close()
        pool.join()
    assert {job.job_id() for job in provider.jobs()} == set(ids)


FORK = """
import os, signal, sys
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import HaiquProvider, SamplerV2
bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
provider = HaiquProvider()
sampler = SamplerV2(provider.get_backend())
mine = sampler.run([bell]).job_id()
child = os.fork()
if child == 0:
    signal.alarm(60)  # the watchdog: a child that hangs is ended by the system
    print("seen", provider.job(mine).result()[0].data.meas.num_shots, flush=True)
    print("id", sampler.run([bell]).job_id(), flush=True)
    sys.exit(0)
print("exit", os.waitpid(child, 0)[1], flush=True)
print("id", mine, flush=True)
print("id", sampler.run([bell]).job_id(), flush=True)
"""


if hasattr(os, "fork"):

    def test_a_fork_loses_nothing(provider):
        command = [sys.executable, "-c", FORK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONG, check=True)
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["seen", "1024"] in lines
        assert ["exit", "0"] in lines
        ids = {line[1] for line in lines if line[0] == "id"}
        assert len(ids) == 3
        assert {job.job_id() for job in provider.jobs()} == ids
