"""Keeps secrets out of what the HTTP libraries log, in every form in which a service may echo them."""

import html
import json
import logging
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.secret import Secret, scrubbed

_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def forms(secrets: Iterable[Secret]) -> tuple[Secret, ...]:
    """The secrets as they are, and as they look in addresses, in HTML and in JSON; the longest first."""
    texts = {form for secret in secrets for form in _forms(secret)}
    return tuple(Secret(text) for text in sorted(texts, key=len, reverse=True))


def _forms(secret: Secret) -> set[str]:
    try:
        text = secret.reveal()
    except HaiquAccountError:  # a pickle took it; there is nothing to hide
        return set()
    return {text, quote(text), quote(text, safe=""), quote_plus(text), html.escape(text), json.dumps(text)[1:-1]}


class Hush:
    """Masks secrets in log records: httpcore logs the headers of answers, and a service may echo the key there.

    Args:
        secrets: What must not be shown.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = tuple(secrets)

    def install(self, loggers: Iterable[str] = _LOGGERS) -> None:
        """Mask from now on.

        Args:
            loggers: Names of the loggers; those of httpx and httpcore if not given.
        """
        _MASK.secrets[self] = self._secrets
        for name in loggers:
            logging.getLogger(name).addFilter(_MASK)

    def remove(self) -> None:
        """End what ``install`` began."""
        _MASK.secrets.pop(self, None)


class _Mask(logging.Filter):
    """The one filter of all loggers. It stays: taking one away makes a logger miss the next for a record on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[Hush, tuple[Secret, ...]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record's text; let every record pass."""
        if not self.secrets:
            return True
        text = clean = record.getMessage()
        for secrets in list(self.secrets.values()):  # a copy: other threads come and go
            clean = scrubbed(clean, secrets)
        if clean != text:
            record.msg, record.args = clean, ()
        return True


_MASK = _Mask()
