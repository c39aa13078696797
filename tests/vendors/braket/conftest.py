"""AWS on this machine, and its devices as backends."""

import pytest

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.braket.vendor import BraketVendor
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.store import JobStore
from tests.vendors.braket.server import FakeAws


def pytest_configure(config):
    config.addinivalue_line("markers", "local: of the tests of the primitives, which are run here too")


@pytest.fixture
def aws(web, monkeypatch):
    """AWS, with credentials for it in the environment. Nobody waits before asking again."""
    found = FakeAws()
    web.serve("*.amazonaws.com", found.site)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests/0123456789abcdefghij")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr("qiskit_haiqu_provider.engines.braket.aws.PAUSES", (0.0,) * 4)
    monkeypatch.setattr("qiskit_haiqu_provider.engines.direct.sending.LOOKS", (0.0, 0.0))
    return found


@pytest.fixture(scope="session")
def _engines():
    return [DirectEngine(BraketVendor(dict))]


@pytest.fixture
def engine(aws, _engines):
    """The engine, one for all tests: making sessions for five regions takes a second."""
    aws.buckets.update(_engines[0].vendor._aws._buckets.values())
    return _engines[0]


@pytest.fixture
def device(engine, tmp_path):
    """The backend of an AWS device by its name."""

    def backend(name="aws_iqm_garnet", **options):
        record = next(record for record in engine.devices() if record.id == name)
        return HaiquBackend(engine, record, store=JobStore(tmp_path / "jobs"), options=options)

    return backend
