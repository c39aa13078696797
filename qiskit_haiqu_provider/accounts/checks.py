"""How to reach a service: which settings are accepted, and what is warned of."""

import inspect
import ipaddress
import reprlib
import warnings
from urllib.parse import urlsplit

from qiskit_haiqu_provider.exceptions import HaiquInputError

AUTH = ("header", "query")
"""How the key travels: in the header ``authorization``, or as the query parameter ``HAIQU_API_KEY``."""

_LONGEST_NAME = 200

_INSIDE = frozenset({__name__.partition(".")[0], "contextlib", "functools"})
"""Modules whose lines are not the caller's."""


def check_url(url: object, *, where: str = "url") -> str:
    """The address of a service, without a slash at its end. A message never repeats it: it may hold a password.

    Args:
        url: What was given.
        where: What to call it.

    Raises:
        HaiquInputError: If it is no address, or holds more than one.
    """
    example = "Give one such as https://api.haiqu.ai or http://127.0.0.1:8080."
    if not isinstance(url, str) or not url.strip():
        raise HaiquInputError(f"{where} must be the address of a service, a text. {example}")
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises if it is none
    except ValueError:
        raise HaiquInputError(f"{where} is not an address. {example}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HaiquInputError(f"{where} must begin with https:// or http://, and name a host. {example}")
    if parts.username is not None or parts.password is not None:
        raise HaiquInputError(f"{where} must not hold a user or a password. Give the key as api_key.")
    if parts.query or parts.fragment:
        raise HaiquInputError(f"{where} must end with the host or a path, without ? or #. {example}")
    return url.strip().rstrip("/")


def check_auth(auth: object, *, where: str = "auth") -> str:
    """How the key travels.

    Args:
        auth: What was given.
        where: What to call it.

    Raises:
        HaiquInputError: If it is none of the ways there are.
    """
    if not isinstance(auth, str) or auth not in AUTH:
        raise HaiquInputError(f"{where} must be one of {list(AUTH)}, not {auth!r}.")
    return auth


def check_experiment(name: object, *, where: str = "experiment") -> str:
    """The name of an experiment.

    Args:
        name: What was given.
        where: What to call it.

    Raises:
        HaiquInputError: If it cannot be one.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        raise HaiquInputError(
            f"{where} must be the name of an experiment, a text of at most {_LONGEST_NAME} characters, "
            f"not {reprlib.repr(name)}."
        )
    return name.strip()


def check_timeout(seconds: object) -> float | None:
    """Seconds to wait for an answer.

    Raises:
        HaiquInputError: If it is no positive number.
    """
    if seconds is None:
        return None
    number = float(seconds) if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) else 0.0
    if not 0 < number < float("inf"):
        raise HaiquInputError(f"timeout must be None or a positive number of seconds, not {seconds!r}.")
    return number


def warn_if_open(url: str) -> None:
    """Say that a key would travel in clear text, unless it stays on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        warn_caller(
            f"{url} is not encrypted: everybody on the way can read your key and your vendors' credentials. "
            "Use https, or a tunnel to this machine."
        )


def warn_caller(message: str) -> None:
    """Warn at the line of the program that called the package, however deep inside this is noticed."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
