"""Fetches one file over http(s) to disk: bounded, and only from addresses it may reach.

Shared by the engine (sources) and by the server (`save_clip`). A name is resolved once, all its addresses are
checked, and the connection goes to a checked address, so that a name cannot change its mind in between. The
same holds for every redirect.
"""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import anyio.to_thread
import httpx2

from reka_clips import __version__
from reka_clips.download.sniff import SNIFFED_BYTES, plain_kind
from reka_clips.download.ssrf import is_public
from reka_clips.errors import DownloadError
from reka_clips.files import move

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WEB_PAGE_MESSAGE: Final = (
    "This link leads to a web page, not to a video file. YouTube and Twitch pages need the Reka backend "
    "(set REKA_API_KEY); for anything else, give the direct link of the video file itself."
)
_WRITE_BYTES: Final = 1024 * 1024
_SPARE_DISK_BYTES: Final = 64 * 1024 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_ADDRESSES_TRIED: Final = 4


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How much a download may take. `idle_seconds`: without a byte; `connect_seconds`: for each connection.

    `max_bytes_setting`: the name of the setting that raises `max_bytes`, for the message; empty if there is none.
    """

    max_bytes: int = 4 * 1024**3
    max_bytes_setting: str = ""
    total_seconds: float = 3600.0
    idle_seconds: float = 30.0
    connect_seconds: float = 15.0
    max_redirects: int = 5


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


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells whether a file changed since it was fetched, in the words of its server. Both may be None."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A fetched file. `file_name`: a safe name for it, from the answer or the URL, with no folder in it."""

    size_bytes: int
    file_name: str
    content_type: str | None = None
    validators: Validators = field(default_factory=Validators)


def origin(url: str) -> str:
    """Return `scheme://host:port` of an http(s) URL, with the default port filled in; lower case."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


async def download(
    url: str,
    path: Path,
    *,
    limits: DownloadLimits,
    access: NetworkAccess,
    unless: Validators | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> Download | None:
    """Fetch `url` into `path` and tell what came; None if the file is still as `unless` describes it.

    The file appears at `path` only when it is complete; whatever happens before, nothing is left behind. A file
    that stands there already is replaced. on_progress: gets the bytes so far and in all (None: not known).
    Raises DownloadError in plain words: not reachable, refused address, an error status, a web page or playlist
    instead of a video, an empty file, a limit, a full disk. Its text holds nothing of the URL but the status.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with anyio.fail_after(limits.total_seconds):
            async with _client(limits, access) as client:
                fetched = await _fetch(
                    client, url, part, limits=limits, access=access, unless=unless, on_progress=on_progress
                )
        if fetched is not None:
            await anyio.to_thread.run_sync(move, part, path)
    except TimeoutError:
        minutes = max(1, round(limits.total_seconds / 60))
        raise DownloadError(f"The download took longer than {minutes} min and was stopped.") from None
    except OSError as error:
        raise DownloadError(_disk_words(error)) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return fetched


def _client(limits: DownloadLimits, access: NetworkAccess) -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(limits.idle_seconds, connect=limits.connect_seconds)
    headers = {"User-Agent": f"reka-clips-mcp/{__version__}", "Accept": "video/*, */*", "Accept-Encoding": "identity"}
    return httpx2.AsyncClient(transport=_GuardedTransport(access), timeout=timeout, headers=headers)


async def _fetch(
    client: httpx2.AsyncClient,
    url: str,
    part: Path,
    *,
    limits: DownloadLimits,
    access: NetworkAccess,
    unless: Validators | None,
    on_progress: Callable[[int, int | None], None] | None,
) -> Download | None:
    headers = _conditions(unless)
    schemes = ("https://",) if access.redirects_to_https_only else ("http://", "https://")
    try:
        for _ in range(limits.max_redirects + 1):
            async with client.stream("GET", url, headers=headers) as response:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    url = str(response.url.join(response.headers["location"]))
                    if not url.lower().startswith(schemes):
                        kinds = " or ".join(scheme.removesuffix("://") for scheme in schemes)
                        raise DownloadError(f"The link leads on to an address that is not {kinds}.")
                    continue
                if response.status_code == _NOT_MODIFIED and headers:
                    return None
                _check_status(response.status_code)
                size_bytes = await _write(response, part, limits, on_progress)
                return Download(
                    size_bytes,
                    _file_name(response.headers.get("content-disposition"), url),
                    _media_type(response),
                    Validators(response.headers.get("etag"), response.headers.get("last-modified")),
                )
    except httpx2.TimeoutException as error:
        raise DownloadError(
            "The server behind the link did not answer, or stopped sending, for too long; try again later."
        ) from error
    except httpx2.ConnectError as error:
        raise DownloadError(_unreachable_words(error)) from error
    except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
        raise DownloadError("The connection to the server behind the link broke off; try again.") from error
    raise DownloadError(f"The link redirects more than {limits.max_redirects} times.")


def _unreachable_words(error: httpx2.ConnectError) -> str:
    if isinstance(error, _UnknownNameError):
        return "The server named in the link is not known; check the link, and whether there is a network."
    return "The server behind the link cannot be reached; check the link, or try again later."


def _conditions(unless: Validators | None) -> dict[str, str]:
    pairs = {} if unless is None else {"If-None-Match": unless.etag, "If-Modified-Since": unless.last_modified}
    return {name: value for name, value in pairs.items() if value}


def _check_status(status: int) -> None:
    if status in (httpx2.codes.NOT_FOUND, httpx2.codes.GONE):
        raise DownloadError(f"There is no file behind this link: its server answers {status}. Check the link.")
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        raise DownloadError(
            f"The server behind the link refuses access ({status}): the link may have expired or need a login."
        )
    if not httpx2.codes.is_success(status):
        raise DownloadError(f"The server behind the link answers with the error {status}; try again later.")
    if status != _OK:
        raise DownloadError(f"The server behind the link answers {status} instead of the file.")


async def _write(
    response: httpx2.Response,
    part: Path,
    limits: DownloadLimits,
    on_progress: Callable[[int, int | None], None] | None,
) -> int:
    total_bytes = _announced_bytes(response)
    if total_bytes is not None:
        _check_size(total_bytes, limits)
        if total_bytes + _SPARE_DISK_BYTES > shutil.disk_usage(part.parent).free:
            raise DownloadError("There is not enough room on the disk for this video; free some space and try again.")
    received_bytes = 0
    buffer = bytearray()
    async with await anyio.open_file(part, "xb") as file:
        async for chunk in response.aiter_bytes():
            received_bytes += len(chunk)
            _check_size(received_bytes, limits)
            is_start = received_bytes - len(chunk) < SNIFFED_BYTES
            buffer += chunk
            if is_start and len(buffer) >= SNIFFED_BYTES:
                _check_content(bytes(buffer[:SNIFFED_BYTES]), _media_type(response))
            if len(buffer) >= _WRITE_BYTES:
                await file.write(bytes(buffer))
                buffer.clear()
                if on_progress is not None:
                    on_progress(received_bytes, total_bytes)
        if received_bytes < SNIFFED_BYTES:
            _check_content(bytes(buffer), _media_type(response))
        await file.write(bytes(buffer))
    if on_progress is not None:
        on_progress(received_bytes, total_bytes)
    return received_bytes


def _announced_bytes(response: httpx2.Response) -> int | None:
    length = response.headers.get("content-length", "")
    is_plain = response.headers.get("content-encoding", "identity") == "identity"
    return int(length) if is_plain and length.isascii() and length.isdigit() else None


def _check_size(size_bytes: int, limits: DownloadLimits) -> None:
    if size_bytes > limits.max_bytes:
        megabytes = limits.max_bytes / 1024**2
        remedy = f"; use a smaller one, or raise {limits.max_bytes_setting}" if limits.max_bytes_setting else ""
        raise DownloadError(f"The file behind the link is larger than the limit of {megabytes:.0f} MB{remedy}.")


def _media_type(response: httpx2.Response) -> str | None:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() or None


def _check_content(start: bytes, media_type: str | None) -> None:
    """Refuse what is plainly no video, from its first bytes."""
    kind = plain_kind(start)
    if kind == "nothing":
        raise DownloadError("The file behind this link is empty (0 bytes); check the link.")
    if kind == "playlist":
        raise DownloadError("This link leads to a streaming playlist; give the direct link of a video file instead.")
    if kind == "web page" or media_type in ("text/html", "application/xhtml+xml"):
        raise DownloadError(WEB_PAGE_MESSAGE)
    is_said_to_be_text = media_type is not None and (
        media_type.startswith("text/") or media_type.endswith(("json", "xml"))
    )
    if kind == "text" and is_said_to_be_text:
        raise DownloadError(f"This link leads to text ({media_type}), not to a video file.")


def _file_name(disposition: str | None, url: str) -> str:
    named = re.search(r'filename="?([^";]+)', disposition or "", flags=re.IGNORECASE)
    name = named[1] if named else unquote(urlsplit(url).path)
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(r"[^\w .()-]+", "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:80]}.{suffix[:5]}" if dot and stem else (name[:80] or "video")


def _disk_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full: free some space, then try again."
    return f"The download could not be written to disk ({error.strerror or type(error).__name__})."


class _UnknownNameError(httpx2.ConnectError):
    """The name in the link cannot be resolved."""


class _GuardedTransport(httpx2.AsyncBaseTransport):
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
        addresses = await self._addresses(request.url)
        for address in addresses[: _ADDRESSES_TRIED - 1]:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._send(request, address)
        return await self._send(request, addresses[-1])

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

    async def _addresses(self, url: httpx2.URL) -> list[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await anyio.getaddrinfo(url.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM)
        except OSError:
            raise _UnknownNameError("The name could not be resolved.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._access.trusts(url) and not all(is_public(address) for address in addresses):
            raise DownloadError(
                "The link leads to an address inside this machine or its network, which is not allowed "
                "(REKA_CLIPS_ALLOW_PRIVATE_SOURCES=1 allows it)."
            )
        return addresses

    def _transport(self, proxy: str | None) -> httpx2.AsyncHTTPTransport:
        if proxy not in self._transports:
            limits = httpx2.Limits(max_keepalive_connections=0)
            self._transports[proxy] = httpx2.AsyncHTTPTransport(proxy=proxy, limits=limits)
        return self._transports[proxy]


def _proxy(url: httpx2.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
