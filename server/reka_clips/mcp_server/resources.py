"""Resources: the guide, a generation as JSON, and video and picture of a clip that the embedded engine made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from reka_clips.contract import canonical_id, is_generation_id
from reka_clips.errors import DownloadError, NotFoundError, RekaClipsError
from reka_clips.mcp_server.guide import guide
from reka_clips.mcp_server.input.arguments import CLIPS_URI
from reka_clips.mcp_server.output.fields import Bounds, shown, shown_clip
from reka_clips.mcp_server.output.text import clean
from reka_clips.mcp_server.tools.saving import engine_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp.server.mcpserver import MCPServer

    from reka_clips.contract import ClipOutput
    from reka_clips.generations import Generation
    from reka_clips.mcp_server.context import AppContext

GUIDE_URI: Final = "reka-clips://guide"
CLIP_URI: Final = CLIPS_URI + "{id}"
VIDEO_URI: Final = CLIP_URI + "/videos/{clip}"
POSTER_URI: Final = CLIP_URI + "/posters/{clip}"
MAX_VIDEO_BYTES: Final = 16 * 1024**2
# All that a generation can be expected to hold (12 clips at most), and never more than clients bear (1 MB).
_ALL: Final = Bounds(
    clips=50, caption_characters=2500, prompt_characters=5000, title_characters=300, link_characters=100_000
)


def add_resources(server: MCPServer[Any], runtime: AppContext) -> None:
    """Register the resources."""

    @server.resource(
        GUIDE_URI,
        name="guide",
        title="Guide to the options",
        description="What create_clips can be asked for, with examples, cost and limits.",
        mime_type="text/markdown",
    )
    def read_guide() -> str:  # pyright: ignore[reportUnusedFunction] - registered by the decorator
        return guide(runtime.backend_sentence())

    @server.resource(
        CLIP_URI,
        name="generation",
        title="A generation of clips",
        description="One generation with all its clips, as JSON.",
        mime_type="application/json",
    )
    async def read_generation(id: str, ctx: Context[Any, Any]) -> str:  # noqa: A002  # pyright: ignore[reportUnusedFunction] - the URI's word; registered by the decorator
        job = await _job(runtime, id, ctx)
        snapshot = runtime.shown(job.state.snapshot.model_copy(update={"id": job.id}), ctx.headers, job.account)
        fields = shown(snapshot.model_copy(update={"output": ()}), _ALL)
        fields["backend"] = job.account.backend.name
        fields["output"] = [shown_clip(output, _ALL, link=output.link) for output in snapshot.output[: _ALL.clips]]
        return json.dumps(fields, ensure_ascii=False, indent=2)

    @server.resource(
        VIDEO_URI,
        name="clip-video",
        title="The video of a clip",
        description="The MP4 of one clip that the embedded engine made, up to 16 MB. clip counts from 1.",
        mime_type="video/mp4",
    )
    async def read_video(id: str, clip: str, ctx: Context[Any, Any]) -> bytes:  # noqa: A002  # pyright: ignore[reportUnusedFunction] - the URI's word; registered by the decorator
        job = await _job(runtime, id, ctx)
        path = _engine_file(runtime, job, clip, lambda output: output.link)
        if path.stat().st_size > MAX_VIDEO_BYTES:
            raise ResourceError(f"This clip is larger than {MAX_VIDEO_BYTES // 1024**2} MB; open its link instead.")
        return await anyio.Path(path).read_bytes()

    @server.resource(
        POSTER_URI,
        name="clip-poster",
        title="A picture of a clip",
        description="A still of one clip that the embedded engine made. clip counts from 1.",
        mime_type="image/jpeg",
    )
    async def read_poster(id: str, clip: str, ctx: Context[Any, Any]) -> bytes:  # noqa: A002  # pyright: ignore[reportUnusedFunction] - the URI's word; registered by the decorator
        job = await _job(runtime, id, ctx)
        path = _engine_file(runtime, job, clip, lambda output: output.poster_url)
        return await anyio.Path(path).read_bytes()


def _engine_file(runtime: AppContext, job: Generation, clip: str, link_of: Callable[[ClipOutput], str | None]) -> Path:
    """Return a file that the embedded engine made for a clip. Raises ResourceError."""
    outputs = job.state.snapshot.output
    number = int(clip) if clip.isascii() and clip.isdigit() and len(clip) < 4 else 0  # noqa: PLR2004 - three digits
    if not 1 <= number <= len(outputs):
        have = f"{len(outputs)} clip{'' if len(outputs) == 1 else 's'}"
        raise ResourceNotFoundError(f"Generation {job.id} has {have}; there is no such number.")
    link = link_of(outputs[number - 1]) or ""
    if not job.account.backend.is_embedded or not link.startswith("file://"):
        raise ResourceError("Only clips of the embedded engine can be read here; this one has a link in its JSON.")
    try:
        return engine_path(link, data_dir=runtime.settings.data_dir)
    except DownloadError as error:
        raise ResourceNotFoundError(str(error)) from error


async def _job(runtime: AppContext, generation_id: str, context: Context[Any, Any]) -> Generation:
    if not is_generation_id(generation_id):
        raise ResourceNotFoundError("The id in this address is no id of a generation; list_clips lists them.")
    try:
        with runtime.deadline():
            account = await runtime.account(context.headers)
            return await runtime.manager.job(account, canonical_id(generation_id))
    except NotFoundError as error:
        raise ResourceNotFoundError("There is no such generation for this key; list_clips lists them.") from error
    except RekaClipsError as error:
        raise ResourceError(clean(str(error), max_characters=500)) from error
