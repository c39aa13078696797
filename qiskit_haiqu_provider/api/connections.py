"""Connections on which no answer takes forever, and the transport of httpx that uses them.

The time limits of httpx are for each read, so that an answer whose bytes come one by one has no end. Here the limit is
for a whole answer, head and body; a long one is given more time.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

_SLOWEST = 1024.0
"""Bytes in a second. An answer that comes slower than this, and for longer than the time limit, is given up."""

_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Pooled(httpx.BaseTransport):
    """Sends requests over connections that are kept open.

    Args:
        **how: The arguments of ``httpcore.ConnectionPool``.
    """

    def __init__(self, **how: Any) -> None:
        self._pool = httpcore.ConnectionPool(network_backend=_Network(), **how)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer is read later."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        with _told_as_httpx():
            answer = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    target,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _told_as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _told_as_httpx() -> Iterator[None]:
    """Raises errors of httpcore as those of httpx, which have the same names."""
    try:
        yield
    except _ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


class _Network(httpcore.SyncBackend):
    """Makes connections."""

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Connection(super().connect_tcp(*args, **kwargs))


class _Connection(httpcore.NetworkStream):
    """One connection. An answer begins when it is waited for, and ends when something is sent again."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._began: float | None = None
        self._received = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is None:
            return self._stream.read(max_bytes)
        now = time.monotonic()
        if self._began is None:
            self._began, self._received = now, 0
        left = self._began + timeout + self._received / _SLOWEST - now
        try:
            found = self._stream.read(max_bytes, min(timeout, max(left, 1 / _SLOWEST)))
        except httpcore.ReadTimeout as error:
            if not self._received:
                raise
            raise httpcore.ReadTimeout(f"the answer comes too slowly, {self._received} bytes so far") from error
        self._received += len(found)
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._began = None
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Connection(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
