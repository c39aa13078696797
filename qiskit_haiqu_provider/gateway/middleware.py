"""What happens to every request before and after its endpoint: size, headers, log."""

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qiskit_haiqu_provider.gateway.errors import fault

logger = logging.getLogger("qiskit_haiqu_provider.gateway.access")

_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # a key in the query must not travel on
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Tells clients that they may repeat a submission with the same key after an answer was lost.
    "idempotency-key-support": "honoured",
}


class Hygiene:
    """The same headers on every answer, and an access log that never shows the query, where keys may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, begun = time.perf_counter(), False

        async def finish(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
                took = (time.perf_counter() - started) * 1000
                logger.info("%s %s %d %.1f ms", scope["method"], quote(scope["path"]), message["status"], took)
            await send(message)

        try:
            if _has_nul(scope):
                await JSONResponse(_NUL, status_code=422)(scope, receive, finish)
            else:
                await self._app(scope, receive, finish)
        except Exception as error:
            if begun:
                raise
            await fault(error)(scope, receive, finish)


class ContentDigest:
    """Says what JSON bodies are like (RFC 9530), so that a client notices one that was changed on its way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the head of a JSON answer waits for its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head: Message | None = None

        async def finish(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start" and _is_json(message):
                head = message
                return
            if head is not None:
                if not message.get("more_body", False):
                    digest = hashlib.sha256(message.get("body", b"")).digest()
                    MutableHeaders(scope=head)["content-digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
                await send(head)
                head = None
            await send(message)

        await self._app(scope, receive, finish)


def _is_json(message: Message) -> bool:
    return MutableHeaders(scope=message).get("content-type", "").startswith("application/json")


def _has_nul(scope: Scope) -> bool:
    """Whether the address holds the one character that databases refuse in text."""
    return "\0" in scope["path"] or b"%00" in scope["query_string"]


_NUL: Mapping[str, Any] = {
    "detail": [{"loc": ["url"], "msg": "the address must not contain the NUL character", "type": "value_error"}]
}


class BodyLimit:
    """Refuses bodies that are too large, whether they say so or not, and those that do not arrive.

    Args:
        app: What answers.
        limit: Bytes that a body may have.
        patience: Seconds to wait for the next part of a body.
    """

    def __init__(self, app: ASGIApp, *, limit: int, patience: float = 30.0) -> None:
        self._app = app
        self._limit = limit
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, watching its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, limit=self._limit, patience=self._patience)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await body.too_large()(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            if body.refusal is None:  # else it is the framework's own opinion of a body that it could not read
                begun = True
                await send(message)

        try:
            await self._app(scope, body.receive, watched)
        except _RefusedError:
            if begun:
                raise
        if body.refusal is not None and not begun:
            await body.refusal(scope, receive, send)


class _Body:
    """The body of one request, as it comes in."""

    def __init__(self, receive: Receive, *, limit: int, patience: float) -> None:
        self._receive = receive
        self._limit = limit
        self._patience = patience
        self._bytes = 0
        self._complete = False
        self.refusal: JSONResponse | None = None

    async def receive(self) -> Message:
        """The next part."""
        try:
            message = await (self._receive() if self._complete else asyncio.wait_for(self._receive(), self._patience))
        except TimeoutError:
            self.refusal = self.too_slow()
            raise _RefusedError from None
        self._bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._bytes > self._limit:
            self.refusal = self.too_large()
            raise _RefusedError
        return message

    def too_large(self) -> JSONResponse:
        """The answer to a body over the limit."""
        return _refusal(
            413, f"The body is larger than the {self._limit >> 20} MiB that the gateway takes. Split the request."
        )

    def too_slow(self) -> JSONResponse:
        """The answer to a body that does not come."""
        return _refusal(408, f"No more of the body has come for {self._patience:g} s. Send the request again.")


def _refusal(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status, headers={"connection": "close"})


class _RefusedError(Exception):
    pass
