"""A provider that goes straight to the IBM of the tests, at IBM's own addresses."""

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.engines.direct import sending
from tests.vendors.ibm.server import CRN, IBM, KEY


def pytest_configure(config):
    config.addinivalue_line("markers", "local: of the tests of the primitives, which are run here too")


@pytest.fixture
def ibm(web):
    """The service."""
    server = IBM()
    web.serve("*.cloud.ibm.com", server.site)
    return server


@pytest.fixture
def connect(ibm):
    """Makes providers, each of which looks for itself."""
    credentials = {"ibm_quantum_token": KEY, "ibm_quantum_instance": CRN}
    return lambda **settings: HaiquProvider(credentials=credentials, via="ibm", **settings)


@pytest.fixture
def backend(connect):
    """Its device."""
    return connect().get_backend("ibm_manila")


@pytest.fixture
def simulator(ibm, connect):
    """A device that takes any circuit."""
    ibm.devices, ibm.simulators = {"ibm_simulator": "manila"}, {"ibm_simulator"}
    return connect().get_backend("ibm_simulator")


@pytest.fixture
def quick_looks(monkeypatch):
    """Lost jobs are looked for without long pauses."""
    monkeypatch.setattr(sending, "LOOKS", (0.0, 0.01))


@pytest.fixture
def flip():
    circuit = QuantumCircuit(2, 2)
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    return circuit
