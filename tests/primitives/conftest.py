"""The tests of the primitives run twice: on this machine, and through the REST API of a gateway."""

from uuid import uuid4

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "local: is about what only the local engine has, so it runs there only")


def pytest_generate_tests(metafunc):
    routes = ["local"] if metafunc.definition.get_closest_marker("local") else ["local", "haiqu"]
    metafunc.parametrize("via", routes, indirect=True)


@pytest.fixture(autouse=True)
def via(request, monkeypatch):
    """The route that devices are reached by."""
    if request.param == "haiqu":
        gateway = request.getfixturevalue("gateway")
        monkeypatch.setenv("HAIQU_API_URL", gateway.url)
        monkeypatch.setenv("HAIQU_API_KEY", gateway.key)
        monkeypatch.setenv("HAIQU_EXPERIMENT", f"primitives {uuid4()}")
        monkeypatch.setenv("HAIQU_VIA", "haiqu")
    return request.param
