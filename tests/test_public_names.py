"""What the package shows to the outside, and what importing it costs."""

import ast
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from qiskit.exceptions import QiskitError
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2

import qiskit_haiqu_provider
from qiskit_haiqu_provider import exceptions

NAMES = qiskit_haiqu_provider.__all__


def printed(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_there(name):
    value = getattr(qiskit_haiqu_provider, name)
    assert value.__name__ == name
    assert value.__module__.startswith("qiskit_haiqu_provider.")
    assert value.__doc__
    assert qiskit_haiqu_provider.__dict__[name] is value


def test_all_is_sorted_and_without_repetition():
    assert sorted(set(NAMES)) == NAMES


def test_all_says_what_is_importable_and_nothing_else():
    """The lines for type checkers, ``__all__`` and the table of places name the same."""
    tree = ast.parse(Path(qiskit_haiqu_provider.__file__).read_text(encoding="utf-8"))
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.name for node in checked.body for alias in node.names}
    assert imported == set(NAMES)


def test_every_error_is_public():
    errors = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, QiskitError) and value.__module__ == exceptions.__name__
    }
    assert errors <= set(NAMES)


def test_star_import_brings_all():
    found = {}
    exec("from qiskit_haiqu_provider import *", found)
    assert set(NAMES) <= found.keys()


def test_dir_lists_all_before_anything_is_loaded():
    script = "import qiskit_haiqu_provider as package; print(*dir(package))"
    assert {*NAMES, "__version__", "__all__"} <= set(printed(script))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'SamplerV3'"):
        _ = qiskit_haiqu_provider.SamplerV3
    with pytest.raises(ImportError, match="SamplerV3"):
        exec("from qiskit_haiqu_provider import SamplerV3")
    assert not hasattr(qiskit_haiqu_provider, "Options")


def test_the_version_is_that_of_the_distribution():
    assert qiskit_haiqu_provider.__version__ == version("qiskit-haiqu-provider")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", qiskit_haiqu_provider.__version__)


def test_the_classes_are_what_qiskit_expects():
    assert issubclass(qiskit_haiqu_provider.SamplerV2, BaseSamplerV2)
    assert issubclass(qiskit_haiqu_provider.EstimatorV2, BaseEstimatorV2)
    assert issubclass(qiskit_haiqu_provider.HaiquBackend, BackendV2)


HEAVY = {
    "asyncio",
    "braket",
    "distributed",
    "filelock",
    "httpx",
    "platformdirs",
    "psutil",
    "qiskit_aer",
    "qiskit_ibm_runtime",
    "qiskit_ionq",
    "requests",
}


def loaded_by(code):
    script = f"import sys\n{code}\nprint(*sorted(name for name in sys.modules if '.' not in name))"
    return set(printed(script))


def test_importing_the_package_loads_no_more_than_itself():
    code = "import qiskit_haiqu_provider\nassert 'qiskit' not in sys.modules\n"
    assert not HEAVY & loaded_by(code)


def test_importing_every_name_loads_nothing_heavy():
    before = loaded_by("import qiskit, qiskit.primitives, qiskit.providers")
    assert not (HEAVY & loaded_by("from qiskit_haiqu_provider import *")) - before


SELDOM = {
    "accounts.connection",
    "accounts.credentials",
    "accounts.saved",
    "cost.ledger",
    "devices.fakes",
    "engines.local.engine",
    "reach.history",
    "run.rounding",
    "views",
}


def test_importing_the_front_doors_leaves_for_later_what_is_seldom_needed():
    code = "import sys\nfrom qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2\nprint(*sys.modules)"
    assert not {f"qiskit_haiqu_provider.{name}" for name in SELDOM} & set(printed(code))


def test_the_package_is_typed():
    assert (Path(qiskit_haiqu_provider.__file__).parent / "py.typed").is_file()
