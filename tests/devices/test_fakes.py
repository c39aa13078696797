"""Fake devices are listed without importing what they come from."""

import subprocess
import sys

import pytest
from qiskit_ibm_runtime import fake_provider

from qiskit_haiqu_provider.devices.fakes import fake_records, load_fake


def known():
    classes = [getattr(fake_provider, name) for name in dir(fake_provider) if name.startswith("Fake")]
    return {cls.backend_name: cls for cls in classes if getattr(cls, "backend_name", None)}


def test_every_fake_device_is_listed():
    assert {record.id for record in fake_records()} == set(known())


@pytest.mark.parametrize("name", ["fake_manila", "fake_torino", "fake_armonk"])
def test_a_record_says_what_the_device_is(name):
    record = next(record for record in fake_records() if record.id == name)
    backend = load_fake(name)
    assert (backend.name, backend.num_qubits) == (name, record.num_qubits)


def test_listing_imports_no_vendor_library():
    code = (
        "import sys; from qiskit_haiqu_provider import HaiquProvider; HaiquProvider().backends(min_num_qubits=100); "
        "sys.exit(any(name in sys.modules for name in ('qiskit_ibm_runtime', 'qiskit_aer', 'httpx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
