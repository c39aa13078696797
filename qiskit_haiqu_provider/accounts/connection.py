"""How the Haiqu service is reached, and where each setting comes from: one rule for all of them.

call > environment > saved account > default. An account that is named in the call was chosen there, so it goes before
the environment.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qiskit_haiqu_provider.accounts.checks import check_auth, check_experiment, check_url
from qiskit_haiqu_provider.accounts.credentials import Found, as_key
from qiskit_haiqu_provider.accounts.given import Given
from qiskit_haiqu_provider.accounts.saved import API_KEY, Account, load_account
from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.secret import Secret

URL = "https://api.haiqu.ai"
EXPERIMENT = "Default Experiment"

_VARIABLES = {
    API_KEY: ("HAIQU_API_KEY", "HAIQU_API_ACCESS_KEY"),
    "url": ("HAIQU_API_URL", "HAIQU_EDGE_URI"),
    "experiment": ("HAIQU_EXPERIMENT",),
    "auth": (),
}
"""Where the environment holds a setting; those of haiqu-sdk come last."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The settings in effect, with their sources. The key itself is read when it is used."""

    url: Found[str]
    experiment: Found[str]
    auth: Found[str]
    key_source: str | None
    """``None`` if there is no key."""

    read_key: Callable[[], Secret] = field(repr=False)
    account: Account | None


def resolve(given: Given) -> Connection:
    """The settings in effect.

    Raises:
        HaiquAccountError: If the account that was named does not exist, or accounts cannot be read.
        HaiquInputError: If a value in the environment or in an account cannot be used.
    """
    account = load_account(given.account)
    settings = {name: _setting(name, getattr(given, name), account) for name in ("url", "experiment", "auth")}
    key = _key(given, account)
    return Connection(
        **settings,
        key_source=None if key is None else key.source,
        read_key=_no_key(given) if key is None else key.value,
        account=account,
    )


def no_key_message(*, lost: bool = False) -> str:
    """What to do where a key is needed and there is none."""
    travelled = "The key that the provider was made with does not travel with pickles. " if lost else ""
    return (
        f"There is no key for Haiqu. {travelled}Give one in one of three ways: HaiquProvider(api_key='...'), the "
        "environment variable HAIQU_API_KEY, or once and for all HaiquProvider.save_account(api_key='...')."
    )


_CHECKS: Mapping[str, Callable[..., str]] = {"url": check_url, "experiment": check_experiment, "auth": check_auth}
_DEFAULTS = {"url": URL, "experiment": EXPERIMENT, "auth": "header"}


def _setting(name: str, value: str | None, account: Account | None) -> Found[str]:
    if value is not None:
        return Found(value, f"{name}=")
    saved = getattr(account, name, None)
    of_account = None if account is None or saved is None else Found(saved, account.source)
    around = _variable(name)
    chosen = account is not None and account.chosen
    found = (of_account or around) if chosen else (around or of_account)
    if found is None:
        return Found(_DEFAULTS[name], "default")
    where = found.source if found is around else f"{name} of {found.source}"
    return Found(_CHECKS[name](found.value, where=where), found.source)


def _key(given: Given, account: Account | None) -> Found[Callable[[], Secret]] | None:
    """Where the key is, and how to read it; a keyring is not opened for this."""
    if given.api_key is not None:
        secret = given.api_key
        return Found(lambda: secret, "api_key=")
    around = _variable(API_KEY)
    if account is not None and API_KEY in account.names and (account.chosen or around is None):
        return Found(lambda: _saved_key(account), account.source)
    if around is None:
        return None
    key = as_key(around.value, where=around.source)
    return Found(lambda: key, around.source)


def _saved_key(account: Account) -> Secret:
    key = account.secret(API_KEY)
    if key is None:
        raise HaiquAccountError(f"The account '{account.name}' holds no key. Save it again with api_key='...'.")
    return as_key(key.reveal(), where=f"{API_KEY} of {account.source}")  # files can be edited


def _no_key(given: Given) -> Callable[[], Secret]:
    def read() -> Secret:
        raise HaiquAccountError(no_key_message(lost=given.lost))

    return read


def _variable(name: str) -> Found[str] | None:
    """What the environment says; an empty variable says nothing."""
    for variable in _VARIABLES[name]:
        text = os.environ.get(variable, "").strip()
        if text:
            return Found(text, variable)
    return None
