"""IonQ for the tests: the service, where its clients look for it, and devices that are reached straight."""

import pytest

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.ionq.vendor import IonqVendor
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobStore
from tests.vendors.ionq.server import HOST, KEY, IonQ


@pytest.fixture
def ionq(web, monkeypatch):
    """The service, with its key in the environment."""
    service = IonQ()
    web.serve(HOST, service.site)
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    return service


@pytest.fixture
def engine(ionq):
    """The engine of this route."""
    return DirectEngine(IonqVendor(lambda: {"ionq_api_key": Secret(KEY)}, timeout=20, retry_seconds=5))


@pytest.fixture
def device(engine):
    """Makes a backend: ``device("ionq_forte_1", gateset="native")``."""

    def make(name="ionq_simulator", **options):
        record = next(record for record in engine.devices() if record.id == name)
        return HaiquBackend(engine, record, store=JobStore(), options=options)

    return make
