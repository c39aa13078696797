"""Requests to IonQ: every wait is finite, what reads is repeated, and a submission leaves once."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.accounts.checks import check_url, warn_if_open
from qiskit_haiqu_provider.accounts.credentials import VENDORS, as_key, how_to_give, missing_parts
from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.secret import Secret, scrubbed

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.calls import Call
    from qiskit_haiqu_provider.api.settings import Settings
    from qiskit_haiqu_provider.api.transport import Exchange

logger = logging.getLogger(__name__)

URL = "https://api.ionq.co/v0.4"
KEY = "ionq_api_key"

PATIENCE = 10.0
"""Seconds after which an answer is not waited for any more that something else can take the place of."""

_VARIABLES = ("IONQ_API_URL", "QISKIT_IONQ_API_URL")
"""Where qiskit-ionq looks for another address."""

_ADVICE: Mapping[int, str] = {
    401: "Check IonQ's key where it is given: credentials={'ionq_api_key': ...}, IONQ_API_KEY, or a saved account.",
    402: "Look at the contract in IonQ's console.",
    403: "Use a key that may do this, or ask the owner of the IonQ organisation for access to the device.",
    404: "Check the id, and that the key belongs to the project that owns the job.",
    408: "Try again; a faster connection or a smaller request helps.",
    409: "Look at what is there already, then change the request.",
    413: "Split the run into smaller ones.",
    429: "Try again later, or send fewer requests at once.",
}


class IonQClient:
    """The connection to IonQ. Making one costs no request; the key is asked for when the first one is sent.

    Args:
        credentials: Gives ``ionq_api_key``.
        timeout: Seconds of silence after which an answer counts as lost. Default: ``HAIQU_TIMEOUT``, else 30.
        retry_seconds: Seconds after which no request is sent again. Default: ``HAIQU_RETRY_SECONDS``, else 60.

    Raises:
        HaiquInputError: If the environment holds an address that cannot be used.
    """

    def __init__(
        self,
        credentials: Callable[[], Mapping[str, Secret]],
        *,
        timeout: float | None = None,
        retry_seconds: float | None = None,
    ) -> None:
        self.url = _address()
        self._credentials = credentials
        self._timeout = timeout
        self._retry_seconds = retry_seconds
        self._exchange: Exchange | None = None
        self._settings: Settings
        self._key = Secret(None)
        self._lock = threading.Lock()

    def key_digest(self) -> str:
        """What tells keys apart without showing them.

        Raises:
            HaiquAccountError: If there is no key.
        """
        return sha256(f"ionq key\0{_key(self._credentials()).reveal()}".encode()).hexdigest()[:16]

    def read(
        self, path: str, *, query: Mapping[str, Any] | None = None, patience: float | None = None, **ids: Any
    ) -> Any:
        """The JSON at a path.

        Args:
            path: Below the address of the API, with the names of ids in braces.
            query: Parameters; None is left out.
            patience: Seconds after which the caller does not wait any more.
            **ids: The ids.

        Raises:
            HaiquApiError: If IonQ does not answer, or not with that.
        """
        from qiskit_haiqu_provider.api.calls import get

        return self._sent(get(path, query=query, patience=patience, **ids))

    def change(self, method: str, path: str, body: bytes | None = None, *, safe: bool, **ids: Any) -> Any:
        """Send what changes something, and return the JSON that it is answered with.

        Args:
            method: POST or PUT.
            path: Below the address of the API, with the names of ids in braces.
            body: JSON.
            safe: Whether it is harmless to send it twice; if not, it is sent again only after it certainly did nothing.
            **ids: The ids.

        Raises:
            HaiquApiError: If IonQ does not answer, or refuses.
        """
        from qiskit_haiqu_provider.api.calls import get

        headers = {"content-type": "application/json"}
        return self._sent(replace(get(path, **ids), method=method, content=body, headers=headers, safe=safe))

    def scrubbed(self, text: str) -> str:
        """A text of IonQ without the key, should it be repeated there."""
        found: str = scrubbed(text, [self._key] if self._exchange else [])
        return found

    def _sent(self, call: "Call") -> Any:
        from qiskit_haiqu_provider.api.answers import Answer
        from qiskit_haiqu_provider.api.failures import failure
        from qiskit_haiqu_provider.api.retry import Retries

        exchange = self._open()
        retries = Retries(call.within(self._settings.retry_seconds), safe=call.safe)
        while True:
            outcome = exchange.send(call)
            if isinstance(outcome, Answer) and outcome.success:
                return self._json(call, outcome)
            pause = retries.pause(outcome)
            if pause is None:
                raise failure(call, outcome, self._secrets(), attempts=retries.made, advice=_ADVICE)
            logger.info("%s: no success, sent again to IonQ in %.1f s", call.name, pause)
            time.sleep(pause)

    def _json(self, call: "Call", answer: Any) -> Any:
        from pydantic_core import from_json

        from qiskit_haiqu_provider.api.failures import unreadable

        try:
            return from_json(answer.body)
        except ValueError:
            wrong = unreadable(call, answer, "it is no JSON", self._secrets())
        raise wrong

    def _open(self) -> "Exchange":
        """The connections, with the key; a key that is missing is said before anything is sent."""
        with self._lock:
            if self._exchange is None:
                from qiskit_haiqu_provider.api.settings import checked
                from qiskit_haiqu_provider.api.transport import Exchange

                self._key = _key(self._credentials())
                settings = checked(
                    self._key, url=self.url, auth="header", timeout=self._timeout, retry_seconds=self._retry_seconds
                )
                warn_if_open(self.url)
                self._settings = replace(settings, auth="apikey")
                self._exchange = Exchange(self._settings, None, headers={})
            return self._exchange

    def _secrets(self) -> Iterable[Secret]:
        from qiskit_haiqu_provider.api.hush import forms

        return forms([self._key])


def _key(credentials: Mapping[str, Secret]) -> Secret:
    if not credentials.get(KEY):
        vendor = next(vendor for vendor in VENDORS if vendor.prefix == "ionq")
        raise HaiquAccountError(f"IonQ needs a key. {how_to_give(vendor, missing_parts(vendor, {}))}")
    return as_key(credentials[KEY].reveal(), where=KEY)


def _address() -> str:
    """The address of the API with its version: that of the environment, else IonQ's own."""
    for name in _VARIABLES:
        text = os.environ.get(name, "").strip()
        if text:
            return check_url(text, where=name)
    return URL
