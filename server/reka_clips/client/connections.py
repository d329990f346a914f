"""The process's connections to Clip APIs. One pool serves any number of keys and addresses.

The environment's network settings apply only where they are needed. An address of this machine is reached directly,
whatever the proxy variables say, and without TLS no certificate setting is read.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import re
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import anyio.to_thread
import httpx2

from reka_clips import __version__
from reka_clips.errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType

USER_AGENT: Final = f"reka-clips-mcp/{__version__}"
_CONNECT_SECONDS: Final = 10.0
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_WANTED: Final = {
    "SSLKEYLOGFILE": "a file that can be written",
    "SSL_CERT_FILE": "a file of certificates in PEM form",
    "SSL_CERT_DIR": "a folder of certificates",
}
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._:%-]+:\d+")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy of the environment. variable: what names it. address: its host and port, without a password."""

    url: str
    variable: str
    address: str


@dataclass(frozen=True, slots=True)
class Route:
    """How one Clip API is reached.

    creations: the client for POSTs. Each gets a connection of its own: a kept-alive connection that the other side
    is just closing would turn a creation that was never read into one whose answer is lost. lookups: the client for
    everything that may be repeated. proxy: what the connections go through, or None.
    """

    creations: httpx2.AsyncClient
    lookups: httpx2.AsyncClient
    proxy: Proxy | None


class ConnectionPool:
    """All connections of the process: a thousand creation streams, and a few for everything else.

    Nothing is opened before the first request: reading the system's certificates takes tens of milliseconds.

    timeout_seconds: for one whole request (all but streams), above 0.
    stream_silence_seconds: a stream without a byte for so long is broken; unset, twice the time of a request.
    Heartbeats come far more often. snapshot_silence_seconds: so is one that sends bytes, but no snapshot, for so
    long; unset, ten times the time of a request.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 60.0,
        stream_silence_seconds: float | None = None,
        snapshot_silence_seconds: float | None = None,
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self.stream_silence_seconds = stream_silence_seconds or 2 * timeout_seconds
        self.snapshot_silence_seconds = snapshot_silence_seconds or 10 * timeout_seconds
        self._routes: dict[tuple[str | None, bool], Route] = {}  # by proxy, and whether TLS is spoken
        self._opening: anyio.Lock | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._opening = anyio.Lock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening = None
        self._routes.clear()
        await self._stack.aclose()

    async def route(self, base_url: str) -> Route:
        """Return how a Clip API is reached; addresses that are reached alike share their connections.

        Raises ConfigurationError, which names the variable of the environment that cannot be used.
        """
        if self._opening is None:
            raise RuntimeError("the connection pool is not open")
        proxy = proxy_for(base_url)
        is_secure = urlsplit(base_url).scheme == "https"
        key = (proxy.url if proxy is not None else None, is_secure)
        if key not in self._routes:
            async with self._opening:
                if key not in self._routes:
                    route = await anyio.to_thread.run_sync(self._build, proxy, is_secure)
                    await self._stack.enter_async_context(route.creations)
                    await self._stack.enter_async_context(route.lookups)
                    self._routes[key] = route
        return self._routes[key]

    def timeouts(self, *, read_seconds: float) -> httpx2.Timeout:
        """Return httpx2's limits for a request whose answer may be silent for so long."""
        limit = self.timeout_seconds
        return httpx2.Timeout(connect=min(_CONNECT_SECONDS, limit), read=read_seconds, write=limit, pool=limit)

    def _build(self, proxy: Proxy | None, is_secure: bool) -> Route:
        # httpx2 logs every URL at INFO and httpcore2 every header of an answer at DEBUG.
        for name in ("httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        needs_certificates = is_secure or (proxy is not None and proxy.url.startswith("https:"))
        certificates = _certificates() if needs_certificates else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            return Route(
                creations=self._client(
                    proxy, certificates, httpx2.Limits(max_connections=None, max_keepalive_connections=0)
                ),
                # Every request looks at each idle connection twice, so only a few are kept after a burst.
                lookups=self._client(
                    proxy,
                    certificates,
                    httpx2.Limits(max_connections=200, max_keepalive_connections=4, keepalive_expiry=30.0),
                ),
                proxy=proxy,
            )
        except (OSError, ValueError, ImportError, httpx2.InvalidURL):
            name = proxy.variable if proxy is not None else "The network settings"
            raise ConfigurationError(f"{name} cannot be used to reach the Clip API.") from None

    def _client(self, proxy: Proxy | None, certificates: ssl.SSLContext, limits: httpx2.Limits) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            verify=certificates,
            limits=limits,
            timeout=self.timeouts(read_seconds=self.timeout_seconds),
            follow_redirects=False,
            # Callers with different keys share this client: a cookie of one must never go out for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            trust_env=False,
            proxy=proxy.url if proxy is not None else None,
        )


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy of the environment for an http(s) URL; None: it is reached directly.

    As curl reads them: HTTPS_PROXY or HTTP_PROXY by the URL's scheme, else ALL_PROXY, unless NO_PROXY lists the host.
    This machine's own addresses never have a proxy. Raises ConfigurationError for a proxy that cannot be used.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    proxies = getproxies()
    if is_loopback(host) or _is_listed(host, parts.port or _DEFAULT_PORTS.get(parts.scheme), proxies.get("no", "")):
        return None
    scheme = next((scheme for scheme in (parts.scheme, "all") if proxies.get(scheme, "").strip()), None)
    if scheme is None:
        return None
    named = proxies[scheme].strip()
    variables = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    variable = next((name for name in variables if os.environ.get(name)), "The system's proxy setting")
    return _checked_proxy(named if "://" in named else f"http://{named}", variable, host=host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _checked_proxy(url: str, variable: str, *, host: str) -> Proxy:
    scheme = url.partition("://")[0].lower()
    remedy = f"Set it to an http:// or https:// proxy, or list {host} in NO_PROXY; then restart this server."
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigurationError(f"{variable} names a SOCKS proxy, which is not supported. {remedy}")
    try:
        httpx2.Proxy(url)
        parts = urlsplit(url)
        address = f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(scheme, 1080)}"
    except (ValueError, httpx2.InvalidURL):
        address = ""
    if not _ADDRESS.fullmatch(address):
        raise ConfigurationError(f"{variable} does not hold the address of a proxy. {remedy}")
    return Proxy(url, variable, address)


def _is_listed(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY lists a host: by name, by a domain above it, by address or network, or as `*`."""
    return any(_matches(host.lower(), port, entry) for entry in no_proxy.replace(" ", ",").lower().split(",") if entry)


def _matches(host: str, port: int | None, entry: str) -> bool:
    entry = entry.partition("://")[2] or entry
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    if entry == "*":
        return True
    name, _, wanted_port = entry.rpartition(":") if entry.count(":") == 1 or "]:" in entry else (entry, "", "")
    name = name.strip("[]").removeprefix("*").lstrip(".")
    is_host = host == name or (bool(name) and host.endswith(f".{name}"))
    return is_host and wanted_port in ("", str(port))


def _certificates() -> ssl.SSLContext:
    """Return what servers are trusted: SSL_CERT_FILE or SSL_CERT_DIR where they are set, else the system's.

    Raises ConfigurationError, which names the variable that cannot be used.
    """
    folders = os.environ.get("SSL_CERT_DIR")
    if folders and not os.environ.get("SSL_CERT_FILE") and not any(map(os.path.isdir, folders.split(os.pathsep))):
        raise _cannot_use("SSL_CERT_DIR")  # OpenSSL would pass over it and then trust nobody
    try:
        return httpx2.create_ssl_context()
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise _cannot_use(_broken_variable()) from None


def _broken_variable() -> str | None:
    """Return which of the variables that TLS reads cannot be used."""
    key_log = os.environ.get("SSLKEYLOGFILE")
    if key_log:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = key_log
        except (OSError, ValueError):
            return "SSLKEYLOGFILE"
    # Of the other two, the first that is set is the one that is read.
    return next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)


def _cannot_use(variable: str | None) -> ConfigurationError:
    if variable is None:
        return ConfigurationError(
            "The certificates of this system cannot be read. Set SSL_CERT_FILE to a file of certificates in PEM form, "
            "then restart this server."
        )
    return ConfigurationError(
        f"{variable} does not name {_WANTED[variable]}. Correct it or remove it, then restart this server."
    )
