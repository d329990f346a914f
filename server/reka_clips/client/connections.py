"""The process's connections to Clip APIs. One pool serves any number of keys and addresses."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Self

import anyio
import anyio.to_thread
import httpx2

from reka_clips import __version__
from reka_clips.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

USER_AGENT: Final = f"reka-clips-mcp/{__version__}"
_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Clients:
    creations: httpx2.AsyncClient
    lookups: httpx2.AsyncClient


class ConnectionPool:
    """All connections of the process: a thousand creation streams, and a few for everything else.

    Proxy and certificate settings of the environment hold (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE …), except that
    this machine's own addresses are never reached through a proxy. Nothing is opened before the first request:
    reading the system's certificates takes tens of milliseconds.

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
        self._clients: _Clients | None = None
        self._opening: anyio.Lock | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._opening = anyio.Lock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening = None
        self._clients = None
        await self._stack.aclose()

    async def creations(self) -> httpx2.AsyncClient:
        """Return the client for POSTs. Each gets a connection of its own.

        A kept-alive connection that the other side is just closing would turn a creation that was never
        read into one whose answer is lost.
        """
        return (await self._opened()).creations

    async def lookups(self) -> httpx2.AsyncClient:
        """Return the client for everything that may be repeated."""
        return (await self._opened()).lookups

    def timeouts(self, *, read_seconds: float) -> httpx2.Timeout:
        """Return httpx2's limits for a request whose answer may be silent for so long."""
        limit = self.timeout_seconds
        return httpx2.Timeout(connect=min(_CONNECT_SECONDS, limit), read=read_seconds, write=limit, pool=limit)

    async def _opened(self) -> _Clients:
        if self._opening is None:
            raise RuntimeError("the connection pool is not open")
        async with self._opening:
            if self._clients is None:
                clients = await anyio.to_thread.run_sync(self._build)
                await self._stack.enter_async_context(clients.creations)
                await self._stack.enter_async_context(clients.lookups)
                self._clients = clients
            return self._clients

    def _build(self) -> _Clients:
        # httpx2 logs every URL at INFO and httpcore2 every header of an answer at DEBUG: not ours to tell.
        for name in ("httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            certificates = httpx2.create_ssl_context()
            return _Clients(
                creations=self._client(certificates, httpx2.Limits(max_connections=None, max_keepalive_connections=0)),
                # Every request looks at each idle connection twice, so only a few are kept after a burst.
                lookups=self._client(
                    certificates,
                    httpx2.Limits(max_connections=200, max_keepalive_connections=4, keepalive_expiry=30.0),
                ),
            )
        except (OSError, ValueError, ImportError, httpx2.InvalidURL):
            raise ConfigurationError(
                "The network settings of the environment cannot be used. Look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, "
                "SSL_CERT_FILE and SSL_CERT_DIR."
            ) from None

    def _client(self, certificates: ssl.SSLContext, limits: httpx2.Limits) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            verify=certificates,
            limits=limits,
            timeout=self.timeouts(read_seconds=self.timeout_seconds),
            follow_redirects=False,
            # Callers with different keys share this client: a cookie of one must never go out for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            mounts=dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]")),
        )
