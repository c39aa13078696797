"""Files in which vendors' own tools keep credentials. They are read, never written."""

import configparser
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qiskit_haiqu_provider.secret import Secret

IBM_ACCOUNT = "haiqu_ibm_account"
"""The IBM account that is meant for use through Haiqu, as in haiqu-sdk; no other one is sent."""

AWS_PROFILE = "haiqu"
"""The profile of AWS that is meant for use through Haiqu; keys of others open more than devices and are not sent."""

_AWS_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


@dataclass(frozen=True)
class Stored:
    """What a vendor's files hold."""

    values: Mapping[str, Secret] = field(default_factory=dict)
    source: str = ""
    note: str = ""
    """Why nothing could be used, where there is more to say than that there is nothing."""


def nothing() -> Stored:
    """Of a vendor without files."""
    return Stored()


def aws_profile() -> Stored:
    """The profile ``AWS_PROFILE``, or ``default``, of the files of the AWS command line."""
    named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    return _aws(named or "default", asked=named is not None)


def aws_profile_for_haiqu() -> Stored:
    """The profile ``haiqu`` of these files; the region is that of the user's own profile if it names none."""
    found, own = _aws(AWS_PROFILE, asked=False), aws_profile()
    region = {name: value for name, value in own.values.items() if name not in _AWS_KEYS}
    note = (
        f"What AWS's own tools use is not sent to Haiqu: keep what is meant for it in an AWS profile '{AWS_PROFILE}', "
        "or go straight to AWS with via='braket'."
    )
    return Stored({**region, **found.values}, found.source, " ".join(filter(None, (note, found.note))))


def _aws(profile: str, *, asked: bool) -> Stored:
    """A profile of the files of the AWS command line."""
    keys = _section("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", profile)
    heading = profile if profile == "default" else f"profile {profile}"
    settings = _section("AWS_CONFIG_FILE", "~/.aws/config", heading)
    holder = keys if any(name in keys for name in _AWS_KEYS) else settings
    found = {name: holder[name] for name in _AWS_KEYS if holder.get(name)}
    region = settings.get("region") or keys.get("region")
    if region:
        found["aws_default_region"] = region
    note = _aws_note(profile, settings, exists=bool(keys or settings), asked=asked)
    values = {name: Secret(text) for name, text in found.items()}
    return Stored(values, f"AWS profile '{profile}'", "" if "aws_access_key_id" in found else note)


def ibm_account() -> Stored:
    """The account ``haiqu_ibm_account`` of qiskit-ibm-runtime, read without importing it."""
    text = _text(Path("~/.qiskit/qiskit-ibm.json"))
    try:
        account = json.loads(text)[IBM_ACCOUNT] if text else {}
        found = {f"ibm_quantum_{name}": account.get(name) for name in ("token", "instance")}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Stored()
    values = {name: Secret(value) for name, value in found.items() if isinstance(value, str) and value}
    return Stored(values, f"IBM account '{IBM_ACCOUNT}'")


def _aws_note(profile: str, settings: Mapping[str, str], *, exists: bool, asked: bool) -> str:
    if asked and not exists:
        return f"There is no AWS profile '{profile}'."
    if any(name.startswith("sso_") or name in ("role_arn", "credential_process") for name in settings):
        return (
            f"AWS profile '{profile}' holds no keys but a way to get some. "
            f'Run: eval "$(aws configure export-credentials --profile {profile} --format env)".'
        )
    return ""


def _section(variable: str, default: str, heading: str) -> dict[str, str]:
    """A section of a file in INI format; empty if there is none, or the file cannot be read."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(Path(os.environ.get(variable) or default)))
    except configparser.Error:
        return {}  # its message would quote the file
    if heading == parser.default_section or not parser.has_section(heading):
        return {}
    return {name: value.strip() for name, value in parser.items(heading) if value}


def _text(path: Path) -> str:
    """What a file holds; nothing if it cannot be read."""
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no home
        return ""
