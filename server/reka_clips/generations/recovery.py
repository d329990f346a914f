"""Finds a generation again whose creation was answered by nothing, or by "duplicate" (409).

The list shows videos and prompt of each generation, so the first pages are read for entries like the request, and
each of these is asked for by itself. The one that was created no earlier than the POST was sent, and that contradicts
the request in nothing, is the one. Where that leaves several, or one that another lost request may have created as
well, nothing is guessed: CreationLostError names them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from reka_clips.client import is_temporary
from reka_clips.errors import (
    ApiError,
    ConflictError,
    CreationLostError,
    NotFoundError,
    NotSentError,
    RekaClipsError,
    ServerError,
    TransportError,
    UnreadableAnswerError,
)
from reka_clips.generations.state import seconds_since_1970

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reka_clips.client import ClipClient
    from reka_clips.contract import ClipListItem, CreateRequest, Snapshot
    from reka_clips.generations.config import PollingConfig, RegistryLimits
    from reka_clips.generations.generation import Generation
    from reka_clips.generations.registry import GenerationRegistry
    from reka_clips.generations.submission import Submission

DEFAULT_PROMPT: Final = "Create an engaging short video highlighting the best moments"
"""Upstream's own when none is sent. Source: Reka's Clip API reference."""

_FOUND_LOST: Final = (
    "The answer to the creation was lost, and the generation was found again in the list; nothing was sent twice."
)
_FOUND_DUPLICATE: Final = (
    "The Clip API refused the request as a duplicate (HTTP 409): this is the earlier generation of the same request."
)


@dataclass(frozen=True, slots=True)
class Found:
    """A generation found again, and the sentence that says how."""

    snapshot: Snapshot
    note: str


async def find(
    submission: Submission,
    error: RekaClipsError,
    *,
    registry: GenerationRegistry,
    under_way: Sequence[Submission],
    known: Generation | None,
) -> Found:
    """Return the generation of a submission that ended in `error`; raises CreationLostError without certainty.

    under_way: all submissions without an outcome. known: the generation of the same request in the registry, which is
    what a duplicate refers to.
    """
    is_duplicate = isinstance(error, ConflictError)
    note = _FOUND_DUPLICATE if is_duplicate else _FOUND_LOST
    if is_duplicate and known is not None and known.error is None:
        return Found(known.state.snapshot, note)
    was_list_read = False
    for wait in registry.config_for(submission.account).search_waits_seconds:
        await anyio.sleep(wait)
        try:
            possible = await _possible(submission, registry, under_way, is_duplicate=is_duplicate)
        except RekaClipsError as trouble:
            if not is_temporary(trouble):
                break
            continue
        was_list_read = True
        rivals = [other.request for other in _alike(submission, under_way) if other.is_lost]
        found = choose(possible, is_duplicate=is_duplicate, rivals=rivals)
        if found is not None:
            return Found(found, note)
        if possible:
            ids = tuple(snapshot.id or "" for snapshot in sorted(possible, key=_created_at, reverse=True))
            raise _lost(error, f"The generation may be one of: {', '.join(ids)}", ids)
    outcome = "The generation was not found in the list" if was_list_read else "The list could not be read either"
    raise _lost(error, outcome)


async def _possible(
    submission: Submission, registry: GenerationRegistry, under_way: Sequence[Submission], *, is_duplicate: bool
) -> list[Snapshot]:
    """Return the generations that the list shows and the submission may have led to."""
    account, request = submission.account, submission.request
    sent_at = submission.sent_at or 0.0

    def is_taken(generation_id: str) -> bool:
        return not is_duplicate and registry.is_taken(account, generation_id, since=sent_at)

    found = await _lookalikes(account.client, request, limits=registry.limits, is_taken=is_taken)
    # Another submission that looks the same may be about to learn its id, which is then none of ours.
    for other in _alike(submission, under_way):
        await other.answered()
    since = earliest(
        time.time(),
        sent_ago_seconds=anyio.current_time() - sent_at,
        clock_offset_seconds=account.client.clock_offset_seconds,
        config=registry.config,
    )
    return [
        snapshot
        for snapshot in found
        if fits(request, snapshot)
        and not is_taken(snapshot.id or "")
        and (is_duplicate or snapshot.created_at is None or _created_at(snapshot) >= since)
    ]


async def _lookalikes(
    client: ClipClient, request: CreateRequest, *, limits: RegistryLimits, is_taken: Callable[[str], bool]
) -> list[Snapshot]:
    """Return, each by a GET of its own, the generations that the list shows with the request's videos and prompt.

    The order of the list is undocumented, so of too many both ends are looked at. Raises what the client raises.
    """
    ids = dict[str, None]()
    offset, seen = 0, set[str]()
    for _ in range(limits.search_pages):
        items = (await client.list(offset=offset, limit=limits.search_page_size)).items
        new = {item.id: item for item in items if item.id}.keys() - seen
        ids |= dict.fromkeys(
            item.id for item in items if item.id in new and looks_like(request, item) and not is_taken(item.id)
        )
        if not new:
            break
        offset, seen = offset + len(items), seen | new
    half = limits.search_candidates // 2
    found: list[Snapshot] = []
    for generation_id in list(ids) if len(ids) <= 2 * half else [*list(ids)[:half], *list(ids)[-half:]]:
        try:
            snapshot = await client.get(generation_id)
        except NotFoundError:
            continue
        found.append(snapshot.model_copy(update={"id": generation_id}))
    return found


def choose(possible: Sequence[Snapshot], *, is_duplicate: bool, rivals: Sequence[CreateRequest]) -> Snapshot | None:
    """Return the generation that is certainly the one, of those that a submission may have led to.

    A duplicate's is the only one that runs, else the only one. That of a lost submission is the only one, unless it
    ended and has no date, or one of `rivals`, the other lost requests that the list shows alike, may have led to it.
    """
    if is_duplicate:
        running = [snapshot for snapshot in possible if not snapshot.is_terminal]
        possible = running if len(running) == 1 else possible
        return possible[0] if len(possible) == 1 else None
    if len(possible) != 1 or (possible[0].created_at is None and possible[0].is_terminal):
        return None
    return None if any(fits(rival, possible[0]) for rival in rivals) else possible[0]


def looks_like(request: CreateRequest, item: ClipListItem) -> bool:
    """Whether an entry of the list has the request's videos and prompt: all that a list shows."""
    return item.video_urls == request.video_urls and _prompt(item.prompt) == _prompt(request.prompt)


def fits(request: CreateRequest, snapshot: Snapshot) -> bool:
    """Whether nothing in the snapshot contradicts the request. What it does not hold contradicts nothing."""
    if snapshot.video_urls and snapshot.video_urls != request.video_urls:
        return False
    if snapshot.prompt is not None and _prompt(snapshot.prompt) != _prompt(request.prompt):
        return False
    body = request.body(stream=False)
    return _agrees(body.get("generation_config"), snapshot.generation_config) and _agrees(
        body.get("rendering_config"), snapshot.rendering_config
    )


def earliest(
    now: float, *, sent_ago_seconds: float, clock_offset_seconds: float | None, config: PollingConfig
) -> float:
    """Return the earliest `created_at` that a POST can have caused, by upstream's clock, in seconds since 1970.

    now: our time since 1970. sent_ago_seconds: by a clock that nobody sets, so that ours may be set in between.
    clock_offset_seconds: by how much upstream's clock is ahead of ours now, if its answers said so.
    """
    sent = now - sent_ago_seconds
    if clock_offset_seconds is None:
        return sent - config.unknown_clock_slack_seconds
    return sent + clock_offset_seconds - config.clock_slack_seconds


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


def _alike(submission: Submission, under_way: Iterable[Submission]) -> list[Submission]:
    """Return the other submissions whose generations the list shows alike: same caller, videos and prompt."""
    return [
        other
        for other in under_way
        if other is not submission
        and other.account.owner == submission.account.owner
        and other.request.video_urls == submission.request.video_urls
        and _prompt(other.request.prompt) == _prompt(submission.request.prompt)
    ]


def _created_at(snapshot: Snapshot) -> float:
    return seconds_since_1970(snapshot.created_at) or 0.0


def _prompt(prompt: str | None) -> str:
    return (prompt or "").strip() or DEFAULT_PROMPT


def _agrees(asked: object, shown: object) -> bool:
    if asked is None or shown is None:
        return True
    if isinstance(asked, dict):
        if not isinstance(shown, dict):
            return True
        fields = cast("dict[str, Any]", shown)
        return all(
            _agrees(value, fields.get(name))
            or (name == "num_generations" and fields.get(name) == 0)  # 0: not known yet
            for name, value in cast("dict[str, Any]", asked).items()
        )
    return _plain(asked) == _plain(shown)


def _plain(value: object) -> str:
    try:
        return str(float(cast("Any", value)))
    except (TypeError, ValueError):
        return str(value).strip().lower()


def _lost(error: RekaClipsError, outcome: str, candidates: tuple[str, ...] = ()) -> CreationLostError:
    cause = str(error).rstrip(".")
    charge = "Nothing new was started" if isinstance(error, ConflictError) else "It may have been created and charged"
    request_id = error.request_id if isinstance(error, ApiError | TransportError) else None
    return CreationLostError(
        f"{cause}. {outcome}. {charge}: look at list_clips before sending it again.",
        candidates=candidates,
        request_id=request_id,
    )
