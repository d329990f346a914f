"""`list_clips`: the generations there are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp_types import ToolAnnotations

from reka_clips.contract.schemas import described, flat_schema
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import ListArguments, parse_list
from reka_clips.mcp_server.output.models import GenerationListResult
from reka_clips.mcp_server.output.results import list_result
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.mcp_server.context import AppContext

NAME: Final = "list_clips"

DESCRIPTION: Final = """\
List the generations that exist for this key (or in this computer's engine), a page at a time: id, status, sources \
and prompt of each, not the clips themselves; get_clip_status returns those for one id.

For finding an id that was lost, seeing what is running, or checking whether a creation went through before sending \
it again; with an id at hand, get_clip_status tells more. Read only, at no cost. The order is the service's own and \
there is no total: a page that is full comes with the call for the next one."""

FIELDS: Final = {
    "status": "Only generations with this status; left out: all. queued to processing are running.",
    "offset": "How many to skip (default 0); the answer's `next` holds the offset of the following page.",
    "limit": "How many to return, 1 to 100 (default 20). A page too long for one answer is cut and says so.",
}


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="List generations of clips",
        description=DESCRIPTION,
        input_schema=described(flat_schema(ListArguments), FIELDS),
        result=GenerationListResult,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
        icon=icon(NAME),
        meta=gallery.TOOL_META,
    )


async def _run(runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any]) -> CallToolResult:
    arguments = parse_list(raw)
    with runtime.deadline():
        account = await runtime.account(context.headers)
        page = await runtime.manager.list(
            account, offset=arguments.offset, limit=arguments.limit, status=arguments.status
        )
    return list_result(runtime.shown_list(page, context.headers), backend=account.backend, arguments=arguments)
