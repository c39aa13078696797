"""A gateway that is asked over HTTP, with records that are put into its store directly."""

import re
import socket
import threading
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
import orjson
import pytest
import uvicorn
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.gateway.app import create_app
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs, running, users
from qiskit_haiqu_provider.run.formats import write_qpy

PAGE = {"accept": "text/html,application/xhtml+xml"}


@dataclass
class Site:
    """A running gateway."""

    url: str
    services: object = field(repr=False)

    @property
    def db(self):
        return self.services.database

    def client(self, **headers):
        """A browser without a login."""
        return httpx.Client(base_url=self.url, headers={**PAGE, "origin": self.url, **headers}, timeout=60)


@dataclass
class Person:
    """A user with a key, a browser that is logged in, and an experiment."""

    site: Site
    user: object
    key: str = field(repr=False)
    web: httpx.Client
    experiment: object

    def get(self, path, **query):
        """The text of a page that must be there."""
        answer = self.web.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def csrf(self):
        return re.search(r'name="csrf" value="([^"]+)"', self.get("/dashboard/experiments"))[1]

    def add_circuit(self, circuit=None, **fields):
        """A stored circuit."""
        circuit = circuit or bell()
        known = {
            "experiment_id": self.experiment.id,
            "hash": "123",
            "digest": "ab" * 32,
            "qpy": write_qpy(circuit),
            "name": circuit.name,
            "num_qubits": circuit.num_qubits,
            "num_clbits": circuit.num_clbits,
            "num_parameters": circuit.num_parameters,
            "measures": True,
            "analytics": {"qubits": circuit.num_qubits, "depth": circuit.depth(), "operations_counts": {"h": 1}},
        }
        with self.site.db.write() as s:
            return circuits.add(s, self.user, **{**known, **fields})

    def add_job(self, body=None, *, results=None, info=None, status=None, logs="", circuit_ids=(), **fields):
        """A stored job, with its results if there are any."""
        known = {"experiment_id": self.experiment.id, "job_type": "Run", "device_id": "aer_simulator"}
        with self.site.db.write() as s:
            job = jobs.add(
                s, self.user, circuit_ids=circuit_ids, **{**known, "body": {"shots": 1000, **(body or {})}, **fields}
            )
            if results is not None or status is not None:
                data = None if results is None else orjson.dumps(results)
                state = status or "Done"
                running.finish(s, job.id, 0, status=state, info=info, results=data, logs=logs, time=1.5, quality=0.987)
            return job


def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """A gateway that listens; its files are in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    app = create_app(Settings(database=f"sqlite:///{folder / 'gateway.db'}", workers=1))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the gateway did not start"
                thread.join(0.05)
            yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.services)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def make_person(site, request):
    """Makes users who are logged in."""
    clients = []

    def make(name):
        username = f"{name} {request.node.nodeid}"[-200:]
        with site.db.write() as s:
            key = users.create_key(s, username=username)
            user, _ = users.user_of_key(s, key)
            experiment = experiments.get_or_create(s, user, name_or_id=f"{name}'s experiment")
        web = site.client()
        clients.append(web)
        assert web.post("/dashboard/login", data={"key": key}).status_code == 303
        return Person(site, user, key, web, experiment)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ada(make_person):
    return make_person("ada")


@pytest.fixture
def bob(make_person):
    return make_person("bob")


class Outline(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def outline():
    """Takes a page apart."""
    return Outline
