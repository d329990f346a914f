"""Follows a generation by asking for it, where there is no stream or none any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from reka_clips.client import is_temporary, retry_after_seconds
from reka_clips.errors import NotFoundError, RekaClipsError, UnreadableAnswerError
from reka_clips.generations.generation import Generation, is_bare_completion

if TYPE_CHECKING:
    from reka_clips.contract import Snapshot
    from reka_clips.generations.timing import PollingConfig, RegistryLimits


async def poll(job: Generation, lock: anyio.Lock, *, pace: PollingConfig, limits: RegistryLimits) -> None:
    """Ask for a generation until it ended or nobody wants it any more.

    Outages and limits are sat out. Raises what ends the following for good: the key is refused, the generation
    is gone. lock: held while a GET for this generation is under way, here or elsewhere.
    """
    pause = 0.0
    bare = 0
    while job.is_wanted:
        due = max(job.heard_at + job.interval_seconds, anyio.current_time() + pause)
        await anyio.sleep_until(due)
        pause = 0.0
        if not job.is_wanted:
            return
        async with lock:
            if job.is_over or job.heard_at + job.interval_seconds > anyio.current_time():
                continue  # somebody else asked meanwhile
            try:
                snapshot = await fetch(job, attempts=1)
            except RekaClipsError as error:
                if not (is_temporary(error) or is_new_and_unknown(job, error, pace)):
                    raise
                pause = max(job.interval_seconds, retry_after_seconds(error) or 0.0)
            else:
                bare += 1 if is_bare_completion(snapshot) else 0
                if is_bare_completion(snapshot) and bare < limits.bare_completion_polls:
                    pause = job.interval_seconds
                else:
                    job.take(snapshot)


async def fetch(job: Generation, *, attempts: int | None = None) -> Snapshot:
    """Return the generation's snapshot by one GET. Errors carry its id."""
    try:
        snapshot = await job.account.client.get(job.id, attempts=attempts)
        snapshot = checked(snapshot, job.id)
    except RekaClipsError as error:
        error.generation_id = job.id
        raise
    finally:
        job.lengthen_interval()
    job.is_confirmed = True
    return snapshot


def checked(snapshot: Snapshot, generation_id: str) -> Snapshot:
    """Return the snapshot with the id that was asked for; raises UnreadableAnswerError if it has another one."""
    if snapshot.id is not None and snapshot.id.lower() != generation_id.lower():
        raise UnreadableAnswerError("The Clip API answered with another generation than the one asked for.")
    return snapshot if snapshot.id == generation_id else snapshot.model_copy(update={"id": generation_id})


def is_new_and_unknown(job: Generation, error: RekaClipsError, pace: PollingConfig) -> bool:
    """Whether this is a 404 for a generation so new that GET may not know it yet."""
    is_new = not job.is_confirmed and not job.state.is_terminal and job.known_seconds <= pace.not_found_grace_seconds
    return isinstance(error, NotFoundError) and is_new
