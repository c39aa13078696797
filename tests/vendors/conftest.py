"""What the tests of all vendors share: a web on this machine, and no way to the real one."""

import os
import socket

import pytest

from tests.vendors.web import Web

_SETTINGS = ("CODA_", "CONDUCTOR", "AMZN_", "BRAKET_", "QISKIT_", "IAM_", "AZURE_", "AWS_", "IBM_", "IONQ_")
_PROXIES = ("no_proxy", "all_proxy", "https_proxy", "http_proxy")


@pytest.fixture(scope="session")
def _whole_web(tmp_path_factory):
    web = Web(tmp_path_factory.mktemp("web"))
    yield web
    web.close()


@pytest.fixture
def web(_whole_web, monkeypatch):
    """The web; at the end of a test its sites and requests are forgotten, and no site may have failed by mistake."""
    for name, value in _whole_web.environment().items():
        monkeypatch.setenv(name, value)
    yield _whole_web
    errors = list(_whole_web.errors)
    _whole_web.reset()
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def _nobody(tmp_path, monkeypatch):
    """No credential, setting or proxy of the user, and no file of the vendors' clients in a home."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "haiqu"))
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(home / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(home)  # some clients read a .env file where they are started


@pytest.fixture(autouse=True)
def _guard(_network_guard, monkeypatch):
    """A connection or a look-up beyond this machine fails the test, even when the client catches the error."""
    beyond = []

    def guarded(original, host_of):
        def call(*args, **kwargs):
            host = host_of(args)
            if host not in (None, "", "localhost", "::1") and not str(host).startswith("127."):
                beyond.append(host)
                raise AssertionError(f"a test tried to reach {host}")
            return original(*args, **kwargs)

        return call

    def target(args):
        return args[1][0] if isinstance(args[1], tuple) else None

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name), target))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, guarded(getattr(socket, name), lambda args: args[0]))
    yield
    assert not beyond, f"the test tried to reach {beyond}"
