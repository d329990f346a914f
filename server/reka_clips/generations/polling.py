"""Asks for a generation again and again where there is no stream, or none any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from reka_clips.client import is_temporary, retry_after_seconds
from reka_clips.contract import canonical_id
from reka_clips.errors import NotFoundError, RekaClipsError, UnreadableAnswerError
from reka_clips.generations.generation import Generation, is_bare_completion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reka_clips.contract import Snapshot
    from reka_clips.generations.config import PollingConfig, RegistryLimits


async def poll(
    generation: Generation, ask: Callable[..., Awaitable[Snapshot]], *, config: PollingConfig, limits: RegistryLimits
) -> None:
    """Ask for a generation until it ended or nobody wants it any more.

    Outages and limits are sat out. Raises what ends the following for good: the key is refused, the generation
    is gone. ask: `GenerationRegistry.ask`.
    """
    pause = 0.0
    bare = 0
    while generation.is_wanted:
        due = max(generation.heard_at + generation.interval_seconds, anyio.current_time() + pause)
        await anyio.sleep_until(due)
        pause = 0.0
        if (
            generation.is_over
            or not generation.is_wanted
            or generation.heard_at + generation.interval_seconds > anyio.current_time()
        ):
            continue  # somebody else asked meanwhile
        try:
            snapshot = await ask(generation.account, generation.id, attempts=1)
        except RekaClipsError as error:
            if not (is_temporary(error) or is_new_and_unknown(generation, error, config)):
                raise
            asked = min(config.longest_pause_seconds, retry_after_seconds(error) or 0.0)
            pause = max(generation.interval_seconds, asked)
        else:
            bare += 1 if is_bare_completion(snapshot) else 0
            if is_bare_completion(snapshot) and bare < limits.bare_completion_polls:
                pause = generation.interval_seconds
            else:
                generation.take(snapshot)


def checked(snapshot: Snapshot, generation_id: str) -> Snapshot:
    """Return the snapshot with the id that was asked for; raises UnreadableAnswerError if it has another one."""
    if snapshot.id is not None and canonical_id(snapshot.id) != canonical_id(generation_id):
        raise UnreadableAnswerError("The Clip API answered with another generation than the one asked for.")
    return snapshot if snapshot.id == generation_id else snapshot.model_copy(update={"id": generation_id})


def is_new_and_unknown(generation: Generation, error: RekaClipsError, config: PollingConfig) -> bool:
    """Whether this is a 404 for a generation so new that GET may not know it yet."""
    is_new = (
        not generation.is_confirmed
        and not generation.state.is_terminal
        and generation.known_seconds <= config.not_found_grace_seconds
    )
    return isinstance(error, NotFoundError) and is_new
