"""Makes the clips of one generation: fetches its sources, has them cut, and puts the result in place."""

from __future__ import annotations

import errno
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from reka_clips.engine.folders import remove
from reka_clips.engine.record import COMPLETED, DOWNLOADING, FAILED
from reka_clips.errors import RekaClipsError

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.folders import Folders
    from reka_clips.engine.record import Clip, JobRecord
    from reka_clips.engine.report import Report
    from reka_clips.engine.sources import Sources

_FETCHING_SHARE: Final = 0.1
DISK_FULL_MESSAGE: Final = "The disk is full: free some space where the clips are kept, then try again."
_UNEXPECTED_MESSAGE: Final = "The engine failed on this video for a reason it does not know; its log tells more."

logger = logging.getLogger(__name__)


async def make(report: Report, *, sources: Sources, folders: Folders) -> JobRecord:
    """Make the clips of `report.job` and return the generation as it ended, completed or failed; not yet written.

    Its clips stand in `folders.clips` all together when it is completed, and nothing is left there when it failed.
    """
    job = report.job
    if job.owner is None:
        raise ValueError("A generation is made by the process that claimed it.")
    staging = folders.staging(job.id, job.owner)
    try:
        await anyio.to_thread.run_sync(_make_anew, staging)
        clips, warnings = await _cut(report, sources, staging)
        await anyio.to_thread.run_sync(_move, staging, folders.clips(job.id))
    except RekaClipsError as error:
        logger.info("Generation %s failed: %s", job.id, error)
        return failed(report.job, str(error))
    except OSError as error:
        logger.warning("Generation %s failed: %s", job.id, error)
        return failed(report.job, _disk_words(error))
    except Exception:  # whatever a video can bring about must not end the service
        logger.exception("Generation %s failed.", job.id)
        return failed(report.job, _UNEXPECTED_MESSAGE)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(remove, staging)
    ended = replace(report.job, clips=clips, warnings=warnings, num_generations=len(clips), progress=1.0)
    return ended.entering(COMPLETED, at=time.time())


def failed(job: JobRecord, reason: str) -> JobRecord:
    """Return a generation as it failed."""
    return replace(job, error_message=reason).entering(FAILED, at=time.time())


async def _cut(report: Report, sources: Sources, staging: Path) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Fetch the sources and have them cut into `staging`; return the clips, and warnings in plain words."""
    job = report.job
    report.enter(DOWNLOADING)
    paths: list[Path] = []
    count = len(job.request.video_urls)
    for index, url in enumerate(job.request.video_urls):
        paths.append(
            await sources.fetch(
                url, job.policy, lambda share, done=index: report.progress((done + share) / count * _FETCHING_SHARE)
            )
        )
    raise NotImplementedError


def _make_anew(folder: Path) -> None:
    remove(folder)
    folder.mkdir(mode=0o700)


def _move(staging: Path, clips: Path) -> None:
    """Put the finished clips in place at once. An earlier attempt may have come this far, and no further."""
    remove(clips)
    staging.rename(clips)


def _disk_words(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DISK_FULL_MESSAGE
    return f"The clips could not be written to disk ({error.strerror or type(error).__name__})."
