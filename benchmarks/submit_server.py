"""A service of fixed latency: ``python -m benchmarks.submit_server --latency 0.05``; prints its address.

It answers as the documentation says, and does as little as it can, so that what is measured is the client. Circuits and
jobs are kept in memory; what a job runs is not looked at. Without latency, ``GET /count`` answers how many requests and
bytes there were since it was last asked, and ``GET /last`` the body of the last job.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import orjson

from benchmarks.submit_answers import DEVICE, EXPERIMENT, USER, circuit_record, finished, flow_record, run_record

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BY_HASH = re.compile(r"/experiments/([^/]+)/circuits/([^/]+)")
_REASONS = {200: b"OK", 404: b"Not Found"}

Reply = tuple[int, bytes]
NOT_FOUND: Reply = (404, b'{"detail":"There is nothing there."}')


class Service:
    """What is stored, and the answers."""

    def __init__(self) -> None:
        self.circuits: dict[str, bytes] = {}
        """Records by hash."""

        self.jobs: dict[str, dict[str, Any]] = {}
        self.last = b""
        """The body of the last job."""

        self.requests = self.up = self.down = 0

    def count(self) -> bytes:
        """What there was since this was asked before."""
        text = json.dumps({"requests": self.requests, "up": self.up, "down": self.down})
        self.requests = self.up = self.down = 0
        return text.encode()

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The answer to a request."""
        if method == "GET":
            return self._get(path)
        made = _POSTS.get(path)
        return (200, made(self, body)) if made else NOT_FOUND

    def _get(self, path: str) -> Reply:
        by_hash = _BY_HASH.fullmatch(path)
        if by_hash:
            record = self.circuits.get(by_hash[2])
            return (200, record) if record else NOT_FOUND
        if path.startswith("/jobs/"):
            job = self.jobs.get(path.removeprefix("/jobs/"))
            return (200, orjson.dumps(finished(job))) if job else NOT_FOUND
        found = _FIXED.get(path)
        return (200, found) if found else NOT_FOUND

    def upload(self, body: bytes) -> bytes:
        """Store a circuit."""
        given = orjson.loads(body)
        record = orjson.dumps(circuit_record(given, f"circ-{uuid4()}"))
        self.circuits[given["hash"]] = record
        return record

    def run(self, body: bytes) -> bytes:
        """Accept a job of /run."""
        self.last = body
        return self._accept(run_record(orjson.loads(body), f"jb-{uuid4()}"))

    def flow(self, body: bytes) -> bytes:
        """Accept a job of /flow."""
        return self._accept(flow_record(orjson.loads(body), f"jb-{uuid4()}"))

    def _accept(self, job: dict[str, Any]) -> bytes:
        self.jobs[job["id"]] = job
        return orjson.dumps(job)


_FIXED = {
    "/version": b'{"version":"1.7.0"}',
    "/health/auth": b'{"username":"bench"}',
    "/user": orjson.dumps(USER),
    "/devices": orjson.dumps([DEVICE]),
    f"/devices/{DEVICE['id']}": orjson.dumps(DEVICE),
    f"/experiments/{EXPERIMENT['id']}": orjson.dumps(EXPERIMENT),
}
_POSTS: dict[str, Callable[[Service, bytes], bytes]] = {
    "/experiments/init": lambda _, __: orjson.dumps(EXPERIMENT),
    "/circuits": Service.upload,
    "/run": Service.run,
    "/flow": Service.flow,
}


class Connection(asyncio.Protocol):
    """One connection that is kept open; a request is answered after the latency.

    Args:
        service: What answers.
        latency: Seconds from the end of the request to the answer.
    """

    def __init__(self, service: Service, latency: float) -> None:
        self._service = service
        self._latency = latency
        self._data = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        arrived = time.monotonic()
        self._data += data
        while len(self._data) >= max(self._needed, 1):
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._data, 0, end + 2)
            self._needed = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < self._needed:
                return
            request, self._data = bytes(self._data[: self._needed]), self._data[self._needed :]
            self._needed = 0
            self._take(request, end + 4, arrived)

    def _take(self, request: bytes, head: int, arrived: float) -> None:
        method, address, _ = request[: request.index(b"\r\n")].decode().split(" ")
        path = address.partition("?")[0]
        service = self._service
        if path == "/count":
            self._write(200, service.count())
        elif path == "/last":
            self._write(200, service.last)
        else:
            status, body = service.answer(method, path, request[head:])
            service.requests += 1
            service.up += len(request)
            service.down += len(body)
            # What the answer took to make is part of the latency.
            pause = max(self._latency - (time.monotonic() - arrived), 0.0)
            asyncio.get_running_loop().call_later(pause, self._write, status, body)

    def _write(self, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, _REASONS[status], len(body)) + body)


async def serve(latency: float) -> None:
    """Serve on a free port until the process is ended."""
    service = Service()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service, latency), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submit_server", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds (default: %(default)s)")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().latency))


if __name__ == "__main__":
    main()
