"""What processes left behind that were killed while they wrote is removed in the end, and nothing else is."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.leftovers import left_behind
from qiskit_haiqu_provider.run.result import Expectations, RunResult
from qiskit_haiqu_provider.store import JobRecord, JobStore

LONG = 60
"""Seconds that a test waits at most for what must happen."""

HOURS = 2 * 3600

WRITER = """
import os, signal, sys
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import HaiquProvider, SamplerV2, behind
from qiskit_haiqu_provider.store import JobStore

behind.QUIET_SECONDS = 600  # all are written by the call below
what, jobs, before = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def stop(event, arguments):
    \"\"\"Stop before a file of jobs gets its name, after ``before`` others got theirs.\"\"\"
    global before
    if event != "os.rename" or os.sep + "jobs" + os.sep not in os.fspath(arguments[0]):
        return
    before -= 1
    if before == -1 and what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if before == -1:
        print("held", flush=True)
        input()

bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
sampler = SamplerV2(HaiquProvider().get_backend())
ids = [sampler.run([bell]).job_id() for _ in range(jobs)]
sys.addaudithook(stop)
JobStore().flush()
print(*ids, flush=True)
"""


def writer(*arguments):
    command = [sys.executable, "-c", WRITER, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def killed(jobs, before):
    """A process that was killed while it wrote, just before the rename of that number."""
    process = writer("die", jobs, before)
    assert process.communicate(timeout=2 * LONG)[0] == ""
    assert process.returncode < 0


@contextmanager
def held(jobs, before):
    """A process that stands still while it writes; gives what lets it go on, which tells the ids of its jobs."""
    process = writer("hold", jobs, before)
    try:
        assert process.stdout.readline() == "held\n"
        yield lambda: process.communicate("\n", timeout=LONG)[0].split()
    finally:
        process.kill()
        process.communicate()


def folder():
    return JobStore().home / "jobs"


def paths():
    return list(folder().iterdir())


def age(seconds=HOURS):
    """Make all files with jobs older."""
    for path in paths():
        os.utime(path, (time.time() - seconds, time.time() - seconds))


def another_job():
    """Run and write a job, as any process does; gives its id."""
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    job_id = SamplerV2().run([bell]).job_id()
    JobStore().flush()
    return job_id


def record(job_id, **fields):
    known = {"backend": "aer_simulator", "via": "local", "plan": {"kind": "sampler", "outlines": []}, "owner": ""}
    return JobRecord(id=job_id, created="2026-01-02T03:04:05+00:00", **{**known, "status": "DONE", **fields})


def result():
    return RunResult((Expectations(np.ones((2, 3)), np.ones((2, 3))),))


KILLED = pytest.mark.parametrize(
    ("jobs", "before"), [(1, 0), (1, 1), (10, 0), (10, 1)], ids=["result", "record", "results", "batch"]
)


@KILLED
def test_what_a_killed_process_left_is_removed(jobs, before):
    killed(jobs, before)
    left = paths()
    assert len([path for path in left if path.suffix == ".tmp"]) == 2 - before
    assert len([path for path in left if path.suffix == ".bin"]) == before
    age()
    job_id = another_job()
    assert sorted(path.name for path in paths()) == [f"{job_id}.bin", f"{job_id}.json"]


@KILLED
def test_what_is_recent_stays(jobs, before):
    killed(jobs, before)
    left = paths()
    age(seconds=1800)
    another_job()
    assert set(left) < set(paths())


@KILLED
def test_what_a_living_process_writes_stays_however_long_it_takes(jobs, before):
    with held(jobs, before) as go_on:
        left = paths()
        assert len(left) == 2
        age()
        another_job()
        assert set(left) < set(paths())
        ids = go_on()
        assert len(ids) == jobs
        for job_id in ids:
            assert JobStore().result(JobStore().read(job_id)).tasks[0].outcomes.shape == (1, 1024, 1)


def test_jobs_and_other_files_stay():
    """Of services, of older releases, unreadable, or of nobody."""
    another_job()
    for job_id, via in {f"ibm-{5:032x}": "ibm", f"local-{6:032x}": "local", f"local-{7:032x}": "local"}.items():
        JobStore().write(record(job_id, via=via), result())
    (folder() / f"local-{7:032x}.json").write_bytes(b"{")
    for name in (
        "job-1.bin",  # of a service whose record is gone
        f"job-1.bin.{1:032x}.tmp",
        f"ibm-{5:032x}.json.{1:032x}.tmp",
        f"haiqu-{8:032x}.bin",
        f"local-{9:032x}.txt",
        f"local-{9:032x}.bin.tmp",
        "batch-1.bin",
        ".half-written.tmp",
        "notes.txt",
    ):
        (folder() / name).write_bytes(b"mine")
    age()
    assert left_behind(folder(), alive=lambda owner: False) == []


def test_a_partial_file_of_nobody_is_removed(tmp_path):
    """As older releases wrote them."""
    path = tmp_path / f"local-{1:032x}.json.{2:032x}.tmp"
    path.touch()
    assert left_behind(tmp_path, alive=lambda owner: True) == []
    os.utime(path, (1, 1))
    assert left_behind(tmp_path, alive=lambda owner: True) == [path]


def test_a_folder_that_is_not_there_has_nothing(tmp_path):
    assert left_behind(tmp_path / "nowhere", alive=lambda owner: True) == []
