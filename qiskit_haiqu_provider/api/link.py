"""Request -> answer -> model: sends, sends again where that is right, and raises what went wrong."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.answers import Answer, Outcome
from qiskit_haiqu_provider.api.failures import failure, unreadable
from qiskit_haiqu_provider.api.hush import forms
from qiskit_haiqu_provider.api.replies import ANY_JOB, AnyJob, Replies, UnreadableError
from qiskit_haiqu_provider.api.retry import Retries
from qiskit_haiqu_provider.api.transport import Exchange
from qiskit_haiqu_provider.secret import scrubbed

if TYPE_CHECKING:
    import httpx

    from qiskit_haiqu_provider.api.calls import Call
    from qiskit_haiqu_provider.api.settings import Settings
    from qiskit_haiqu_provider.secret import Secret

T = TypeVar("T", bound=models.Wire)

logger = logging.getLogger(__name__)


class Link:
    """The connection of a client to its service.

    Args:
        settings: Where to, with which key, and how long it may take.
        transport: What carries requests, if not the network.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, transport)
        self._replies = Replies()
        self.honours_idempotency = False

    def close(self) -> None:
        """Close all connections."""
        self._exchange.close()

    def one(self, model: type[T], call: Call) -> T:
        """The model that a request is answered with."""
        return cast("T", self._read(model, call))

    def many(self, model: type[T], call: Call, *, what: str) -> list[T]:
        """The models that a request is answered with; those that cannot be read are left out with one warning."""
        return cast("list[T]", self._read(model, call, what=what))

    def job(self, call: Call) -> AnyJob:
        """The job that a request is answered with, in the model of its type."""
        return cast("AnyJob", self._read(ANY_JOB, call))

    def jobs(self, call: Call) -> list[AnyJob]:
        """The jobs that a request is answered with."""
        return cast("list[AnyJob]", self._read(ANY_JOB, call, what="job"))

    def fields(self, call: Call) -> dict[str, Any]:
        """The JSON object that a request is answered with."""
        return cast("dict[str, Any]", self._read(dict[str, Any], call))

    def value(self, call: Call) -> Any:
        """The JSON that a request is answered with, whatever it is."""
        return self._read(Any, call)

    def done(self, call: Call) -> None:
        """Send a request whose answer says nothing."""
        self._answer(call)

    def _read(self, model: Any, call: Call, *, what: str | None = None) -> Any:
        answer = self._answer(call)
        try:
            if what is None:
                return self._replies.one(model, answer.body)
            return self._replies.many(model, answer.body, what=what)
        except UnreadableError as error:
            wrong = scrubbed(str(error), self._secrets(call))
        raise unreadable(call, answer, wrong, self._secrets(call))

    def _answer(self, call: Call) -> Answer:
        """The answer of a success."""
        retries = Retries(call.within(self._settings.retry_seconds), safe=call.safe)
        while True:
            outcome = self._exchange.send(call)
            if isinstance(outcome, Answer):
                self._note(outcome)
                if outcome.success:
                    return outcome
            pause = retries.pause(outcome)
            if pause is None:
                # Not from an except block: an exception of httpx would hang on ours, and with it the request.
                raise failure(call, outcome, self._secrets(call), attempts=retries.made)
            # The first time is told: nobody should wait without knowing for what.
            level = logging.WARNING if retries.made == 1 and not isinstance(outcome, Answer) else logging.INFO
            again = f"sent again to {self._settings.url} in {pause:.1f} s, for at most {retries.seconds:g} s"
            logger.log(level, "%s: %s; %s", call.name, _short(outcome), again)
            time.sleep(pause)

    def _note(self, answer: Answer) -> None:
        if answer.headers.get("idempotency-key-support", "").strip().lower() == "honoured":
            self.honours_idempotency = True

    def _secrets(self, call: Call) -> tuple[Secret, ...]:
        return forms([self._settings.key, *call.secrets])


def _short(outcome: Outcome) -> str:
    """What came of a request, in a word that cannot hold a secret."""
    return str(outcome.status) if isinstance(outcome, Answer) else outcome.kind.value
