"""How the service is reached: one rule for all settings, each with its source."""

import json
import pickle
import subprocess
import sys
import warnings

import pytest

from qiskit_haiqu_provider import HaiquInputError, HaiquProvider
from qiskit_haiqu_provider.accounts.checks import warn_if_open
from qiskit_haiqu_provider.accounts.connection import resolve
from qiskit_haiqu_provider.accounts.given import Given
from qiskit_haiqu_provider.accounts.saved import accounts_path
from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.secret import Secret

KEY = "key-5cd1f7e0-never-shown"


def given(**values):
    names = ("api_key", "url", "experiment", "auth", "account", "credentials")
    return Given.checked(**{name: values.get(name) for name in names})


def effective(**values):
    """The settings in effect with their sources."""
    found = resolve(given(**values))
    settings = {
        name: (getattr(found, name).value, getattr(found, name).source) for name in ("url", "experiment", "auth")
    }
    key = None if found.key_source is None else (found.read_key().reveal(), found.key_source)
    return {"key": key, **settings}


def test_the_defaults():
    assert effective() == {
        "key": None,
        "url": ("https://api.haiqu.ai", "default"),
        "experiment": ("Default Experiment", "default"),
        "auth": ("header", "default"),
    }


def test_call_then_environment_then_account_then_default(monkeypatch):
    HaiquProvider.save_account(api_key="saved", url="https://saved.org", experiment="saved", auth="query")
    account = "account 'default'"
    assert effective() == {
        "key": ("saved", account),
        "url": ("https://saved.org", account),
        "experiment": ("saved", account),
        "auth": ("query", account),
    }
    monkeypatch.setenv("HAIQU_API_KEY", "environment")
    monkeypatch.setenv("HAIQU_API_URL", "https://environment.org/")
    monkeypatch.setenv("HAIQU_EXPERIMENT", "environment")
    assert effective() == {
        "key": ("environment", "HAIQU_API_KEY"),
        "url": ("https://environment.org", "HAIQU_API_URL"),
        "experiment": ("environment", "HAIQU_EXPERIMENT"),
        "auth": ("query", account),
    }
    assert effective(api_key="given", url="https://given.org", experiment="given", auth="header") == {
        "key": ("given", "api_key="),
        "url": ("https://given.org", "url="),
        "experiment": ("given", "experiment="),
        "auth": ("header", "auth="),
    }


def test_names_of_the_sdk_come_second(monkeypatch):
    monkeypatch.setenv("HAIQU_API_ACCESS_KEY", "sdk")
    monkeypatch.setenv("HAIQU_EDGE_URI", "https://sdk.org")
    assert effective()["key"] == ("sdk", "HAIQU_API_ACCESS_KEY")
    assert effective()["url"] == ("https://sdk.org", "HAIQU_EDGE_URI")
    monkeypatch.setenv("HAIQU_API_KEY", "ours")
    monkeypatch.setenv("HAIQU_API_URL", "https://ours.org")
    assert effective()["key"] == ("ours", "HAIQU_API_KEY")
    assert effective()["url"] == ("https://ours.org", "HAIQU_API_URL")
    monkeypatch.setenv("HAIQU_API_KEY", " ")
    assert effective()["key"] == ("sdk", "HAIQU_API_ACCESS_KEY")


def test_an_account_that_is_named_was_chosen_in_the_call(monkeypatch):
    HaiquProvider.save_account(api_key="default", url="https://default.org")
    HaiquProvider.save_account("work", api_key="work")
    monkeypatch.setenv("HAIQU_API_KEY", "environment")
    monkeypatch.setenv("HAIQU_API_URL", "https://environment.org")
    found = effective(account="work")
    assert found["key"] == ("work", "account 'work'")
    assert found["url"] == ("https://environment.org", "HAIQU_API_URL")
    assert effective(account="work", api_key="given")["key"] == ("given", "api_key=")
    assert effective(account="default")["url"] == ("https://default.org", "account 'default'")
    with pytest.raises(HaiquAccountError, match="no saved account 'home'"):
        resolve(given(account="home"))


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("HAIQU_API_URL", "ftp://host", "HAIQU_API_URL must begin with https"),
        ("HAIQU_EDGE_URI", "https://user:pass@host", "HAIQU_EDGE_URI must not hold a user"),
        ("HAIQU_API_KEY", "two words", "HAIQU_API_KEY must be visible ASCII"),
        ("HAIQU_EXPERIMENT", "x" * 201, "HAIQU_EXPERIMENT must be the name"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(monkeypatch, variable, text, message):
    monkeypatch.setenv(variable, text)
    with pytest.raises(HaiquInputError, match=message) as caught:
        resolve(given())
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "ftp://host"}, "url of account 'default' must begin with"),
        ({"auth": "bearer"}, "auth of account 'default' must be one of"),
        ({"experiment": " "}, "experiment of account 'default' must be the name"),
        ({"secrets": {"api_key": ""}}, "api_key of account 'default' must be a text"),
        ({"secrets": {"api_key": "two words"}}, "api_key of account 'default' must be visible ASCII"),
    ],
)
def test_a_wrong_value_in_the_file_of_accounts_is_named(change, message):
    HaiquProvider.save_account(api_key=KEY)
    whole = json.loads(accounts_path().read_text())
    whole["accounts"]["default"].update(change)
    accounts_path().write_text(json.dumps(whole))
    with pytest.raises(HaiquInputError, match=message):
        HaiquProvider().experiments()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"api_key": ""}, "api_key must be"),
        ({"api_key": 5}, "api_key must be"),
        ({"url": ""}, "url must be the address"),
        ({"url": "api.haiqu.ai"}, "url must begin with"),
        ({"url": "https://"}, "url must begin with"),
        ({"url": f"https://{KEY}@api.haiqu.ai"}, "url must not hold"),
        ({"url": f"https://api.haiqu.ai?key={KEY}"}, "url must end with"),
        ({"auth": "bearer"}, "auth must be one of"),
        ({"experiment": 5}, "experiment must be"),
        ({"account": 5}, "account must be the name"),
        ({"credentials": {"token": "x"}}, "credentials has no entry 'token'"),
        ({"timeout": 0}, "timeout must be None or a positive number"),
        ({"timeout": "5"}, "timeout must be None or a positive number"),
        ({"timeout": float("inf")}, "timeout must be None or a positive number"),
        ({"api": "graphql"}, "api must be one of"),
        ({"transport": 5}, "transport must be an httpx.BaseTransport, which 5 is not"),
        ({"options": 5}, "options must be a mapping"),
    ],
)
def test_wrong_arguments_are_refused_when_the_provider_is_made(arguments, message):
    with pytest.raises(HaiquInputError, match=message) as caught:
        HaiquProvider(**arguments)
    assert KEY not in str(caught.value)


def test_a_key_that_would_travel_in_clear_text_is_warned_of():
    with pytest.warns(UserWarning, match=r"http://gateway\.lab:8080 is not encrypted") as told:
        _ = HaiquProvider(api_key=KEY, url="http://gateway.lab:8080")._service.client
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for url in ("https://gateway.lab", "http://localhost:1", "http://127.0.0.2", "http://[::1]:8080"):
            warn_if_open(url)


def test_no_key_tells_three_ways(provider):
    for ask in (provider.experiments, lambda: provider.get_backend("aer_simulator", via="haiqu")):
        with pytest.raises(HaiquAccountError, match=r"api_key='\.\.\.'.*HAIQU_API_KEY.*save_account\(api_key="):
            ask()


def test_nothing_shows_the_key():
    provider = HaiquProvider(api_key=KEY, credentials={"ionq_api_key": KEY}, url="https://example.org")
    assert repr(provider) == "<HaiquProvider(via=['local', 'haiqu', 'ionq'], url='https://example.org')>"
    shown = [repr(provider._service.given), repr(provider._service.connection), repr(vars(provider._service))]
    assert not any(KEY in text for text in shown)
    assert KEY.encode() not in pickle.dumps(provider)


def test_a_pickled_provider_looks_its_key_up_again(monkeypatch):
    provider = HaiquProvider(api_key=Secret(KEY), url="https://example.org", experiment="chain", timeout=5.0)
    assert provider._service.configured
    again = pickle.loads(pickle.dumps(provider))
    assert again.experiment == "chain"
    with pytest.raises(HaiquAccountError, match="does not travel with pickles"):
        again.experiments()
    monkeypatch.setenv("HAIQU_API_KEY", "another")
    again = pickle.loads(pickle.dumps(again))
    assert repr(again) == "<HaiquProvider(via=['local', 'haiqu'], url='https://example.org')>"
    assert again._service.connection.read_key().reveal() == "another"
    assert pickle.loads(pickle.dumps(HaiquProvider()))._service.connection.key_source == "HAIQU_API_KEY"


def test_a_provider_with_a_key_costs_neither_network_nor_imports():
    script = f"""
import socket, sys
from qiskit_haiqu_provider import HaiquProvider
def refuse(*arguments, **more): raise AssertionError("a socket was opened")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
provider = HaiquProvider(api_key="{KEY}", credentials={{"ionq_api_key": "{KEY}"}})
repr(provider), provider.experiment, provider.get_backend(), provider.get_backend("fake_torino")
provider.backends("aer_simulator"), provider.jobs(limit=0)
print(sorted({{"httpx", "pydantic", "keyring", "qiskit_ibm_runtime"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
