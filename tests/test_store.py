"""Jobs on disk: whole or not at all, private, and never in the way of a run."""

import json
import os
import shutil
import stat
import warnings
from datetime import UTC, datetime

import numpy as np
import platformdirs
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquJobError, HaiquJobNotFoundError, HaiquProvider, SamplerV2, records, store
from qiskit_haiqu_provider.run.result import Distributions, Expectations, RunResult, Samples, Statevectors
from qiskit_haiqu_provider.store import JobRecord, JobStore, created_at


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def record(job_id="job-1", **fields):
    known = {
        "backend": "aer_simulator",
        "via": "local",
        "plan": {"kind": "sampler", "outlines": []},
        "created": "2026-01-02T03:04:05.000006+00:00",
        "status": "DONE",
        "owner": "",
    }
    return JobRecord(id=job_id, **{**known, **fields})


def result():
    """One task of each kind, one of them without any set."""
    rng = np.random.default_rng(5)
    return RunResult(
        (
            Samples(rng.integers(0, 256, (3, 7, 2), dtype=np.uint8), 11),
            Expectations(rng.normal(size=(2, 3)), rng.random((2, 3))),
            Statevectors(rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))),
            Samples(np.empty((0, 7, 1), dtype=np.uint8), 3),
        ),
        {"method": "automatic", "seed": 2**80, "seconds": 0.1},
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Records and results.


def test_a_record_comes_back_as_it_was_written():
    written = record(name="näme", description="d" * 1000, error="why\nnot", metrics={"run_seconds": 0.1})
    JobStore().write(written)
    assert json.dumps(vars(JobStore().read("job-1"))) == json.dumps(vars(written))  # tuples come back as lists


def test_results_come_back_bit_by_bit():
    JobStore().write(record(), result())
    found = JobStore().read("job-1")
    again = JobStore().result(found)
    assert again.metadata == result().metadata
    for before, after in zip(result().tasks, again.tasks, strict=True):
        assert type(before) is type(after)
        assert vars(before).keys() == vars(after).keys()
        for name, value in vars(before).items():
            np.testing.assert_array_equal(getattr(after, name), value)
            assert getattr(getattr(after, name), "dtype", None) == getattr(value, "dtype", None)


def test_distributions_come_back_with_their_sets():
    outcomes = np.arange(10, dtype=np.uint8).reshape(5, 2)
    weights = np.array([1.25, -0.25, 0.1, 0.2, 0.7])
    tasks = (
        Distributions(outcomes, weights, np.array([0, 2, 5]), 11),
        Distributions(np.empty((0, 2), dtype=np.uint8), np.empty(0), np.array([0]), 11),
        Distributions(np.empty((1, 0), dtype=np.uint8), np.ones(1), np.array([0, 1]), 0),
        Samples(np.ones((1, 2, 1), dtype=np.uint8), 3),
    )
    JobStore().write(record(), RunResult(tasks))
    again = JobStore().result(JobStore().read("job-1"))
    for before, after in zip(tasks[:3], again.tasks, strict=False):
        assert isinstance(after, Distributions)
        assert (after.num_clbits, after.num_sets) == (before.num_clbits, before.num_sets)
        np.testing.assert_array_equal(after.outcomes, before.outcomes)
        np.testing.assert_array_equal(after.weights, before.weights)
        np.testing.assert_array_equal(after.offsets, before.offsets)
    np.testing.assert_array_equal(again.tasks[3].outcomes, tasks[3].outcomes)


def test_the_state_of_the_engine_is_kept_and_may_be_missing():
    state = {"url": "https://api.haiqu.ai", "jobs": [{"token": "a" * 32, "id": None, "layout": {"shots": 5}}]}
    JobStore().write(record(state=state))
    assert JobStore().read("job-1").state == state
    path = JobStore().home / "jobs" / "job-1.json"
    older = json.loads(path.read_text(encoding="utf-8"))
    del older["state"]
    path.write_text(json.dumps(older), encoding="utf-8")
    assert JobStore().read("job-1").state == {}


def test_an_array_of_any_memory_order_comes_back():
    values = np.arange(6.0).reshape(2, 3)
    JobStore().write(record(), RunResult((Expectations(np.asfortranarray(values), values[:, ::-1]),)))
    [task] = JobStore().result(JobStore().read("job-1")).tasks
    np.testing.assert_array_equal(task.values, values)
    np.testing.assert_array_equal(task.stds, values[:, ::-1])


def test_a_new_record_takes_the_place_of_the_old():
    JobStore().write(record(status="QUEUED"))
    JobStore().write(record(status="DONE"), result())
    assert JobStore().read("job-1").status == "DONE"
    assert names(JobStore().home / "jobs") == ["job-1.bin", "job-1.json"]


def test_a_write_that_fails_leaves_the_old_job_whole():
    JobStore().write(record(), result())
    before = {path.name: path.read_bytes() for path in (JobStore().home / "jobs").iterdir()}
    dates = np.array([["2026-01-01"]], dtype="datetime64[D]")  # has no buffer to write
    with pytest.raises(ValueError, match="buffer"):
        JobStore().write(record(status="ERROR"), RunResult((Expectations(dates, dates),)))
    assert {path.name: path.read_bytes() for path in (JobStore().home / "jobs").iterdir()} == before


def test_a_record_is_plain_json_with_a_version():
    JobStore().write(record(), result())
    data = json.loads((JobStore().home / "jobs" / "job-1.json").read_text(encoding="utf-8"))
    assert data["format"] == records.FORMAT
    assert data["version"] == records.VERSION
    assert data["layout"][0] == {"kind": "Samples", "shape": [3, 7, 2], "num_clbits": 11}
    size = 3 * 7 * 2 + 2 * (2 * 3 * 8) + 2 * 4 * 16
    assert (JobStore().home / "jobs" / "job-1.bin").stat().st_size == size


def test_created_at_keeps_the_time_zone():
    assert created_at(record()) == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


# Where.


def test_home_is_the_argument_then_the_environment_then_the_platforms(tmp_path, monkeypatch):
    assert JobStore(tmp_path / "given").home == tmp_path / "given"
    assert JobStore(str(tmp_path / "given")).home == tmp_path / "given"
    assert JobStore().home == tmp_path / "haiqu"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("HAIQU_HOME", "~/jobs of mine")
    assert JobStore().home == tmp_path / "jobs of mine"
    monkeypatch.delenv("HAIQU_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert JobStore().home == platformdirs.user_data_path("qiskit-haiqu-provider", appauthor=False)


@pytest.mark.parametrize("named", ["argument", "environment"])
def test_a_relative_home_stays_where_it_was_when_the_program_moves(tmp_path, monkeypatch, named):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HAIQU_HOME", "jobs of mine" if named == "environment" else "unused")
    provider = HaiquProvider(home="jobs of mine" if named == "argument" else None)
    first = SamplerV2(provider.get_backend()).run([bell()]).job_id()
    monkeypatch.chdir(tmp_path / "there")
    second = SamplerV2(provider.get_backend()).run([bell()]).job_id()
    home = JobStore(tmp_path / "here" / "jobs of mine")
    assert [found.id for found in home.records()] == [second, first]  # the same folder, before they are on disk
    home.flush()
    assert home.count() == 2
    assert [provider.job(job_id).result()[0].data.meas.num_shots for job_id in (first, second)] == [1024, 1024]
    assert list((tmp_path / "there").iterdir()) == []


def test_the_environment_is_read_when_a_job_is_kept(tmp_path, monkeypatch):
    provider = HaiquProvider()
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "later"))
    job = SamplerV2(provider.get_backend()).run([bell()])
    JobStore().flush()
    assert (tmp_path / "later" / "jobs" / f"{job.job_id()}.bin").is_file()
    assert not (tmp_path / "haiqu").exists()


def test_homes_do_not_mix(tmp_path):
    one, other = HaiquProvider(home=tmp_path / "one"), HaiquProvider(home=tmp_path / "other")
    job = SamplerV2(one.get_backend()).run([bell()])
    job.result()
    assert [found.job_id() for found in one.jobs()] == [job.job_id()]
    assert other.jobs() == []


def test_nothing_is_written_before_there_is_a_job(provider, tmp_path):
    assert provider.jobs() == []
    with pytest.raises(HaiquJobNotFoundError):
        provider.job("job-1")
    SamplerV2(provider.get_backend(), options={"dry_run": True}).run([bell()]).result()
    assert not (tmp_path / "haiqu").exists()


def test_a_home_that_was_cleared_is_made_again(provider, tmp_path):
    sampler = SamplerV2(provider.get_backend())
    sampler.run([bell()]).result()
    JobStore().flush()
    shutil.rmtree(tmp_path / "haiqu" / "jobs")
    job = sampler.run([bell()])
    JobStore().flush()
    assert (tmp_path / "haiqu" / "jobs" / f"{job.job_id()}.json").is_file()
    assert [found.job_id() for found in provider.jobs()] == [job.job_id()]


if os.name == "posix":

    def test_links_in_a_home_are_kept(tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
        assert JobStore(tmp_path / "link").home == tmp_path / "link"

    def test_files_are_private():
        old = os.umask(0)
        try:
            SamplerV2().run([bell()]).result()
            JobStore().flush()
        finally:
            os.umask(old)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in JobStore().home.glob("*/*")}
        kept = {mode for path, mode in modes.items() if path.parent.name == "jobs"}
        assert kept == {0o600}
        assert {stat.S_IMODE(path.stat().st_mode) for path in JobStore().home.iterdir()} == {0o700}

    def test_a_folder_that_was_open_is_closed():
        folder = JobStore().home / "jobs"
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        JobStore().write(record())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# Ids.


def test_an_unknown_id_says_where_was_looked(provider, tmp_path):
    with pytest.raises(HaiquJobNotFoundError, match=r"No job 'job-1' is known in .*HAIQU_HOME") as caught:
        provider.job("job-1")
    assert str(tmp_path / "haiqu") in str(caught.value)
    assert isinstance(caught.value, HaiquJobError)


@pytest.mark.parametrize(
    "job_id",
    ["../outside", "..", ".", "", "jobs/../../outside", "/etc/passwd", "a/b", "a\\b", "-x", "a\n", "a\0", "a" * 129],
)
def test_an_id_cannot_reach_out_of_the_folder(provider, job_id):
    JobStore().write(record("inside"))
    jobs = JobStore().home / "jobs"
    shutil.copy(jobs / "inside.json", JobStore().home / "outside.json")
    with pytest.raises(HaiquJobNotFoundError, match="is not a job id"):
        provider.job(job_id)
    with pytest.raises(HaiquJobNotFoundError, match="is not a job id"):
        JobStore().write(record(job_id), result())
    with pytest.raises(HaiquJobNotFoundError, match="is not a job id"):
        JobStore().result(record(job_id))
    assert names(jobs) == ["inside.json"]


@pytest.mark.parametrize("job_id", ["local-0f", "d1b2f3e4-aaaa-bbbb-cccc-0123456789ab", "arn:aws:braket:1", "A.b_c"])
def test_ids_of_services_are_file_names(job_id):
    JobStore().write(record(job_id))
    assert JobStore().read(job_id).id == job_id


# What cannot be read.


def spoil_json(**changes):
    def spoil(path):
        data = json.loads(path.read_bytes())
        data.update(changes)
        path.write_text(json.dumps({name: value for name, value in data.items() if value is not ...}))

    return spoil


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


SPOILERS = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "another json": lambda path: path.write_text("[1, 2]"),
    "wrong format": spoil_json(format="another tool's job"),
    "future version": spoil_json(version=records.VERSION + 1),
    "unknown field": spoil_json(colour="blue"),
    "unknown status": spoil_json(status="HALF"),
    "unknown kind": spoil_json(plan={"kind": "guess", "outlines": []}),
    "outline without fields": spoil_json(plan={"kind": "sampler", "outlines": [{}]}),
    "plan of a wrong type": spoil_json(plan=None),
    "another job's id": spoil_json(id="good-1"),
    "id outside the folder": spoil_json(id="../bad"),
    "nested without end": lambda path: path.write_bytes(b"[" * 100_000),
    "no time": spoil_json(created="yesterday"),
    "time of a wrong type": spoil_json(created=5),
}


def missing(name):
    def spoil(path):
        data = json.loads(path.read_bytes())
        del data[name]
        path.write_text(json.dumps(data))

    return spoil


SPOILERS.update({f"no {name}": missing(name) for name in ("format", "version", "id", "status", "plan", "created")})


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_a_record_that_cannot_be_read_is_skipped_with_one_warning(provider, spoil):
    for job_id in ("good-1", "bad", "good-2"):
        JobStore().write(record(job_id))
    path = JobStore().home / "jobs" / "bad.json"
    spoil(path)
    spoiled = path.read_bytes()
    with pytest.warns(UserWarning, match=r"bad\.json cannot be read .* skipped and the file kept") as caught:
        found = provider.jobs()
    assert len(caught) == 1
    assert {job.job_id() for job in found} == {"good-1", "good-2"}
    with pytest.raises(HaiquJobNotFoundError, match=r"bad\.json cannot be read .* The file was kept"):
        provider.job("bad")
    assert path.read_bytes() == spoiled


def test_a_future_version_is_named(provider):
    JobStore().write(record())
    spoil_json(version=7)(JobStore().home / "jobs" / "job-1.json")
    with pytest.raises(HaiquJobNotFoundError, match="version 7, this release reads version 1"):
        provider.job("job-1")


def test_each_record_that_cannot_be_read_has_its_warning(provider):
    for job_id in ("bad-1", "bad-2"):
        JobStore().write(record(job_id))
        truncate(JobStore().home / "jobs" / f"{job_id}.json")
    with pytest.warns(UserWarning, match="cannot be read") as caught:
        assert provider.jobs() == []
    assert len(caught) == 2


def test_other_files_in_the_folder_are_left_alone(provider):
    JobStore().write(record())
    jobs = JobStore().home / "jobs"
    (jobs / ".half-written.tmp").write_bytes(b"{")
    (jobs / "notes.txt").write_bytes(b"mine")
    assert [job.job_id() for job in provider.jobs()] == ["job-1"]


def spoil_layout(path):
    spoil_json(layout=[{"kind": "Guess", "shape": [1]}])(path.with_suffix(".json"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (truncate, "too short"),
        (lambda path: path.unlink(), "No such file|cannot find"),
        (spoil_layout, "unknown kind of result 'Guess'"),
    ],
    ids=["truncated", "missing", "unknown kind"],
)
def test_a_result_that_cannot_be_read_is_an_error_of_its_job_alone(provider, spoil, reason):
    for job_id in ("bad", "good"):
        JobStore().write(record(job_id), result())
    spoil(JobStore().home / "jobs" / "bad.bin")
    before = names(JobStore().home / "jobs")
    assert {job.job_id() for job in provider.jobs()} == {"bad", "good"}
    with pytest.raises(HaiquJobNotFoundError, match=rf"'bad' in .*bad\.bin cannot be read \(.*({reason})"):
        provider.job("bad").result()
    assert len(provider.job("good").result()) == 0
    assert names(JobStore().home / "jobs") == before


def test_a_result_that_made_room_says_where_was_looked():
    JobStore().write(record(), result())
    found = JobStore().read("job-1")
    for path in (JobStore().home / "jobs").iterdir():
        path.unlink()
    with pytest.raises(
        HaiquJobNotFoundError, match=r"is not in .*jobs any more: .*job-1\.bin nor a batch with that job"
    ):
        JobStore().result(found)


# What cannot be written.


@pytest.mark.parametrize("below", ["", "haiqu"], ids=["home is a file", "home is below a file"])
def test_a_home_that_cannot_be_written_costs_one_warning_and_no_result(tmp_path, monkeypatch, below):
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    monkeypatch.setenv("HAIQU_HOME", str(file / below))

    def run_two_jobs():
        for shots in (5, 6):
            provider = HaiquProvider()
            job = SamplerV2(provider.get_backend()).run([bell()], shots=shots)
            assert job.result()[0].data.meas.num_shots == shots
            assert provider.job(job.job_id()) is job
            JobStore().flush()
            assert provider.jobs() == []

    with pytest.warns(UserWarning, match=r"cannot be kept in .*they run.*HAIQU_HOME") as caught:
        run_two_jobs()
    assert len(caught) == 1
    assert file.read_bytes() == b"mine"


def test_a_job_that_cannot_be_kept_is_not_known_elsewhere(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HaiquJobNotFoundError):
        HaiquProvider(home=tmp_path / "file").job("job-1")


# How many.


@pytest.fixture
def keep_three(monkeypatch):
    monkeypatch.setattr(store, "KEEP_FINISHED", 3)
    monkeypatch.setattr(store, "_PRUNE_EVERY", 1)


def write_aged(jobs, record, age):
    """Write a record and make its file that many seconds old."""
    jobs.write(record, result())
    for path in (jobs.home / "jobs").glob(f"{record.id}.*"):
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))


def test_the_oldest_finished_jobs_make_room(keep_three):
    jobs = JobStore()
    for index, status in enumerate(["DONE", "ERROR", "CANCELLED", "DONE", "DONE"]):
        created = f"2026-01-0{index + 1}T00:00:00+00:00"
        write_aged(jobs, record(f"job-{index}", status=status, created=created), age=100 - index)
    jobs.write(record("newest", created="2026-01-09T00:00:00+00:00"), result())
    kept = {"job-3", "job-4", "newest"}
    assert {found.id for found in jobs.records()} == kept
    assert names(jobs.home / "jobs") == sorted(f"{one}.{kind}" for one in kept for kind in ("bin", "json"))
    for found in jobs.records():
        assert len(jobs.result(found).tasks) == 4


def test_unfinished_jobs_and_those_of_services_are_never_pruned(keep_three):
    jobs = JobStore()
    write_aged(jobs, record("queued", status="QUEUED"), age=900)
    write_aged(jobs, record("running", status="RUNNING"), age=800)
    write_aged(jobs, record("paid", via="ibm"), age=700)
    for index in range(5):
        created = f"2026-02-0{index + 1}T00:00:00+00:00"
        write_aged(jobs, record(f"job-{index}", created=created), age=100 - index)
    kept = {found.id for found in jobs.records()}
    assert {"queued", "running", "paid", "job-4"} <= kept
    assert "job-0" not in kept


def test_jobs_of_services_do_not_count_among_those_that_are_kept(keep_three):
    jobs = JobStore()
    for index in range(3):
        write_aged(jobs, record(f"job-{index}"), age=900 - index)
    for index in range(8):
        jobs.write(record(f"paid-{index}", via="ibm"), result())
    assert jobs.count() == 11
    jobs.write(record("newest"), result())
    kept = {found.id for found in jobs.records() if found.via == "local"}
    assert kept == {"job-1", "job-2", "newest"}
    assert jobs.count() == 11


def test_pruning_keeps_what_cannot_be_read(keep_three):
    jobs = JobStore()
    write_aged(jobs, record("bad"), age=900)
    truncate(jobs.home / "jobs" / "bad.json")
    os.utime(jobs.home / "jobs" / "bad.json", (1, 1))
    for index in range(5):
        jobs.write(record(f"job-{index}"), result())
    assert {"bad.bin", "bad.json"} <= set(names(jobs.home / "jobs"))


def test_locks_of_dead_processes_are_removed_when_they_are_old(keep_three):
    jobs = JobStore()
    held = f"{jobs.owner()}.lock"
    owners = jobs.home / "owners"
    for name in ("old.lock", "new.lock"):
        (owners / name).touch()
    for name in ("old.lock", held):
        os.utime(owners / name, (1, 1))
    for index in range(5):
        jobs.write(record(f"job-{index}"))
    assert names(owners) == sorted(["new.lock", held])


def test_a_job_that_was_pruned_keeps_its_result_in_this_process(keep_three, provider):
    sampler = SamplerV2(provider.get_backend())
    jobs = [sampler.run([bell()]) for _ in range(6)]
    JobStore().flush()
    assert len(JobStore().records()) == 3
    for job in jobs:
        assert job.result()[0].data.meas.num_shots == 1024
        assert job.done()


def test_nothing_is_pruned_below_the_limit():
    jobs = JobStore()
    for index in range(3 * store._PRUNE_EVERY):
        jobs.write(record(f"job-{index}"))
    assert len(list(jobs.records())) == 3 * store._PRUNE_EVERY


# Who.


def test_the_owner_is_this_process_and_alive():
    owner = JobStore().owner()
    assert owner
    assert JobStore().owner() == owner
    assert JobStore().owner_alive(owner)
    assert JobStore().owner_alive(owner)  # looking does not end it


def test_an_owner_that_never_was_is_not_alive():
    assert not JobStore().owner_alive("0" * 32)
    assert not JobStore().owner_alive("")


def test_no_warning_is_left_behind_by_a_job_that_is_kept():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SamplerV2().run([bell()]).result()
    assert caught == []
