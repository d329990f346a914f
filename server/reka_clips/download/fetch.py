"""Fetches one file over http(s) to disk: bounded, resumed when it breaks off, and only from where it may go.

Shared by the engine (sources) and by the server (`save_clip`). Only GET is ever sent, so whatever fails for a moment
may be tried again.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import httpx2

from reka_clips import __version__
from reka_clips.download import headers as answer
from reka_clips.download.sniff import SNIFFED_BYTES, plain_kind
from reka_clips.download.transport import GuardedTransport, NetworkAccess, UnknownNameError, origin
from reka_clips.errors import DownloadError
from reka_clips.files import move

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Download", "DownloadLimits", "NetworkAccess", "Validators", "download", "origin"]

WEB_PAGE_MESSAGE: Final = (
    "This link leads to a web page, not to a video file. YouTube and Twitch pages need the Reka backend "
    "(set REKA_API_KEY); for anything else, give the direct link of the video file itself."
)
_WRITE_BYTES: Final = 1024 * 1024
_DISK_CHECK_BYTES: Final = 16 * 1024 * 1024
_SPARE_DISK_BYTES: Final = 64 * 1024 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_OK: Final = 200
_PARTIAL: Final = 206
_NOT_MODIFIED: Final = 304
_RANGE_NOT_SATISFIABLE: Final = 416


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How much a download may take. `idle_seconds`: without a byte; `connect_seconds`: for each connection.

    `max_bytes_setting`: the name of the setting that raises `max_bytes`, for the message; empty if there is none.
    `least_bytes`: how much must arrive in each `rate_seconds`, the first included. `retries`: how often in a row a
    download may fail before `least_bytes` more have come; `first_pause_seconds`: before the first of them, doubled
    each time up to `longest_pause_seconds`, which also bounds what the server asks for (`Retry-After`).
    """

    max_bytes: int = 4 * 1024**3
    max_bytes_setting: str = ""
    total_seconds: float = 3600.0
    idle_seconds: float = 30.0
    connect_seconds: float = 15.0
    max_redirects: int = 5
    least_bytes: int = 64 * 1024
    rate_seconds: float = 60.0
    retries: int = 4
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0


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
    that stands there already is replaced. A connection that breaks off is taken up again where it broke, if the server
    can do that, and a server that is busy (429, 503 …) is asked again.
    on_progress: gets the bytes so far and in all (None: not known).
    Raises DownloadError in plain words: not reachable, refused address, an error status, a web page or playlist
    instead of a video, an empty file, a limit, a full disk. Its text holds nothing of the URL but the status.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    fetching = _Fetching(url, part, limits=limits, access=access, unless=unless, on_progress=on_progress)
    try:
        with anyio.fail_after(limits.total_seconds):
            fetched = await fetching.run()
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


class _TryAgainError(Exception):
    """An attempt failed in a way that may pass. told: what to say if it does not. pause: what the server asks for."""

    def __init__(self, told: DownloadError, pause_seconds: float | None = None) -> None:
        super().__init__(str(told))
        self.told = told
        self.pause_seconds = pause_seconds


class _Fetching:
    """One download, over all its attempts.

    Each attempt asks for the whole file, or, once some of it is there, for the rest (`Range`). The rest is only taken
    if it is of the same file: the server decides by `If-Range`, and what it tells of the file must not have changed.
    """

    def __init__(
        self,
        url: str,
        part: Path,
        *,
        limits: DownloadLimits,
        access: NetworkAccess,
        unless: Validators | None,
        on_progress: Callable[[int, int | None], None] | None,
    ) -> None:
        self._url = url
        self._part = part
        self._limits = limits
        self._access = access
        self._unless = unless
        self._on_progress = on_progress
        self._received = 0
        self._total: int | None = None
        self._can_resume = False
        self._validators = Validators()
        self._head = b""

    async def run(self) -> Download | None:
        failures = 0
        timeout = httpx2.Timeout(self._limits.idle_seconds, connect=self._limits.connect_seconds)
        headers = {
            "User-Agent": f"reka-clips-mcp/{__version__}",
            "Accept": "video/*, */*",
            "Accept-Encoding": "identity",
        }
        transport = GuardedTransport(self._access)
        async with httpx2.AsyncClient(transport=transport, timeout=timeout, headers=headers) as client:
            while True:
                before = self._received
                try:
                    return await self._attempt(client)
                except _TryAgainError as again:
                    is_better = self._can_resume and self._received - before >= self._limits.least_bytes
                    failures = 1 if is_better else failures + 1
                    if failures > self._limits.retries:
                        raise again.told from again
                    usual = self._limits.first_pause_seconds * 2 ** (failures - 1)
                    pause = usual if again.pause_seconds is None else again.pause_seconds
                    await anyio.sleep(min(pause, self._limits.longest_pause_seconds))

    async def _attempt(self, client: httpx2.AsyncClient) -> Download | None:
        url = self._url
        headers = self._range() if self._received else _conditions(self._unless)
        schemes = ("https://",) if self._access.redirects_to_https_only else ("http://", "https://")
        try:
            for _ in range(self._limits.max_redirects + 1):
                async with client.stream("GET", url, headers=headers) as response:
                    if response.status_code in _REDIRECTS and "location" in response.headers:
                        url = str(response.url.join(response.headers["location"]))
                        if not url.lower().startswith(schemes):
                            kinds = " or ".join(scheme.removesuffix("://") for scheme in schemes)
                            raise DownloadError(f"The link leads on to an address that is not {kinds}.")
                        continue
                    if response.status_code == _NOT_MODIFIED and headers and not self._received:
                        return None
                    return await self._take(response, url)
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise self._failure(error) from error
        raise DownloadError(f"The link redirects more than {self._limits.max_redirects} times.")

    def _failure(self, error: Exception) -> Exception:
        """Return what a broken attempt means: the end, or something that may pass."""
        if isinstance(error, httpx2.TimeoutException):
            told = "The server behind the link did not answer, or stopped sending, for too long; try again later."
            may_pass = self._can_resume and self._received > 0
        elif isinstance(error, UnknownNameError):
            told = "The link's host name cannot be resolved; check the link and the network connection."
            may_pass = self._received > 0
        elif isinstance(error, httpx2.ConnectError):
            told = "The server behind the link cannot be reached; check the link, or try again later."
            may_pass = self._received > 0
        elif isinstance(error, httpx2.TransportError):
            told, may_pass = "The connection to the server behind the link broke off; try again.", True
        elif isinstance(error, httpx2.DecodingError):
            told, may_pass = "The server behind the link sends the file in a form that cannot be unpacked.", False
        else:
            told, may_pass = "The link leads on to something that is no address.", False
        return _TryAgainError(DownloadError(told)) if may_pass else DownloadError(told)

    def _range(self) -> dict[str, str]:
        """Return the headers that ask for the rest of the file."""
        if not self._can_resume:
            return {}
        etag = self._validators.etag
        strong = etag if etag and not etag.startswith("W/") else None
        condition = strong or self._validators.last_modified
        return {"Range": f"bytes={self._received}-"} | ({"If-Range": condition} if condition else {})

    async def _take(self, response: httpx2.Response, url: str) -> Download:
        status = response.status_code
        if status in _PASSING:
            told = DownloadError(f"The server behind the link answers with the error {status}; try again later.")
            raise _TryAgainError(told, answer.retry_after(response.headers.get("retry-after")))
        changed = DownloadError("The file behind the link changed while it was downloaded; try again.")
        validators = Validators(response.headers.get("etag"), response.headers.get("last-modified"))
        if status == _PARTIAL and self._received:
            if answer.range_start(response) != self._received or validators.etag != self._validators.etag:
                self._begin_anew()
                raise _TryAgainError(changed)
        elif status == _RANGE_NOT_SATISFIABLE and self._received:
            self._begin_anew()
            raise _TryAgainError(changed)
        else:
            _check_status(status)
            self._begin_anew()
            self._total = answer.announced_bytes(response)
            self._validators = validators
            is_plain = response.headers.get("content-encoding", "identity") == "identity"
            is_refused = response.headers.get("accept-ranges", "").strip().lower() == "none"
            self._can_resume = is_plain and not is_refused
        await self._write(response)
        name = answer.file_name(response.headers.get("content-disposition"), url)
        return Download(self._received, name, answer.media_type(response), self._validators)

    def _begin_anew(self) -> None:
        self._received = 0
        self._head = b""
        self._can_resume = False

    async def _write(self, response: httpx2.Response) -> None:
        media_type = answer.media_type(response)
        if self._total is not None:
            _check_size(self._total, self._limits)
            self._check_disk(self._total - self._received)
        rate = _Rate(self._limits, self._received)
        is_checked = self._received >= SNIFFED_BYTES
        async with await anyio.open_file(self._part, "ab" if self._received else "wb") as file:
            buffer = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    buffer += chunk
                    arrived = self._received + len(buffer)
                    _check_size(arrived, self._limits)
                    rate.check(arrived)
                    if not is_checked:
                        self._head += chunk[: SNIFFED_BYTES - len(self._head)]
                        if len(self._head) >= SNIFFED_BYTES:
                            _check_content(self._head, media_type)
                            is_checked = True
                    if len(buffer) >= _WRITE_BYTES:
                        await self._flush(file, buffer)
            finally:
                # Also when the connection breaks off: the next attempt goes on behind what is written.
                with anyio.CancelScope(shield=True):
                    await self._flush(file, buffer)
        if not is_checked:
            _check_content(self._head, media_type)

    async def _flush(self, file: anyio.AsyncFile[bytes], buffer: bytearray) -> None:
        before = self._received
        await file.write(bytes(buffer))
        self._received += len(buffer)
        buffer.clear()
        if self._total is None and before // _DISK_CHECK_BYTES != self._received // _DISK_CHECK_BYTES:
            self._check_disk(0)
        if self._on_progress is not None and self._received > before:
            self._on_progress(self._received, self._total)

    def _check_disk(self, needed_bytes: int) -> None:
        if needed_bytes + _SPARE_DISK_BYTES > shutil.disk_usage(self._part.parent).free:
            raise DownloadError("There is not enough room on the disk for this video; free some space and try again.")


class _Rate:
    """Sees to it that enough arrives in each minute: a server that drips could hold a download for an hour."""

    def __init__(self, limits: DownloadLimits, received: int) -> None:
        self._limits = limits
        self._since = time.monotonic()
        self._received = received

    def check(self, received: int) -> None:
        """Raise DownloadError when less arrived since the last look than must. received: bytes in all."""
        now = time.monotonic()
        if now - self._since < self._limits.rate_seconds:
            return
        if received - self._received < self._limits.least_bytes:
            raise DownloadError("The server behind the link sends too slowly, so the download was stopped.")
        self._since, self._received = now, received


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


def _check_size(size_bytes: int, limits: DownloadLimits) -> None:
    if size_bytes > limits.max_bytes:
        megabytes = limits.max_bytes / 1024**2
        remedy = f"; use a smaller one, or raise {limits.max_bytes_setting}" if limits.max_bytes_setting else ""
        raise DownloadError(f"The file behind the link is larger than the limit of {megabytes:.0f} MB{remedy}.")


def _check_content(start: bytes, media_type: str | None) -> None:
    """Refuse what is plainly no video. Its first bytes decide; what the server calls it only explains text."""
    kind = plain_kind(start)
    if kind == "nothing":
        raise DownloadError("The file behind this link is empty (0 bytes); check the link.")
    if kind == "playlist":
        raise DownloadError("This link leads to a streaming playlist; give the direct link of a video file instead.")
    is_called_page = media_type in ("text/html", "application/xhtml+xml")
    if kind == "web page" or (kind == "text" and is_called_page):
        raise DownloadError(WEB_PAGE_MESSAGE)
    is_called_text = media_type is not None and (media_type.startswith("text/") or media_type.endswith(("json", "xml")))
    if kind == "text" and is_called_text:
        raise DownloadError(f"This link leads to text ({media_type}), not to a video file.")


def _disk_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full: free some space, then try again."
    return f"The download could not be written to disk ({error.strerror or type(error).__name__})."
