"""Keeps the engine's folder in bounds: what crashed processes left, old sources, and, if asked, old clips."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from reka_clips.engine.service.paths import remove

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.service.paths import Folders
    from reka_clips.engine.store.sqlite import JobStore
    from reka_clips.settings import Settings

_DAY_SECONDS: Final = 86400.0
_ABANDONED_SECONDS: Final = 3600.0
_PAGE: Final = 200

logger = logging.getLogger(__name__)


def prune(store: JobStore, folders: Folders, settings: Settings, *, now: float) -> None:
    """Remove what is not needed any more. Safe beside other processes on the same folder.

    now: Unix seconds. Raises OSError, sqlite3.Error.
    """
    _leftovers(store, folders, now)
    _sources(store, folders, settings, now)
    if settings.keep_clips_days is not None or settings.keep_clips_bytes is not None:
        _clips(store, folders, settings, now)


def _leftovers(store: JobStore, folders: Folders, now: float) -> None:
    """Remove clips that belong to no generation, and what was in the making when its process died."""
    # Looked at before the ids are read: a folder is made after its generation, so a new one is never an orphan.
    staged, finished = list(folders.all_staging.iterdir()), list(folders.all_clips.iterdir())
    owners = {job.id: job.owner for job in store.unfinished()}
    for path in staged:
        job_id, _, owner = path.name.partition(".")
        if owners.get(job_id) != owner:
            remove(path)
    ids = store.ids()
    for path in finished:
        if path.name not in ids:
            remove(path)
    known = {"/".join(source.path.split("/")[:2]) for source in store.sources()}
    for folder in folders.all_sources.iterdir():
        with contextlib.suppress(OSError):  # another process removed it just now, or put something into it
            for path in folder.iterdir():
                if _is_abandoned(path, now) and f"{folder.name}/{path.name}" not in known:
                    remove(path)
            if _is_abandoned(folder, now):
                folder.rmdir()


def _is_abandoned(path: Path, now: float) -> bool:
    """Whether nobody can be downloading into this any more."""
    return now - path.stat().st_mtime > _ABANDONED_SECONDS


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
        if store.delete(job_id) is not None:
            remove(folders.clips(job_id))
            logger.info("Generation %s was removed, as the settings ask.", job_id)
