"""Credentials of vendors: which device needs which, and where each is found. Resolved only when a job is submitted."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qiskit_haiqu_provider.accounts.vendorfiles import (
    Stored,
    aws_profile,
    aws_profile_for_haiqu,
    ibm_account,
    nothing,
)
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquInputError
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.accounts.saved import Account

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """A value, and in words where it comes from."""

    value: T
    source: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the texts that a vendor asks for."""

    name: str
    """As the service calls it."""

    variables: tuple[str, ...] = ()
    """Environment variables that may hold it, the first one first."""

    required: bool = True
    default: str | None = None
    begins: str = ""
    """How it begins; a text in the environment that begins otherwise is for somebody else."""


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """What a vendor asks for."""

    name: str
    prefix: str
    """How the ids of its devices begin."""

    parts: tuple[Part, ...]
    together: frozenset[str] = frozenset()
    """Parts that are worthless unless they come from one place."""

    through_haiqu: bool = True
    """Whether Haiqu takes them along with a job; otherwise they are for the way straight to the vendor only."""

    stored: Callable[[], Stored] = nothing
    """Reads the vendor's own files."""

    stored_for_haiqu: Callable[[], Stored] | None = None
    """Reads what of them is meant for Haiqu, where they open more than devices; ``None`` where all of it is."""

    @property
    def for_haiqu(self) -> "Vendor":
        """The same with the places alone whose contents may be sent to Haiqu.

        Where keys open more than devices, other tools have theirs in the environment: those for Haiqu have names of
        their own there.
        """
        if self.stored_for_haiqu is None:
            return self
        parts = tuple(
            replace(part, variables=tuple(f"HAIQU_{name}" for name in part.variables))
            if part.name in self.together
            else part
            for part in self.parts
        )
        return replace(self, parts=parts, stored=self.stored_for_haiqu, stored_for_haiqu=None)


VENDORS = (
    Vendor(
        name="AWS",
        prefix="aws",
        parts=(
            Part(name="aws_access_key_id", variables=("AWS_ACCESS_KEY_ID",)),
            Part(name="aws_secret_access_key", variables=("AWS_SECRET_ACCESS_KEY",)),
            Part(name="aws_session_token", variables=("AWS_SESSION_TOKEN",), required=False),
            Part(name="aws_default_region", variables=("AWS_REGION", "AWS_DEFAULT_REGION"), default="us-east-1"),
        ),
        together=frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}),
        stored=aws_profile,
        stored_for_haiqu=aws_profile_for_haiqu,
    ),
    Vendor(
        name="IBM Quantum",
        prefix="ibm",
        parts=(
            Part(name="ibm_quantum_token", variables=("IBM_QUANTUM_TOKEN", "QISKIT_IBM_TOKEN")),
            Part(name="ibm_quantum_instance", variables=("IBM_QUANTUM_INSTANCE", "QISKIT_IBM_INSTANCE")),
        ),
        stored=ibm_account,
    ),
    Vendor(
        name="IQM",
        prefix="iqm",
        parts=(
            Part(name="iqm_token", variables=("IQM_TOKEN",)),
            Part(name="iqm_server_url", variables=("IQM_SERVER_URL",), default="https://resonance.iqm.tech"),
        ),
    ),
    Vendor(name="IonQ", prefix="ionq", parts=(Part(name="ionq_api_key", variables=("IONQ_API_KEY",)),)),
    Vendor(
        name="Coda",
        prefix="coda",
        # There are other products of that name, and the vendor has tokens for other products.
        parts=(Part(name="coda_token", variables=("CODA_API_TOKEN", "CONDUCTOR_QUANTUM_API_KEY"), begins="coda_"),),
        through_haiqu=False,
    ),
)

NAMES = tuple(part.name for vendor in VENDORS for part in vendor.parts)
"""Every credential by the name under which it is given, saved and sent."""

_KEY = re.compile(r"[!-~]+")
_Source = Callable[[Part], "Found[Secret] | None"]


def checked_credentials(credentials: object) -> dict[str, Secret]:
    """Credentials as they were given, each made secret at once.

    Raises:
        HaiquInputError: If a name is not known, or a value is no text.
    """
    if credentials is None:
        return {}
    if not isinstance(credentials, Mapping):
        raise HaiquInputError(
            f"credentials must be a mapping from names to texts, not {type(credentials).__name__}. "
            "Give one such as {'ionq_api_key': '...'}."
        )
    for name in credentials:
        if name not in NAMES:
            from difflib import get_close_matches  # needed for errors only

            alike = [known for known in NAMES if known.partition("_")[0] == str(name).partition("_")[0]]
            near = get_close_matches(str(name), alike or NAMES, n=1, cutoff=0.4 if alike else 0.6)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known names: {', '.join(NAMES)}."
            raise HaiquInputError(f"credentials has no entry {name!r}. {hint}")
    found = {name: as_secret(text, where=f"credentials[{name!r}]") for name, text in credentials.items()}
    for part in (part for vendor in VENDORS for part in vendor.parts if part.name in found):
        check_beginning(found[part.name], part, where=f"credentials[{part.name!r}]")
    return found


def check_beginning(secret: Secret, part: Part, *, where: str) -> None:
    """Refuse a text that is for somebody else, before it is sent to the wrong place. A message never repeats it.

    Raises:
        HaiquInputError: If it does not begin as it must.
    """
    if part.begins and not secret.reveal().startswith(part.begins):
        raise HaiquInputError(f"{where} must begin with '{part.begins}'. Check that it is the one for this vendor.")


def as_secret(text: object, *, where: str) -> Secret:
    """The text, made secret. A message never repeats it.

    Raises:
        HaiquInputError: If it cannot be a credential.
    """
    if isinstance(text, Secret):
        return text
    plain = text.strip() if isinstance(text, str) else ""
    if not plain or not plain.isprintable():
        raise HaiquInputError(f"{where} must be a text of one line that is not empty. Copy it again.")
    return Secret(plain)


def as_key(text: object, *, where: str = "api_key") -> Secret:
    """The key of a service, which travels in a header.

    Raises:
        HaiquInputError: If it cannot be a key.
    """
    if isinstance(text, Secret):
        return text
    key = as_secret(text, where=where)
    if not _KEY.fullmatch(key.reveal()):
        raise HaiquInputError(f"{where} must be visible ASCII characters without spaces. Copy it again.")
    return key


def vendor_of(device_id: str) -> Vendor | None:
    """Whose credentials a device needs; ``None`` for those that need none."""
    name = device_id.lower()
    return next((vendor for vendor in VENDORS if name.startswith(vendor.prefix)), None)


def vendor_credentials(
    device_id: str, given: Mapping[str, Secret], account: "Account | None" = None
) -> dict[str, Secret]:
    """The credentials to send with a job for a device.

    Precedence: given in the call (an account that was named there included), environment, saved account, the vendor's
    own files, default. Of AWS, environment and files hold those for Haiqu under names of their own.

    Args:
        device_id: The device.
        given: What was given in the call.
        account: The saved account.

    Raises:
        HaiquAccountError: If one is missing; names each, and how to give it.
    """
    vendor = vendor_of(device_id)
    if vendor is None or not vendor.through_haiqu:
        return {}
    vendor = vendor.for_haiqu
    if device_id.lower() == _NEEDS_NONE:  # sent only if it was given for this purpose
        found = find_credentials(vendor, given, account, ambient=False)
        return {name: one.value for name, one in found.items()}
    found = find_credentials(vendor, given, account)
    missing = missing_parts(vendor, found)
    if missing:
        raise HaiquAccountError(f"{device_id} needs credentials of {vendor.name}. {how_to_give(vendor, missing)}")
    return {name: one.value for name, one in found.items()}


def find_credentials(
    vendor: Vendor, given: Mapping[str, Secret], account: "Account | None", *, ambient: bool = True
) -> dict[str, Found[Secret]]:
    """The credentials of a vendor that are there, with their sources.

    Args:
        vendor: Whose.
        given: What was given in the call.
        account: The saved account.
        ambient: Whether to look at what lies around as well: the environment and the vendor's own files.
    """
    sources = _sources(vendor, given, account, ambient=ambient)
    unit = [part for part in vendor.parts if part.name in vendor.together]
    owner = next((source for source in sources if any(source(part) for part in unit)), None)
    found = {}
    for part in vendor.parts:
        places = sources if part not in unit else [owner] if owner else []
        one = next(filter(None, (place(part) for place in places)), None)
        if one is None and part.default is not None and ambient:
            one = Found(Secret(part.default), "default")
        if one is not None:
            found[part.name] = one
    return found


def missing_parts(vendor: Vendor, found: Mapping[str, Any]) -> list[Part]:
    """What a vendor asks for and was not found."""
    return [part for part in vendor.parts if part.required and part.name not in found]


def how_to_give(vendor: Vendor, missing: Sequence[Part]) -> str:
    """A sentence that names what is missing, and one that says how to give it."""
    lacking = ", ".join(f"{part.name} ({_where(part)})" for part in missing)
    apart = {part.name for part in missing} & vendor.together  # then all that belongs together is to be given
    shown = [part for part in vendor.parts if part in missing or (apart and part.required)]
    example = "{" + ", ".join(f"'{part.name}': '...'" for part in shown) + "}"
    note = vendor.stored().note
    return (
        f"Missing: {lacking}. {note + ' ' if note else ''}Set the environment, or give credentials={example} to "
        "HaiquProvider(...), or keep them in an account: HaiquProvider.save_account(...)."
    )


def _where(part: Part) -> str:
    """Where the environment holds a part, and how it begins."""
    begins = f", beginning with '{part.begins}'" if part.begins else ""
    return f"environment: {' or '.join(part.variables)}{begins}"


_NEEDS_NONE = "ionq_simulator"


def _sources(vendor: Vendor, given: Mapping[str, Secret], account: "Account | None", *, ambient: bool) -> list[_Source]:
    """The places to look at, the first one first."""
    saved = [] if account is None else [_of_account(account)]
    chosen = account is not None and account.chosen
    around = [_of_environment] if ambient else []
    files = [_of_files(vendor.stored())] if ambient else []
    middle = [*saved, *around] if chosen else [*around, *saved]
    return [_of_call(given), *middle, *files]


def _of_call(given: Mapping[str, Secret]) -> _Source:
    return lambda part: Found(given[part.name], "credentials=") if part.name in given else None


def _of_account(account: "Account") -> _Source:
    def look(part: Part) -> Found[Secret] | None:
        secret = account.secret(part.name)
        return None if secret is None else Found(secret, account.source)

    return look


def _of_environment(part: Part) -> Found[Secret] | None:
    for variable in part.variables:
        text = os.environ.get(variable, "").strip()
        if text and text.startswith(part.begins):
            return Found(Secret(text), variable)
    return None


def _of_files(stored: Stored) -> _Source:
    return lambda part: Found(stored.values[part.name], stored.source) if part.name in stored.values else None
