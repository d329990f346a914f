"""`find_moments`: candidates for clips, with words and pictures, before anything is rendered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp_types import ImageContent, ToolAnnotations

from reka_clips.contract.schemas import JsonSchema, described, flat_schema
from reka_clips.contract.video_urls import NO_FILES
from reka_clips.errors import DownloadError
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import SEARCH_FIELDS, FindArguments, parse_find
from reka_clips.mcp_server.output.models import MomentsResult
from reka_clips.mcp_server.output.moments import moments_result
from reka_clips.mcp_server.output.pictures import image_block
from reka_clips.mcp_server.output.results import submitting_result
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool
from reka_clips.mcp_server.tools.create_clips import sources_state
from reka_clips.mcp_server.tools.saving import engine_path
from reka_clips.mcp_server.tools.tool_call import Call, Take, story_of, waited_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.generations import Generation
    from reka_clips.mcp_server.context import AppContext

NAME: Final = "find_moments"
MAX_SHEET_BYTES: Final = 120_000

DESCRIPTION: Final = """\
Find up to 12 moments that would make good clips, best first, without rendering: times, score, the words said there, \
and one picture with a numbered frame of each. Look, choose, then pass the chosen times to create_clips as \
generation_config.segments. Free and read-only; made by the embedded engine, from direct links and local files."""

FIELDS: Final = {
    "video_urls": "Direct video links, or file:///absolute/path.",
    "prompt": "What to look for; matched with what is said.",
    "generation_config": "Length of the moments, and where to search.",
    "generation_config.min_duration_seconds": "Shortest (default 0).",
    "generation_config.max_duration_seconds": "Longest (default 90).",
    "generation_config.source_start_time": "Search from here on, in seconds.",
    "generation_config.source_end_time": "Search up to here, in seconds.",
    "wait_seconds": "As in create_clips.",
}


def input_schema() -> JsonSchema:
    """Return what the tool takes: of the configuration, what matters to a search."""
    schema = flat_schema(FindArguments)
    config = schema["properties"]["generation_config"]
    searched = config | {"properties": {name: config["properties"][name] for name in SEARCH_FIELDS}}
    return described(schema | {"properties": schema["properties"] | {"generation_config": searched}}, FIELDS)


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(run, runtime),
        name=NAME,
        title="Find moments for clips",
        description=DESCRIPTION,
        input_schema=input_schema(),
        result=MomentsResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
        icon=icon(NAME),
        meta=gallery.TOOL_META,
    )


async def run(
    runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any], *, take: Take | None = None
) -> CallToolResult:
    """Return the result of a call. take: see `waited_for`; the call then returns without waiting for the end."""
    call = Call.now(runtime, context)
    no_files = runtime.no_files_reason(call.headers)
    arguments = parse_find(raw, allow_file=no_files is None, no_files=no_files or NO_FILES)
    async with ProgressReporter(context.report_progress, runtime.heartbeat) as relay:
        await relay.tell("Starting the search")
        with call.deadline(arguments.wait_seconds or None):
            account = await runtime.engine_account(call.headers)
        state = await sources_state(arguments)
        creation = runtime.manager.create(account, arguments.request, sources_state=state)
        job = await waited_for(creation, call, relay, wait_seconds=arguments.wait_seconds, take=take)
    if job is None:
        return submitting_result(raw, backend=account.backend, tool=NAME)
    result = moments_result(*story_of(job, call, note=creation.note))
    return result.model_copy(update={"content": [*result.content, *await contact_sheet(job, call)]})


async def contact_sheet(job: Generation, call: Call) -> list[ImageContent]:
    """Return the numbered picture of a search's candidates; nothing where there is none."""
    link = job.state.snapshot.contact_sheet_url or ""
    if not job.account.backend.is_embedded or not link.startswith("file://"):
        return []
    try:
        path = engine_path(link, data_dir=call.runtime.settings.data_dir)
        content = await anyio.Path(path).read_bytes()
    except (DownloadError, OSError):
        return []
    return [image_block(content)] if len(content) <= MAX_SHEET_BYTES else []
