"""Jobs as the scheduler sees them: first come first served, and no late word of an earlier run."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from qiskit_haiqu_provider.gateway.store import jobs, running
from qiskit_haiqu_provider.gateway.store.running import RunCircuit, RunnableJob, Started

WHEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def read(db, user, job):
    with db.read() as s:
        return jobs.get(s, user, job.id)


def test_the_first_submitted_comes_first(db, add_job):
    made = [add_job(status=status) for status in ("Running", "Submitted", "Done", "Queued", "Cancelled", "Validating")]
    with db.read() as s:
        assert running.unfinished(s) == [(made[index].id, "aer_simulator") for index in (0, 1, 3, 5)]


def test_a_job_that_is_only_noted_is_not_in_the_queue(db, add_job):
    add_job(job_type="User local job", status="Running")
    made = [add_job(job_type=name, device_id=name) for name in running.RUNNABLE]
    with db.read() as s:
        assert running.unfinished(s) == [(job.id, job.job_type) for job in made]


def test_all_that_a_run_needs_is_read(db, ada, experiment, add_circuit, add_job):
    one, two = add_circuit(name="one", qpy=b"1"), add_circuit(qpy=b"2", digest="def")
    first = add_job(circuit_ids=[two.id, one.id, two.id], recipe={"shots": 10}, dispatch={"vendor_id": "v"})
    second = add_job(circuit_ids=[one.id])
    done = add_job(status="Done")
    with db.read() as s:
        loaded = running.load_for_run(s, [second.id, done.id, first.id, "jb-other"])
        assert running.load_for_run(s, []) == []
    known_one = RunCircuit(id=one.id, name="one", digest="abc", qpy=b"1")
    known_two = RunCircuit(id=two.id, name="", digest="def", qpy=b"2")
    assert loaded[0] == RunnableJob(
        id=first.id,
        user_id=ada.id,
        experiment_id=experiment.id,
        generation=0,
        attempts=0,
        status="Submitted",
        job_type="Run",
        device_id="aer_simulator",
        recipe={"shots": 10},
        dispatch={"vendor_id": "v"},
        circuits=(known_two, known_one, known_two),
    )
    assert [job.id for job in loaded] == [first.id, second.id]
    assert loaded[1].circuits == (known_one,)
    assert loaded[1].recipe is None


def test_more_ids_than_a_query_takes(db, add_circuit, add_job, monkeypatch):
    monkeypatch.setattr(running, "_AT_ONCE", 3)
    made = [add_job(circuit_ids=[add_circuit(digest=str(index)).id]) for index in range(8)]
    cancelled = made.pop(4)
    with db.write() as s:
        running.finish(s, cancelled.id, 0, status="Cancelled")
        loaded = running.load_for_run(s, [job.id for job in reversed(made)] + [cancelled.id])
        assert [job.id for job in loaded] == [job.id for job in made]
        assert [job.circuits[0].digest for job in loaded] == ["0", "1", "2", "3", "5", "6", "7"]
        starts = [Started(id=job.id, generation=0, when=WHEN) for job in [*made, cancelled]]
        assert running.mark_started(s, starts) == {job.id for job in made}


def test_starts_are_marked_in_one_statement(db, ada, add_job):
    made = [add_job() for _ in range(3)]
    statements = []
    with db.write() as s:
        event.listen(s.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
        starts = [
            Started(id=job.id, generation=0, when=WHEN + timedelta(seconds=index)) for index, job in enumerate(made)
        ]
        assert running.mark_started(s, starts) == {job.id for job in made}
        assert running.mark_started(s, []) == set()
    assert len(statements) == 1
    for index, job in enumerate(made):
        row = read(db, ada, job)
        assert (row.status, row.attempts, row.run_date) == ("Running", 1, WHEN + timedelta(seconds=index))


def test_a_start_that_comes_late_is_told(db, ada, add_job):
    fine, cancelled, restarted, again = (add_job() for _ in range(4))
    with db.write() as s:
        jobs.cancel(s, jobs.get(s, ada, cancelled.id))
        jobs.restart(s, jobs.get(s, ada, restarted.id))
        running.mark_started(s, [Started(id=again.id, generation=0, when=WHEN)])
        every = (fine, cancelled, restarted, again)
        started = running.mark_started(s, [Started(id=job.id, generation=0, when=WHEN) for job in every])
    assert started == {fine.id, again.id}
    assert [read(db, ada, job).status for job in every] == ["Running", "Cancelled", "Submitted", "Running"]
    assert [read(db, ada, job).attempts for job in every] == [1, 0, 0, 2]  # run again after a crash


def test_a_start_of_an_earlier_run_does_not_count_for_the_next(db, ada, add_job):
    made = add_job()
    with db.write() as s:
        jobs.restart(s, jobs.get(s, ada, made.id))
        running.mark_started(s, [Started(id=made.id, generation=1, when=WHEN)])
        assert running.mark_started(s, [Started(id=made.id, generation=0, when=WHEN)]) == set()
    assert read(db, ada, made).attempts == 1


def test_the_end_of_a_run_is_stored_once(db, ada, add_job):
    made = add_job(estimated_qpu_cost={"a": 1})
    large = b"[" + b" " * 5_000_000 + b"]"
    with db.write() as s:
        assert running.finish(
            s,
            made.id,
            0,
            status="Done",
            logs="fine",
            info={"uncertainty": [0.5]},
            time=0.25,
            quality=0.75,
            results=large,
            finish_date=WHEN,
        )
        assert not running.finish(s, made.id, 0, status="Error", logs="late", results=b"[]")
        assert not running.finish(s, "jb-other", 0, status="Done")
    row = read(db, ada, made)
    assert (row.status, row.logs, row.info, row.time, row.quality) == (
        "Done",
        "fine",
        {"uncertainty": [0.5]},
        0.25,
        0.75,
    )
    assert (row.finish_date, row.estimated_qpu_cost) == (WHEN, {"a": 1})
    with db.read() as s:
        assert jobs.result_bytes(s, made.id) == large


def test_a_run_can_end_without_results(db, ada, add_job):
    made = add_job()
    with db.write() as s:
        assert running.finish(s, made.id, 0, status="Error", logs="no memory", estimated_qpu_cost={"b": 2})
        assert jobs.result_bytes(s, made.id) is None
    row = read(db, ada, made)
    assert (row.status, row.logs, row.info, row.estimated_qpu_cost) == ("Error", "no memory", {}, {"b": 2})
    assert row.finish_date >= made.creation_date


def test_many_ends_fit_into_one_write(db, ada, add_job):
    made = [add_job() for _ in range(20)]
    with db.write() as s:
        assert all(running.finish(s, job.id, 0, status="Done", results=job.id.encode()) for job in made)
    with db.read() as s:
        assert jobs.results_of(s, made, limit=10**6) == {job.id: job.id.encode() for job in made}


def test_what_is_known_of_a_vendors_job_is_kept_until_the_end(db, ada, add_job):
    made = add_job()
    with db.write() as s:
        assert running.set_dispatch(s, made.id, 0, {"vendor_id": "v"})
        assert not running.set_dispatch(s, made.id, 1, {"vendor_id": "w"})
    row = read(db, ada, made)
    assert (row.status, row.dispatch) == ("Submitted", {"vendor_id": "v"})
    with db.write() as s:
        assert running.set_dispatch(s, made.id, 0, None)
        running.finish(s, made.id, 0, status="Cancelled")
        assert not running.set_dispatch(s, made.id, 0, {"vendor_id": "v"})
    row = read(db, ada, made)
    assert (row.status, row.dispatch) == ("Cancelled", None)


def test_an_end_and_a_cancel_at_once_leave_one_of_them(db, ada, add_job, in_threads):
    made = [add_job() for _ in range(10)]
    outcomes = []

    def settle(index):
        for job in made:
            with db.write() as s:
                if index % 2:
                    won = jobs.cancel(s, jobs.get(s, ada, job.id))
                else:
                    won = running.finish(s, job.id, 0, status="Done", results=b"[]")
            outcomes.append((job.id, "Cancelled" if index % 2 else "Done", won))

    in_threads(8, settle)
    winners = {job_id: status for job_id, status, won in outcomes if won}
    assert sum(won for _, _, won in outcomes) == 10
    assert {job.id: read(db, ada, job).status for job in made} == winners
    with db.read() as s:
        with_results = set(jobs.results_of(s, made, limit=10**6))
    assert with_results == {job_id for job_id, status in winners.items() if status == "Done"}


def test_a_list_holds_results_up_to_a_limit_the_first_jobs_first(db, add_job):
    made = [add_job() for _ in range(3)]
    with db.write() as s:
        for job, size in zip(made, (40, 80, 50), strict=True):
            assert running.finish(s, job.id, 0, status="Done", results=b"1" * size)
    with db.read() as s:
        assert set(jobs.results_of(s, made, limit=100)) == {made[0].id, made[2].id}
        assert jobs.results_of(s, made, limit=10) == {}


def test_a_run_that_was_stopped_with_the_server_is_put_back(db, ada, add_job):
    job = add_job()
    with db.write() as s:
        assert running.mark_started(s, [Started(id=job.id, generation=0, when=WHEN)])
        assert running.put_back(s, job.id, 0)
        assert not running.put_back(s, job.id, 1)
    back = read(db, ada, job)
    assert (back.status, back.attempts, back.run_date) == ("Submitted", 0, None)
