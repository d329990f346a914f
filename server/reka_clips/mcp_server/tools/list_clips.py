"""`list_clips`: the generations there are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp_types import ToolAnnotations

from reka_clips.contract import ClipList, is_terminal
from reka_clips.contract.schemas import described, flat_schema
from reka_clips.mcp_server.extensions import gallery
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import MAX_LIST_LIMIT, RUNNING, ListArguments, parse_list
from reka_clips.mcp_server.output.models import GenerationListResult
from reka_clips.mcp_server.output.results import list_result
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.contract import ClipListItem
    from reka_clips.generations import ApiSession
    from reka_clips.mcp_server.context import AppContext

NAME: Final = "list_clips"

DESCRIPTION: Final = """\
List the generations of this key (or of this computer's engine), a page at a time: id, status, sources and prompt of \
each, from the embedded engine also date, first title, format and total length; get_clip_status returns the clips.

For a lost id, for what is running, or to see whether a creation went through before sending it again. Reka tells no \
dates, titles or total, and no order; a full page comes with the call for the next one."""

FIELDS: Final = {
    "status": "Only these; running: every stage before the end. Left out: all.",
    "offset": "How many to skip (default 0); `next` has the following page's.",
    "limit": "How many to return (default 20).",
}
_SCANNED_PAGES: Final = 3


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
        if arguments.status == RUNNING:
            page = await _running(runtime, account, arguments)
        else:
            page = await runtime.manager.list(
                account, offset=arguments.offset, limit=arguments.limit, status=arguments.status
            )
    return list_result(runtime.shown_list(page, context.headers), backend=account.backend, arguments=arguments)


async def _running(runtime: AppContext, account: ApiSession, arguments: ListArguments) -> ClipList:
    """Return the generations that have not ended, among the first few hundred: no Clip API can be asked for them."""
    found: list[ClipListItem] = []
    for number in range(_SCANNED_PAGES):
        page = await runtime.manager.list(account, offset=number * MAX_LIST_LIMIT, limit=MAX_LIST_LIMIT)
        found += [item for item in page.items if not is_terminal(item.status)]
        if len(page.items) < MAX_LIST_LIMIT:
            break
    shown = found[arguments.offset : arguments.offset + arguments.limit]
    return ClipList(items=tuple(shown), total=len(found))
