"""A provider that goes straight to the Coda of the tests, at Coda's own address."""

import pytest

from qiskit_haiqu_provider import HaiquProvider
from tests.vendors.coda.server import HOST, TOKEN, FakeCoda


def pytest_configure(config):
    config.addinivalue_line("markers", "local: of the tests of the primitives, which are run here too")


@pytest.fixture
def coda(web):
    """The service."""
    service = FakeCoda()
    web.serve(HOST, service.site)
    return service


@pytest.fixture
def provider(coda):
    """A provider with a token."""
    return HaiquProvider(credentials={"coda_token": TOKEN})


@pytest.fixture
def backend(provider):
    """One of its devices; the order of bits is chosen, so that nothing is warned of."""
    return provider.get_backend("coda_iqm", bit_order="last_first")
