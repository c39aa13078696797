"""Each file here runs one third-party library on this package.

A file is left out if its library is not installed. The libraries have an environment of their
own, see ``requirements.txt``.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
LIBRARIES = (
    "mitiq",
    "mthree",
    "qiskit_addon_cutting",
    "qiskit_algorithms",
    "qiskit_experiments",
    "qiskit_machine_learning",
)
DEPRECATIONS = ("DeprecationWarning", "PendingDeprecationWarning")

collect_ignore_glob = [f"test_{name}.py" for name in LIBRARIES if find_spec(name) is None]


def pytest_itemcollected(item):
    """Deprecations in third-party code are not ours to fix; everything else stays an error."""
    if FOLDER in item.path.parents:
        for name in DEPRECATIONS:
            item.add_marker(pytest.mark.filterwarnings(f"ignore::{name}"))
            item.add_marker(pytest.mark.filterwarnings(f"error::{name}:qiskit_haiqu_provider"))


@pytest.fixture(autouse=True)
def _haiqu_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "haiqu"))
