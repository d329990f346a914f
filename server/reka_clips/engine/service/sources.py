"""Brings the sources of a generation onto this machine's disk: files where they are, links into the cache."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio.to_thread

from reka_clips.contract.video_urls import file_path
from reka_clips.download.fetch import DownloadLimits, NetworkAccess, Validators, download
from reka_clips.download.sniff import SNIFFED_BYTES, Kind, plain_kind
from reka_clips.engine.media.plan import Source
from reka_clips.engine.service.models import SourceRecord
from reka_clips.engine.service.paths import remove
from reka_clips.engine.service.pinning import MovedError, pin
from reka_clips.errors import DownloadError, RekaClipsError
from reka_clips.files import PRIVACY_WORDS, keeps_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from reka_clips.engine.service.models import SourcePolicy
    from reka_clips.engine.service.paths import Folders
    from reka_clips.engine.store.sqlite import JobStore

_FRESH_SECONDS: Final = 600.0
_MEGABYTE: Final = 1024 * 1024
_LIMIT_NAME: Final = "REKA_CLIPS_MAX_SOURCE_MB"
_MISSING: Final = "There is no such file on the computer that the engine runs on; check the path."
_FORBIDDEN: Final = "This file may not be read by the engine; check its permissions."
_NO_VIDEOS: Final[dict[Kind, str]] = {
    "nothing": "This file is empty (0 bytes); give another one.",
    "web page": "This file is a web page, not a video; give a video file.",
    "playlist": "This file is a playlist, which only names videos; give the video file itself.",
    "text": "This file holds text, not a video; give a video file.",
}

logger = logging.getLogger(__name__)


class SourceError(RekaClipsError):
    """A source cannot be used; the message says why in plain words, and names no path."""


def local_file(url: str, policy: SourcePolicy) -> Path:
    """Return the file behind a `file://` URL. Looks at the disk.

    Raises SourceError if it is outside the allowed folders, is no file, is empty, too large or unreadable.
    """
    try:
        path = Path(file_path(url, windows=sys.platform == "win32"))
    except ValueError as error:
        raise SourceError(f"The address of this file {error}.") from None
    if policy.folders is not None:
        # Links are followed before the check; `pinning` makes sure that the checked file is the one that is read.
        path = Path(os.path.realpath(path))
        if not _is_inside(path, policy.folders):
            raise SourceError(
                "This file is outside the folders that the engine may read for others (REKA_CLIPS_ENGINE_FOLDERS). An "
                "engine on this computer alone reads any file for callers with its key (REKA_CLIPS_ENGINE_KEY), or for "
                "everyone if it was started with --trust-local-users."
            )
    try:
        is_file, size_bytes = path.is_file(), path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise SourceError(_forbidden(path, error)) from None
        raise SourceError(_MISSING) from None
    if not is_file:
        raise SourceError("This is not a file; give the path of a video file.")
    if size_bytes > policy.max_bytes:
        limit = f"{policy.max_bytes // _MEGABYTE} MB"
        raise SourceError(f"This file is larger than the limit of {limit}; use a smaller one, or raise {_LIMIT_NAME}.")
    try:
        with path.open("rb") as file:
            kind = plain_kind(file.read(SNIFFED_BYTES))
    except OSError as error:
        raise SourceError(_forbidden(path, error)) from None
    if kind is not None:
        raise SourceError(_NO_VIDEOS[kind])
    return path


def _forbidden(path: Path, error: OSError) -> str:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path's raises without a home
    return f"{PRIVACY_WORDS}." if keeps_out(path, error, home=home) else _FORBIDDEN


def _local_source(url: str, policy: SourcePolicy) -> Source:
    from reka_clips.engine.media.text.tracks import find_sidecars  # the start of an engine can do without it

    path = local_file(url, policy)
    try:
        sidecars = find_sidecars(path)
    except OSError:  # a folder that may be entered, but not listed
        sidecars = []
    if policy.folders is not None:  # a link beside the video may lead out of the folder
        sidecars = [sidecar for sidecar in sidecars if _is_inside(sidecar, policy.folders)]
    return Source(path, url, tuple(sidecars))


def _is_inside(path: Path, folders: tuple[str, ...]) -> bool:
    return _root(path, folders) is not None


def _root(path: Path, folders: tuple[str, ...]) -> Path | None:
    """Return which of the folders a file lies in, links followed, or None."""
    real = Path(os.path.realpath(path))
    roots = (Path(os.path.realpath(folder)) for folder in folders)
    return next((root for root in roots if real.is_relative_to(root)), None)


class Sources:
    """Fetches sources, and keeps what came over the network for use again."""

    def __init__(self, store: JobStore, folders: Folders) -> None:
        self._store = store
        self._folders = folders

    async def fetch(self, url: str, policy: SourcePolicy, report: Callable[[float], None]) -> Source:
        """Return the video behind `url`, on this machine's disk.

        report: gets the rising share done, 0 to 1. Raises SourceError or DownloadError in plain words.
        """
        if urlsplit(url).scheme == "file":
            if policy.folders is None:
                return await anyio.to_thread.run_sync(_local_source, url, policy)
            return await anyio.to_thread.run_sync(self._shared_source, url, policy)
        kept = await anyio.to_thread.run_sync(self._kept, url)
        now = time.time()
        if kept is not None and 0 <= now - kept.fetched_at < _FRESH_SECONDS:
            await anyio.to_thread.run_sync(self._store.put_source, replace(kept, used_at=now))
            return Source(self._folders.all_sources / kept.path, url)
        return Source(await self._download(url, policy, kept, report), url)

    def _shared_source(self, url: str, policy: SourcePolicy) -> Source:
        """Return a file of a shared folder, with its subtitles, as the engine's own: see `pinning`."""
        given = _local_source(url, policy)
        folder = self._folders.source(url) / secrets.token_hex(8)
        folder.mkdir(parents=True, mode=0o700)
        pinned: list[Path] = []
        size_bytes = 0
        try:
            for path in (given.path, *given.sidecar_paths):
                real = Path(os.path.realpath(path))
                size_bytes += pin(real, _root(real, policy.folders or ()), folder / path.name)
                pinned.append(folder / path.name)
        except (MovedError, FileExistsError):
            remove(folder)
            raise SourceError("This file was replaced while it was opened; send the request again.") from None
        except OSError as error:
            remove(folder)
            raise SourceError(f"This file could not be read into the engine's folder ({error.strerror}).") from None
        if size_bytes > policy.max_bytes:
            remove(folder)
            raise SourceError(f"This file is larger than the limit ({_LIMIT_NAME}).")
        now = time.time()
        kept = f"{folder.parent.name}/{folder.name}/{given.path.name}"
        self._store.put_source(SourceRecord(url=url, path=kept, size_bytes=size_bytes, fetched_at=now, used_at=now))
        return Source(pinned[0], url, tuple(pinned[1:]))

    async def _download(
        self, url: str, policy: SourcePolicy, kept: SourceRecord | None, report: Callable[[float], None]
    ) -> Path:
        folder = self._folders.source(url)
        await anyio.to_thread.run_sync(lambda: folder.mkdir(exist_ok=True, mode=0o700))
        arrived = folder / f".{secrets.token_hex(8)}.arrived"  # two generations may want the same link at once

        def progress(received_bytes: int, total_bytes: int | None) -> None:
            report(received_bytes / total_bytes if total_bytes else 0.0)

        try:
            fetched = await download(
                url,
                arrived,
                limits=DownloadLimits(max_bytes=policy.max_bytes, max_bytes_setting=_LIMIT_NAME),
                access=NetworkAccess(allow_private=policy.allow_private),
                unless=None if kept is None else Validators(kept.etag, kept.last_modified),
                on_progress=progress,
            )
        except DownloadError:
            with contextlib.suppress(OSError):  # not empty: there is an older file, or another process is fetching
                folder.rmdir()
            raise
        now = time.time()
        if fetched is None:
            if kept is None:
                raise SourceError("The server behind the link sent no file.")
            record = replace(kept, fetched_at=now, used_at=now)
        else:
            path = folder / fetched.file_name
            await anyio.to_thread.run_sync(os.replace, arrived, path)
            record = SourceRecord(
                url=url,
                path=f"{folder.name}/{path.name}",
                size_bytes=fetched.size_bytes,
                fetched_at=now,
                used_at=now,
                etag=fetched.validators.etag,
                last_modified=fetched.validators.last_modified,
            )
        await anyio.to_thread.run_sync(self._store.put_source, record)
        return self._folders.all_sources / record.path

    def _kept(self, url: str) -> SourceRecord | None:
        kept = self._store.source(url)
        if kept is None:
            return None
        path = self._folders.all_sources / kept.path
        return kept if path.is_file() and path.stat().st_size == kept.size_bytes else None

    def forget(self, url: str) -> None:
        """Remove the fetched source of a URL, unless a generation still needs it. A person's own file stays."""
        if urlsplit(url).scheme == "file":
            return
        if any(url in job.request.video_urls for job in self._store.unfinished()):
            return
        self._store.delete_source(url)
        remove(self._folders.source(url))
