"""`delete_clip`: delete generations, and their sources if asked; the engine cancels those that run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp_types import ToolAnnotations

from reka_clips.contract.schemas import described, flat_schema
from reka_clips.errors import ApiError
from reka_clips.mcp_server.icons import icon
from reka_clips.mcp_server.input.arguments import DeleteArguments, parse_delete
from reka_clips.mcp_server.output.error_results import failure_words
from reka_clips.mcp_server.output.models import DeletionItem, DeletionResult
from reka_clips.mcp_server.output.results import plain_result
from reka_clips.mcp_server.tools.base import ClipTool, clip_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.mcp_server.context import AppContext

NAME: Final = "delete_clip"

DESCRIPTION: Final = """\
Delete generations with all their clips, for good: their links stop working, nothing brings them back. A single clip \
of several cannot be deleted. Files that save_clip wrote, and the original videos, are left alone.

The embedded engine cancels a generation that still runs, within seconds; at Reka one that is still running cannot be \
cancelled or deleted: get_clip_status waits for its end. Costs nothing and gives no creation back. An id that is gone \
answers with "not found"."""

_KEPT: Final = (
    " The source video was not deleted: a file of this computer is never deleted, and a fetched one is kept while "
    "another generation uses it."
)
FIELDS: Final = {
    "id": "The generation, from create_clips or list_clips.",
    "ids": "Instead of id: up to 50 generations at once.",
    "delete_input_video": "true: also delete the copy of the source that the service keeps (default false).",
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
        if arguments.id is not None:
            return plain_result(await _deleted(runtime, arguments.id, arguments, context))
        ids = tuple(dict.fromkeys(arguments.ids or ()))
        items = [await _item(runtime, generation_id, arguments, context) for generation_id in ids]
        backend = (await runtime.account(context.headers)).backend
    count = sum(item.deleted for item in items)
    result = DeletionResult(
        id=ids[0],
        deleted=count == len(items),
        input_video_deleted=False,
        results=tuple(items),
        backend=backend.name,
        message="\n".join([f"{count} of {len(items)} generations deleted.", *(f"- {item.message}" for item in items)]),
    )
    return plain_result(result).model_copy(update={"is_error": count == 0})


async def _item(
    runtime: AppContext, generation_id: str, arguments: DeleteArguments, context: Context[Any, Any]
) -> DeletionItem:
    try:
        message = (await _deleted(runtime, generation_id, arguments, context)).message
    except ApiError as error:
        return DeletionItem(id=generation_id, deleted=False, message=f"{generation_id}: {failure_words(error, NAME)}")
    return DeletionItem(id=generation_id, deleted=True, message=message)


async def _deleted(
    runtime: AppContext, generation_id: str, arguments: DeleteArguments, context: Context[Any, Any]
) -> DeletionResult:
    account = await runtime.session_of(generation_id, context.headers)
    job = runtime.manager.known(account, generation_id)
    was_running = job is not None and not job.state.is_terminal
    wants_source = arguments.delete_input_video
    answer = await runtime.manager.delete(account, generation_id, delete_input_video=wants_source)
    source_deleted = wants_source and answer.get("input_video_deleted", True)
    done = "cancelled and deleted" if was_running else "deleted"
    what = " and its source video" if source_deleted else ""
    kept = "" if source_deleted or not wants_source else _KEPT
    return DeletionResult(
        id=generation_id,
        deleted=True,
        input_video_deleted=source_deleted,
        backend=account.backend.name,
        message=(
            f"Generation {generation_id}{what} {done} (backend {account.backend.name}). Its links no longer work.{kept}"
        ),
    )
