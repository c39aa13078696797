"""A gateway in a process of its own, as users run it."""

import pytest

from tests.gateway.servers import running


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """One gateway for all tests; at its end its log holds neither a traceback nor a key."""
    with running(tmp_path_factory.mktemp("gateway")) as found:
        yield found
