"""HTTP messages as bytes, no more understood than a proxy has to."""

import contextlib
import re
import socket
import struct
import time
from dataclasses import dataclass

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"


class ClosedError(Exception):
    """The other side has closed the connection."""


@dataclass(frozen=True)
class Message:
    """A request or an answer."""

    head: bytes
    """All lines before the body, with the empty one."""

    body: bytes

    @property
    def raw(self):
        """All of it."""
        return self.head + self.body

    @property
    def first_line(self):
        """The first line with its end."""
        return self.head[: self.head.index(b"\r\n") + 2]

    @property
    def name(self):
        """Method and path of a request."""
        return name_of(self.first_line)

    def without(self, header):
        """The message without a header."""
        return Message(re.sub(rb"(?im)^" + header.encode() + rb":[^\r\n]*\r\n", b"", self.head), self.body)


def name_of(line):
    """Method and path in the first line of a request, without a query."""
    method, target, _ = line.decode("latin-1").split(" ", 2)
    return f"{method} {target.partition('?')[0]}"


def peek_head(connection):
    """The head of the next request, which is left unread.

    Raises:
        ClosedError: If there is none.
    """
    while True:
        seen = connection.recv(65536, socket.MSG_PEEK)
        if not seen:
            raise ClosedError
        if _END in seen:
            return seen[: seen.index(_END) + len(_END)]
        time.sleep(0.001)


def read_exactly(connection, count):
    """So many bytes.

    Raises:
        ClosedError: If there are fewer.
    """
    parts = []
    while count:
        part = connection.recv(min(count, 65536))
        if not part:
            raise ClosedError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def length_of(head):
    """Bytes of the body that a head announces."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


def read_message(connection):
    """A whole message.

    Raises:
        ClosedError: If the connection ends before.
    """
    head = read_exactly(connection, len(peek_head(connection)))
    if not _CHUNKED.search(head):
        return Message(head, read_exactly(connection, length_of(head)))
    body = b""
    while not body.endswith(_LAST_CHUNK):
        body += read_exactly(connection, 1)
    return Message(head, body)


def own_answer(status):
    """What a proxy answers by itself."""
    page = f"<html><head><title>{status} Bad Gateway</title></head><body>nobody is there</body></html>".encode()
    head = f"HTTP/1.1 {status} Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n\r\n"
    return Message(head.encode(), page)


def flipped(data, bits):
    """The bytes with wrong bits at places from 0 to 1."""
    wrong = bytearray(data)
    for place, mask in bits:
        if wrong:
            wrong[int(place * len(wrong))] ^= mask
    return bytes(wrong)


def end(connection, *, reset=False):
    """Close a connection for good."""
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
