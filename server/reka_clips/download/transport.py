"""Connections that only go where they may: each name is resolved once, checked, and connected to as it was checked."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx2

from reka_clips.download.ssrf import is_public
from reka_clips.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADDRESSES_TRIED: Final = 4


@dataclass(frozen=True, slots=True)
class NetworkAccess:
    """Where a download may go. Public addresses always; others if `allow_private`.

    trusted_origins: `scheme://host:port` of servers that may be private, such as the Clip API that gave the link.
    redirects_to_https_only: follow no redirect to plain http.
    """

    allow_private: bool = False
    trusted_origins: frozenset[str] = frozenset()
    redirects_to_https_only: bool = False

    def trusts(self, url: httpx2.URL) -> bool:
        """Whether the addresses of this URL's host need no check."""
        return self.allow_private or origin(str(url)) in self.trusted_origins


def origin(url: str) -> str:
    """Return `scheme://host:port` of an http(s) URL, with the default port filled in; lower case."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


class UnknownNameError(httpx2.ConnectError):
    """The name in the link cannot be resolved."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends each request to an address that was checked. Keeps no connection: a kept one is bound to one name.

    Behind a proxy of the environment the proxy resolves the name: a literal address, and a name that this
    machine can resolve itself, are checked all the same; what the proxy reaches beyond that is its operator's rule.
    """

    def __init__(self, access: NetworkAccess) -> None:
        self._access = access
        self._transports: dict[str | None, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        proxy = _proxy(request.url)
        if proxy is not None:
            with contextlib.suppress(httpx2.ConnectError):
                await self._addresses(request.url)
            return await self._transport(proxy).handle_async_request(request)
        *others, last = (await self._addresses(request.url))[:_ADDRESSES_TRIED]
        for address in others:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._send(request, address)
        return await self._send(request, last)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        # The Host header was made from the name already; TLS checks the certificate against it, too.
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers.raw,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
        )
        return await self._transport(None).handle_async_request(pinned)

    async def _addresses(self, url: httpx2.URL) -> Sequence[str]:
        """Return the addresses of a host; there is at least one, and none that may not be reached."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await anyio.getaddrinfo(url.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM)
        except OSError:
            raise UnknownNameError("The name could not be resolved.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses:
            raise UnknownNameError("The name has no address.")
        if not self._access.trusts(url) and not all(is_public(address) for address in addresses):
            raise DownloadError(
                "The link leads to an address inside this machine or its network, which is not allowed "
                "(REKA_CLIPS_ALLOW_PRIVATE_SOURCES=1 allows it)."
            )
        return addresses

    def _transport(self, proxy: str | None) -> httpx2.AsyncHTTPTransport:
        if proxy not in self._transports:
            limits = httpx2.Limits(max_keepalive_connections=0)
            try:
                self._transports[proxy] = httpx2.AsyncHTTPTransport(proxy=proxy, limits=limits)
            except ImportError:
                raise DownloadError(
                    "The environment names a SOCKS proxy (ALL_PROXY or HTTPS_PROXY), which needs one more package: "
                    "pip install socksio. Or set an HTTP proxy instead."
                ) from None
            except ValueError:
                raise DownloadError(
                    "The environment names a proxy that cannot be used: check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
                ) from None
        return self._transports[proxy]


def _proxy(url: httpx2.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
