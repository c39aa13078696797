"""Saved accounts: keys and vendor credentials on disk, or in the keyring of the operating system.

One file, ``HAIQU_HOME/accounts.json``, with mode 0600 in a folder of mode 0700: it is replaced as a whole, and a lock
lets processes write one after the other. With ``keyring=True`` the file holds only names, and the secrets are in the
keyring.
"""

import contextlib
import json
import os
import reprlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from qiskit_haiqu_provider.accounts.checks import check_auth, check_experiment, check_url, warn_caller
from qiskit_haiqu_provider.accounts.credentials import as_key, checked_credentials
from qiskit_haiqu_provider.accounts.keyrings import Ring
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquInputError
from qiskit_haiqu_provider.files import default_home, private_folder, replacing
from qiskit_haiqu_provider.secret import MASK, Secret

FORMAT = "qiskit-haiqu-provider accounts"
VERSION = 1
DEFAULT = "default"
API_KEY = "api_key"

_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class Account:
    """A saved account. Its secrets are read one by one, and only when they are needed."""

    name: str
    url: str | None = None
    experiment: str | None = None
    auth: str | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    """Those that are in the file."""

    ring: Ring | None = None
    """Where the secrets are, if they are not in the file."""

    chosen: bool = False
    """Whether it was named in the call; then it goes before the environment."""

    @property
    def source(self) -> str:
        """What to call it where the origin of a value is told."""
        return f"account '{self.name}'"

    @property
    def names(self) -> Collection[str]:
        """Names of the secrets that it holds: ``api_key`` and those of vendors."""
        return self.secrets.keys() if self.ring is None else self.ring.names

    def secret(self, name: str) -> Secret | None:
        """One secret; ``None`` if the account does not hold it.

        Raises:
            HaiquAccountError: If it is in a keyring that cannot be read.
        """
        if name not in self.names:
            return None
        return self.secrets[name] if self.ring is None else self.ring.read(self.name, name)


def save_account(
    name: str = DEFAULT,
    *,
    api_key: str | Secret | None = None,
    url: str | None = None,
    experiment: str | None = None,
    auth: str | None = None,
    credentials: Mapping[str, str | Secret] | None = None,
    keyring: bool = False,
    overwrite: bool = False,
) -> None:
    """Save an account; see :meth:`HaiquProvider.save_account`."""
    _check_name(name)
    secrets = checked_credentials(credentials)
    if api_key is not None:
        secrets[API_KEY] = as_key(api_key)
    settings = {
        "url": None if url is None else check_url(url),
        "experiment": None if experiment is None else check_experiment(experiment),
        "auth": None if auth is None else check_auth(auth),
    }
    if not secrets and not any(settings.values()):
        raise HaiquInputError("There is nothing to save. Give an api_key, credentials=, or a url.")
    ring = Ring(uuid4().hex, tuple(secrets)) if keyring else None
    entry = _entry(settings, secrets, ring)
    with _changing() as accounts:
        old = accounts.get(name)
        if old is not None and not overwrite:
            raise HaiquAccountError(f"There is an account '{name}' already. Give overwrite=True to replace all of it.")
        if ring is not None:
            ring.write(name, secrets)
        accounts[name] = entry
    _forget_ring(name, old)


def saved_accounts() -> dict[str, dict[str, Any]]:
    """The saved accounts by name, every secret shown as ``***``."""
    return {name: _masked(_account(name, entry)) for name, entry in _read().items()}


def delete_account(name: str = DEFAULT) -> bool:
    """Delete an account; returns whether there was one."""
    _check_name(name)
    if name not in _read():
        return False
    with _changing() as accounts:
        old = accounts.pop(name, None)
    _forget_ring(name, old)
    return old is not None


def load_account(name: str | None = None) -> Account | None:
    """The account of that name; without a name the one named ``default``, or ``None`` if there is none.

    Raises:
        HaiquAccountError: If there is no account of the name that was given, or the file cannot be read.
    """
    accounts = _read()
    entry = accounts.get(DEFAULT if name is None else name)
    if entry is not None:
        return replace(_account(name or DEFAULT, entry), chosen=name is not None)
    if name is None:
        return None
    known = f"There are: {', '.join(map(repr, accounts))}." if accounts else "None is saved."
    raise HaiquAccountError(f"There is no saved account {name!r}. {known} HaiquProvider.save_account(...) saves one.")


def accounts_path() -> Path:
    """The file of accounts."""
    return default_home() / "accounts.json"


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise HaiquInputError(
            f"name must be the name of an account, a text of at most {_LONGEST_NAME} characters, "
            f"not {reprlib.repr(name)}."
        )


def _entry(settings: Mapping[str, str | None], secrets: Mapping[str, Secret], ring: Ring | None) -> dict[str, Any]:
    """What the file holds of an account."""
    entry: dict[str, Any] = {key: value for key, value in settings.items() if value is not None}
    if ring is not None:
        return {**entry, "keyring": {"id": ring.id, "names": list(ring.names)}}
    return {**entry, "secrets": dict(secrets)}


def _account(name: str, entry: Mapping[str, Any]) -> Account:
    """The account of an entry, which was checked when it was read."""
    ring = entry.get("keyring")
    return Account(
        name=name,
        url=entry.get("url"),
        experiment=entry.get("experiment"),
        auth=entry.get("auth"),
        secrets=dict(entry.get("secrets", {})),
        ring=None if ring is None else Ring(ring["id"], tuple(ring["names"])),
    )


def _masked(account: Account) -> dict[str, Any]:
    settings = {"url": account.url, "experiment": account.experiment, "auth": account.auth}
    shown: dict[str, Any] = {key: value for key, value in settings.items() if value is not None}
    if API_KEY in account.names:
        shown[API_KEY] = MASK
    vendors = [name for name in account.names if name != API_KEY]
    return {**shown, "credentials": dict.fromkeys(vendors, MASK), "keyring": account.ring is not None}


def _forget_ring(name: str, entry: Mapping[str, Any] | None) -> None:
    """Remove from the keyring what an entry that is gone has left there."""
    ring = None if entry is None else _account(name, entry).ring
    if ring is not None:
        ring.delete(name)


@contextlib.contextmanager
def _changing() -> Iterator[dict[str, Any]]:
    """The entries, to be changed; they are written back unless there was an error. One process at a time."""
    from filelock import FileLock  # only those who write need it

    path = accounts_path()
    try:
        private_folder(path.parent)
        with FileLock(path.with_suffix(".lock")):
            accounts = _read()
            yield accounts
            with replacing(path) as file:
                file.write(_text(accounts).encode())
    except OSError as error:
        raise HaiquAccountError(
            f"Accounts cannot be saved in {path} ({error.strerror or type(error).__name__}). "
            "Set HAIQU_HOME to a folder that can be written."
        ) from None


def _read() -> dict[str, Any]:
    """The entries of the file, each of them readable."""
    path = accounts_path()
    try:
        found = _parsed(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    _tighten(path)
    if found is None:
        raise _unreadable(path, f"it is not a file of accounts of version {VERSION}")
    return found


def _parsed(data: bytes) -> dict[str, Any] | None:
    """The entries in the text of a file; ``None`` if it is damaged. What is raised then would hold the keys."""
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _entries(json.loads(data))
    return None


def _entries(data: Any) -> dict[str, Any]:
    """The entries of what the file holds; raises what a wrong shape raises."""
    if data["format"] != FORMAT or data["version"] != VERSION:
        raise ValueError
    accounts: dict[str, Any] = data["accounts"]
    for name, entry in accounts.items():
        texts = [entry.get(key, "") for key in ("url", "experiment", "auth")]
        texts += [*_account(name, entry).names, *entry.get("secrets", {}).values()]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        if "secrets" in entry:
            entry["secrets"] = {key: Secret(text) for key, text in entry["secrets"].items()}
    return accounts


def _text(accounts: Mapping[str, Any]) -> str:
    """What the file holds; the only place where saved secrets are in the open."""
    whole = {"format": FORMAT, "version": VERSION, "accounts": accounts}
    return json.dumps(whole, indent=1, default=lambda secret: secret.reveal())


def _unreadable(path: Path, reason: str) -> HaiquAccountError:
    return HaiquAccountError(
        f"The saved accounts in {path} cannot be read: {reason}. The file was left as it is. Repair or remove it."
    )


def _tighten(path: Path) -> None:
    """Close a file that others can read, and say so: its keys may have been seen."""
    if os.name != "posix":
        return  # the folder of the user is private there
    mode = path.stat().st_mode & 0o777
    if not mode & 0o077:
        return
    try:
        path.chmod(0o600)
        done = "it was set to 0600"
    except OSError:
        done = f"it could not be changed; run: chmod 600 {path}"
    if path not in _WARNED:
        _WARNED.add(path)
        warn_caller(
            f"The file of accounts {path} could be read by other users (mode {mode:04o}); {done}. "
            "Renew the keys in it if others may have seen them."
        )


_WARNED: set[Path] = set()
"""Files that were warned of."""
