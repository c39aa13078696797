"""The web as the vendors' clients see it: one proxy on this machine that plays every host.

web = Web(folder)
web.serve("api.example.com", lambda request: Response({"name": request.path}))
... a client with web.environment() asks https://api.example.com/... and trusts the certificate ...
web.close()

Clients stay as they are: they connect to the names of their vendors, through a proxy that holds a certificate for each.
"""

import contextlib
import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SMALL = 1024
"""Bytes of an answer that is not worth packing."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    host: str
    path: str
    """Without the query, percent-decoded."""

    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytes
    """Whole and unpacked."""

    def json(self) -> Any:
        """The body as JSON; None if there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Response:
    """What a site answers."""

    body: Any = b""
    """Bytes, text, or anything that is sent as JSON."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """With ``transfer-encoding: chunked`` the body goes out in pieces."""


class Lost(Exception):  # noqa: N818
    """A site raises it when the request took effect, but the answer gets lost: the connection just ends."""


Site = Callable[[Request], Response]
"""Plays one host; it is called from many threads at once."""


class Web:
    """The proxy, from its creation until ``close``.

    Args:
        folder: Where the certificates go.
        latency: Seconds that every answer takes longer, as over a network.
    """

    def __init__(self, folder: Path, *, latency: float = 0.0) -> None:
        self.latency = latency
        self.requests: list[Request] = []
        """Everything that arrived, in its order."""

        self.errors: list[Exception] = []
        """What sites raised by mistake; the client saw a 500."""

        self._sites: dict[str, Site] = {}
        self._certificates = _Certificates(folder)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the proxy."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def ca(self) -> Path:
        """The certificate that vouches for all hosts, as a PEM file."""
        return self._certificates.ca

    def serve(self, host: str, site: Site) -> None:
        """Let a site play a host: a name, or ``*.suffix`` for all that end so and have no site of their own."""
        self._sites[host] = site

    def environment(self) -> dict[str, str]:
        """Variables that lead a client here; ``NO_PROXY`` has to be unset besides."""
        proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), self.url)
        trust = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE")
        return proxies | dict.fromkeys(trust, str(self.ca))

    def reset(self) -> None:
        """Forget all sites and requests."""
        self._sites.clear()
        self.requests.clear()
        self.errors.clear()

    def close(self) -> None:
        """End it, with all connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def site(self, host: str) -> Site | None:
        """Who plays a host."""
        suffixes = [name for name in self._sites if name.startswith("*") and host.endswith(name[1:])]
        return self._sites.get(host) or (self._sites[max(suffixes, key=len)] if suffixes else None)

    def context(self, host: str) -> ssl.SSLContext:
        """The host's side of a handshake."""
        return self._certificates.context(host)

    def answer(self, request: Request) -> Response:
        """Note a request, and ask the host's site."""
        self.requests.append(request)
        time.sleep(self.latency)
        site = self.site(request.host)
        if site is None:
            return Response(f"nobody plays {request.host}", 502)
        try:
            return site(request)
        except Lost:
            raise
        except Exception as error:
            self.errors.append(error)
            return Response(f"{type(error).__name__} in the site: {error}", 500)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, web: Web) -> None:
        self.web = web
        self.open: set[_Handler] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_close(self) -> None:
        super().server_close()
        for handler in list(self.open):
            handler.end()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection: plain requests to a proxy, or CONNECT and then TLS with the host."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._tunnel: str | None = None
        self.server.open.add(self)

    def finish(self) -> None:
        self.server.open.discard(self)
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def end(self) -> None:
        """End the connection, from another thread."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def do_CONNECT(self) -> None:
        host = self.path.rsplit(":", 1)[0]
        if self.server.web.site(host) is None:
            self.server.web.requests.append(Request("CONNECT", host, "", {}, {}, b""))
            self.send_error(502, f"nobody plays {host}")
            self.close_connection = True
            return
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.web.context(host).wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self._tunnel = host
        self.close_connection = False  # some clients say HTTP/1.0 to a proxy

    def _any(self) -> None:
        try:
            response = self.server.web.answer(self._request())
        except Lost:
            self.close_connection = True
            return
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _any  # noqa: N815

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = self._tunnel or parts.hostname or headers.get("host", "").rsplit(":", 1)[0]
        body = self._chunks() if "chunked" in headers.get("transfer-encoding", "") else self._plain(headers)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        query = parse_qs(parts.query, keep_blank_values=True)
        return Request(self.command, host, unquote(parts.path) or "/", query, headers, body)

    def _plain(self, headers: Mapping[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def _send(self, response: Response) -> None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = response.body
        if not isinstance(body, bytes | str):
            body = json.dumps(body)
            headers.setdefault("content-type", "application/json")
        body = body.encode() if isinstance(body, str) else body
        packs = "gzip" in self.headers.get("accept-encoding", "") and "content-encoding" not in headers
        if packs and len(body) > _SMALL:
            body, headers["content-encoding"] = gzip.compress(body, 1), "gzip"
        chunked = headers.get("transfer-encoding") == "chunked"
        if not chunked:
            headers["content-length"] = str(len(body))
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_in_chunks(body) if chunked else body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def _in_chunks(body: bytes) -> bytes:
    pieces = [body[start : start + 4096] for start in range(0, len(body), 4096)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


class _Certificates:
    """An authority for one run of the tests, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._name = _name("an authority for tests")
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        authority = (
            self._unsigned(self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._make(host)
            return self._contexts[host]

    def _make(self, host: str) -> ssl.SSLContext:
        certificate = (
            self._unsigned(_name("a host for tests"))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{len(self._contexts)}.pem"
        private = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _unsigned(self, subject: x509.Name) -> x509.CertificateBuilder:
        """A certificate of the one key that all use; the machine's clock may be a day off."""
        now = datetime.now(UTC)
        key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
