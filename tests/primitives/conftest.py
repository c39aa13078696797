"""The tests of the primitives run twice: on this machine, and through the REST API of a gateway.

Those of what primitives must do also run on every path that there is on this machine.
"""

from uuid import uuid4

import pytest

from tests.paths import PATHS, path

_EVERYWHERE = {"test_sampler", "test_estimator", "test_reference"}


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "local(paths): is about what only the local engine has, so it runs there only; on some of its paths"
    )


def pytest_generate_tests(metafunc):
    local = metafunc.definition.get_closest_marker("local")
    routes = ["local"] if local else ["local", "haiqu"]
    if metafunc.module.__name__.rpartition(".")[2] in _EVERYWHERE:
        routes += local.kwargs.get("paths", PATHS) if local else PATHS
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
    with path(request.param, request, monkeypatch):
        yield "haiqu" if request.param == "haiqu" else "local"
