"""Who is asking, what it costs, how errors look; and what must never be shown."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field

from qiskit_haiqu_provider.api.models.fields import Wire

T = TypeVar("T")

MASK = "***"

CREDENTIAL_NAMES: frozenset[str] = frozenset(
    {
        "ibm_quantum_token",
        "ibm_quantum_instance",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_default_region",
        "ionq_api_key",
        "iqm_token",
        "iqm_server_url",
        "coda_token",
        "coda_api_key",
        "conductor_quantum_token",
        "conductor_quantum_api_key",
    }
)
"""The documented names under which vendor credentials travel, and those of Coda."""

_TELLTALE = ("token", "secret", "password", "api_key", "apikey", "access_key", "credential", "authorization")


def is_secret(name: str) -> bool:
    """Whether a value of this name must stay hidden: a credential, or named like one."""
    known = name.strip().lower().replace("-", "_")
    return known in CREDENTIAL_NAMES or any(part in known for part in _TELLTALE)


def redacted(value: T) -> T:
    """A copy with ``***`` for every secret, however deep. An empty secret stays, as there is nothing to hide."""
    masked: Any = value
    if isinstance(value, Mapping):
        masked = {name: _masked(name, item) for name, item in value.items()}
    elif isinstance(value, list):
        masked = [redacted(item) for item in value]
    elif isinstance(value, tuple):
        masked = tuple(redacted(item) for item in value)
    return masked  # type: ignore[no-any-return]


def _masked(name: object, item: Any) -> Any:
    hidden = isinstance(name, str) and is_secret(name) and item not in (None, "", {}, [])
    return MASK if hidden else redacted(item)


def split_credentials(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be kept of the options, and what may not. Looks at the names of the top level only."""
    plain = {name: value for name, value in options.items() if not is_secret(name)}
    secrets = {name: value for name, value in options.items() if is_secret(name)}
    return plain, secrets


class User(Wire):
    """The account that a key belongs to."""

    email: str = Field(description="Address for mail; may be empty.", examples=["ada@example.com"])
    username: str = Field(description="Name of the account, unique on the server.", examples=["ada"])
    first_name: str = Field(description="Given name; may be empty.", examples=["Ada"])
    last_name: str = Field(description="Family name; may be empty.", examples=["Lovelace"])
    api_access_key: str = Field(
        repr=False,
        description="The key of the account. A server that keeps only a digest of it answers with a mask instead.",
        examples=[MASK],
    )


class Version(Wire):
    """What the server runs."""

    version: str = Field(description="Version of the server.", examples=["0.2.0"])


class AuthHealth(Wire):
    """The key is good."""

    username: str = Field(description="Account that the key belongs to.", examples=["ada"])


class ErrorBody(Wire):
    """Why a request was not served."""

    detail: str = Field(description="What was wrong, and what to do about it.", examples=["No such experiment."])


class ValidationIssue(Wire):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(
        description="Where: the part of the request, then field names and list positions.",
        examples=[["body", "shots"]],
    )
    msg: str = Field(description="What is wrong.", examples=["Input should be greater than or equal to 1"])
    type: str = Field(description="Short code of the rule that was broken.", examples=["greater_than_equal"])


class ValidationBody(Wire):
    """All that is wrong with a request."""

    detail: list[ValidationIssue] = Field(description="Everything that was found, in the order of the fields.")


class OutdatedClientDetail(Wire):
    """Why a client is turned away."""

    error_code: Literal["outdated_sdk"] = Field(
        default="outdated_sdk", description="Fixed code by which clients know this case."
    )
    message: str = Field(description="Which version is needed.", examples=["Version 1.7 or newer is needed."])


class OutdatedClientBody(Wire):
    """Body of a 426 reply. The nesting matters: clients fail on any other shape."""

    detail: OutdatedClientDetail = Field(description="The code and the message.")


class Amount(Wire):
    """A quantity with its unit."""

    amount: float = Field(description="How much.", examples=[4.1])
    unit: str = Field(description="Of what: `USD`, `s`, or a unit of the vendor.", examples=["s"])


class Cost(Wire):
    """What a job uses, in the vendor's unit and in money."""

    native: Amount | None = Field(
        default=None, description="As the vendor counts it.", examples=[{"amount": 4.1, "unit": "s"}]
    )
    converted: Amount | None = Field(
        default=None, description="The same in money.", examples=[{"amount": 6.56, "unit": "USD"}]
    )
