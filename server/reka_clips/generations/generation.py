"""One generation, its state, and those who follow it.

A generation is *watched* by at most one task of the registry (its stream, or polling), which gives every snapshot to
`take`. Any number *follow* it: each walks through the stages at its own pace. It ends when upstream says so
(`state.is_terminal`) or when it cannot be watched any more (`error`); both are final.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import anyio

from reka_clips.contract import Snapshot
from reka_clips.generations.state import GenerationState, begin, reduce, seconds_since_1970

if TYPE_CHECKING:
    from collections.abc import Callable

    from reka_clips.client import Backend, ClipClient
    from reka_clips.errors import RekaClipsError
    from reka_clips.generations.config import PollingConfig

_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class ApiSession:
    """One key at one backend.

    owner: separates callers and reveals nothing of the key. backend: what this Clip API can do.
    """

    client: ClipClient
    owner: str
    backend: Backend


def owner_of(*, backend: str, base_url: str, api_key: str | None) -> str:
    """Return the owner for a key at an address: the same all over this process, another in the next one."""
    text = "\0".join((backend, base_url, api_key or ""))
    return hashlib.blake2b(text.encode(), key=_SALT, digest_size=16).hexdigest()


class Notifier:
    """An event that may come any number of times. Nothing is held while nobody waits, nor for who comes too late."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    async def wait(self) -> None:
        """Return after the next `send()`."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()

    def send(self) -> None:
        """Wake all who wait now."""
        if self._event is not None:
            self._event.set()
            self._event = None


class Generation:
    """A generation as this process knows it. Made by the registry; `follow()` and the attributes are for callers.

    id: as upstream wrote it. state: what is known now. error: why it cannot be followed any more, or None.
    """

    def __init__(
        self,
        account: ApiSession,
        generation_id: str,
        first: Snapshot,
        *,
        config: PollingConfig,
        wake: Callable[[Generation], None],
    ) -> None:
        self.account = account
        self.id = generation_id
        self.error: RekaClipsError | None = None
        self._config = config
        self.interval_seconds = config.poll_first_seconds
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
        return f"Generation({self.id!r}, {self.state.stage!r})"

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

    def follow(self) -> Follower:
        """Return every stage from the first one known, in order, then each as it comes; ends after the last.

        No stage is left out, however slow the follower; growth of `progress` alone may be. Any number may
        follow; leaving changes nothing for the others. Raises the generation's error when it cannot be followed any
        more, NotFoundError when it was deleted meanwhile.
        """
        return Follower(self)

    # What follows is for the registry and its parts.

    def take(self, snapshot: Snapshot) -> None:
        """Take a snapshot into the state and wake the followers if that changed it."""
        now = anyio.current_time()
        unheard_seconds, self.heard_at = now - self.heard_at, now
        before = self.state
        self.state = reduce(before, snapshot, elapsed_seconds=self.elapsed_seconds)
        if self.state is before:
            return
        if self.state.snapshot.created_at != before.snapshot.created_at:
            self._reckon_age()
        if self.state.is_terminal and self.ended_at is None:
            self.ended_at, self._unseen_seconds = now, unheard_seconds
        if self.state.stages != before.stages:
            self.history[-1] = _without_texts(self.history[-1])
            self.history.append(self.state)
        elif self.state.is_terminal:
            self.history[-1] = self.state  # a late follower gets the renewed links
        self.pulse()

    def fail(self, error: RekaClipsError) -> None:
        """End the following for good. The first reason stays; an ended generation stays as it ended."""
        if not self.is_over:
            self.error = error
            self.ended_at = anyio.current_time()
        self.pulse()

    def pulse(self) -> None:
        """Have every follower look again."""
        self.changed.send()

    def expire(self) -> None:
        """Have the next question answered by upstream."""
        self.heard_at = -float("inf")

    def is_fresh(self, max_age_seconds: float | None) -> bool:
        """Whether the state is new enough to answer with: the configured ages, or the one given."""
        age = anyio.current_time() - self.heard_at
        if max_age_seconds is not None:
            return age <= max_age_seconds
        if self.state.is_terminal:
            return age <= (self._config.poll_longest_seconds if self.is_bare else self._config.renew_seconds)
        return age <= (self._config.stream_trust_seconds if self.streaming else self.interval_seconds)

    def lengthen_interval(self) -> None:
        """Note that upstream was asked: the next question to it comes later, whoever asks."""
        self.interval_seconds = min(self._config.poll_longest_seconds, self.interval_seconds * self._config.poll_growth)

    @property
    def is_bare(self) -> bool:
        """Whether it is `completed` without a clip to show: upstream may be late with them."""
        return is_bare_completion(self.state.snapshot)

    @property
    def known_seconds(self) -> float:
        """How long this process has known it."""
        return anyio.current_time() - self.known_since

    @property
    def is_wanted(self) -> bool:
        """Whether it is worth polling for."""
        if self.is_over:
            return False
        return self.listeners > 0 or (self.eager and not self.is_unasked(self._config.unasked_seconds))

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
        reported = seen if updated is None else self._upstream_now() - updated
        return max(seen, min(reported, seen + self._unseen_seconds))

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


class Follower:
    """One caller's way through the states of a generation. Whoever stops iterating leaves nothing behind."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._seen = 0  # of the stages in its history
        self._sequence = -1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> GenerationState:
        generation = self._generation
        generation.listeners += 1
        try:
            while (state := self._next()) is None:
                if generation.state.is_terminal:
                    raise StopAsyncIteration
                if generation.error is not None:
                    raise generation.error.with_traceback(None)
                generation.wake(generation)
                await generation.changed.wait()
        finally:
            generation.listeners -= 1
            generation.asked_at = anyio.current_time()
        self._sequence = state.sequence
        return state

    def _next(self) -> GenerationState | None:
        """Return the next stage, or the newest state after the last stage, or None where nothing is new."""
        if self._seen < len(self._generation.history):
            self._seen += 1
            return self._generation.history[self._seen - 1]
        return self._generation.state if self._generation.state.sequence > self._sequence else None


def _without_texts(state: GenerationState) -> GenerationState:
    """Return a past state with what its followers need: forty of them may not hold forty times the texts."""
    snapshot = state.snapshot
    return replace(state, snapshot=Snapshot(id=snapshot.id, status=snapshot.status, progress=snapshot.progress))


def is_bare_completion(snapshot: Snapshot) -> bool:
    """Whether a snapshot says `completed` and shows no clip. Source: users' code guards against it."""
    return snapshot.status == "completed" and not snapshot.output
