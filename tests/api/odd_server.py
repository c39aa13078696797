"""A small HTTP server that answers as it is told, also what no good server would; and that remembers every request.

    with OddServer() as server:
        server.on("GET /user", Answer(status=503), Answer(json={"username": "ada"}))
        server.on("POST /run", CUT_BEFORE_ANSWER)
        ...
        assert server.asked == ["GET /user", "GET /user"]

The answers of an address are given in order; the last one stays.
"""

import atexit
import contextlib
import functools
import json as json_module
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """What is answered, and how.

    Attributes:
        status: Status code.
        json: Body, written as JSON.
        body: Body as it is; wins over ``json``.
        headers: Headers; ``content-type`` is ``application/json`` unless it is given.
        delay: Seconds before the answer.
        hold: An event that has to be set before the answer is sent.
        drip: Seconds between any two parts of the body.
        drip_bytes: Length of these parts.
        drip_head: Seconds between any two bytes of the head.
        cut: Where the connection is cut: ``"unread"`` without reading the body of the request, ``"before"`` the
            answer, ``"head"`` in the middle of the head, ``"body"`` in the middle of the body.
        reset: Whether a cut is a reset (RST), not an end (FIN).
        then_close: Whether the connection is closed after the answer although the answer does not say so.
        raw: Bytes to send in place of everything, before closing.
        length: False leaves the length out: the body ends with the connection.
    """

    status: int = 200
    json: Any = None
    body: bytes | str | None = None
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    hold: threading.Event | None = None
    drip: float = 0.0
    drip_bytes: int = 1
    drip_head: float = 0.0
    cut: str | None = None
    reset: bool = False
    then_close: bool = False
    raw: bytes | None = None
    length: bool = True

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        if self.body is None:
            return json_module.dumps(self.json).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


HTML = Answer(
    status=502,
    body="<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>",
    headers={"content-type": "text/html"},
)
MALFORMED = Answer(body='{"id": "jb-1", "status": ')
EMPTY = Answer(body="")
CUT_UNREAD = Answer(cut="unread")
CUT_BEFORE_ANSWER = Answer(cut="before")
RESET_BEFORE_ANSWER = Answer(cut="before", reset=True)
CUT_IN_HEAD = Answer(json={"message": "never complete"}, cut="head")
CUT_IN_BODY = Answer(json={"message": "never complete"}, cut="body")
GARBAGE = Answer(raw=b"\x16\x03\x01 this is not HTTP\r\n\r\n")


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    """Without the query, as it was sent: percent signs are kept."""

    query: dict
    headers: dict
    """Names in lower case."""

    body: bytes
    connection: int
    """Number of the connection, from 0."""

    target: str
    """The address as it was sent; with a proxy in between it begins with ``http``."""

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @property
    def json(self) -> Any:
        """The body, read."""
        return json_module.loads(self.body)


Behaviour = Answer | Callable[[Asked], Answer]
"""An answer, or what makes one of the request."""

NOT_SCRIPTED = Answer(status=404, json={"detail": "The test did not say what is here."})


@functools.cache
def nobody() -> str:
    """An address where nobody listens. It stays bound, so that nobody else is given it meanwhile."""
    unused = socket.socket()
    atexit.register(unused.close)
    unused.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{unused.getsockname()[1]}"


class OddServer:
    """The server; use it as a context manager.

    Args:
        tls: A server-side SSL context, for https.
    """

    def __init__(self, tls=None):
        self._answers = {}
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)
        self._idle = {}
        self._connections = 0
        self._running = 0
        self.requests: list[Asked] = []
        self.most_at_once = 0
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """Method and path of every request so far."""
        return [request.name for request in self.requests]

    @property
    def last(self) -> Asked:
        """The newest request."""
        return self.requests[-1]

    def count(self, name: str) -> int:
        """How often this was asked, such as ``"POST /run"``."""
        return self.asked.count(name)

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        return self._connections

    def on(self, name: str, *answers: Behaviour) -> None:
        """What is answered at an address.

        Args:
            name: Method and path as sent, or a path for all methods; ``"*"`` stands for everything else.
            *answers: In this order; the last one stays.
        """
        with self._lock:
            self._answers[name] = list(answers)

    def close_idle(self) -> None:
        """Close every connection that waits for its next request, as servers do after a while."""
        with self._lock:
            waiting = list(self._idle.values())
        for connection in waiting:
            _end(connection)

    def settle(self) -> None:
        """Wait until every answer is given and what had to be closed after it is closed."""
        with self._lock:
            self._quiet.wait_for(lambda: not self._running, 60)

    def __enter__(self):
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self.close_idle()
        self._http.server_close()
        self._thread.join()

    # What the handler calls

    def _connected(self) -> int:
        with self._lock:
            self._connections += 1
            return self._connections - 1

    def _rests(self, number: int, connection) -> None:
        with self._lock:
            self._idle[number] = connection

    def _wakes(self, number: int) -> None:
        with self._lock:
            self._idle.pop(number, None)

    def _answer(self, request: Asked) -> Answer:
        with self._lock:
            self.requests.append(request)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            queue = next((self._answers[key] for key in (request.name, request.path, "*") if key in self._answers), [])
            behaviour = queue.pop(0) if len(queue) > 1 else queue[0] if queue else NOT_SCRIPTED
        return behaviour(request) if callable(behaviour) else behaviour

    def _answered(self) -> None:
        with self._lock:
            self._running -= 1
            self._quiet.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Clients that go away, or refuse a certificate, are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.owner = self.server.owner
        self.number = self.owner._connected()

    def handle_one_request(self):
        self.owner._rests(self.number, self.connection)
        try:
            self.raw_requestline = self.rfile.readline(65537)
        except OSError:
            self.raw_requestline = b""
        finally:
            self.owner._wakes(self.number)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._serve()

    def finish(self):
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_):
        pass

    def _serve(self):
        request = self._request()
        answer = self.owner._answer(request)
        try:
            self._give(answer)
        except OSError:  # the client did not wait
            self.close_connection = True
        finally:
            self.owner._answered()

    def _request(self):
        target = urlsplit(self.path)
        key = f"{self.command} {target.path}"
        queue = self.owner._answers.get(key, self.owner._answers.get(target.path, []))
        unread = bool(queue) and isinstance(queue[0], Answer) and queue[0].cut == "unread"
        body = b"" if unread else self.rfile.read(int(self.headers.get("content-length", 0)))
        return Asked(
            method=self.command,
            path=target.path,
            query=parse_qs(target.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            connection=self.number,
            target=self.path,
        )

    def _give(self, answer):
        if answer.delay:
            time.sleep(answer.delay)
        if answer.hold is not None:
            answer.hold.wait(60)
        if answer.raw is not None:
            self.connection.sendall(answer.raw)
        elif answer.cut not in ("unread", "before"):
            self._send(answer)
        if answer.cut or answer.then_close or answer.raw is not None or not answer.length:
            self.close_connection = True
            _end(self.connection, reset=answer.reset)

    def _send(self, answer):
        head, content = _head(answer), answer.content
        if answer.cut == "head":
            head, content = head[: len(head) // 2], b""
        elif answer.cut == "body":
            content = content[: len(content) // 2]
        if not (answer.drip or answer.drip_head):
            self.connection.sendall(head + content)
            return
        _drip(self.connection, head, answer.drip_head)
        _drip(self.connection, content, answer.drip, answer.drip_bytes)


def _head(answer):
    headers = {"content-type": "application/json", **answer.headers}
    if answer.length:
        headers["content-length"] = str(len(answer.content))
    else:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _drip(connection, content, pause, length=1):
    if not pause:
        connection.sendall(content)
        return
    for start in range(0, len(content), length):
        connection.sendall(content[start : start + length])
        time.sleep(pause)


def _end(connection, *, reset=False):
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        else:
            connection.shutdown(socket.SHUT_RDWR)
