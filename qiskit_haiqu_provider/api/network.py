"""The way out: connections, and the proxy and the trusted certificates that the environment names."""

import importlib
import os
import ssl
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from qiskit_haiqu_provider.api.connections import Pooled
from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquInputError

CONNECTIONS = 128
"""Connections that a client keeps open at most."""

IDLE_SECONDS = 4.0
"""How long a connection may rest before it is not used again.

Servers close connections that rest, many after five seconds; a submission that is sent at that very moment is lost
without anybody knowing whether it arrived. So resting connections are given up before. Those that the server has closed
already are noticed before something is sent, and replaced.
"""

_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables with certificates to trust; the first that is set counts. httpx knows only its own, users all of them."""

_FOLDER = "SSL_CERT_DIR"

_NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For addresses without encryption, where there is nothing to check."""


def way_to(url: str) -> httpx.BaseTransport:
    """The transport to an address, through the proxy that the environment names for it.

    Raises:
        HaiquInputError: If a setting in the environment cannot be used.
        HaiquDependencyError: If the proxy needs a package that is not installed.
    """
    context = trust() if url.startswith("https:") else _NO_TRUST
    try:
        return Pooled(
            ssl_context=context,
            proxy=_proxy(proxy_for(url)),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
        )
    except ImportError:
        raise HaiquDependencyError(
            "The proxy in the environment is a SOCKS proxy, which needs one more package: pip install 'httpx[socks]'"
        ) from None
    except (ValueError, httpx.InvalidURL):  # the address may hold a password
        raise HaiquInputError(
            "The proxy in the environment cannot be used; give HTTP_PROXY or HTTPS_PROXY as http://host:port."
        ) from None


def proxy_for(url: str) -> str | None:
    """Address of the proxy for a URL, or None; from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _proxy(address: str | None) -> httpcore.Proxy | None:
    if address is None:
        return None
    if address.startswith("socks"):
        importlib.import_module("socksio")  # httpcore would miss it only when something is sent
    proxy = httpx.Proxy(address)
    context = trust() if proxy.url.scheme == "https" else None
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw, ssl_context=context)


def trust() -> ssl.SSLContext:
    """What decides which servers to trust: the certificates that the environment names, else those of certifi.

    Raises:
        HaiquInputError: If they cannot be read.
    """
    for name in (*_FILES, _FOLDER):
        path = os.environ.get(name)
        if path:
            return _trusting(name, path)
    import certifi  # comes with httpx

    return _context(certifi.where())


def _trusting(name: str, path: str) -> ssl.SSLContext:
    try:
        return _context(path)
    except (OSError, ssl.SSLError) as error:
        raise HaiquInputError(
            f"The environment variable {name} is {path!r}, which holds no certificates that can be read ({error}); "
            "set it to a PEM file, or remove it."
        ) from None


@lru_cache(maxsize=8)
def _context(path: str) -> ssl.SSLContext:
    """Reading certificates takes longer than a request, so clients share what was read."""
    if Path(path).is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
