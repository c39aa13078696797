"""What all tests share: a job store of their own, and no way out of this machine."""

import ipaddress
import socket
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import settings

from qiskit_haiqu_provider import HaiquProvider

# Groups with an environment of their own; see the Makefile.
collect_ignore = ["browser", "interop"]

# No limit on the time of an example, and the same examples every time: speed is measured in benchmarks/.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """Every test keeps its jobs and accounts in a folder of its own; settings from outside are gone already."""
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "haiqu"))


@pytest.fixture(autouse=True)
def _network_guard(monkeypatch):
    """A connection to anything but loopback fails the test that made it."""
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto

    def guarded(original):
        def call(self, address):
            if isinstance(address, tuple) and not _is_loopback(address[0]):
                raise AssertionError(f"a test tried to reach {address[0]}")
            return original(self, address)

        return call

    def guarded_sendto(self, data, *rest):
        if isinstance(rest[-1], tuple) and not _is_loopback(rest[-1][0]):
            raise AssertionError(f"a test tried to reach {rest[-1][0]}")
        return sendto(self, data, *rest)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket.socket, "sendto", guarded_sendto)


def _is_loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture
def provider():
    """A provider with the test's own job store."""
    return HaiquProvider()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """One gateway for all tests, in a process of its own; at its end its log holds neither a traceback nor a key."""
    from tests.gateway.servers import running

    with running(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="session")
def processes():
    """One pool of processes for all tests."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="session")
def dask_workers():
    """A client of one Dask cluster for all tests."""
    from tests.paths import dask_client

    with dask_client(workers=2) as client:
        yield client
