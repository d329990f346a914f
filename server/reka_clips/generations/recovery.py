"""Finds a generation again whose creation was answered by nothing, or by "duplicate"."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import anyio

from reka_clips.client import is_temporary
from reka_clips.errors import (
    ApiError,
    ConflictError,
    CreationLostError,
    NotSentError,
    RekaClipsError,
    ServerError,
    TransportError,
    UnreadableAnswerError,
)
from reka_clips.generations.list_search import lookalikes
from reka_clips.generations.matching import Verdict, judge_duplicate, judge_lost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.contract import Snapshot
    from reka_clips.generations.generation import Generation
    from reka_clips.generations.registry import GenerationRegistry
    from reka_clips.generations.submission_handle import Submission
    from reka_clips.generations.timing import PollingConfig

_FOUND_LOST: Final = (
    "The answer to the creation was lost, and the generation was found again in the list; nothing was sent twice."
)
_FOUND_DUPLICATE: Final = (
    "The Clip API refused the request as a duplicate (HTTP 409): this is the earlier generation of the same request."
)
_LOOK_FIRST: Final = "Look at list_clips before sending it again."


@dataclass(frozen=True, slots=True)
class Found:
    """A generation found again, and the sentence that says how."""

    snapshot: Snapshot
    note: str


class Recovery:
    """Searches upstream's list. Lost creations that the list shows alike are searched for one after the other."""

    def __init__(self, ledger: GenerationRegistry, under_way: Sequence[Submission]) -> None:
        self._ledger = ledger
        self._under_way = under_way
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def find(self, posting: Submission, error: RekaClipsError, *, known: Generation | None) -> Found:
        """Return the generation of a creation that ended in `error`; raises CreationLostError without certainty.

        known: the hub's own generation of the same request, which is what a duplicate refers to.
        """
        is_duplicate = isinstance(error, ConflictError)
        note = _FOUND_DUPLICATE if is_duplicate else _FOUND_LOST
        if is_duplicate and known is not None and known.error is None:
            return Found(known.state.snapshot, note)
        looked = False
        async with self._locks.setdefault(posting.footprint, anyio.Lock()):
            for wait in self._ledger.pace_for(posting.account).search_waits_seconds:
                await anyio.sleep(wait)
                try:
                    verdict = await self._look(posting, is_duplicate=is_duplicate)
                except RekaClipsError as trouble:
                    if not is_temporary(trouble):
                        break
                    continue
                looked = True
                if verdict.found is not None:
                    return Found(verdict.found, note)
                if verdict.candidates:
                    raise _lost(error, "The generation may be one of several in the list", verdict.candidates)
        raise _lost(
            error, "The generation was not found in the list" if looked else "The list could not be read either"
        )

    async def _look(self, posting: Submission, *, is_duplicate: bool) -> Verdict:
        account, request = posting.account, posting.request
        sent_at = posting.sent_at or 0.0

        def is_known(generation_id: str) -> bool:
            return not is_duplicate and self._ledger.is_taken(account, generation_id, since=sent_at)

        found = await lookalikes(account.client, request, limits=self._ledger.limits, is_known=is_known)
        # Another creation that looks the same may be about to hear its id: that one is then none of ours.
        for other in self._alike(posting):
            await other.answered()
        found = [snapshot for snapshot in found if not is_known(snapshot.id or "")]
        if is_duplicate:
            return judge_duplicate(request, found)
        lost = [other for other in self._alike(posting) if other.is_lost]
        return judge_lost(
            request,
            found,
            since_seconds=earliest(
                time.time(),
                sent_ago_seconds=anyio.current_time() - sent_at,
                clock_offset_seconds=account.client.clock_offset_seconds,
                pace=self._ledger.pace,
            ),
            twins=1 + sum(other.key == posting.key for other in lost),
            rivals=[other.request for other in lost if other.key != posting.key],
        )

    def _alike(self, posting: Submission) -> list[Submission]:
        return [other for other in self._under_way if other is not posting and other.footprint == posting.footprint]


def earliest(now: float, *, sent_ago_seconds: float, clock_offset_seconds: float | None, pace: PollingConfig) -> float:
    """Return the earliest `created_at` that a POST can have caused, by upstream's clock, in seconds since 1970.

    now: our time since 1970. sent_ago_seconds: by a clock that nobody sets, so that ours may be set in between.
    clock_offset_seconds: by how much upstream's clock is ahead of ours now, if its answers told.
    """
    sent = now - sent_ago_seconds
    if clock_offset_seconds is None:
        return sent - pace.unknown_clock_slack_seconds
    return sent + clock_offset_seconds - pace.clock_slack_seconds


def is_certainly_nothing(error: RekaClipsError) -> bool:
    """Whether a POST that ended in this error certainly created nothing, so that it may be sent again.

    Not certain: a broken connection, an answer that cannot be read, 5xx, and 409. Certain: everything that never
    left this program, other 4xx, and a redirect.
    """
    if isinstance(error, ApiError):
        return not isinstance(error, ServerError | ConflictError)
    if isinstance(error, UnreadableAnswerError):
        return not is_temporary(error)
    return not isinstance(error, TransportError) or isinstance(error, NotSentError)


def _lost(error: RekaClipsError, outcome: str, candidates: tuple[str, ...] = ()) -> CreationLostError:
    cause = str(error).rstrip(".")
    charge = "nothing new was started" if isinstance(error, ConflictError) else "it may have been created and charged"
    request_id = error.request_id if isinstance(error, ApiError | TransportError) else None
    named = f": {', '.join(candidates)}" if candidates else ""
    return CreationLostError(
        f"{cause}. {outcome}; {charge}{named}. {_LOOK_FIRST}", candidates=candidates, request_id=request_id
    )
