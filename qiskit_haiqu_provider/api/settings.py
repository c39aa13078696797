"""What a client is made with: key, address, and how long it may take."""

import math
import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.secret import Secret

TIMEOUT = 30.0
"""Seconds of silence after which an answer counts as lost."""

RETRY_SECONDS = 60.0
"""Seconds after which no request is sent again."""

AUTHS = ("header", "query")

_HEADER_TEXT = re.compile(r"[!-~]+")
"""What a header may hold: visible ASCII. Anything else would be shown in the complaint of the HTTP library."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings of a client."""

    key: Secret
    url: str
    auth: str
    timeout: float
    retry_seconds: float


def checked(key: Secret | str, *, url: str, auth: str, timeout: float | None, retry_seconds: float | None) -> Settings:
    """The settings, with what was not given taken from the environment.

    Raises:
        HaiquInputError: If one of them cannot be used.
    """
    if auth not in AUTHS:
        raise HaiquInputError(f"auth is {auth!r}; give 'header' (recommended) or 'query'.")
    return Settings(
        key=_checked_key(key),
        url=_checked_url(url),
        auth=auth,
        timeout=_seconds("timeout", timeout, "HAIQU_TIMEOUT", TIMEOUT, least=0.001),
        retry_seconds=_seconds("retry_seconds", retry_seconds, "HAIQU_RETRY_SECONDS", RETRY_SECONDS, least=0.0),
    )


def header_value(name: str, value: str) -> str:
    """The value, if it can be a header.

    Raises:
        HaiquInputError: If it is empty or has other characters than visible ASCII; does not show it.
    """
    if not _HEADER_TEXT.fullmatch(value):
        raise HaiquInputError(
            f"{name} must be visible ASCII characters without spaces, at least one; check that it was copied whole."
        )
    return value


def _checked_key(key: Secret | str) -> Secret:
    if not isinstance(key, Secret | str):
        raise HaiquInputError(f"api_key is of type {type(key).__name__}; give the key as text.")
    text = key.reveal() if isinstance(key, Secret) else key
    return Secret(header_value("api_key", text.strip()))


def _checked_url(url: str) -> str:
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise HaiquInputError("url is no address; give one such as 'https://api.haiqu.ai'.")
    if parts.username or parts.password:  # not shown: it is a credential
        raise HaiquInputError("url must not hold a user name or password; give the key as api_key.")
    if parts.query or parts.fragment:
        raise HaiquInputError("url must not have a query or a fragment; give the key as api_key.")
    return url.rstrip("/")


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _seconds(name: str, given: float | None, variable: str, default: float, *, least: float) -> float:
    if given is None and variable not in os.environ:
        return default
    source = name if given is not None else f"The environment variable {variable}"
    value = given if given is not None else os.environ[variable]
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not least <= seconds < math.inf:
        raise HaiquInputError(f"{source} is {value!r}; give a finite number of seconds, at least {least:g}.")
    return seconds
