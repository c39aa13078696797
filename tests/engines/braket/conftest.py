"""Braket's simulators as backends."""

import pytest

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.braket.simulators import BraketSimulators
from qiskit_haiqu_provider.store import JobStore


def pytest_configure(config):
    config.addinivalue_line("markers", "local: of the tests of the primitives, which are run here too")


@pytest.fixture
def simulator(tmp_path):
    """The backend of a simulator by its name."""
    engine = BraketSimulators()

    def backend(name="braket_sv", **options):
        record = next(record for record in engine.devices() if record.id == name)
        return HaiquBackend(engine, record, store=JobStore(tmp_path), options=options)

    return backend
