"""Proxies, certificates and netrc: what the environment decides, and what it must not."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from qiskit_haiqu_provider.api.network import proxy_for
from qiskit_haiqu_provider.exceptions import (
    HaiquConnectionError,
    HaiquDependencyError,
    HaiquInputError,
    HaiquTimeoutError,
)
from tests.api.conftest import KEY
from tests.api.odd_server import Answer, OddServer, nobody

VERSION = Answer(json={"version": "1.0"})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd server")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure(certificate):
    """A server with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with OddServer(tls=context) as found:
        found.on("*", VERSION)
        yield found


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment(secure, client_of, certificate, monkeypatch, name):
    monkeypatch.setenv(name, str(certificate))
    assert client_of(secure).version() == "1.0"


def test_a_head_that_only_drips_through_tls(secure, client_of, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure.on("*", Answer(json={"version": "1.0"}, drip_head=0.05))
    with pytest.raises(HaiquTimeoutError, match="the answer comes too slowly"):
        client_of(secure, timeout=1, retry_seconds=0).version()


def test_an_unknown_certificate_is_refused_at_once(secure, client_of):
    with pytest.raises(HaiquConnectionError, match=r"GET /version: the service cannot be reached: .*certificate") as e:
        client_of(secure).version()
    assert not e.value.reached
    assert secure.requests == []
    assert secure.connections == 0


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_are_none(client_of, tmp_path, monkeypatch, name, content):
    path = tmp_path / "none.pem"
    if content:
        path.write_text(content)
    monkeypatch.setenv(name, str(path))
    with pytest.raises(HaiquInputError, match=f"variable {name} is .*none.pem"):
        client_of("https://api.example")


@pytest.mark.parametrize("name", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_a_folder_of_certificates_is_used(secure, client_of, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, str(tmp_path))  # it is empty, so that nothing is trusted
    with pytest.raises(HaiquConnectionError, match="certificate"):
        client_of(secure).version()


def test_without_encryption_no_certificates_are_read(odd, client_of, monkeypatch):
    odd.on("*", VERSION)
    monkeypatch.setenv("SSL_CERT_FILE", "/there/is/none")
    assert client_of(odd).version() == "1.0"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_of_the_environment(odd, client_of, monkeypatch, name, scheme):
    odd.on("*", VERSION)
    monkeypatch.setenv(name, f"{scheme}{odd.url.removeprefix('http://')}")
    assert client_of("http://haiqu.example").version() == "1.0"
    assert odd.last.target == "http://haiqu.example/version"
    assert odd.last.headers["authorization"] == KEY


def test_the_password_of_a_proxy(odd, client_of, monkeypatch):
    odd.on("*", VERSION)
    monkeypatch.setenv("HTTP_PROXY", odd.url.replace("//", "//ada:open%20sesame@"))
    client_of("http://haiqu.example").version()
    assert odd.last.headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "other.example,127.0.0.1"])
def test_no_proxy(odd, client_of, monkeypatch, exempt):
    odd.on("*", VERSION)
    monkeypatch.setenv("HTTP_PROXY", nobody())
    monkeypatch.setenv("NO_PROXY", exempt)
    assert client_of(odd).version() == "1.0"


def test_which_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://a.example:1")
    monkeypatch.setenv("ALL_PROXY", "b.example:2")
    monkeypatch.setenv("NO_PROXY", ".inner.example")
    assert proxy_for("https://haiqu.example") == "http://a.example:1"
    assert proxy_for("http://haiqu.example") == "http://b.example:2"
    assert proxy_for("https://x.inner.example") is None


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_is_told(odd, client_of, monkeypatch, status):
    odd.on("*", Answer(status=status))
    monkeypatch.setenv("HTTPS_PROXY", odd.url)
    with pytest.raises(HaiquConnectionError, match=f"the service cannot be reached: {status}") as found:
        client_of("https://haiqu.example").version()
    assert not found.value.reached
    assert odd.last.method == "CONNECT"
    assert "authorization" not in odd.last.headers
    assert len(odd.requests) == 1


def test_a_proxy_that_cannot_be_used(client_of, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "ftp://ada:password@proxy.example")
    with pytest.raises(HaiquInputError, match="The proxy in the environment cannot be used") as found:
        client_of("https://haiqu.example")
    assert "password" not in str(found.value)


def test_a_proxy_that_needs_another_package(client_of, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example:1")
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)  # as if it was not installed
    with pytest.raises(HaiquDependencyError, match=r"pip install 'httpx\[socks\]'"):
        client_of("https://haiqu.example")


@pytest.mark.parametrize("auth", ["header", "query"])
@pytest.mark.parametrize("how", ["NETRC", "HOME"])
def test_netrc_is_never_read(odd, client_of, tmp_path, monkeypatch, auth, how):
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login ada password wrong\ndefault login x password y\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv(how, str(tmp_path / ".netrc" if how == "NETRC" else tmp_path))
    odd.on("*", VERSION)
    client_of(odd, auth=auth).version()
    assert odd.last.headers.get("authorization") == (KEY if auth == "header" else None)
    assert "Basic" not in str(odd.last.headers)


def test_a_host_that_there_is_not_is_told_at_once(client_of):
    with pytest.raises(HaiquConnectionError, match="the service cannot be reached: "):
        client_of("http://haiqu.invalid", retry_seconds=0).version()
