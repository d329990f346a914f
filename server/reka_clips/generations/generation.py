"""One watched generation and those who listen to it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import anyio

from reka_clips.contract import Snapshot
from reka_clips.generations.notifier import Notifier
from reka_clips.generations.state import GenerationState, begin, fold
from reka_clips.generations.times import seconds_since_1970

if TYPE_CHECKING:
    from collections.abc import Callable

    from reka_clips.errors import RekaClipsError
    from reka_clips.generations.session import ApiSession
    from reka_clips.generations.timing import PollingConfig


class Generation:
    """A generation as the hub knows it. Made by the hub alone; `follow()` and the attributes are for callers.

    id: as upstream wrote it. state: what is known now. error: why it cannot be followed any more, or None.
    """

    def __init__(
        self,
        account: ApiSession,
        generation_id: str,
        first: Snapshot,
        *,
        pace: PollingConfig,
        wake: Callable[[Generation], None],
    ) -> None:
        self.account = account
        self.id = generation_id
        self.error: RekaClipsError | None = None
        self._pace = pace
        self.interval_seconds = pace.poll_first_seconds
        self.wake = wake
        now = anyio.current_time()
        self.known_since = now
        self._began_at = now
        self.heard_at = now
        self.asked_at = now
        self.ended_at: float | None = None
        self._unseen_seconds = 0.0
        self.eager = False
        self.is_confirmed = False  # a GET has shown it
        self.is_claimed = False  # a creation of this process led to it
        self.streaming = False
        self.watching: anyio.CancelScope | None = None
        self.listeners = 0
        self.deletions = 0  # DELETE requests under way
        self.changed = Notifier()
        self.state = begin(first)
        self._reckon_age()
        self.state = replace(self.state, elapsed_seconds=self.elapsed_seconds)
        self.history = [self.state]

    def __repr__(self) -> str:
        return f"Job({self.id!r}, {self.state.stage!r})"

    @property
    def elapsed_seconds(self) -> float:
        """How long it has been running, or ran, as far as is known."""
        ended = self._ended_after_seconds if self.state.is_terminal else None
        if ended is not None:
            return ended
        until = anyio.current_time() if self.ended_at is None else self.ended_at
        return max(0.0, until - self._began_at)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.error is not None or self.state.is_terminal

    def follow(self) -> Following:
        """Return every stage from the first one known, in order, then each as it comes; ends after the last.

        No stage is left out, however slow the listener; growth of `progress` alone may be. Any number may
        follow; leaving changes nothing for the others. Raises the job's error when it cannot be followed any
        more, NotFoundError when it was deleted meanwhile.
        """
        return Following(self)

    # What follows is the hub's.

    def take(self, snapshot: Snapshot) -> None:
        """Fold a snapshot into the state and tell the listeners if it changed."""
        now = anyio.current_time()
        unheard, self.heard_at = now - self.heard_at, now
        before = self.state
        self.state = fold(before, snapshot, elapsed_seconds=self.elapsed_seconds)
        if self.state is before:
            return
        if self.state.snapshot.created_at != before.snapshot.created_at:
            self._reckon_age()
        if self.state.is_terminal and self.ended_at is None:
            self.ended_at, self._unseen_seconds = now, unheard
        if self.state.stages != before.stages:
            self.history[-1] = _without_texts(self.history[-1])
            self.history.append(self.state)
        elif self.state.is_terminal:
            self.history[-1] = self.state  # a late listener gets the renewed links
        self.pulse()

    def fail(self, error: RekaClipsError) -> None:
        """End the following for good. The first reason stays; an ended generation stays as it ended."""
        if not self.is_over:
            self.error = error
            self.ended_at = anyio.current_time()
        self.pulse()

    def pulse(self) -> None:
        """Have every listener look again."""
        self.changed.send()

    def expire(self) -> None:
        """Have the next question answered by upstream."""
        self.heard_at = -float("inf")

    def is_fresh(self, max_age_seconds: float | None) -> bool:
        """Whether the state is new enough to answer with: the pace's ages, or the one given."""
        age = anyio.current_time() - self.heard_at
        if max_age_seconds is not None:
            return age <= max_age_seconds
        if self.state.is_terminal:
            return age <= (self._pace.poll_longest_seconds if self.is_bare else self._pace.renew_seconds)
        return age <= (self._pace.stream_trust_seconds if self.streaming else self.interval_seconds)

    def lengthen_interval(self) -> None:
        """Note that upstream was asked: the next question to it comes later, whoever asks."""
        self.interval_seconds = min(self._pace.poll_longest_seconds, self.interval_seconds * self._pace.poll_growth)

    @property
    def is_bare(self) -> bool:
        """Whether it is `completed` without a clip to show: upstream may be late with them."""
        return is_bare_completion(self.state.snapshot)

    @property
    def known_seconds(self) -> float:
        """How long the hub has known it."""
        return anyio.current_time() - self.known_since

    @property
    def is_wanted(self) -> bool:
        """Whether it is worth polling for."""
        if self.is_over:
            return False
        return self.listeners > 0 or (self.eager and not self.is_unasked(self._pace.unasked_seconds))

    def is_unasked(self, seconds: float) -> bool:
        """Whether nobody has listened or asked for so long."""
        return self.listeners == 0 and anyio.current_time() - self.asked_at > seconds

    def ended_ago_seconds(self) -> float | None:
        """Return how long ago the generation ended; None while it runs.

        It ended between the last time it was heard of running and the first time it was seen ended; upstream's
        `updated_at` counts within these bounds only.
        """
        if not self.state.is_terminal or self.ended_at is None:
            return None
        seen = anyio.current_time() - self.ended_at
        updated = seconds_since_1970(self.state.snapshot.updated_at)
        told = seen if updated is None else self._upstream_now() - updated
        return max(seen, min(told, seen + self._unseen_seconds))

    @property
    def _ended_after_seconds(self) -> float | None:
        created = seconds_since_1970(self.state.snapshot.created_at)
        updated = seconds_since_1970(self.state.snapshot.updated_at)
        return None if created is None or updated is None or updated < created else updated - created

    def _reckon_age(self) -> None:
        now = anyio.current_time()
        if self.state.is_terminal and self.ended_at is None:
            self.ended_at = now
        created = seconds_since_1970(self.state.snapshot.created_at)
        if created is not None:
            self._began_at = now - max(0.0, self._upstream_now() - created)

    def _upstream_now(self) -> float:
        return time.time() + (self.account.client.clock_offset_seconds or 0.0)


class Following:
    """One listener's way through a job's states. Whoever stops iterating leaves nothing behind."""

    def __init__(self, job: Generation) -> None:
        self._job = job
        self._told = 0
        self._sequence = -1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> GenerationState:
        job = self._job
        job.listeners += 1
        try:
            while (state := self._next()) is None:
                if job.state.is_terminal:
                    raise StopAsyncIteration
                if job.error is not None:
                    raise job.error.with_traceback(None)
                job.wake(job)
                await job.changed.wait()
        finally:
            job.listeners -= 1
            job.asked_at = anyio.current_time()
        self._sequence = state.sequence
        return state

    def _next(self) -> GenerationState | None:
        """Return the next stage, or the newest state once all stages are told, or None where nothing is new."""
        if self._told < len(self._job.history):
            self._told += 1
            return self._job.history[self._told - 1]
        return self._job.state if self._job.state.sequence > self._sequence else None


def _without_texts(state: GenerationState) -> GenerationState:
    """Return a past state with what its listeners need: forty of them may not hold forty times the texts."""
    told = state.snapshot
    return replace(state, snapshot=Snapshot(id=told.id, status=told.status, progress=told.progress))


def is_bare_completion(snapshot: Snapshot) -> bool:
    """Whether a snapshot says `completed` and shows no clip. Source: users' code guards against it."""
    return snapshot.status == "completed" and not snapshot.output
