"""The reducer of a generation's state: stream events and polled snapshots alike go through `reduce`. Pure.

Repeats are dropped, a generation never goes backwards, an end is final, and `progress` strictly increases from state
to state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reka_clips.contract import STAGES, canonical_id, is_terminal

if TYPE_CHECKING:
    from reka_clips.contract import Snapshot

MAX_STAGES: Final = 40
"""Stages kept per generation; an upstream that keeps inventing new ones is not followed beyond."""

_RANK: Final[dict[str, int]] = {stage: rank for rank, stage in enumerate(STAGES)}
_FIRST_STAGE: Final = "queued"
# Where a stage stands on the way, for a backend that gives no numbers. Order is all that is meant.
_SHARE: Final[dict[str, float]] = dict(zip(STAGES, (0.0, 0.1, 0.25, 0.4, 0.55, 1.0, 1.0), strict=True))
_MOST_BEFORE_THE_END: Final = 0.99


@dataclass(frozen=True, slots=True)
class GenerationState:
    """What is known of a generation at one moment.

    sequence: grows by one with every new stage and every growth of `progress`; what merely adds detail
    (renewed links, say) keeps it. snapshot: everything received so far, newest value of each field, its status the
    stage. stages: all seen, in order, at least one. progress: 0 to 1, strictly increasing with `sequence`, exact
    only where the backend reports numbers (then `snapshot.progress` is set). elapsed_seconds: since it was
    created, as of this state.
    """

    sequence: int
    snapshot: Snapshot
    stages: tuple[str, ...]
    progress: float
    elapsed_seconds: float

    @property
    def stage(self) -> str:
        """The stage it is in, in upstream's own word."""
        return self.stages[-1]

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended, well or not."""
        return is_terminal(self.stage)


def begin(snapshot: Snapshot, *, elapsed_seconds: float = 0.0) -> GenerationState:
    """Return the first state of a generation. A snapshot without a status is taken for `queued`."""
    stage = snapshot.status or _FIRST_STAGE
    known = snapshot if snapshot.status else snapshot.model_copy(update={"status": stage})
    reported = _reported(snapshot)
    progress = 1.0 if stage == "completed" else min(_SHARE.get(stage, 0.0), 0.5) if reported is None else reported
    return GenerationState(0, known, (stage,), progress, elapsed_seconds)


def reduce(state: GenerationState, snapshot: Snapshot, *, elapsed_seconds: float) -> GenerationState:
    """Return the state after one more snapshot; the very same object when it holds nothing new.

    A snapshot of another generation is ignored, a known stage that comes before one already seen too, and an
    unknown stage that was seen already. An ended generation stays as it ended and only takes renewed details;
    the one exception: a failed one that turns out to have been completed, with clips to show.
    """
    if snapshot.id and state.snapshot.id and canonical_id(snapshot.id) != canonical_id(state.snapshot.id):
        return state
    stage = snapshot.status
    if state.is_terminal:
        revived = state.stage == "failed" and stage == "completed" and bool(snapshot.output)
        if not revived:
            return _detailed(state, snapshot) if stage == state.stage else state
    elif not stage or stage == state.stage:
        detailed = _detailed(state, snapshot)
        advanced = _advanced(detailed, snapshot, elapsed_seconds)
        is_new_detail = detailed.snapshot.detail not in (None, state.snapshot.detail)
        return replace(advanced, sequence=state.sequence + 1) if is_new_detail else advanced
    elif not _is_ahead(stage, state.stages):
        return state
    ahead = _detailed(state, snapshot)
    return replace(
        ahead,
        sequence=state.sequence + 1,
        snapshot=ahead.snapshot.model_copy(update={"status": stage}),
        stages=(*state.stages, stage),
        progress=_next_progress(state.progress, stage, _reported(snapshot)),
        elapsed_seconds=elapsed_seconds,
    )


def _is_ahead(stage: str, stages: tuple[str, ...]) -> bool:
    if is_terminal(stage):
        return True
    if stage in stages or len(stages) >= MAX_STAGES:
        return False
    rank = _RANK.get(stage)
    return rank is None or all(_RANK.get(seen, -1) < rank for seen in stages)


def _advanced(state: GenerationState, snapshot: Snapshot, elapsed_seconds: float) -> GenerationState:
    reported = _reported(snapshot)
    if reported is None or reported <= state.progress:
        return state
    return replace(state, sequence=state.sequence + 1, progress=reported, elapsed_seconds=elapsed_seconds)


def _detailed(state: GenerationState, snapshot: Snapshot) -> GenerationState:
    """Add what the snapshot holds beyond its status; fields that it leaves out keep their values."""
    details: dict[str, Any] = {
        name: value
        for name in type(snapshot).model_fields
        if name not in ("id", "status", "progress") and (value := getattr(snapshot, name)) not in (None, (), "")
    }
    details["detail"] = snapshot.detail  # of this moment only
    if snapshot.progress is not None:
        details["progress"] = max(min(1.0, snapshot.progress), state.snapshot.progress or 0.0)
    before = state.snapshot
    if all(getattr(before, name) == value for name, value in details.items()):
        return state
    after = before.model_copy(update=details)
    return state if after == before else replace(state, snapshot=after)


def _next_progress(progress: float, stage: str, reported: float | None) -> float:
    if stage == "completed":
        return 1.0
    share = _SHARE.get(stage, 0.0) if reported is None and stage != "failed" else reported or 0.0
    return share if share > progress else progress + (1.0 - progress) / 10


def _reported(snapshot: Snapshot) -> float | None:
    return None if snapshot.progress is None else max(0.0, min(_MOST_BEFORE_THE_END, snapshot.progress))


def seconds_since_1970(text: str | None) -> float | None:
    """Return an ISO 8601 time as seconds since 1970, or None if there is none. Without a zone it is UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
