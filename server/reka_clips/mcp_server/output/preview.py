"""Pictures of finished clips, so that a model sees what the crop shows before a person does."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.errors import DownloadError, EngineMissingError
from reka_clips.mcp_server.output.pictures import image_block, strip
from reka_clips.mcp_server.tools.saving import engine_path

if TYPE_CHECKING:
    from mcp_types import ImageContent

    from reka_clips.contract import ClipOutput
    from reka_clips.generations import Generation
    from reka_clips.mcp_server.tools.tool_call import Call

MAX_CLIPS: Final = 12
_MAX_DOWNLOAD_BYTES: Final = 200 * 1024 * 1024
_SECONDS: Final = 20.0  # for all pictures of a call
_UNKNOWN_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


async def preview(job: Generation, call: Call) -> list[ImageContent]:
    """Return a strip of frames for each clip that can be read; fewer where ffmpeg, a link or time is missing."""
    from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

    blocks: list[ImageContent] = []
    try:
        ffmpeg = await anyio.to_thread.run_sync(find_ffmpeg, call.runtime.settings.ffmpeg)
    except EngineMissingError:
        return blocks
    with anyio.move_on_after(_SECONDS), tempfile.TemporaryDirectory(prefix="reka-clips-preview-") as name:
        for output in job.state.snapshot.output[:MAX_CLIPS]:
            try:
                video = await _video(output, job, call, Path(name))
                seconds = output.duration_seconds or _UNKNOWN_SECONDS
                content = await strip(ffmpeg, video, duration_seconds=seconds, scratch=Path(name))
            except (DownloadError, OSError) as error:
                log.info("No preview of a clip of %s: %s", job.id, error)
                continue
            if content is not None:
                blocks.append(image_block(content))
    return blocks


async def _video(output: ClipOutput, job: Generation, call: Call, folder: Path) -> Path:
    """Return the file of a clip, fetched if it is behind a link. Raises DownloadError."""
    link = output.link or ""
    if link.startswith("file://") and job.account.backend.is_embedded:
        return engine_path(link, data_dir=call.runtime.settings.data_dir)
    if not link.startswith(("http://", "https://")):
        raise DownloadError("This clip has no link yet.")
    from reka_clips.download.fetch import DownloadLimits, NetworkAccess, download, origin

    access = NetworkAccess(
        allow_private=call.runtime.settings.allow_private_sources,
        trusted_origins=frozenset({origin(job.account.client.base_url)}),
        redirects_to_https_only=True,
    )
    path = folder / "clip.mp4"
    path.unlink(missing_ok=True)
    await download(link, path, limits=DownloadLimits(max_bytes=_MAX_DOWNLOAD_BYTES), access=access)
    return path
