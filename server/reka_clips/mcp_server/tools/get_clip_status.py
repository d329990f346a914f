"""`get_clip_status`: how a generation stands, waiting for its end for a while."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp_types import ToolAnnotations

from reka_clips.contract.schemas import described, flat_schema
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import StatusArguments, parse_status
from reka_clips.mcp_server.output.models import GenerationResult
from reka_clips.mcp_server.output.preview import preview
from reka_clips.mcp_server.progress import ProgressReporter
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool
from reka_clips.mcp_server.tools.find_moments import contact_sheet
from reka_clips.mcp_server.tools.tool_call import Call, job_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.mcp_server.context import AppContext

NAME: Final = "get_clip_status"

DESCRIPTION: Final = """\
Get the status of a generation and, once it has completed, its clips: links, titles, captions, hashtags, scores; from \
the embedded engine also length, size, source times and what is said. Needs the id that create_clips or find_moments \
returned; without one, list_clips finds it.

Free, changes nothing. Waits for a running generation, with progress, for up to wait_seconds, then returns the stage \
and the next call. Asking again later also renews links that have expired. A failed generation is an error with its \
reason."""

FIELDS: Final = {
    "id": "The generation, from create_clips, find_moments or list_clips.",
    "wait_seconds": "How long to wait while it runs (default 45). 0: not at all.",
    "preview": "true: also a picture of each clip, six frames in a row, to check what the crop shows (default false).",
}


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="Get clips or their status",
        description=DESCRIPTION,
        input_schema=described(flat_schema(StatusArguments), FIELDS),
        result=GenerationResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
        icon=icon(NAME),
        meta=gallery.TOOL_META,
    )


async def _run(runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any]) -> CallToolResult:
    call = Call.now(runtime, context)
    arguments = parse_status(raw)
    async with ProgressReporter(context.report_progress, runtime.heartbeat) as relay:
        await relay.tell(f"Asking for generation {arguments.id}")
        with call.deadline(arguments.wait_seconds) as wait_ends_at:
            account = await runtime.session_of(arguments.id, call.headers)
            job = await runtime.manager.job(account, arguments.id)
            if arguments.wait_seconds != 0 and not job.state.is_terminal:
                with anyio.move_on_at(wait_ends_at):
                    await relay.follow(job)
        result = job_result(job, call)
        if job.state.stage == "completed" and (arguments.preview or job.state.snapshot.is_plan):
            await relay.tell("Making pictures of the clips")
            is_plan = job.state.snapshot.is_plan
            pictures = await (contact_sheet(job, call) if is_plan else preview(job, call))
            return result.model_copy(update={"content": [*result.content, *pictures]})
    return result
