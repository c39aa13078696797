"""Jobs that were written together: found one by one, removed together, and never half there."""

import json
import os
import stat
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquJobNotFoundError, HaiquProvider, SamplerV2, batches, records, store
from qiskit_haiqu_provider.batches import Encoded, find, read_entry, read_lines, results_of, size_of, write_batches
from qiskit_haiqu_provider.run.result import RunResult, Samples
from qiskit_haiqu_provider.store import JobRecord, JobStore


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Two jobs are enough for a batch."""
    monkeypatch.setattr(store, "LEAST", 2)


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def record(job_id, **fields):
    known = {
        "backend": "aer_simulator",
        "via": "local",
        "plan": {"kind": "sampler", "outlines": []},
        "created": "2026-01-02T03:04:05+00:00",
        "status": "DONE",
        "owner": "",
    }
    return JobRecord(id=job_id, **{**known, **fields})


def put(jobs, *numbers):
    """Jobs that are written together, each with as many bytes of results as its number says."""
    for number in numbers:
        outcomes = np.full((1, number, 1), number, dtype=np.uint8)
        made = record(f"job-{number}", created=f"2026-01-02T03:04:05.{number:06}+00:00")
        jobs.write_later(made.id, lambda made=made: made, RunResult((Samples(outcomes, 3),)))
    jobs.flush()


def folder_of(home):
    return home / "jobs"


def batch_in(home):
    [batch] = folder_of(home).glob("*.jsonl")
    return batch


entries = st.lists(
    st.tuples(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers()), st.binary(max_size=9)),
    min_size=1,
    max_size=8,
)


@given(jobs=entries)
def test_everything_is_found_again(tmp_path_factory, jobs):
    folder = tmp_path_factory.mktemp("jobs")
    named = [
        Encoded(f"job-{index}", json.dumps(data).encode(), result or None) for index, (data, result) in enumerate(jobs)
    ]
    write_batches(folder, named)
    [batch] = batches.batches_in(folder)
    assert size_of(batch) == len(named)
    assert read_lines(batch) == {job.id: job.record for job in named}
    results = results_of(batch).read_bytes()
    for job, (_, result) in zip(named, jobs, strict=True):
        entry = read_entry(batch, job.id)
        assert entry.record == job.record
        assert results[entry.start :][: len(result)] == result
        assert find(folder, job.id) == batch
    assert find(folder, "job") is None


def test_many_jobs_are_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MOST", 3)
    write_batches(tmp_path, [Encoded(f"job-{index}", b"{}", b"x") for index in range(8)])
    assert sorted(map(size_of, batches.batches_in(tmp_path))) == [2, 3, 3]
    assert all(find(tmp_path, f"job-{index}") is not None for index in range(8))


def test_few_jobs_are_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.undo()
    jobs = JobStore(tmp_path)
    put(jobs, *range(1, 8))
    assert len(list(folder_of(tmp_path).glob("job-*.json"))) == 7
    put(jobs, *range(8, 16))
    assert len(list(folder_of(tmp_path).glob("*.json*"))) == 8
    assert jobs.count() == len(jobs.records()) == 15


def test_jobs_that_are_written_together_are_found_one_by_one(tmp_path):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 4, 2)
    assert [found.id for found in jobs.records()] == ["job-4", "job-2", "job-1"]
    assert jobs.count() == 3
    for number in (1, 2, 4):
        found = jobs.read(f"job-{number}")
        assert found.id == f"job-{number}"
        [task] = jobs.result(found).tasks
        np.testing.assert_array_equal(task.outcomes.ravel(), np.full(number, number))
    with pytest.raises(HaiquJobNotFoundError, match="No job 'job-3' is known"):
        jobs.read("job-3")


def test_another_provider_finds_them_with_their_results(provider):
    sampler = SamplerV2(provider.get_backend(), options={"seed_simulator": 3})
    jobs = [sampler.run([bell()], shots=shots) for shots in range(5, 11)]
    ids, wanted = [job.job_id() for job in jobs], [job.result()[0].data.meas for job in jobs]
    JobStore().flush()
    assert len(list(folder_of(JobStore().home).iterdir())) == 2
    del jobs
    other = HaiquProvider()
    assert [job.job_id() for job in other.jobs()] == ids[::-1]
    assert [other.job(job_id).result()[0].data.meas for job_id in ids] == wanted


def test_what_failed_has_no_result(provider):
    jobs, sampler = JobStore(), SamplerV2(provider.get_backend())
    sampler.run([bell()], shots=5)
    jobs.write_later("failed", lambda: record("failed", status="ERROR", error="no power"))
    sampler.run([bell()], shots=6)
    jobs.flush()
    assert jobs.count() == batches.size_of(batch_in(jobs.home)) == 3
    second, first, failed = HaiquProvider().jobs()
    assert (failed.status().name, failed.error_message()) == ("ERROR", "no power")
    assert [job.result()[0].data.meas.num_shots for job in (first, second)] == [5, 6]


if os.name == "posix":

    def test_batches_are_private(tmp_path):
        put(JobStore(tmp_path), 1, 2)
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder_of(tmp_path).iterdir()} == {0o600}


def cut_off(batch):
    batch.write_bytes(batch.read_bytes()[:-20])


SPOILERS = {
    "empty": lambda batch: batch.write_bytes(b""),
    "no text": lambda batch: batch.write_bytes(b"\xff\xfe\x00"),
    "another list": lambda batch: batch.write_bytes(b"[1, 2]\n{}\n{}"),
    "another file": lambda batch: batch.write_bytes(b'{"job-1": "here"}\n{}'),
}


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_a_batch_that_cannot_be_read_is_skipped_with_one_warning(tmp_path, spoil):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2)
    batch = batch_in(tmp_path)
    spoil(batch)
    jobs.write(record("alone"))
    before = batch.read_bytes()
    with pytest.warns(UserWarning, match=r"batch-2-.*\.jsonl cannot be read .* skipped and the file kept") as caught:
        assert [found.id for found in jobs.records()] == ["alone"]
    assert len(caught) == 1
    with pytest.raises(HaiquJobNotFoundError, match=r"cannot be read|No job 'job-2' is known"):
        jobs.read("job-2")
    assert jobs.read("alone").id == "alone"
    assert batch.read_bytes() == before


def on_lines(change):
    """Changes the records of a batch, line by line."""

    def spoil(batch):
        first, *lines = batch.read_bytes().splitlines()
        batch.write_bytes(b"\n".join([first, *change(lines)]))

    return spoil


def swapped(lines):
    return [lines[1], lines[0], *lines[2:]]


LINES = {
    "a line damaged": (on_lines(lambda lines: [lines[0], b'{"id": half', *lines[2:]]), {"job-2"}),
    "a line of another kind": (on_lines(lambda lines: [lines[0], b"[1, 2]", *lines[2:]]), {"job-2"}),
    "the last line cut off": (cut_off, {"job-4"}),
    "two lines lost": (on_lines(lambda lines: lines[:2]), {"job-3", "job-4"}),
    "all lines lost": (on_lines(lambda lines: []), {"job-1", "job-2", "job-3", "job-4"}),
    "jobs swapped": (on_lines(swapped), {"job-1", "job-2"}),
    "a line too many": (on_lines(lambda lines: [*lines, lines[0]]), set()),
}


@pytest.mark.parametrize(("spoil", "lost"), LINES.values(), ids=LINES)
def test_what_is_damaged_in_a_batch_does_not_hide_the_rest(tmp_path, spoil, lost):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2, 3, 4)
    batch = batch_in(tmp_path)
    spoil(batch)
    before = batch.read_bytes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = {one.id for one in jobs.records()}
    whole = {"job-1", "job-2", "job-3", "job-4"} - lost
    assert found == whole
    assert len(caught) == len(lost)
    for job_id, warning in zip(sorted(lost), caught, strict=True):
        assert f"The record of job '{job_id}' in {batch} cannot be read" in str(warning.message)
    for job_id in sorted(whole):
        [task] = jobs.result(jobs.read(job_id)).tasks
        assert task.outcomes.shape == (1, int(job_id[-1]), 1)
    for job_id in sorted(lost):
        with pytest.raises(HaiquJobNotFoundError, match=rf"job '{job_id}' in .*batch-4-.*\.jsonl cannot be read"):
            jobs.read(job_id)
    assert batch.read_bytes() == before


@pytest.mark.parametrize("start", [-5, 10**30])
def test_a_result_that_begins_nowhere_cannot_be_read(tmp_path, start):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2)
    batch = batch_in(tmp_path)
    _, *lines = batch.read_bytes().splitlines()
    batch.write_bytes(b"\n".join([json.dumps({"job-1": 0, "job-2": start}).encode(), *lines]))
    assert len(jobs.result(jobs.read("job-1")).tasks) == 1
    with pytest.raises(HaiquJobNotFoundError, match=r"The result of job 'job-2' in .*batch-2-.*\.bin cannot be read"):
        jobs.result(jobs.read("job-2"))


class Untold:
    """Metadata without any text."""

    def __str__(self):
        raise RuntimeError("no text")


BAD = {
    "cannot be made": lambda: str(Untold()),
    "has no text": lambda: record("bad", facts={"user": Untold()}),
    "has too long a number": lambda: record("bad", facts={"n": 10**5000}),
}


@pytest.mark.parametrize("others", [["job-1"], ["job-1", "job-2", "job-3"]], ids=["one by one", "in a batch"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_record_that_cannot_be_told_does_not_keep_others_from_the_disk(tmp_path, caplog, bad, others):
    jobs = JobStore(tmp_path)
    jobs.write_later("bad", bad)
    for job_id in others:
        jobs.write_later(job_id, lambda job_id=job_id: record(job_id))
    jobs.flush()
    assert {found.id for found in jobs.records()} == set(others)
    assert len(list(folder_of(tmp_path).glob("*.json*"))) == 1
    assert "The record of a job could not be written" in caplog.text


@pytest.mark.parametrize("spoil", [cut_off, lambda path: path.unlink()], ids=["cut off", "missing"])
def test_results_that_cannot_be_read_leave_the_records(tmp_path, spoil):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 25)
    spoil(results_of(batch_in(tmp_path)))
    with pytest.raises(HaiquJobNotFoundError, match=r"'job-25' in .*batch-2-.*\.bin cannot be read"):
        jobs.result(jobs.read("job-25"))
    assert len(jobs.records()) == 2


def test_what_was_removed_meanwhile_is_not_known(tmp_path):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2)
    found = jobs.read("job-1")
    batch_in(tmp_path).unlink()
    with pytest.raises(HaiquJobNotFoundError, match="No job 'job-1' is known"):
        jobs.read("job-1")
    with pytest.raises(HaiquJobNotFoundError, match=r"result of job 'job-1' is not in .* any more: .* nor a batch"):
        jobs.result(found)


def test_an_older_record_of_a_job_that_waits_is_not_listed_twice(tmp_path):
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2)
    jobs.write_later("job-2", lambda: record("job-2", status="ERROR"))
    assert {found.id: found.status for found in jobs.records()} == {"job-1": "DONE", "job-2": "ERROR"}


def aged(batch, age):
    os.utime(batch, (1_700_000_000 - age, 1_700_000_000 - age))


def test_the_oldest_batches_make_room_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "KEEP_FINISHED", 4)
    jobs = JobStore(tmp_path)
    put(jobs, 1, 2, 3)
    aged(batch_in(tmp_path), age=100)
    jobs.write(record("paid", via="ibm"))
    put(jobs, 5, 6)  # five local jobs: without the oldest batch there would be fewer than four
    put(jobs, 7)
    assert jobs.count() == 7
    put(jobs, 8)
    assert {found.id for found in jobs.records()} == {"paid", "job-5", "job-6", "job-7", "job-8"}
    assert len(list(folder_of(tmp_path).glob("*.bin"))) == 3


def test_lines_are_versioned_records(tmp_path):
    put(JobStore(tmp_path), 1, 2)
    first, *lines = batch_in(tmp_path).read_text(encoding="utf-8").splitlines()
    assert json.loads(first) == {"job-1": 0, "job-2": 1}
    for line in lines:
        data = json.loads(line)
        assert (data["format"], data["version"]) == (records.FORMAT, records.VERSION)
