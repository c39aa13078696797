"""A fresh database for each test: SQLite always, PostgreSQL too where HAIQU_TEST_POSTGRES names a server."""

import os
import threading
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from qiskit_haiqu_provider.gateway.store import Database, circuits, experiments, jobs, users

SERVER = os.environ.get("HAIQU_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", "postgresql"] if SERVER else ["sqlite"])
def url(request, tmp_path):
    """The URL of a database that is empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store' / 'test.db'}"
        return
    name = f"test_{uuid4().hex}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(url):
    """A database with its tables."""
    database = Database(url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def ada(db):
    """A user."""
    return make_user(db, "ada")


@pytest.fixture
def bob(db):
    """Another user."""
    return make_user(db, "bob")


@pytest.fixture
def experiment(db, ada):
    """An experiment of ada."""
    with db.write() as s:
        return experiments.get_or_create(s, ada, name_or_id="Default Experiment")


@pytest.fixture
def add_circuit(db, ada, experiment):
    """Stores a circuit of ada."""

    def add(**fields):
        known = {
            "experiment_id": experiment.id,
            "hash": "123",
            "digest": "abc",
            "qpy": b"QISKIT\x10\x00",
            "num_qubits": 2,
            "num_clbits": 2,
            "num_parameters": 0,
            "measures": True,
        }
        with db.write() as s:
            return circuits.add(s, ada, **{**known, **fields})

    return add


@pytest.fixture
def job_fields(experiment):
    """What a job needs at least."""
    return {"experiment_id": experiment.id, "job_type": "Run", "device_id": "aer_simulator", "body": {"shots": 1000}}


@pytest.fixture
def add_job(db, ada, job_fields):
    """Stores a job of ada."""

    def add(**fields):
        with db.write() as s:
            return jobs.add(s, ada, **{**job_fields, **fields})

    return add


def make_user(db, name):
    """A user with one key."""
    with db.write() as s:
        key = users.create_key(s, username=name)
        return users.user_of_key(s, key)[0]


@pytest.fixture
def in_threads():
    """Calls a function with 0, 1, ... count - 1, all at once."""

    def in_threads(count, call):
        failures = []
        barrier = threading.Barrier(count)

        def run(index):
            barrier.wait()
            try:
                call(index)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    return in_threads
