"""Fetches one large file whose hash is known, and goes on where it stopped."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
import httpx2

from reka_clips import __version__
from reka_clips.errors import DownloadError
from reka_clips.files import move

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CONNECT_SECONDS: Final = 15.0
_IDLE_SECONDS: Final = 30.0
_ATTEMPTS: Final = 5  # one after another that brought no byte
_PAUSE_SECONDS: Final = 1.0
_PARTIAL: Final = 206

log = logging.getLogger(__name__)


async def fetch_pinned(
    url: str,
    path: Path,
    *,
    size_bytes: int,
    sha256: str,
    on_progress: Callable[[int], None],
    pause_seconds: float = _PAUSE_SECONDS,
) -> None:
    """Fetch `url` into `path`, which appears only when it is complete and its hash is `sha256`.

    A connection that breaks is opened again for the rest, at most five times in a row without progress; what there is
    when this gives up, or is cancelled, stays beside `path` for the next call. on_progress: gets the bytes there are.
    pause_seconds: before each new attempt. The address is the operator's choice: nothing keeps it off private networks.
    Raises DownloadError in plain words, without the URL; OSError if the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    attempts = 0
    async with httpx2.AsyncClient(
        timeout=httpx2.Timeout(_IDLE_SECONDS, connect=_CONNECT_SECONDS),
        headers={"User-Agent": f"reka-clips-mcp/{__version__}", "Accept-Encoding": "identity"},
        follow_redirects=True,
    ) as client:
        while (have := _size(part)) < size_bytes:
            on_progress(have)
            try:
                await _append(client, url, part, have=have, size_bytes=size_bytes, on_progress=on_progress)
            except (httpx2.TransportError, httpx2.HTTPStatusError, httpx2.InvalidURL) as error:
                attempts = 0 if _size(part) > have else attempts + 1
                log.info("The download broke off at %d of %d bytes (%s).", _size(part), size_bytes, error)
                if attempts >= _ATTEMPTS or not _is_temporary(error):
                    raise DownloadError(_words(error)) from error
                await anyio.sleep(pause_seconds)
    on_progress(size_bytes)
    if await anyio.to_thread.run_sync(_hash, part) != sha256:
        part.unlink()
        raise DownloadError("What came is not the expected file: its hash differs.")
    await anyio.to_thread.run_sync(move, part, path)


async def _append(
    client: httpx2.AsyncClient,
    url: str,
    part: Path,
    *,
    have: int,
    size_bytes: int,
    on_progress: Callable[[int], None],
) -> None:
    """Add the bytes from `have` on, as far as they come. A server that ignores the range begins again at 0."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    async with client.stream("GET", url, headers=headers) as response:
        response.raise_for_status()
        goes_on = response.status_code == _PARTIAL
        async with await anyio.open_file(part, "ab" if goes_on else "wb") as file:
            have = have if goes_on else 0
            async for chunk in response.aiter_bytes():
                have += len(chunk)
                if have > size_bytes:
                    raise DownloadError("What came is not the expected file: it is too large.")
                await file.write(chunk)
                on_progress(have)
    if have < size_bytes:
        raise httpx2.ReadError("The server ended the answer too early.")


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.is_server_error
    return not isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol)


def _words(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"The server answers {error.response.status_code}."
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "The server cannot be reached."
    return "The connection broke off."


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
