"""Keeps the engine's folder in bounds: what a killed engine left, old sources, and, if asked, old clips."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from reka_clips.engine.service.paths import remove

if TYPE_CHECKING:
    from reka_clips.engine.service.paths import Folders
    from reka_clips.engine.store.sqlite import JobStore
    from reka_clips.settings import Settings

_DAY_SECONDS: Final = 86400.0
_PAGE: Final = 200

logger = logging.getLogger(__name__)


def prune(store: JobStore, folders: Folders, settings: Settings, *, now: float) -> None:
    """Remove sources and, if the settings ask, clips that are not needed any more.

    now: Unix seconds. Raises OSError, sqlite3.Error.
    """
    _sources(store, folders, settings, now)
    if settings.keep_clips_days is not None or settings.keep_clips_bytes is not None:
        _clips(store, folders, settings, now)


def sweep(store: JobStore, folders: Folders) -> None:
    """Remove what an engine that was killed left: clips in the making or of no generation, and half downloads.

    For the start of an engine, before it works: everything in the making is then a leftover.
    Raises OSError, sqlite3.Error.
    """
    for path in folders.all_staging.iterdir():
        remove(path)
    ids = store.ids()
    for path in folders.all_clips.iterdir():
        if path.name not in ids:
            remove(path)
    known = {"/".join(source.path.split("/")[:2]) for source in store.sources()}
    for folder in folders.all_sources.iterdir():
        if folder.is_symlink() or not folder.is_dir():
            remove(folder)
            continue
        for path in folder.iterdir():
            if f"{folder.name}/{path.name}" not in known:
                remove(path)
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()


def _sources(store: JobStore, folders: Folders, settings: Settings, now: float) -> None:
    """Remove fetched sources that were not used for long, then the longest unused ones until the rest fits."""
    needed = {url for job in store.unfinished() for url in job.request.video_urls}
    kept = store.sources()
    total_bytes = sum(source.size_bytes for source in kept)
    for source in kept:
        is_old = now - source.used_at > settings.keep_sources_days * _DAY_SECONDS
        is_useless = source.url not in needed and (is_old or total_bytes > settings.keep_sources_bytes)
        if is_useless and store.delete_source(source.url, unless_used_since=source):
            remove(folders.source(source.url))
            total_bytes -= source.size_bytes


def _clips(store: JobStore, folders: Folders, settings: Settings, now: float) -> None:
    """Delete ended generations that are too old, then the oldest ones until the clips of the rest fit."""
    total_bytes = 0
    doomed: list[str] = []
    for offset in range(0, len(store.ids()), _PAGE):
        for job in store.page(offset=offset, limit=_PAGE):  # the newest first: what still fits stays
            total_bytes += job.size_bytes
            is_old = settings.keep_clips_days is not None and now - job.updated_at > (
                settings.keep_clips_days * _DAY_SECONDS
            )
            is_too_much = settings.keep_clips_bytes is not None and total_bytes > settings.keep_clips_bytes
            if job.is_terminal and (is_old or is_too_much):
                doomed.append(job.id)
    for job_id in doomed:
        remove(folders.clips(job_id))
        if store.delete(job_id) is not None:
            logger.info("Generation %s was removed, as the settings ask.", job_id)
