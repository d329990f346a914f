"""Which of the generations upstream knows is the one whose creation was lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from reka_clips.generations.times import seconds_since_1970

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.contract import ClipListItem, CreateRequest, Snapshot

DEFAULT_PROMPT: Final = "Create an engaging short video highlighting the best moments"
"""Upstream's own when none is sent. Source: Reka's Clip API reference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either the one it is, or those it may be (newest first), or nothing."""

    found: Snapshot | None = None
    candidates: tuple[str, ...] = ()


def looks_like(request: CreateRequest, item: ClipListItem) -> bool:
    """Whether an entry of the list has the request's videos and prompt: all that a list shows."""
    return item.video_urls == request.video_urls and _prompt(item.prompt) == _prompt(request.prompt)


def fits(request: CreateRequest, snapshot: Snapshot) -> bool:
    """Whether nothing the snapshot tells contradicts the request. What it does not tell contradicts nothing."""
    if snapshot.video_urls and snapshot.video_urls != request.video_urls:
        return False
    if snapshot.prompt is not None and _prompt(snapshot.prompt) != _prompt(request.prompt):
        return False
    body = request.body(stream=False)
    return _agrees(body.get("generation_config"), snapshot.generation_config) and _agrees(
        body.get("rendering_config"), snapshot.rendering_config
    )


def judge_lost(
    request: CreateRequest,
    found: Sequence[Snapshot],
    *,
    since_seconds: float,
    twins: int = 1,
    rivals: Sequence[CreateRequest] = (),
) -> Verdict:
    """Say which of the generations found in the list a lost POST created, if that is certain.

    since_seconds: the earliest `created_at` by upstream's clock, seconds since 1970. An undated one counts if it
    still runs; if it has ended it is only told as a candidate. twins: lost creations of this very request, this
    one included; so many generations may be there. rivals: other lost requests that the list shows alike.
    """
    possible = [snapshot for snapshot in found if fits(request, snapshot) and _is_since(snapshot, since_seconds)]
    certain = [
        snapshot
        for snapshot in possible
        if (snapshot.created_at is not None or not snapshot.is_terminal)
        and not any(fits(rival, snapshot) for rival in rivals)
    ]
    if len(certain) == len(possible) and 1 <= len(certain) <= twins:
        return Verdict(found=min(certain, key=_created_at))
    return Verdict(candidates=_newest_first(possible))


def judge_duplicate(request: CreateRequest, found: Sequence[Snapshot]) -> Verdict:
    """Say which generation upstream means when it refuses a request as a duplicate (409), if that is certain.

    It may be any age; one that still runs goes before those that ended.
    """
    possible = [snapshot for snapshot in found if fits(request, snapshot)]
    running = [snapshot for snapshot in possible if not snapshot.is_terminal]
    for choice in (running, possible):
        if len(choice) == 1:
            return Verdict(found=choice[0])
    return Verdict(candidates=_newest_first(possible))


def _is_since(snapshot: Snapshot, since_seconds: float) -> bool:
    created = seconds_since_1970(snapshot.created_at)
    return created is None or created >= since_seconds


def _created_at(snapshot: Snapshot) -> float:
    return seconds_since_1970(snapshot.created_at) or 0.0


def _newest_first(snapshots: Sequence[Snapshot]) -> tuple[str, ...]:
    return tuple(snapshot.id or "" for snapshot in sorted(snapshots, key=_created_at, reverse=True))


def _prompt(prompt: str | None) -> str:
    return (prompt or "").strip() or DEFAULT_PROMPT


def _agrees(asked: object, told: object) -> bool:
    if asked is None or told is None:
        return True
    if isinstance(asked, dict):
        if not isinstance(told, dict):
            return True
        shown = cast("dict[str, Any]", told)
        return all(
            _agrees(value, shown.get(name)) or (name == "num_generations" and shown.get(name) == 0)  # 0: not known yet
            for name, value in cast("dict[str, Any]", asked).items()
        )
    return _plain(asked) == _plain(told)


def _plain(value: object) -> str:
    try:
        return str(float(cast("Any", value)))
    except (TypeError, ValueError):
        return str(value).strip().lower()
