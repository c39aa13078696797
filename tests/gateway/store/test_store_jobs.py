"""Jobs as their users see them: each submitted once, in order, changed only where nobody else was faster."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from qiskit_haiqu_provider.gateway.store import experiments, jobs, running


def ids(rows):
    return [row.id for row in rows]


def change(db, user, job_id, action):
    """Read a job and change it, as a request does."""
    with db.write() as s:
        job = jobs.get(s, user, job_id)
        return action(s, job), job


def test_a_job_comes_back_as_it_was(db, ada, experiment, add_circuit, add_job):
    one, two = add_circuit(), add_circuit()
    made = add_job(name="n", circuit_ids=[two.id, one.id, two.id], recipe={"kind": "run"}, estimated_qpu_cost={"a": 1})
    assert made.id.startswith("jb-")
    with db.read() as s:
        read = jobs.get(s, ada, made.id)
        assert jobs.circuit_ids(s, read) == [two.id, one.id, two.id]
        assert jobs.result_bytes(s, read.id) is None
        with pytest.raises(InvalidRequestError, match="recipe"):
            _ = read.recipe
    assert (read.name, read.status, read.device_id, read.body) == ("n", "Submitted", "aer_simulator", {"shots": 1000})
    assert (read.logs, read.info, read.metrics, read.estimated_qpu_cost) == ("", {}, {}, {"a": 1})
    assert (read.quality, read.time, read.run_date, read.finish_date) == (None, None, None, None)
    assert (read.attempts, read.generation, read.dispatch) == (0, 0, None)


def test_a_local_job_arrives_finished(db, ada, experiment, add_job):
    when = datetime(2026, 1, 2, tzinfo=UTC)
    add_job(job_type="User local job", status="Done", hash="h", finish_date=when)
    newer = add_job(job_type="User local job", status="Done", hash="h")
    with db.write() as s:
        assert running.unfinished(s) == []
        found = jobs.by_hash(s, ada, experiment.id, "h")
        assert found.id == newer.id
        assert jobs.by_hash(s, ada, experiment.id, "other") is None
        jobs.put_metrics(s, found, {"a": 1})
        assert jobs.put_metrics(s, found, {"b": 2}).metrics == {"a": 1, "b": 2}


def test_a_list_can_be_narrowed_and_reads_no_results(db, ada, experiment, add_circuit, add_job):
    circuit = add_circuit()
    one = add_job(name="50% of_it", circuit_ids=[circuit.id, circuit.id])
    two = add_job(job_type="Transpilation", description="VQE", status="Queued")
    three = add_job(name="500 of it")
    with db.write() as s:
        running.finish(s, one.id, 0, status="Done", results=b"[1]")
    statements = []

    def listed(**filters):
        with db.read() as s:
            event.listen(s.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
            return ids(jobs.list_(s, ada, **filters))

    assert listed() == listed(experiment_id=experiment.id) == [three.id, two.id, one.id]
    assert listed(limit=1) == [three.id]
    assert listed(job_type="Transpilation") == listed(status="Queued") == listed(search="vqe") == [two.id]
    assert listed(circuit_id=circuit.id) == listed(search="0% of_") == listed(status="Done") == [one.id]
    assert listed(experiment_id="exp-other") == []
    assert not any("recipe" in statement or "job_results" in statement for statement in statements)
    with db.read() as s:
        every = jobs.list_(s, ada, limit=None)
        assert jobs.circuit_ids_of(s, every) == {one.id: [circuit.id] * 2, two.id: [], three.id: []}
        assert jobs.results_of(s, every, limit=100) == {one.id: b"[1]"}


def test_many_jobs_are_read_at_once_and_their_results_measured_without_reading(db, ada, bob, add_job):
    one, two = add_job(), add_job()
    with db.write() as s:
        running.finish(s, one.id, 0, status="Done", results=b"[1, 2]")
    with db.read() as s:
        assert set(jobs.get_many(s, ada, [one.id, two.id, one.id, "jb-none"])) == {one.id, two.id}
        assert jobs.get_many(s, bob, [one.id]) == {}
        assert jobs.result_size(s, one.id) == 6
        assert jobs.result_size(s, two.id) is None


def test_users_do_not_see_each_other(db, ada, bob, experiment, add_circuit, job_fields):
    circuit = add_circuit()
    with db.write() as s:
        made, _ = jobs.add_once(
            s, ada, idempotency_key="k", body_digest="d", circuit_ids=[circuit.id], hash="h", **job_fields
        )
    with db.read() as s:
        assert jobs.get(s, bob, made.id) is None
        assert jobs.by_hash(s, bob, experiment.id, "h") is None
        assert jobs.list_(s, bob, experiment_id=experiment.id, circuit_id=circuit.id) == []


def test_a_job_needs_circuits_that_exist(add_job):
    with pytest.raises(IntegrityError):
        add_job(circuit_ids=["circ-other"])


# Submitted once.


def test_the_same_key_is_the_same_job(db, ada, bob, add_circuit, job_fields):
    circuit = add_circuit()

    def submit(user, key, digest="d"):
        with db.write() as s:
            return jobs.add_once(
                s, user, idempotency_key=key, body_digest=digest, circuit_ids=[circuit.id], **job_fields
            )

    first, created = submit(ada, "k")
    again, created_again = submit(ada, "k", digest="other")
    assert (created, created_again) == (True, False)
    assert (again.id, again.body_digest) == (first.id, "d")
    assert submit(ada, "other key")[1]
    assert submit(bob, "k")[1]
    with db.read() as s:
        assert jobs.circuit_ids(s, first) == [circuit.id]


def test_of_threads_with_one_key_one_submits(db, ada, add_circuit, job_fields, in_threads):
    circuit = add_circuit()
    found = []

    def submit(_):
        for key in range(5):
            with db.write() as s:
                job, created = jobs.add_once(
                    s, ada, idempotency_key=str(key), body_digest="d", circuit_ids=[circuit.id], **job_fields
                )
            found.append((key, job.id, created))

    in_threads(16, submit)
    assert len(found) == 80
    assert len({job_id for _, job_id, _ in found}) == 5
    assert sorted(key for key, _, created in found if created) == [0, 1, 2, 3, 4]


def test_threads_add_jobs_and_experiments(db, ada, add_circuit, job_fields, in_threads):
    circuit = add_circuit()

    def submit(index):
        for _ in range(10):
            with db.write() as s:
                experiment = experiments.get_or_create(s, ada, name_or_id=f"e{index % 4}")
                fields = {**job_fields, "experiment_id": experiment.id}
                jobs.add(s, ada, circuit_ids=[circuit.id], **fields)
            with db.read() as s:
                assert jobs.list_(s, ada, experiment_id=experiment.id)

    in_threads(16, submit)
    with db.read() as s:
        assert {e.name: e.jobs_count for e in experiments.list_(s, ada, search="e")} == {
            "Default Experiment": 0,
            **{f"e{index}": 40 for index in range(4)},
        }
        every = jobs.list_(s, ada, limit=None)
        assert len({job.seq for job in every}) == 160
        assert running.unfinished(s) == [(job.id, job.device_id) for job in reversed(every)]


# Cancel and restart.


@pytest.mark.parametrize("status", ["Submitted", "Initializing", "Queued", "Validating", "Running"])
def test_a_job_that_goes_on_can_be_cancelled(db, ada, add_job, status):
    made = add_job(status=status)
    cancelled, job = change(db, ada, made.id, jobs.cancel)
    assert cancelled
    assert job.status == "Cancelled"
    assert job.finish_date >= made.creation_date
    with db.write() as s:
        assert not running.finish(s, made.id, 0, status="Done", results=b"[]")
        assert jobs.result_bytes(s, made.id) is None
        assert jobs.get(s, ada, made.id).status == "Cancelled"


@pytest.mark.parametrize("status", ["Done", "Error", "Cancelled"])
def test_a_job_that_has_finished_stays_as_it_is(db, ada, add_job, status):
    made = add_job(status=status)
    cancelled, job = change(db, ada, made.id, jobs.cancel)
    assert not cancelled
    assert (job.status, job.finish_date) == (status, None)


def test_a_restart_forgets_the_run(db, ada, add_circuit, add_job):
    made = add_job(circuit_ids=[add_circuit().id], recipe={"kind": "run"}, estimated_qpu_cost={"a": 1})
    with db.write() as s:
        running.mark_started(s, [running.Started(id=made.id, generation=0, when=datetime.now(UTC))])
        running.set_dispatch(s, made.id, 0, {"vendor_id": "v"})
        running.finish(s, made.id, 0, status="Done", logs="l", info={"a": 1}, time=1.5, quality=0.5, results=b"[1]")
    restarted, job = change(db, ada, made.id, jobs.restart)
    assert restarted
    assert (job.status, job.generation, job.attempts) == ("Submitted", 1, 0)
    assert (job.logs, job.info, job.time, job.quality, job.dispatch) == ("", {}, None, None, None)
    assert (job.run_date, job.finish_date, job.estimated_qpu_cost) == (None, None, {"a": 1})
    with db.write() as s:
        assert jobs.result_bytes(s, made.id) is None
        assert running.unfinished(s) == [(made.id, made.device_id)]
        assert not running.finish(s, made.id, 0, status="Done", results=b"[late]")
        assert running.finish(s, made.id, 1, status="Done", results=b"[2]")
        assert jobs.result_bytes(s, made.id) == b"[2]"


def test_who_was_faster_wins(db, ada, add_job):
    made = add_job()
    with db.write() as s:
        known = jobs.get(s, ada, made.id)
        s.expunge(known)
    assert change(db, ada, made.id, jobs.restart)[0]
    with db.write() as s:
        s.add(known)  # read before the restart
        assert not jobs.cancel(s, known)
        assert (known.status, known.generation) == ("Submitted", 1)
    with db.write() as s:
        known = jobs.get(s, ada, made.id)
        running.finish(s, made.id, 1, status="Done")
        assert not jobs.restart(s, known)
        assert known.status == "Done"


def test_of_threads_that_cancel_one_does(db, ada, add_job, in_threads):
    made = add_job()
    outcomes = []
    in_threads(16, lambda _: outcomes.append(change(db, ada, made.id, jobs.cancel)[0]))
    assert sorted(outcomes) == [False] * 15 + [True]
