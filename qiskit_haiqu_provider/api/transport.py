"""One request over the network, and what came of it as a plain value."""

import base64
import hashlib
import os
import re
import socket
import ssl
import sys
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx

from qiskit_haiqu_provider.api.answers import Answer, Broken, Kind, Outcome
from qiskit_haiqu_provider.api.calls import Call
from qiskit_haiqu_provider.api.hush import Hush, forms
from qiskit_haiqu_provider.api.network import proxy_for, way_to
from qiskit_haiqu_provider.api.settings import Settings
from qiskit_haiqu_provider.causes import causes
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.version import __version__

SDK_VERSION = "1.7.0"
"""The version of the official client whose requests ours are like. The service turns away those without one."""

HEADERS: Mapping[str, str] = {"haiqu-sdk-version": SDK_VERSION}

_SCHEMES: Mapping[str, str] = {"bearer": "Bearer ", "apikey": "apiKey "}
"""What goes before the key in its header, where something does."""

_CONNECT_SECONDS = 10.0
"""A connection is made within that time, or hardly ever."""

_SHORTEST = 1.0
"""Seconds that an answer is given at least, however impatient the caller."""

_ERROR_BYTES = 1 << 20
"""An answer that is no success is read so far."""

_SILENCE = (httpx.ReadTimeout, httpx.WriteTimeout)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Keyed(httpx.BaseTransport):
    """Adds the key on the way out, below everything that logs requests or hangs them on exceptions.

    Args:
        way: Where requests go.
        key: The key.
        auth: ``"header"``, ``"bearer"`` or ``"apikey"`` for a header that says so, or ``"query"``.
    """

    def __init__(self, way: httpx.BaseTransport, key: Secret, auth: str) -> None:
        self._way = way
        self._key = key
        self._auth = auth

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a copy of the request that has the key."""
        url, headers = request.url, httpx.Headers(request.headers)
        if self._auth == "query":
            url = url.copy_merge_params({"HAIQU_API_KEY": self._key.reveal()})
        else:
            headers["authorization"] = f"{_SCHEMES.get(self._auth, '')}{self._key.reveal()}"
        return self._way.handle_request(
            httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)
        )

    def close(self) -> None:
        """Close all connections."""
        self._way.close()


_OPEN: "weakref.WeakSet[Exchange]" = weakref.WeakSet()
"""Those of this process; a child that is forked makes connections of its own."""


def _renew_all() -> None:
    for exchange in list(_OPEN):
        exchange.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


class Exchange:
    """Sends requests over connections that are kept open; threads may share it.

    Args:
        settings: Where to, with which key, and how long it may take.
        transport: What carries requests; by default connections over the network, as the environment says.
        headers: Headers of all requests, beside those that any client has.
    """

    def __init__(
        self, settings: Settings, transport: httpx.BaseTransport | None, *, headers: Mapping[str, str] = HEADERS
    ) -> None:
        self._settings = settings
        self._headers = headers
        self._transport = transport
        self._open()
        _OPEN.add(self)

    def renew(self) -> None:
        """Use connections of this process's own: those that a fork inherited would mix up answers with its parent's.

        A transport that was given stays; it has to see to that itself.
        """
        self._end.detach()  # closing them would end those of the parent, where they are encrypted
        self._open()

    def _open(self) -> None:
        settings = self._settings
        self._http = httpx.Client(
            transport=Keyed(self._transport or way_to(settings.url), settings.key, settings.auth),
            trust_env=False,  # else some versions of httpx read netrc; proxies and certificates are in the transport
            follow_redirects=False,
            headers={
                "accept": "application/json",
                "user-agent": f"qiskit-haiqu-provider/{__version__}",
                **self._headers,
            },
        )
        hush = Hush(forms([settings.key]))
        hush.install()
        self._end = weakref.finalize(self, _shut, self._http, hush)

    def send(self, call: Call) -> Outcome:
        """Send a request once."""
        before = sys.exception()
        if self._http.is_closed:
            return Broken(kind=Kind.UNREACHABLE, reason="this client was closed; make a new one", lasting=True)
        address = f"{self._settings.url}{call.path}{'?' if call.query else ''}{call.query}"
        try:
            with self._http.stream(
                call.method,
                address,
                content=call.content,
                headers=dict(call.headers),
                timeout=self._limits(call),
            ) as response:
                return self._answer(response)
        except httpx.HTTPError as error:
            return self._told(broken(error, before=before))
        except httpx.InvalidURL as error:
            return Broken(kind=Kind.UNREACHABLE, reason=f"the address cannot be used: {error}", lasting=True)

    def close(self) -> None:
        """Close all connections."""
        self._end()

    def _told(self, outcome: Broken) -> Broken:
        """What went wrong, with the address if that may be the cause."""
        if outcome.kind is not Kind.UNREACHABLE:
            return outcome
        through = " through the proxy in the environment" if proxy_for(self._settings.url) else ""
        return replace(outcome, reason=f"{outcome.reason} ({self._settings.url}{through})")

    def _limits(self, call: Call) -> httpx.Timeout:
        seconds = max(call.within(self._settings.timeout), min(self._settings.timeout, _SHORTEST))
        return httpx.Timeout(seconds, read=seconds + call.wait, connect=min(seconds, _CONNECT_SECONDS))

    @staticmethod
    def _answer(response: httpx.Response) -> Outcome:
        body = b"".join(_parts(response))
        if response.is_success and _is_changed(response, body):
            return Broken(kind=Kind.LOST, reason="the answer was changed on its way: it does not match its digest")
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
        )


def _shut(http: httpx.Client, hush: Hush) -> None:
    """End an exchange, also one that nobody closed."""
    http.close()
    hush.remove()


def _is_changed(response: httpx.Response, body: bytes) -> bool:
    """Whether a body is not the one that its digest (RFC 9530) was made of; services need not send any."""
    told = _DIGEST.search(response.headers.get("content-digest", ""))
    if told is None or "content-encoding" in response.headers:  # it would be of the encoded body
        return False
    return base64.b64encode(hashlib.sha256(body).digest()).decode() != told[1]


_DIGEST = re.compile(r"\bsha-256=:([A-Za-z0-9+/=]+):")


def _parts(response: httpx.Response) -> Iterator[bytes]:
    """The body; of an answer that is no success, the beginning."""
    for part in response.iter_bytes():
        yield part
        if not response.is_success and response.num_bytes_downloaded > _ERROR_BYTES:
            return


def broken(error: httpx.HTTPError, *, before: BaseException | None = None) -> Broken:
    """What an error of httpx means. The error itself is left behind: it holds the request.

    Args:
        error: The error.
        before: What was being handled when the request was sent.
    """
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx.PoolTimeout):
        return Broken(kind=Kind.BUSY, reason="all connections of this client are in use")
    if isinstance(error, _NO_CONNECTION):
        return Broken(kind=Kind.UNREACHABLE, reason=reason, lasting=any(map(_lasts, causes(error, before=before))))
    if isinstance(error, _SILENCE):
        return Broken(kind=Kind.SILENT, reason=reason)
    if isinstance(error, httpx.DecodingError):
        return Broken(kind=Kind.GARBLED, reason=reason)
    return Broken(kind=Kind.LOST, reason=reason)


def _lasts(error: BaseException) -> bool:
    """Whether there is no use in trying again: no such host, no trust, no permission of the proxy."""
    if isinstance(error, httpx.ProxyError | httpx.UnsupportedProtocol | ssl.SSLCertVerificationError):
        return True
    return isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
