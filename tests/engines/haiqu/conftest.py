"""The engine of the Haiqu cloud, in front of a gateway or of a scripted server."""

from uuid import uuid4

import pytest

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.store import JobStore
from tests.api.odd_server import OddServer
from tests.engines.haiqu.service import Desk


@pytest.fixture
def client(gateway):
    """A client of the gateway."""
    with HaiquClient(gateway.key, url=gateway.url) as found:
        yield found


@pytest.fixture
def engine(client):
    """The engine, with an experiment of its own."""
    return HaiquEngine(
        client, experiment=f"engine {uuid4()}", home=lambda: JobStore().home, credentials=lambda _device: {}
    )


@pytest.fixture
def backend_of(engine):
    """Makes a backend of the engine."""

    def make(device="aer_simulator", **options):
        (record,) = [record for record in engine.devices() if record.id == device]
        return HaiquBackend(engine, record, store=JobStore(), options=options)

    return make


@pytest.fixture
def server():
    """A server that answers as it is told."""
    with OddServer() as found:
        yield found


@pytest.fixture
def desk(server):
    """The scripted server as a small service with one device and one experiment."""
    found = Desk(server)
    yield found
    found.close()
