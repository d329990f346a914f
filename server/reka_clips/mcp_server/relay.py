"""Progress notifications of one call: at once, at every stage, and every few seconds in between.

Each message holds the Clip API's own word for the stage and nothing else of its words; `progress` strictly
increases; `total` is told only while the backend reports numbers, since nothing else is true.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.mcp_server.text import human_duration, stage_word

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from reka_clips.jobs import Job

HEARTBEAT_SECONDS: Final = 12.0
_SMALLEST_STEP: Final = 0.001
_MEASURE_SECONDS: Final = 0.5  # between two messages that differ in their number only


class Relay:
    """Sends the progress of one call; made by `relaying`."""

    def __init__(
        self, report: Callable[[float, float | None, str | None], Awaitable[None]], *, heartbeat_seconds: float
    ) -> None:
        self._report = report
        self._heartbeat_seconds = heartbeat_seconds
        self._started_at = anyio.current_time()
        self._sent_at = self._started_at
        self._progress: float | None = None
        self._total: float | None = None
        self._words = ""
        self._lock = anyio.Lock()

    async def tell(self, words: str, *, progress: float = 0.0, is_measured: bool = False) -> None:
        """Send a message now. progress: 0 to 1; is_measured: it is the backend's own number."""
        self._words = words
        self._total = 1.0 if is_measured else None
        await self._send(words, progress)

    async def follow(self, job: Job) -> None:
        """Relay every stage of a generation, from the first one on, until it ends."""
        told: str | None = None
        async for state in job.follow():
            measured = state.snapshot.progress
            is_new_number = measured is not None and anyio.current_time() - self._sent_at >= _MEASURE_SECONDS
            if state.stage != told or is_new_number:
                told = state.stage
                share = "" if measured is None or state.is_terminal else f" {min(1.0, max(0.0, measured)):.0%}"
                words = f"{stage_word(state.stage)}{share} (generation {job.id})"
                await self.tell(words, progress=state.progress, is_measured=measured is not None)

    async def beat(self) -> None:
        """Say every few seconds of silence that it goes on; never returns."""
        while True:
            due_at = self._sent_at + self._heartbeat_seconds
            if anyio.current_time() < due_at:
                await anyio.sleep_until(due_at)
                continue
            elapsed = human_duration(anyio.current_time() - self._started_at)
            await self._send(f"{self._words}, still at it after {elapsed}", 0.0)

    async def _send(self, words: str, progress: float) -> None:
        async with self._lock:
            last = self._progress
            # A step that gets smaller as the end comes nearer never arrives there, however often it is taken.
            value = progress if last is None or progress > last else last + (1.0 - last) * _SMALLEST_STEP
            self._progress = value
            self._sent_at = anyio.current_time()
            await self._report(value, self._total, words)


@asynccontextmanager
async def relaying(
    report: Callable[[float, float | None, str | None], Awaitable[None]],
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncGenerator[Relay]:
    """Give a relay whose heartbeat ends with the block, so that nothing is sent after the call's result.

    report: sends one notification: progress, total, message.
    """
    relay = Relay(report, heartbeat_seconds=heartbeat_seconds)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(relay.beat)
        try:
            yield relay
        except Exception as error:  # noqa: BLE001 - taken around the task group, which would wrap it
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
