"""What ``provider.check()`` and ``qiskit-haiqu doctor`` find, and what they never show."""

import os
import subprocess
import sys

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.check import Check, Checks
from qiskit_haiqu_provider.cli import main
from tests.api.odd_server import Answer, OddServer, nobody

KEY = "key-5cd1f7e0-never-shown"
TOKEN = "token-9b2e-never-shown"


@pytest.fixture(autouse=True)
def _no_files(tmp_path, monkeypatch):
    """Vendors' files are those of the test, and what does not answer is not asked for long."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")


def by_name(checks):
    return {check.name: check for check in checks}


def states(checks):
    return {check.name: check.ok for check in checks}


def test_without_anything_set_up_everything_that_is_set_up_works(provider):
    found = provider.check()
    assert found.ok
    assert isinstance(found, Checks)
    assert states(found) == {
        "package": True,
        "this machine": True,
        "folder": True,
        "Haiqu key": None,
        "AWS credentials": None,
        "IBM Quantum credentials": None,
        "IQM credentials": None,
        "IonQ credentials": None,
        "Coda credentials": None,
        **{name: ok for name, ok in states(found).items() if name.startswith("extra ")},
    }
    assert "HaiquProvider(api_key='...')" in by_name(found)["Haiqu key"].advice
    assert "IBM_QUANTUM_TOKEN" in by_name(found)["IBM Quantum credentials"].advice
    assert by_name(found)["extra gateway"].ok
    assert not provider._store.home.exists()


def test_the_service_the_key_and_the_experiment(gateway):
    provider = HaiquProvider(api_key=gateway.key, url=gateway.url, experiment="check")
    found = by_name(provider.check())
    assert found["Haiqu key"].detail == "from api_key="
    assert found["Haiqu service"].ok
    assert gateway.url in found["Haiqu service"].detail
    assert found["Haiqu account"].detail == "the key is good and belongs to ada"
    assert found["experiment"].detail == "'check' (from experiment=) is made with the first job"
    provider.log({"0": 1}, QuantumCircuit(1))
    assert "experiments whose circuits are remembered: 1" in by_name(provider.check())["folder"].detail
    assert "with 1 circuits and 1 jobs" in by_name(provider.check())["experiment"].detail
    assert gateway.key not in str(provider.check())


def test_a_wrong_key(gateway):
    found = HaiquProvider(api_key=KEY, url=gateway.url).check()
    assert not found.ok
    assert by_name(found)["Haiqu service"].ok
    assert by_name(found)["Haiqu account"].ok is False
    assert "experiment" not in by_name(found)
    assert KEY not in str(found)


def test_a_service_that_is_away():
    found = HaiquProvider(api_key=KEY, url=nobody()).check()
    assert not found.ok
    assert by_name(found)["Haiqu service"].ok is False
    assert by_name(found)["Haiqu service"].advice
    assert "Haiqu account" not in by_name(found)
    assert KEY not in str(found)


def test_nothing_is_asked_twice(monkeypatch):
    monkeypatch.delenv("HAIQU_RETRY_SECONDS")
    with OddServer() as server:
        server.on("GET /version", Answer(status=503))
        found = HaiquProvider(api_key=KEY, url=server.url).check()
        assert by_name(found)["Haiqu service"].ok is False
        assert server.asked == ["GET /version"]


def test_a_setting_of_the_environment_that_cannot_be_used(gateway, monkeypatch):
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "-1")
    found = by_name(HaiquProvider(api_key=gateway.key, url=gateway.url).check())
    assert found["Haiqu service"].ok is False
    assert "HAIQU_RETRY_SECONDS is '-1'" in found["Haiqu service"].advice


@pytest.mark.parametrize("answer", [Answer(status=500), Answer(body="<html>"), Answer(json=[]), Answer(status=404)])
def test_a_service_that_answers_strangely(answer):
    with OddServer() as server:
        server.on("*", answer)
        provider = HaiquProvider(api_key=KEY, url=server.url)
        assert by_name(provider.check())["Haiqu service"].ok is False
        server.on("GET /version", Answer(json={"version": "0.1"}))
        found = by_name(provider.check())
        provider._service.client.close()
    assert found["Haiqu service"].detail.endswith("runs version 0.1")
    assert found["Haiqu account"].ok is (None if answer.status == 404 else False)


def test_credentials_and_their_sources(monkeypatch):
    monkeypatch.setenv("IQM_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TOKEN)
    HaiquProvider.save_account(credentials={"ibm_quantum_token": TOKEN, "ibm_quantum_instance": TOKEN})
    found = HaiquProvider(credentials={"ionq_api_key": TOKEN}).check()
    details = {name: check.detail for name, check in by_name(found).items()}
    assert details["IQM credentials"] == "iqm_token (from IQM_TOKEN), iqm_server_url (from default)"
    assert details["IonQ credentials"] == "ionq_api_key (from credentials=)"
    assert details["IBM Quantum credentials"].startswith("ibm_quantum_token (from account 'default')")
    assert details["AWS credentials"].startswith("incomplete: aws_access_key_id (from AWS_ACCESS_KEY_ID)")
    assert not found.ok
    assert "AWS_SECRET_ACCESS_KEY" in by_name(found)["AWS credentials"].advice
    assert TOKEN not in str(found)


def test_keys_of_aws_say_where_they_may_go(monkeypatch):
    def detail():
        return by_name(HaiquProvider().check())["AWS credentials"].detail

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, TOKEN)
    region = "aws_default_region (from default)"
    own = f"aws_access_key_id (from AWS_ACCESS_KEY_ID), aws_secret_access_key (from AWS_SECRET_ACCESS_KEY), {region}"
    assert detail() == f"{own}; not sent to Haiqu"
    for name in ("HAIQU_AWS_ACCESS_KEY_ID", "HAIQU_AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, TOKEN)
    assert detail() == f"for Haiqu: {own.replace('from AWS', 'from HAIQU_AWS')}; straight at the vendor: {own}"
    HaiquProvider.save_account(credentials={"aws_access_key_id": TOKEN, "aws_secret_access_key": TOKEN})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
        monkeypatch.delenv(f"HAIQU_{name}")
    assert "Haiqu" not in detail()


def test_accounts_that_cannot_be_read(provider):
    HaiquProvider.save_account(api_key=KEY)
    (provider._store.home / "accounts.json").write_text(f"{{{KEY}")
    found = provider.check()
    assert by_name(found)["account"].ok is False
    assert "cannot be read" in str(found)
    assert KEY not in str(found)


def test_an_account_that_does_not_exist():
    assert "no saved account 'work'" in by_name(HaiquProvider(account="work").check())["account"].detail


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    found = by_name(HaiquProvider(home=tmp_path / "file").check())
    assert found["folder"].ok is False
    assert "Set HAIQU_HOME" in found["folder"].advice


def test_it_reads_like_a_list():
    checks = Checks(
        [
            Check(name="one", ok=True, detail="works"),
            Check(name="two", ok=None, detail="not set up", advice="Set it up."),
            Check(name="three", ok=False, detail="broken", advice="Mend it."),
        ]
    )
    assert len(checks) == 3
    assert checks[0].name == "one"
    assert not checks.ok
    assert str(checks).splitlines() == [
        "ok   one: works",
        "-    two: not set up",
        "     Set it up.",
        "FAIL three: broken",
        "     Mend it.",
    ]
    assert repr(checks) == str(checks)


# The command.


def test_the_doctor_says_what_check_finds(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert shown == f"{HaiquProvider().check()}\n"


def test_the_doctor_fails_where_something_is_broken(capsys, monkeypatch):
    monkeypatch.setenv("HAIQU_API_KEY", KEY)
    monkeypatch.setenv("HAIQU_API_URL", nobody())
    assert main(["doctor"]) == 1
    assert "FAIL Haiqu service" in capsys.readouterr().out
    monkeypatch.setenv("HAIQU_API_URL", "nonsense")
    assert main(["doctor"]) == 1
    assert "HAIQU_API_URL must begin with" in capsys.readouterr().out


def test_the_doctor_looks_at_an_account(capsys):
    assert main(["doctor", "--account", "work"]) == 1
    assert "no saved account 'work'" in capsys.readouterr().out


def test_the_doctor_needs_no_extra():
    script = """
import sys
for name in ("fastapi", "uvicorn", "sqlalchemy", "mcp", "keyring", "qiskit_ibm_runtime"):
    sys.modules[name] = None  # as if it were not installed
from qiskit_haiqu_provider.cli import main
sys.exit(main(["doctor"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "this machine: simulators" in done.stdout
