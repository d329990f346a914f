"""Makes the clips of one generation: fetches its sources, has them cut, and puts the result in place."""

from __future__ import annotations

import errno
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import anyio.to_thread

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.service.models import (
    COMPLETED,
    DOWNLOADING,
    FAILED,
    INDEXING,
    PREPROCESSING,
    PROCESSING,
    Clip,
    JobRecord,
)
from reka_clips.engine.service.paths import Folders, remove
from reka_clips.engine.service.progress_writer import ProgressWriter
from reka_clips.engine.service.sources import SourceError, Sources
from reka_clips.engine.store.sqlite import is_full
from reka_clips.errors import DownloadError, RekaClipsError

if TYPE_CHECKING:
    from reka_clips.engine.media.pipeline import Clip as MadeClip
    from reka_clips.engine.media.sources import Source

DISK_FULL_MESSAGE: Final = "The disk is full: free some space where the clips are kept, then try again."
_UNEXPECTED_MESSAGE: Final = "The engine failed on this video for a reason it does not know; its log tells more."
_DOWNLOADING_SHARE: Final = 0.1
_NEXT_STAGE: Final = {DOWNLOADING: INDEXING, INDEXING: PREPROCESSING, PREPROCESSING: PROCESSING}

logger = logging.getLogger(__name__)


async def make(
    report: ProgressWriter, *, sources: Sources, folders: Folders, ffmpeg: Ffmpeg, speech_model: Path | None = None
) -> JobRecord:
    """Make the clips of `report.job` and return the generation as it ended, completed or failed; not yet written.

    Its clips stand in `folders.clips` all together when it is completed; there is nothing there when it failed, nor
    may be when this begins.
    """
    job = report.job
    if job.owner is None:
        raise ValueError("A generation is made by the process that claimed it.")
    staging = folders.staging(job.id, job.owner)
    try:
        await anyio.to_thread.run_sync(_make_anew, staging)
        clips, warnings = await _cut(report, sources, ffmpeg, staging, speech_model)
        await anyio.to_thread.run_sync(staging.rename, folders.clips(job.id))  # all of them at once
    except Exception as caught:  # noqa: BLE001 - whatever a video can bring about must not end the service
        return failed(report.job, _reason(_innermost(caught), job.id))
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(remove, staging)
    ended = replace(report.job, clips=clips, warnings=warnings, num_generations=len(clips), progress=1.0)
    return ended.entering(COMPLETED, at=time.time())


def failed(job: JobRecord, reason: str) -> JobRecord:
    """Return a generation as it failed."""
    return replace(job, error_message=reason).entering(FAILED, at=time.time())


async def _cut(
    report: ProgressWriter, sources: Sources, ffmpeg: Ffmpeg, staging: Path, speech_model: Path | None
) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Fetch the sources and have them cut into `staging`; return the clips, and warnings in plain words."""
    from reka_clips.engine.media.pipeline import make_clips  # takes a while to import

    request = report.job.request
    fetched, warnings = await _fetch(report, sources)
    fetching_share = report.job.progress

    def progressed(stage: str, share: float) -> None:
        # A stage that took no time is entered all the same: listeners are told every one.
        while report.job.status != stage and report.job.status in _NEXT_STAGE:
            report.enter(_NEXT_STAGE[report.job.status])
        report.progress(fetching_share + (1 - fetching_share) * share)

    outcome = await make_clips(
        fetched,
        prompt=request.prompt,
        generation=request.generation_config,
        rendering=request.rendering_config,
        directory=staging,
        ffmpeg=ffmpeg,
        report=progressed,
        speech_model=speech_model,
    )
    clips = [_take(made, number, staging) for number, made in enumerate(outcome.clips, 1)]
    return tuple(clips), (*warnings, *outcome.warnings)


async def _fetch(report: ProgressWriter, sources: Sources) -> tuple[list[Source], list[str]]:
    """Return the sources that could be had, and warnings of the others. Raises the first error if none could."""
    report.enter(DOWNLOADING)
    urls = report.job.request.video_urls
    share = _DOWNLOADING_SHARE if any(urlsplit(url).scheme != "file" for url in urls) else 0.0
    fetched: list[Source] = []
    problems: list[RekaClipsError] = []
    for index, url in enumerate(urls):

        def progressed(done: float, index: int = index) -> None:
            report.progress(share * (index + done) / len(urls))

        try:
            fetched.append(await sources.fetch(url, report.job.policy, progressed))
        except (DownloadError, SourceError) as error:
            problems.append(error)
    report.progress(share)
    if not fetched:
        raise problems[0]
    return fetched, [f"A source was left out: {problem}" for problem in problems]


def _take(made: MadeClip, number: int, staging: Path) -> Clip:
    """Give the files of a clip their lasting names; return the clip as it is kept."""
    made.path.rename(staging / f"{number}.mp4")
    has_poster = made.poster_path.is_file()
    if has_poster:
        made.poster_path.rename(staging / f"{number}.jpg")
    return Clip(
        number=number,
        title=made.title,
        caption=made.caption,
        hashtags=made.hashtags,
        ai_score=made.ai_score,
        duration_seconds=made.duration_seconds,
        width=made.width_px,
        height=made.height_px,
        size_bytes=made.size_bytes,
        has_poster=has_poster,
        source_url=made.source_url,
        source_start_seconds=made.source_start_seconds,
        source_end_seconds=made.source_end_seconds,
    )


def _make_anew(folder: Path) -> None:
    remove(folder)
    folder.mkdir(mode=0o700)


def _innermost(error: Exception) -> Exception:
    """Return the one error inside a group, however deep; of several, the first."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error


def _reason(error: Exception, job_id: str) -> str:
    """Return in plain words why a generation failed, and log what people need not see."""
    if isinstance(error, RekaClipsError):
        detail = error.detail if isinstance(error, MediaError) else ""
        logger.info("Generation %s failed: %s %s", job_id, error, detail)
        return str(error)
    if is_full(error) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        logger.warning("Generation %s failed: %s", job_id, error)
        return DISK_FULL_MESSAGE
    if isinstance(error, OSError):
        logger.warning("Generation %s failed: %s", job_id, error)
        return f"The clips could not be written to disk ({error.strerror or type(error).__name__})."
    logger.error("Generation %s failed.", job_id, exc_info=error)
    return _UNEXPECTED_MESSAGE
