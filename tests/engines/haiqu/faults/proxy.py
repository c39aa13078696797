"""A proxy that does harm: it stands between a client and its service, and breaks what it is told to break.

with FaultProxy(gateway.url) as proxy:
    proxy.plan = Plan(random.Random(1), share=lambda name: 0.3, timeout=0.4)
    ... a client of proxy.url ...
    proxy.plan = None   # from now on everything passes
    proxy.drain()       # requests that were held back have been sent on
"""

import contextlib
import os
import re
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.engines.haiqu.faults.trouble import Kind
from tests.engines.haiqu.faults.wire import (
    ClosedError,
    Message,
    end,
    flipped,
    length_of,
    name_of,
    own_answer,
    peek_head,
    read_exactly,
    read_message,
)

_PATIENCE = 60
"""Seconds that the service has for an answer."""

_TOKEN = re.compile(rb"\[client-token:([0-9a-f]{32})\]")
_SPOKEN = ("idempotency-key", "idempotency-key-support")
"""Headers by which clients and services agree on sending again."""


@dataclass(frozen=True)
class Seen:
    """A request that the client sent whole."""

    name: str
    token: str | None
    """Client token of a submission."""

    kind: Kind | None
    """What was done to it."""


class FaultProxy:
    """The proxy; use it as a context manager.

    Args:
        url: The service.
        silent: Whether to take out what the service says of idempotency keys, and the keys themselves.
    """

    def __init__(self, url, *, silent=False):
        parts = urlsplit(url)
        self._service = (parts.hostname, parts.port)
        self._silent = silent
        self._lock = threading.Lock()
        self._connections = set()
        self._busy = 0
        self._ended = threading.Event()
        self.plan = None
        """Draws the faults; None for none."""

        self.seen = []
        """Requests that came in whole, in their order."""

        self._out = threading.Lock()
        self._listener = _bound(0)
        self._port = self._listener.getsockname()[1]

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self):
        """How many connections clients have open."""
        return len(self._connections)

    def submissions(self, token):
        """How often the client sent a submission with this token."""
        return sum(one.token == token for one in self.seen)

    def drain(self):
        """Wait until nothing is held back any more."""
        while self._busy:
            time.sleep(0.01)

    def __enter__(self):
        self._listen()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._deafen()
        self.drain()

    # Connections

    def _listen(self):
        self._listener.listen(256)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._connections.add(connection)
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _deafen(self):
        """Refuse connections, and close those that there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            end(connection)

    def _outage(self, seconds):
        if not self._out.acquire(blocking=False):
            return  # there is one already
        try:
            self._deafen()
            self._listener = _bound(self._port)  # keeps the port, and refuses connections until it listens
            time.sleep(seconds)
            if not self._ended.is_set():
                self._listen()
        finally:
            self._out.release()

    def _attend(self, connection):
        """Pass on what comes over a connection, request by request, until it ends."""
        try:
            while self._one(connection):
                pass
        except (ClosedError, OSError):
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            end(connection)

    def _one(self, connection):
        """One request; returns whether the connection goes on."""
        head = peek_head(connection)
        with self._lock:
            self._busy += 1
        try:
            plan = self.plan
            trouble = plan and plan.draw(name_of(head))
            if trouble is None:
                connection.sendall(self._answer(self._request(connection)).raw)
                return True
            return _HARM[trouble.kind](self, connection, head, trouble)
        finally:
            with self._lock:
                self._busy -= 1

    # Requests and answers

    def _request(self, connection, kind=None):
        request = read_message(connection)
        token = _TOKEN.search(request.body) if request.name in ("POST /run", "POST /flow") else None
        self.seen.append(Seen(request.name, token and token[1].decode(), kind))
        return request

    def _answer(self, request):
        """What the service answers, over a connection of its own."""
        with socket.create_connection(self._service, timeout=_PATIENCE) as service:
            service.sendall(self._muted(request).raw)
            return self._muted(read_message(service))

    def _muted(self, message):
        for header in _SPOKEN if self._silent else ():
            message = message.without(header)
        return message

    # Harm before the request is sent on

    def _refuse(self, connection, head, trouble):
        self._outage(trouble.seconds)
        return False

    def _close_unread(self, connection, head, trouble):
        end(connection, reset=trouble.reset)
        return False

    def _cut_request_head(self, connection, head, trouble):
        read_exactly(connection, 1 + int(trouble.at * (len(head) - 1)))
        end(connection, reset=trouble.reset)
        return False

    def _cut_request_body(self, connection, head, trouble):
        read_exactly(connection, len(head) + int(trouble.at * length_of(head)))
        end(connection, reset=trouble.reset)
        return False

    def _cut_request_whole(self, connection, head, trouble):
        self._request(connection, trouble.kind)
        end(connection, reset=trouble.reset)
        return False

    def _send_a_part(self, connection, head, trouble):
        raw = self._request(connection, trouble.kind).raw
        with socket.create_connection(self._service, timeout=_PATIENCE) as service:
            service.sendall(raw[: int(trouble.at * len(raw))])
        end(connection, reset=trouble.reset)
        return False

    def _late_request(self, connection, head, trouble):
        request = self._request(connection, trouble.kind)
        time.sleep(trouble.seconds)
        answer = self._answer(request)
        connection.sendall(answer.raw)
        return True

    def _fault_unsent(self, connection, head, trouble):
        self._request(connection, trouble.kind)
        connection.sendall(own_answer(trouble.status).raw)
        return True

    # Harm after it, and before the answer

    def _close_unanswered(self, connection, head, trouble):
        self._answer(self._request(connection, trouble.kind))
        end(connection, reset=trouble.reset)
        return False

    def _late_answer(self, connection, head, trouble):
        answer = self._answer(self._request(connection, trouble.kind))
        time.sleep(trouble.seconds)
        connection.sendall(answer.raw)
        return True

    def _fault_sent(self, connection, head, trouble):
        self._answer(self._request(connection, trouble.kind))
        connection.sendall(own_answer(trouble.status).raw)
        return True

    def _duplicate(self, connection, head, trouble):
        request = self._request(connection, trouble.kind)
        answers = [self._answer(request), self._answer(request)]
        connection.sendall(answers[trouble.second].raw)
        return True

    # Harm in the middle of the answer

    def _cut_answer(self, connection, head, trouble):
        answer = self._answer(self._request(connection, trouble.kind))
        connection.sendall(answer.raw[: _cut_at(answer, trouble)])
        end(connection, reset=trouble.reset)
        return False

    def _stall(self, connection, head, trouble):
        answer = self._answer(self._request(connection, trouble.kind))
        connection.sendall(answer.raw[: int(trouble.at * len(answer.raw))])
        time.sleep(trouble.seconds)
        return False

    def _flip(self, connection, head, trouble):
        answer = self._answer(self._request(connection, trouble.kind))
        connection.sendall(_flipped(answer, trouble).raw)
        return True


_HARM = {
    Kind.OUTAGE: FaultProxy._refuse,
    Kind.CLOSE_UNREAD: FaultProxy._close_unread,
    Kind.CUT_REQUEST_HEAD: FaultProxy._cut_request_head,
    Kind.CUT_REQUEST_BODY: FaultProxy._cut_request_body,
    Kind.CUT_REQUEST_WHOLE: FaultProxy._cut_request_whole,
    Kind.SEND_A_PART: FaultProxy._send_a_part,
    Kind.SLOW_REQUEST: FaultProxy._late_request,
    Kind.LATE_REQUEST: FaultProxy._late_request,
    Kind.FAULT_UNSENT: FaultProxy._fault_unsent,
    Kind.CLOSE_UNANSWERED: FaultProxy._close_unanswered,
    Kind.LATE_ANSWER: FaultProxy._late_answer,
    Kind.FAULT_SENT: FaultProxy._fault_sent,
    Kind.DUPLICATE: FaultProxy._duplicate,
    Kind.CUT_STATUS: FaultProxy._cut_answer,
    Kind.CUT_HEADERS: FaultProxy._cut_answer,
    Kind.CUT_BODY: FaultProxy._cut_answer,
    Kind.STALL: FaultProxy._stall,
    Kind.FLIP_STATUS: FaultProxy._flip,
    Kind.FLIP_HEADERS: FaultProxy._flip,
    Kind.FLIP_BODY: FaultProxy._flip,
}


def _bound(port):
    listener = socket.socket()
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # there may be connections in their last minute
    listener.bind(("127.0.0.1", port))
    return listener


def _cut_at(answer, trouble):
    """How many bytes of an answer come through; never all of them."""
    line, head, whole = len(answer.first_line), len(answer.head), len(answer.raw)
    first, last = {Kind.CUT_STATUS: (0, line), Kind.CUT_HEADERS: (line, head), Kind.CUT_BODY: (head, whole)}[
        trouble.kind
    ]
    return min(first + int(trouble.at * (last - first)), whole - 1)


def _flipped(answer, trouble):
    line = answer.first_line
    if trouble.kind is Kind.FLIP_STATUS:
        return Message(flipped(line, trouble.bits) + answer.head[len(line) :], answer.body)
    if trouble.kind is Kind.FLIP_HEADERS:
        return Message(line + flipped(answer.head[len(line) :], trouble.bits), answer.body)
    return Message(answer.head, flipped(answer.body, trouble.bits))
