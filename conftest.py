"""What the code in docstrings and documentation needs: a job store of its own, and some freedom in outputs."""

import pytest

collect_ignore_glob = ["qiskit_haiqu_provider/gateway/store/migrations/*"]  # they run inside Alembic only

_SETTINGS = ("HAIQU_DEFAULT_SHOTS", "HAIQU_DEFAULT_PRECISION", "HAIQU_SEED_SIMULATOR", "HAIQU_MAX_COST_USD")


def pytest_configure(config):
    """``...`` stands for any text in an expected output, and numbers count to the digits that are written."""
    for flag in ("ELLIPSIS", "NUMBER"):
        config.addinivalue_line("doctest_optionflags", flag)


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory):
    """Jobs go to a temporary folder, and no setting leaks in from outside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAIQU_HOME", str(tmp_path_factory.mktemp("haiqu")))
        for name in _SETTINGS:
            patch.delenv(name, raising=False)
        yield
