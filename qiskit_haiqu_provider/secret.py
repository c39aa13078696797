"""Texts that must never be shown: keys and credentials."""

import hmac
from collections.abc import Iterable
from typing import Any, NoReturn

from qiskit_haiqu_provider.exceptions import HaiquAccountError

MASK = "***"

_SHORTEST = 6
"""Shorter texts are not looked for in messages: they would match by chance."""


class Secret:
    """A text that shows itself as ``***`` everywhere, and that no pickle carries to another process."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the request that needs it.

        Raises:
            HaiquAccountError: If this is the empty shell that a pickle left.
        """
        if self._text is None:
            raise HaiquAccountError(
                "A credential does not travel with pickles. Make the provider in the process that uses it, or set the "
                "credential in that process's environment."
            )
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest((self._text or "").encode(), (other._text or "").encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Secret, (None,)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _memo: Any) -> "Secret":
        return self


def raise_alone(error: Exception) -> NoReturn:
    """Raise an error that forgets which one it stands for: that one may show secrets, and Dask pickles it too."""
    try:
        raise error
    finally:
        error.__context__ = None


def scrubbed(value: Any, secrets: Iterable[Secret]) -> Any:
    """The value with every secret in its texts replaced by ``***``; services may echo what they were sent."""
    texts = [secret.reveal() for secret in secrets if secret]
    texts = [text for text in texts if len(text) >= _SHORTEST]
    return _scrub(value, texts) if texts else value


def _scrub(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        for text in texts:
            value = value.replace(text, MASK)
        return value
    if isinstance(value, dict):
        return {_scrub(key, texts): _scrub(item, texts) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrub(item, texts) for item in value]
    return value
