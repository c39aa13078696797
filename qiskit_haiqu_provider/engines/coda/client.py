"""Coda's REST API: one method for each call that is needed.

The vendor's own client is not used. It sends a submission again after a lost answer, and there is no telling Coda that
both are one: the job would be paid for twice.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qiskit_haiqu_provider.accounts.checks import check_url, warn_if_open
from qiskit_haiqu_provider.api.answers import Answer
from qiskit_haiqu_provider.api.calls import Call
from qiskit_haiqu_provider.api.failures import WHAT_TO_DO, failure, unreadable
from qiskit_haiqu_provider.api.hush import forms
from qiskit_haiqu_provider.api.retry import Retries
from qiskit_haiqu_provider.api.settings import checked
from qiskit_haiqu_provider.api.transport import Exchange
from qiskit_haiqu_provider.api.words import detail_of, said, sentence
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquRequestError, HaiquResponseError
from qiskit_haiqu_provider.secret import Secret, scrubbed

if TYPE_CHECKING:
    import httpx

URL = "https://api.conductorquantum.com/v0/coda"
_PATH = "/v0/coda"
_STATUS = "/qpus/status"

_WAIT = 90.0
"""Seconds that Coda is given beside the usual time limit to compile a circuit; its own client waits two minutes."""

_ADVICE: Mapping[int, str] = {
    **WHAT_TO_DO,
    401: "Check the token: credentials={'coda_token': ...}, CODA_API_TOKEN, or a saved account.",
    402: "Add credit at Coda, or set accept_overage=True to be billed for what the credits do not cover.",
    404: "Check the id, that the token belongs to the account that owns it, and CODA_API_BASE_URL if it is set.",
}
_ELSEWHERE = "Check CODA_API_BASE_URL, CODA_BASE_URL and the proxy, as far as they are set."
_NOT_DONE = frozenset({301, 302, 307, 308})
"""Redirects that say that nothing was done yet; 303 says where the outcome is."""

logger = logging.getLogger(__name__)


def address() -> str:
    """Where Coda is: ``CODA_API_BASE_URL`` as it is, else ``CODA_BASE_URL`` with the path of the API, else its own.

    Raises:
        HaiquInputError: If the environment holds no address.
    """
    whole = os.environ.get("CODA_API_BASE_URL", "").strip()
    if whole:
        return check_url(whole, where="CODA_API_BASE_URL")
    origin = os.environ.get("CODA_BASE_URL", "").strip()
    if not origin:
        return URL
    return f"{check_url(origin, where='CODA_BASE_URL').removesuffix(_PATH).removesuffix('/v0')}{_PATH}"


class CodaClient:
    """Talks to Coda. Making one costs no request; threads may share it.

    What reads is sent again for a while when Coda is away or busy. A submission is sent again only if it certainly
    took no effect. All errors are kinds of :class:`~qiskit_haiqu_provider.exceptions.HaiquApiError`.

    Args:
        token: The token.
        url: Address of the API.
        timeout: Seconds of silence after which an answer counts as lost. Default: ``HAIQU_TIMEOUT``, else 30.
        transport: What carries the requests in place of the network.
    """

    def __init__(
        self, token: Secret, *, url: str, timeout: float | None = None, transport: "httpx.BaseTransport | None" = None
    ) -> None:
        settings = checked(token, url=url, auth="header", timeout=timeout, retry_seconds=None)
        warn_if_open(url)
        self._settings = replace(settings, auth="bearer")
        self._secrets = forms([token])
        self._exchange = Exchange(self._settings, transport, headers={})

    def devices(self) -> Any:
        """The list of QPUs, as it comes."""
        return self._asked(Call(method="GET", path="/qpus", safe=True))

    def estimate(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """What an order would cost."""
        return self._object(_post("/qpus/estimate-cost", order, safe=True, wait=_WAIT))

    def run(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Submit an order. An error says with ``reached`` whether Coda may have accepted it."""
        return self._object(_post("/qpus", order, safe=False, wait=_WAIT))

    def status(self, job_id: str) -> dict[str, Any]:
        """Where a job stands, with its results if it is done."""
        call = _post(_STATUS, {"job_id": job_id}, safe=True)
        return self._object(replace(call, missing=f"Coda has no job '{job_id}' that this token can see."))

    def close(self) -> None:
        """Close all connections."""
        self._exchange.close()

    def shown(self, words: Any) -> str:
        """What Coda says, in one line and without the token."""
        return str(scrubbed(said(words), self._secrets))

    def unusable(self, answer: Mapping[str, Any], what: str) -> HaiquResponseError:
        """The error for an answer that lacks what it should have; it shows the names in it, and no values."""
        names = ", ".join(sorted(map(str, answer)))[:500]
        return HaiquResponseError(f"Coda's answer cannot be used: {what}. It has: {names}. {_ELSEWHERE}", status=200)

    def _object(self, call: Call) -> dict[str, Any]:
        found = self._asked(call)
        if not isinstance(found, dict):
            raise HaiquResponseError(f"{call.name}: Coda's answer is no JSON object. {_ELSEWHERE}", status=200)
        return found

    def _asked(self, call: Call) -> Any:
        answer = self._answer(call)
        try:
            found = json.loads(answer.body)
        except ValueError:
            raise unreadable(call, answer, "it is not JSON", self._secrets) from None
        if isinstance(found, dict) and found.get("success") is False:
            told = call.path == _STATUS and "status" in found  # of a job that failed
            if not told:
                raise self._refused(call, answer, found)
        return found

    def _answer(self, call: Call) -> Answer:
        retries = Retries(self._settings.retry_seconds, safe=call.safe)
        while True:
            outcome = self._exchange.send(call)
            if isinstance(outcome, Answer) and outcome.success:
                return outcome
            pause = retries.pause(outcome)
            if pause is None:
                # Not from an except block: an exception of httpx would hang on ours, and with it the request.
                if isinstance(outcome, Answer) and outcome.status in _NOT_DONE:
                    raise self._redirected(call, outcome)
                raise failure(call, outcome, self._secrets, attempts=retries.made, advice=_ADVICE)
            logger.info("%s: sent to Coda again in %.1f s", call.name, pause)
            time.sleep(pause)

    def _redirected(self, call: Call, answer: Answer) -> HaiquApiError:
        """The error for an address that is another one; its query, where a key may be, is left out."""
        target = urlsplit(answer.headers.get("location", ""))
        place = scrubbed(f"{target.hostname or ''}{target.path}", self._secrets)
        return HaiquResponseError(
            f"{call.name}: Coda's address leads elsewhere ({answer.status} to {place}), perhaps to a page to log in. "
            f"Nothing was done. {_ELSEWHERE}",
            status=answer.status,
            reached=False,
        )

    def _refused(self, call: Call, answer: Answer, found: Mapping[str, Any]) -> HaiquApiError:
        """The error for a 200 that says that nothing came of it."""
        detail = scrubbed(detail_of(answer), self._secrets)
        message = f"{call.name}: Coda did not do it. It says: {sentence(self.shown(detail))}"
        if call.path == _STATUS:  # it may be a fault of the moment; who waits asks again
            return HaiquResponseError(f"{message} {_ADVICE[404]}", status=answer.status, detail=detail)
        reached = bool(found.get("job_id"))  # else there is no job
        return HaiquRequestError(
            f"{message} Change what it names, and run again.", status=answer.status, detail=detail, reached=reached
        )


def _post(path: str, body: Mapping[str, Any], *, safe: bool, wait: float = 0.0) -> Call:
    return Call(
        method="POST",
        path=path,
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        safe=safe,
        wait=wait,
    )
