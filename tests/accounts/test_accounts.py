"""Saved accounts: private, whole, shared by processes, and never shown."""

import json
import stat
import subprocess
import sys
import warnings

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from qiskit_haiqu_provider import HaiquInputError, HaiquProvider
from qiskit_haiqu_provider.accounts.saved import accounts_path, load_account
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquDependencyError
from qiskit_haiqu_provider.secret import Secret

KEY = "key-5cd1f7e0-never-shown"
TOKEN = "token-9b2e-never-shown"
SECRETS = (KEY, TOKEN)
CREDENTIALS = {"ibm_quantum_token": TOKEN, "ibm_quantum_instance": "crn:v1:instance"}


class MemoryKeyring(KeyringBackend):
    """A keyring like that of an operating system, which ends with the test."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.entries = {}

    def get_password(self, service, username):
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password

    def delete_password(self, service, username):
        if (service, username) not in self.entries:
            raise PasswordDeleteError("not found")
        del self.entries[service, username]


class LockedKeyring(MemoryKeyring):
    """A keyring whose user does not unlock it."""

    def get_password(self, service, username):
        raise KeyringLocked(f"{username} is locked")

    def set_password(self, service, username, password):
        raise KeyringLocked(f"{password} cannot be written")


def use(backend):
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    return before


@pytest.fixture
def ring():
    """The keyring of the test."""
    found = MemoryKeyring()
    before = use(found)
    yield found
    keyring.set_keyring(before)


@pytest.fixture
def locked():
    """A keyring that cannot be used."""
    before = use(LockedKeyring())
    yield
    keyring.set_keyring(before)


def hidden(*texts):
    """Whether no secret is in any of the texts."""
    return not any(secret in str(text) for secret in SECRETS for text in texts)


def test_there_are_no_accounts_at_first():
    assert HaiquProvider.saved_accounts() == {}
    assert load_account() is None
    assert HaiquProvider.delete_account() is False
    assert not accounts_path().parent.exists()


def test_an_account_is_saved_and_shown_without_its_secrets():
    HaiquProvider.save_account(api_key=KEY, url="http://127.0.0.1:8080/", experiment="chain", auth="query")
    HaiquProvider.save_account("work", api_key=f" {KEY}\n", credentials=CREDENTIALS)
    shown = HaiquProvider.saved_accounts()
    assert shown["default"] == {
        "url": "http://127.0.0.1:8080",
        "experiment": "chain",
        "auth": "query",
        "api_key": "***",
        "credentials": {},
        "keyring": False,
    }
    assert shown["work"]["credentials"] == {"ibm_quantum_token": "***", "ibm_quantum_instance": "***"}
    account = load_account("work")
    assert account.secret("api_key").reveal() == KEY
    assert account.secret("ibm_quantum_token").reveal() == TOKEN
    assert account.secret("iqm_token") is None
    assert hidden(shown, repr(account), account)


def test_the_file_is_private_and_says_what_it_is():
    HaiquProvider.save_account(api_key=KEY)
    path = accounts_path()
    assert path.parent == HaiquProvider()._store.home
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    data = json.loads(path.read_text())
    assert data["format"] == "qiskit-haiqu-provider accounts"
    assert data["version"] == 1
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".tmp"] == []


def test_an_account_is_not_replaced_by_accident():
    HaiquProvider.save_account(api_key=KEY)
    with pytest.raises(HaiquAccountError, match=r"There is an account 'default' already\. Give overwrite=True"):
        HaiquProvider.save_account(api_key="another")
    assert load_account().secret("api_key").reveal() == KEY
    HaiquProvider.save_account(api_key="another", overwrite=True)
    assert load_account().secret("api_key").reveal() == "another"


def test_an_account_is_deleted_alone():
    HaiquProvider.save_account(api_key=KEY)
    HaiquProvider.save_account("work", api_key=KEY)
    assert HaiquProvider.delete_account() is True
    assert list(HaiquProvider.saved_accounts()) == ["work"]
    assert HaiquProvider.delete_account("default") is False


def test_vendors_alone_make_an_account():
    HaiquProvider.save_account(credentials={"ionq_api_key": Secret(TOKEN)})
    assert "api_key" not in HaiquProvider.saved_accounts()["default"]
    assert load_account().secret("ionq_api_key").reveal() == TOKEN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "There is nothing to save"),
        ({"name": "", "api_key": KEY}, "name must be the name of an account"),
        ({"name": 5, "api_key": KEY}, "name must be the name of an account"),
        ({"api_key": ""}, "api_key must be a text of one line"),
        ({"api_key": 5}, "api_key must be a text of one line"),
        ({"api_key": f"{KEY}\nsecond"}, "api_key must be a text of one line"),
        ({"api_key": f"{KEY} second"}, "api_key must be visible ASCII"),
        ({"api_key": KEY, "url": f"https://user:{TOKEN}@host"}, "url must not hold a user or a password"),
        ({"api_key": KEY, "url": f"https://host/?HAIQU_API_KEY={TOKEN}"}, "url must end with the host or a path"),
        ({"api_key": KEY, "url": "ftp://host"}, "url must begin with https:// or http://"),
        ({"api_key": KEY, "url": "http://host:port"}, "url is not an address"),
        ({"api_key": KEY, "auth": "cookie"}, r"auth must be one of \['header', 'query'\], not 'cookie'"),
        ({"api_key": KEY, "experiment": ""}, "experiment must be the name"),
        ({"credentials": {"ibm_token": TOKEN}}, "no entry 'ibm_token'. Did you mean"),
        ({"credentials": {"xyz": TOKEN}}, "no entry 'xyz'. Known names: aws_access_key_id"),
        ({"credentials": {"ionq_api_key": None}}, r"credentials\['ionq_api_key'\] must be a text"),
        ({"credentials": TOKEN}, "credentials must be a mapping"),
    ],
)
def test_what_cannot_be_saved_is_named_and_not_shown(arguments, message):
    with pytest.raises(HaiquInputError, match=message) as caught:
        HaiquProvider.save_account(**arguments)
    assert hidden(caught.value)
    assert HaiquProvider.saved_accounts() == {}


def test_a_name_that_is_not_there_names_those_that_are():
    with pytest.raises(HaiquAccountError, match=r"no saved account 'work'\. None is saved"):
        load_account("work")
    HaiquProvider.save_account("home", api_key=KEY)
    with pytest.raises(HaiquAccountError, match="There are: 'home'"):
        load_account("work")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": "something else", "version": 1, "accounts": {}}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 2, "accounts": {}}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 1, "accounts": [1]}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 1, "accounts": {"default": "key"}}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 1, "accounts": {"default": {"url": 5}}}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 1, "accounts": {"default": {"secrets": {"a": 5}}}}',
        '{"format": "qiskit-haiqu-provider accounts", "version": 1, "accounts": {"default": {"keyring": {}}}}',
        "[" * 100_000,
        f'{KEY}"',
        "\xff",
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_kept(text):
    path = accounts_path()
    path.parent.mkdir(mode=0o700)
    path.write_text(text, encoding="latin-1")
    path.chmod(0o600)
    for call in (HaiquProvider.saved_accounts, load_account, lambda: HaiquProvider.save_account(api_key=KEY)):
        with pytest.raises(HaiquAccountError, match=r"accounts\.json cannot be read.*Repair or remove it") as caught:
            call()
        assert hidden(caught.value, caught.value.__cause__)
    assert path.read_text(encoding="latin-1") == text


def test_a_file_that_others_can_read_is_closed_and_warned_of_once():
    HaiquProvider.save_account(api_key=KEY)
    path = accounts_path()
    path.chmod(0o644)
    with pytest.warns(UserWarning, match=r"could be read by other users \(mode 0644\); it was set to 0600") as told:
        assert load_account().secret("api_key").reveal() == KEY
    assert told[0].filename == __file__
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_account()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_none_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "file"))
    with pytest.raises(HaiquAccountError, match=r"cannot be saved in .*Set HAIQU_HOME"):
        HaiquProvider.save_account(api_key=KEY)
    assert HaiquProvider.saved_accounts() == {}


WRITER = """
import sys
from qiskit_haiqu_provider import HaiquProvider
for index in range(10):
    HaiquProvider.save_account(f"{sys.argv[1]}-{index}", api_key=f"key-{sys.argv[1]}-{index}")
"""


def test_processes_that_save_at_once_lose_no_account():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(number)]) for number in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    assert len(HaiquProvider.saved_accounts()) == 40
    assert load_account("3-9").secret("api_key").reveal() == "key-3-9"


# The keyring of the operating system.


def test_a_keyring_holds_the_secrets_and_the_file_none(ring):
    HaiquProvider.save_account(api_key=KEY, credentials=CREDENTIALS, keyring=True)
    assert hidden(accounts_path().read_text())
    assert sorted(ring.entries.values()) == sorted([KEY, *CREDENTIALS.values()])
    shown = HaiquProvider.saved_accounts()["default"]
    assert shown["keyring"] is True
    assert shown["api_key"] == "***"
    assert load_account().secret("api_key").reveal() == KEY
    assert load_account().secret("ibm_quantum_token").reveal() == TOKEN
    assert load_account().secret("iqm_token") is None


def test_what_is_replaced_or_deleted_leaves_nothing_in_the_keyring(ring):
    HaiquProvider.save_account(api_key=KEY, credentials=CREDENTIALS, keyring=True)
    HaiquProvider.save_account(api_key="another", keyring=True, overwrite=True)
    assert list(ring.entries.values()) == ["another"]
    HaiquProvider.save_account(api_key=KEY, overwrite=True)
    assert ring.entries == {}
    HaiquProvider.save_account("work", api_key=KEY, keyring=True)
    HaiquProvider.delete_account("work")
    assert ring.entries == {}


def test_accounts_of_one_name_in_two_homes_are_two(ring, monkeypatch, tmp_path):
    HaiquProvider.save_account(api_key=KEY, keyring=True)
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "other"))
    HaiquProvider.save_account(api_key="another", keyring=True)
    HaiquProvider.delete_account()
    monkeypatch.setenv("HAIQU_HOME", str(tmp_path / "haiqu"))
    assert load_account().secret("api_key").reveal() == KEY


def test_a_secret_that_was_removed_from_the_keyring_is_told(ring):
    HaiquProvider.save_account(api_key=KEY, keyring=True)
    ring.entries.clear()
    with pytest.raises(HaiquAccountError, match="api_key of account 'default' is not in the keyring any more"):
        load_account().secret("api_key")
    assert HaiquProvider.delete_account() is True


def test_a_keyring_that_is_locked_is_told_and_nothing_is_saved(locked):
    message = r"keyring .* cannot be written \(KeyringLocked\).*keyring=False"
    with pytest.raises(HaiquAccountError, match=message) as caught:
        HaiquProvider.save_account(api_key=KEY, keyring=True)
    assert hidden(caught.value, caught.value.__cause__)
    assert HaiquProvider.saved_accounts() == {}


def test_a_locked_keyring_does_not_stop_what_needs_no_key(ring):
    HaiquProvider.save_account(api_key=KEY, keyring=True)
    before = use(LockedKeyring())
    provider = HaiquProvider()
    assert repr(provider) == "<HaiquProvider(via=['local', 'haiqu'], url='https://api.haiqu.ai')>"
    assert provider.get_backend().via == "local"
    with pytest.raises(HaiquAccountError, match="cannot be read"):
        provider.experiments()
    keyring.set_keyring(before)


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it were not installed
    with pytest.raises(HaiquDependencyError, match=r"pip install 'qiskit-haiqu-provider\[keyring\]'"):
        HaiquProvider.save_account(api_key=KEY, keyring=True)
    assert [path.name for path in accounts_path().parent.iterdir()] == ["accounts.lock"]
