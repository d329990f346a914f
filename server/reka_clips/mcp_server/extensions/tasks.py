"""MCP Tasks (`io.modelcontextprotocol/tasks`): `create_clips` and `find_moments` as tasks that the client polls.

A generation is the task, its id the task's id: nothing of a task is kept here, so that any process which has the
same key can answer for it, also after a restart. Source: SEP-2663 and the extension's specification of 2026-07-28.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS, RequestParams, TextContent

from reka_clips.contract import canonical_id, is_generation_id
from reka_clips.errors import NotFoundError, RekaClipsError
from reka_clips.mcp_server.output.error_results import failure_result
from reka_clips.mcp_server.output.moments import moments_result
from reka_clips.mcp_server.output.text import clean, human_duration, stage_word
from reka_clips.mcp_server.tools import create_clips, find_moments
from reka_clips.mcp_server.tools.base import answered
from reka_clips.mcp_server.tools.tool_call import Call, job_result, story_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp_types import CallToolRequestParams, CallToolResult

    from reka_clips.generations import Generation
    from reka_clips.mcp_server.context import AppContext

EXTENSION_ID: Final = "io.modelcontextprotocol/tasks"

_TOOLS: Final = MappingProxyType({create_clips.NAME: create_clips.run, find_moments.NAME: find_moments.run})
_VERSIONS: Final = frozenset({"2026-07-28"})
_MAX_CANCELLED: Final = 1_000
_MAX_STATUS_CHARACTERS: Final = 300

# Upstream may tell no times; a task's time of creation must not move all the same.
_FIRST_SEEN: Final[WeakKeyDictionary[Generation, str]] = WeakKeyDictionary()


class TaskParams(RequestParams):
    """Parameters of every `tasks/` method; those that a method has beside them do not matter here."""

    task_id: str


class Tasks(Extension):
    """Answers `create_clips` and `find_moments` by a task, where the request says that its client knows tasks."""

    identifier = EXTENSION_ID

    def __init__(self, runtime: AppContext) -> None:
        """Nothing happens yet."""
        self._runtime = runtime
        # Whose task was cancelled here. Another process does not know, and tells how the generation stands: allowed,
        # since a cancellation need not take effect, and Reka has no way to stop a generation.
        self._cancelled: OrderedDict[tuple[str, str], None] = OrderedDict()

    def methods(self) -> Sequence[MethodBinding]:
        """Return the methods of the extension."""
        handlers = {"tasks/get": self._get, "tasks/update": self._update, "tasks/cancel": self._cancel}
        return [MethodBinding(name, TaskParams, handler, _VERSIONS) for name, handler in handlers.items()]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Run the tool without waiting; if it led to a generation that still runs, answer with a task.

        Refusals, questions for consent and errors are the tool's own, and so is the result of a generation that
        has ended already.
        """
        if params.name not in _TOOLS or ctx.protocol_version not in _VERSIONS or not _declares_tasks(ctx):
            return await call_next(ctx)
        taken: list[tuple[Generation, str | None]] = []
        context = Context[Any, Any](request_context=ctx, input_params=params)
        call = _TOOLS[params.name](
            self._runtime, params.arguments or {}, context, take=lambda job, note: taken.append((job, note))
        )
        result = await answered(params.name, call)
        if not taken or taken[0][0].is_over:
            return result
        job, note = taken[0]
        self._cancelled.pop(_key(job), None)  # wanted again
        return {"resultType": "task"} | _working(job, note=note)

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        job = await self._job(ctx, params)
        if _key(job) in self._cancelled:
            return _cancelled(job)
        if job.state.is_terminal:
            call = Call.now(self._runtime, Context(request_context=ctx))
            if not job.state.snapshot.is_plan:
                return _ended(job, job_result(job, call))
            result = moments_result(*story_of(job, call))
            pictures = await find_moments.contact_sheet(job, call)
            return _ended(job, result.model_copy(update={"content": [*result.content, *pictures]}))
        return _working(job)

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        await self._job(ctx, params)  # a task here never asks for anything, so every answer is one too many
        return {}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        job = await self._job(ctx, params)
        if not job.state.is_terminal:
            self._runtime.manager.stop_watching(job.account, job.id)
            self._cancelled[_key(job)] = None
            if len(self._cancelled) > _MAX_CANCELLED:
                self._cancelled.popitem(last=False)
        return {}

    async def _job(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> Generation:
        """Return the generation of a task, if it belongs to this caller. Raises MCPError."""
        require_client_extension(ctx, EXTENSION_ID)
        headers = Context[Any, Any](request_context=ctx).headers
        if headers is not None and decode_header_value(headers.get(MCP_NAME_HEADER)) != params.task_id:
            raise MCPError(HEADER_MISMATCH, f"The header {MCP_NAME_HEADER} must name the task: params.taskId.")
        if not is_generation_id(params.task_id):
            raise _unknown_task()
        try:
            with self._runtime.deadline():
                account = await self._runtime.account(headers)
                return await self._runtime.manager.job(account, params.task_id)
        except NotFoundError as error:
            raise _unknown_task() from error
        except RekaClipsError as error:
            raise MCPError(INTERNAL_ERROR, _words(error)) from error


def _working(job: Generation, *, note: str | None = None) -> dict[str, Any]:
    state = job.state
    measured = state.snapshot.progress
    share = "" if measured is None else f" {min(1.0, max(0.0, measured)):.0%}"
    words = f"{stage_word(state.stage)}{share}, {human_duration(job.elapsed_seconds)} so far."
    interval = job.account.backend.poll_interval_seconds(state.stage, elapsed_seconds=job.elapsed_seconds)
    return _task(job, "working", f"{words} {note}" if note else words) | {"pollIntervalMs": round(interval * 1000)}


def _cancelled(job: Generation) -> dict[str, Any]:
    stops = "delete_clip stops it" if job.account.backend.can_cancel else "it cannot be stopped"
    words = f"No longer watched. The generation continues ({stops}); get_clip_status with its id returns the clips."
    return _task(job, "cancelled", words)


def _ended(job: Generation, result: CallToolResult) -> dict[str, Any]:
    """Return the task with the whole result of the tool; a failed generation completes it, with an error inside."""
    count = len(job.state.snapshot.output)
    ready = f"{count} clip{'' if count == 1 else 's'} ready."
    words = ready if job.state.stage == "completed" else "The generation failed; the result tells why."
    dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return _task(job, "completed", words) | {"result": dumped}


def _task(job: Generation, status: str, words: str) -> dict[str, Any]:
    snapshot = job.state.snapshot
    return {
        "taskId": job.id,
        "status": status,
        "statusMessage": clean(words, max_characters=_MAX_STATUS_CHARACTERS),
        "createdAt": _iso(snapshot.created_at) or _FIRST_SEEN.setdefault(job, _began(job)),
        "lastUpdatedAt": _iso(snapshot.updated_at) or _now().isoformat("T", "seconds"),
        "ttlMs": None,  # the generation is there until somebody deletes it
    }


def _began(job: Generation) -> str:
    return (_now() - timedelta(seconds=job.elapsed_seconds)).isoformat("T", "seconds")


def _now() -> datetime:
    return datetime.now(UTC)


def _iso(text: str | None) -> str | None:
    """Return upstream's time as it gave it, if it is one; with a zone, which is UTC where none was told."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat("T")


def _key(job: Generation) -> tuple[str, str]:
    return job.account.owner, canonical_id(job.id)


def _declares_tasks(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether this very request says that its client knows tasks; on 2026-07-28 each request does, or does not."""
    capabilities = ctx.session.client_capabilities
    return EXTENSION_ID in ((capabilities.extensions if capabilities else None) or {})


def _unknown_task() -> MCPError:
    words = "There is no such task for this key. A task's id is that of its generation; list_clips lists them."
    return MCPError(INVALID_PARAMS, words)


def _words(error: RekaClipsError) -> str:
    """Return what the tools say of an error."""
    return " ".join(
        block.text for block in failure_result(error, tool="tasks/get").content if isinstance(block, TextContent)
    )
