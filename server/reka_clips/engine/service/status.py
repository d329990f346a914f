"""What the engine has on this machine: generations, disk use, limits."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reka_clips.engine.service.paths import Folders, size_bytes

if TYPE_CHECKING:
    from reka_clips.engine.store.sqlite import JobStore
    from reka_clips.settings import Settings


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The engine's generations, its disk, its limits. `jobs`: how many per status. Limits of None do not hold."""

    jobs: dict[str, int]
    clips_bytes: int
    sources_bytes: int
    free_bytes: int
    limits: dict[str, int | None]


def engine_status(store: JobStore, folders: Folders, settings: Settings) -> EngineStatus:
    """Return how the engine stands. Looks at the disk. Raises OSError, sqlite3.Error."""
    return EngineStatus(
        jobs=store.counts(),
        clips_bytes=size_bytes(folders.all_clips),
        sources_bytes=size_bytes(folders.all_sources),
        free_bytes=shutil.disk_usage(folders.root).free,
        limits={
            "jobs_at_once": settings.engine_jobs,
            "queue": settings.engine_queue,
            "max_source_bytes": settings.max_source_bytes,
            "keep_sources_bytes": settings.keep_sources_bytes,
            "keep_sources_days": settings.keep_sources_days,
            "keep_clips_bytes": settings.keep_clips_bytes,
            "keep_clips_days": settings.keep_clips_days,
        },
    )
