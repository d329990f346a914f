"""`delete_clip`: delete an ended generation, and its source if asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp_types import ToolAnnotations

from reka_clips.contract.schemas import described, flat_schema
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import DeleteArguments, parse_delete
from reka_clips.mcp_server.output.models import DeletionResult
from reka_clips.mcp_server.output.results import plain_result
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.mcp_server.context import AppContext

NAME: Final = "delete_clip"

DESCRIPTION: Final = """\
Delete one completed or failed generation with all its clips, for good: their links stop working and nothing brings \
them back. With delete_input_video the indexed source video is deleted, too. Files that save_clip wrote, and the \
original video wherever it came from, are left alone.

For clips that nobody needs any more; a clip worth keeping is better saved before (save_clip, where there is one). \
Costs nothing and gives no creation back. A generation that still runs cannot be deleted or cancelled: \
get_clip_status waits for its end. Deleting one that is gone already answers with "not found" and changes nothing. \
list_clips shows what there is."""

FIELDS: Final = {
    "id": "Id of the generation, from create_clips or list_clips. All its clips go; there is no undo.",
    "delete_input_video": (
        "true: also delete the source video that the service indexed, which other generations from the same link may "
        "have to index again. Default false."
    ),
}


def tool(runtime: AppContext) -> ClipTool:
    """Return the tool as it is registered."""
    return clip_tool(
        partial(_run, runtime),
        name=NAME,
        title="Delete clips",
        description=DESCRIPTION,
        input_schema=described(flat_schema(DeleteArguments), FIELDS),
        result=DeletionResult,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
        ),
        icon=icon(NAME),
    )


async def _run(runtime: AppContext, raw: Mapping[str, Any], context: Context[Any, Any]) -> CallToolResult:
    arguments = parse_delete(raw)
    with runtime.deadline():
        account = await runtime.account(context.headers)
        answer = await runtime.manager.delete(account, arguments.id, delete_input_video=arguments.delete_input_video)
    source_deleted = arguments.delete_input_video and answer.get("input_video_deleted", True)
    return plain_result(
        DeletionResult(
            id=arguments.id,
            deleted=True,
            input_video_deleted=source_deleted,
            backend=account.backend.name,
            message=(
                f"Generation {arguments.id}{' and its source video' if source_deleted else ''} deleted (backend "
                f"{account.backend.name}). Its links no longer work.{_kept(arguments, source_deleted=source_deleted)}"
            ),
        )
    )


def _kept(arguments: DeleteArguments, *, source_deleted: bool) -> str:
    if not arguments.delete_input_video or source_deleted:
        return ""
    return (
        " The source video was not deleted: a file of this computer is never deleted, and a fetched one is kept while "
        "another generation uses it."
    )
