"""What the tools share: who calls, how long they wait, and the answer for a generation as it then stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from reka_clips.mcp_server.extensions.task_handoff import taker
from reka_clips.mcp_server.output.results import ResultContext, generation_result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from mcp.server.mcpserver.context import Context
    from mcp_types import CallToolResult

    from reka_clips.contract import Snapshot
    from reka_clips.errors import RateLimit
    from reka_clips.generations import Generation, SubmissionHandle
    from reka_clips.mcp_server.context import AppContext
    from reka_clips.mcp_server.progress import ProgressReporter


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. arrived_at: on the clock of `anyio.current_time`."""

    runtime: AppContext
    context: Context[Any, Any]
    arrived_at: float

    @classmethod
    def now(cls, runtime: AppContext, context: Context[Any, Any]) -> Call:
        """Return the call that has just arrived."""
        return cls(runtime, context, anyio.current_time())

    @property
    def headers(self) -> Mapping[str, str] | None:
        """The request's headers over HTTP and SSE, None over stdio."""
        return self.context.headers

    def deadline(self, wait_seconds: float | None = None) -> AbstractContextManager[float]:
        """Return the block that ends in time (see `AppContext.deadline`). wait_seconds: None: the server's default."""
        wait_seconds = self.runtime.settings.wait_seconds if wait_seconds is None else wait_seconds
        return self.runtime.deadline(wait_seconds, since=self.arrived_at)


async def waited_for(
    creation: SubmissionHandle, call: Call, relay: ProgressReporter, *, wait_seconds: float | None
) -> Generation | None:
    """Return the generation once it ended or the wait is over; None while its id is not known by then.

    wait_seconds: 0 for the id alone; None means the server's default. A call whose generation is taken as a task waits
    for the id alone, too.
    """
    handover = None if wait_seconds == 0 else taker()  # of no use to a caller that asked for the id alone
    returns_at_once = wait_seconds == 0 or handover is not None
    job: Generation | None = None
    with call.deadline(None if returns_at_once else wait_seconds) as ends_at, anyio.move_on_at(ends_at):
        job = await creation.job()
        call.runtime.creators.note(job.id)
        if not returns_at_once:
            await relay.follow(job)
        if handover is not None:
            handover.take(creation, job)
    return job


def job_result(
    job: Generation, call: Call, *, note: str | None = None, rate_limit: RateLimit | None = None
) -> CallToolResult:
    """Return the result for a generation as it is now, with links that this caller can open."""
    return generation_result(*story_of(job, call, note=note, rate_limit=rate_limit))


def story_of(
    job: Generation, call: Call, *, note: str | None = None, rate_limit: RateLimit | None = None
) -> tuple[Snapshot, ResultContext]:
    """Return a generation as it is now, with links that this caller can open, and what else is known of it."""
    state = job.state
    snapshot = state.snapshot.model_copy(update={"id": job.id, "status": state.stage})
    story = ResultContext(
        backend=job.account.backend,
        saves_files=call.headers is None,
        note=note,
        stages=state.stages,
        elapsed_seconds=job.elapsed_seconds,
        rate_limit=rate_limit,
    )
    return call.runtime.shown(snapshot, call.headers, job.account), story
