"""Jobs in the hands of the scheduler: none lost, none twice, none that stops the others."""

import contextlib
import os
import time

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.gateway.execution.pipeline import Outcome
from qiskit_haiqu_provider.gateway.execution.processes import Workers, context
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe, recipe_to_json
from qiskit_haiqu_provider.gateway.execution.recorder import Finished, Recorder
from qiskit_haiqu_provider.gateway.execution.scheduler import Scheduler
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs, running, users
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.run.formats import write_qpy

SECONDS = 300.0
"""Far more than anything here takes, also on a machine that is busy."""


@pytest.fixture
def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def place(database):
    """A user with an experiment and a circuit, who submits jobs."""
    return Place(database)


class Place:
    def __init__(self, database):
        self.database = database
        bell = QuantumCircuit(2, 2)
        bell.h(0)
        bell.cx(0, 1)
        bell.measure([0, 1], [0, 1])
        with database.write() as s:
            key = users.create_key(s, username="ada")
        with database.write() as s:
            self.user, _ = users.user_of_key(s, key)
            experiment = experiments.get_or_create(s, self.user, name_or_id="one")
            facts = {"num_qubits": 2, "num_clbits": 2, "num_parameters": 0, "measures": True}
            self.circuit = circuits.add(
                s, self.user, experiment_id=experiment.id, hash="1", digest="d", qpy=write_qpy(bell), **facts
            )
            self.experiment = experiment

    def submit(self, shots=10):
        recipe = recipe_to_json(RunRecipe(device="aer_simulator", shots=shots))
        with self.database.write() as s:
            job = jobs.add(
                s,
                self.user,
                circuit_ids=[self.circuit.id],
                experiment_id=self.experiment.id,
                job_type="Run",
                device_id="aer_simulator",
                body={},
                recipe=recipe,
            )
        return job.id

    def job(self, job_id):
        with self.database.read() as s:
            return jobs.get(s, self.user, job_id)

    def change(self, job_id, action):
        with self.database.write() as s:
            return action(s, jobs.get(s, self.user, job_id))

    def until(self, job_id, *statuses):
        for _ in range(int(SECONDS / 0.05)):
            if self.job(job_id).status in statuses:
                return self.job(job_id)
            time.sleep(0.05)
        raise AssertionError(f"{job_id} is {self.job(job_id).status}")


@contextlib.contextmanager
def scheduling(database, *, start=True):
    limits = Limits()
    threads = os.cpu_count() or 1
    scheduler = Scheduler(database, workers=Workers(1, limits, context(threads)), limits=limits)
    if start:
        scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.close()


def test_a_job_that_was_cancelled_and_restarted_while_it_waited_runs_once(database, place):
    first = place.submit()
    others = [place.submit() for _ in range(40)]
    with scheduling(database, start=False) as scheduler:
        for job_id in [first, *others]:
            scheduler.enqueue(job_id, "aer_simulator")
        place.change(first, jobs.cancel)
        scheduler.cancel(first)
        place.change(first, jobs.restart)
        scheduler.enqueue(first, "aer_simulator")
        assert scheduler.load() == (41, 0)
        scheduler._feeder.start()
        for job_id in [*others, first]:
            place.until(job_id, "Done")
            scheduler.wait(job_id, SECONDS)  # it is let go a moment after it is stored
        assert place.job(first).attempts == 1
        assert scheduler.load() == (0, 0)


def test_a_job_that_was_cancelled_while_it_waited_does_not_run(database, place):
    ids = [place.submit() for _ in range(5)]
    with scheduling(database, start=False) as scheduler:
        for job_id in ids:
            scheduler.enqueue(job_id, "aer_simulator")
        place.change(ids[0], jobs.cancel)
        scheduler.cancel(ids[0])
        scheduler._feeder.start()
        for job_id in ids[1:]:
            place.until(job_id, "Done")
    assert place.job(ids[0]).status == "Cancelled"
    assert place.job(ids[0]).attempts == 0


def test_jobs_that_an_earlier_server_left_are_taken_up(database, place):
    ids = [place.submit() for _ in range(3)]
    with scheduling(database):
        for job_id in ids:
            assert place.until(job_id, "Done").run_date is not None


def test_stopping_the_server_does_not_count_against_a_job(database, place):
    job_id = place.submit(shots=100_000_000)
    for _ in range(2):
        with scheduling(database):
            place.until(job_id, "Running")
        assert (place.job(job_id).status, place.job(job_id).attempts) == ("Submitted", 0)


def test_a_job_that_the_server_died_with_too_often_fails_and_says_so(database, place):
    job_id = place.submit()
    for attempt in range(Limits().attempts):
        with database.write() as s:
            started = running.Started(id=job_id, generation=0, when=place.experiment.creation_date)
            assert running.mark_started(s, [started]) == {job_id}
        assert place.job(job_id).attempts == attempt + 1
    with scheduling(database):
        assert "died 5 times" in place.until(job_id, "Error").logs


def test_what_cannot_be_stored_fails_its_job_and_no_other(database, place):
    ids = [place.submit() for _ in range(3)]
    with database.read() as s:
        orders = running.load_for_run(s, ids)
    recorder = Recorder(database)
    for order, info in zip(orders, [{}, {"bad": float("nan")}, {}], strict=True):
        recorder.put(
            Finished(job=order, when=place.experiment.creation_date, status="Done", outcome=Outcome(info=info))
        )
    recorder.close()
    assert [place.job(job_id).status for job_id in ids] == ["Done", "Error", "Done"]
    assert "cannot be stored" in place.job(ids[1]).logs


def test_logs_that_no_database_takes_are_cleaned(database, place):
    job_id = place.submit()
    with database.read() as s:
        (order,) = running.load_for_run(s, [job_id])
    recorder = Recorder(database)
    outcome = Outcome(logs=["name \0 and \ud800 end"])
    recorder.put(Finished(job=order, when=place.experiment.creation_date, status="Error", outcome=outcome))
    recorder.close()
    assert place.job(job_id).logs == "name  and ? end"
