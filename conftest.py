"""What the code in docstrings and documentation needs: a job store of its own, and some freedom in outputs."""

import os

import pytest

collect_ignore_glob = ["qiskit_haiqu_provider/gateway/store/migrations/*"]  # they run inside Alembic only

_SETTINGS = ("HAIQU_", "AWS_", "IBM_QUANTUM_", "QISKIT_IBM_", "IQM_", "IONQ_", "CODA_", "CONDUCTOR_")
"""How the variables begin that the package reads."""

_KEPT = ("HAIQU_TEST_", "HAIQU_SCREENSHOTS", "HAIQU_CHROM", "HAIQU_GATEWAY_PYTHON")
"""Those that are for the tests themselves."""


def pytest_configure(config):
    """``...`` stands for any text in an expected output, and numbers count to the digits that are written."""
    for flag in ("ELLIPSIS", "NUMBER"):
        config.addinivalue_line("doctest_optionflags", flag)


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory):
    """Jobs go to a temporary folder, and no setting and no credential leaks in from outside."""
    home = tmp_path_factory.mktemp("haiqu")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_SETTINGS) and not name.startswith(_KEPT)]:
            patch.delenv(name)
        patch.setenv("HAIQU_HOME", str(home))
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, str(home / "none"))
        yield
