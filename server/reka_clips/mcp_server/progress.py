"""Progress notifications of one call: at once, at every stage, and every few seconds in between.

Each message holds the Clip API's own word for the stage and nothing else of its words; `progress` strictly
increases; `total` is told only while the backend reports numbers, since nothing else is true.
"""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Final, Self

import anyio

from reka_clips.mcp_server.output.text import clean, human_duration, stage_word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from reka_clips.generations import Generation

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 12.0
_SMALLEST_STEP: Final = 0.001
_MEASURE_SECONDS: Final = 0.5  # between two messages that differ in their number only


class Heartbeat:
    """Has every relay that was silent for so many seconds say that its call goes on. One task does it for all."""

    def __init__(self, *, seconds: float = HEARTBEAT_SECONDS) -> None:
        self.seconds = seconds
        self.relays = set[ProgressReporter]()

    async def run(self) -> None:
        """Never returns."""
        async with anyio.create_task_group() as beats:
            while True:
                now = anyio.current_time()
                for relay in self.relays:
                    if relay.due_at <= now:
                        beats.start_soon(relay.beat)  # by itself, since its client may be slow to read
                # What is told from now on is due again after this.
                soonest = min((relay.due_at for relay in self.relays), default=inf)
                await anyio.sleep_until(min(soonest, now + self.seconds))


class ProgressReporter:
    """Sends the progress of one call within its block; nothing is sent after it, where the call's result is.

    report: sends one notification: progress, total, message. due_at: when it will have been silent for too long, on
    the clock of `anyio.current_time`; never while it sends.
    """

    def __init__(
        self, report: Callable[[float, float | None, str | None], Awaitable[None]], heartbeat: Heartbeat
    ) -> None:
        self._report = report
        self._heartbeat = heartbeat
        self._started_at = anyio.current_time()
        self._sent_at = self._started_at
        self._progress: float | None = None
        self._total: float | None = None
        self._words = ""
        self._beating: anyio.CancelScope | None = None
        self.due_at = inf

    def __enter__(self) -> Self:
        self._heartbeat.relays.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.relays.discard(self)
        self._hold()

    async def tell(self, words: str, *, progress: float = 0.0, is_measured: bool = False) -> None:
        """Send a message now. progress: 0 to 1; is_measured: it is the backend's own number."""
        self._hold()
        self._words = words
        self._total = 1.0 if is_measured else None
        try:
            await self._send(words, progress)
        finally:
            self.due_at = self._sent_at + self._heartbeat.seconds

    async def follow(self, job: Generation) -> None:
        """Relay every stage of a generation, from the first one on, until it ends."""
        told: str | None = None
        async for state in job.follow():
            measured = state.snapshot.progress
            is_new_number = measured is not None and anyio.current_time() - self._sent_at >= _MEASURE_SECONDS
            if state.stage != told or is_new_number:
                told = state.stage
                share = "" if measured is None or state.is_terminal else f" {min(1.0, max(0.0, measured)):.0%}"
                detail = f": {clean(state.snapshot.detail, max_characters=80)}" if state.snapshot.detail else ""
                words = f"{stage_word(state.stage)}{share}{detail} (generation {job.id})"
                await self.tell(words, progress=state.progress, is_measured=measured is not None)

    async def beat(self) -> None:
        """Say that it goes on, if it is still silent; given up as soon as there is something to tell."""
        if anyio.current_time() < self.due_at:
            return
        self.due_at = inf
        elapsed = human_duration(anyio.current_time() - self._started_at)
        beating = self._beating = anyio.CancelScope()
        try:
            with beating:
                await self._send(f"{self._words}, still at it after {elapsed}", 0.0)
        except Exception as error:  # noqa: BLE001 - who cannot be reached any more is the SDK's to notice
            log.info("A heartbeat could not be sent (%s).", type(error).__name__)
        if not beating.cancel_called:
            self.due_at = self._sent_at + self._heartbeat.seconds

    def _hold(self) -> None:
        """Have no heartbeat sent, not even one that is under way."""
        self.due_at = inf
        if self._beating is not None:
            self._beating.cancel()

    async def _send(self, words: str, progress: float) -> None:
        last = self._progress
        # A step that gets smaller as the end comes nearer never arrives there, however often it is taken.
        value = progress if last is None or progress > last else last + (1.0 - last) * _SMALLEST_STEP
        self._progress = value
        self._sent_at = anyio.current_time()
        await self._report(value, self._total, words)
