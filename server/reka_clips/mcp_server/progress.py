"""Progress notifications of one call: at every stage, and every few seconds in between.

Each message holds the Clip API's own word for the stage and nothing else of its words; `progress` strictly
increases; `total` is given only while the backend reports numbers, since nothing else is true.

A client that reads a notification and the result in one go takes the notification for one of an unknown call (the
TypeScript SDK does, and some clients then give the server up). So a call that is answered at once sends none, the end
of a generation is left to the result, and a result that is ready right after a notification waits a moment.
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
_HELD_SECONDS: Final = 0.1  # a call that is answered sooner sends no progress
_GAP_SECONDS: Final = 0.02  # between the last notification and the result
_SMALLEST_STEP: Final = 0.001
_MEASURE_SECONDS: Final = 0.5  # between two messages that differ in their number only


class Heartbeat:
    """Sends what is due: the first message of a call, and a sign of life after so many seconds of silence.

    One task does it for all calls.
    """

    def __init__(self, *, seconds: float = HEARTBEAT_SECONDS) -> None:
        self.seconds = seconds
        self._reporters = set[ProgressReporter]()
        self._wakes_at = inf
        self._earlier = anyio.Event()

    async def run(self) -> None:
        """Never returns."""
        async with anyio.create_task_group() as beats:
            while True:
                now = anyio.current_time()
                for reporter in self._reporters:
                    if reporter.due_at <= now:
                        beats.start_soon(reporter.beat)  # by itself, since its client may be slow to read
                # Nothing that is sent from now on is due before this, unless `wake_by` says so.
                self._wakes_at = min((reporter.due_at for reporter in self._reporters), default=inf)
                self._wakes_at = min(self._wakes_at, now + self.seconds)
                self._earlier = anyio.Event()
                with anyio.move_on_at(self._wakes_at):
                    await self._earlier.wait()

    def add(self, reporter: ProgressReporter) -> None:
        """Look after a reporter from now on."""
        self._reporters.add(reporter)

    def remove(self, reporter: ProgressReporter) -> None:
        """Look after it no longer."""
        self._reporters.discard(reporter)

    def wake_by(self, time: float) -> None:
        """Look again at this time at the latest."""
        if time < self._wakes_at:
            self._wakes_at = time
            self._earlier.set()


class ProgressReporter:
    """Sends the progress of one call within its block; nothing is sent after it, where the call's result is.

    notify: sends one notification: progress, total, message. due_at: when the heartbeat has something to send for
    it, on the clock of `anyio.current_time`; never while it sends.
    """

    def __init__(
        self, notify: Callable[[float, float | None, str | None], Awaitable[None]], heartbeat: Heartbeat
    ) -> None:
        self._notify = notify
        self._heartbeat = heartbeat
        self._started_at = anyio.current_time()
        self._sent_at = -inf
        self._progress: float | None = None
        self._total: float | None = None
        self._message = ""
        self._is_held = False  # the first message is still to be sent
        self._beating: anyio.CancelScope | None = None
        self.due_at = inf

    async def __aenter__(self) -> Self:
        self._heartbeat.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.remove(self)
        self._stop_heartbeat()
        if error is None or isinstance(error, Exception):
            await anyio.sleep_until(self._sent_at + _GAP_SECONDS)

    async def tell(self, message: str, *, progress: float = 0.0, is_measured: bool = False) -> None:
        """Send a message; the very first one is held back for a moment, in case the call is answered at once.

        progress: 0 to 1; is_measured: it is the backend's own number.
        """
        self._stop_heartbeat()
        is_first = self._progress is None and not self._is_held
        if self._is_held:
            await self._send_held()
        self._message = message
        self._total = 1.0 if is_measured else None
        if is_first and progress == 0:
            self._is_held = True
            self.due_at = anyio.current_time() + _HELD_SECONDS
            self._heartbeat.wake_by(self.due_at)
            return
        try:
            await self._send(message, progress)
        finally:
            self.due_at = self._sent_at + self._heartbeat.seconds

    async def follow(self, generation: Generation) -> None:
        """Report every stage of a generation but its end, from the first one on; return when it has ended."""
        reported: str | None = None
        async for state in generation.follow():
            if state.is_terminal:
                continue
            measured = state.snapshot.progress
            is_new_number = measured is not None and anyio.current_time() - self._sent_at >= _MEASURE_SECONDS
            if state.stage != reported or is_new_number:
                reported = state.stage
                share = "" if measured is None else f" {min(1.0, max(0.0, measured)):.0%}"
                detail = f": {clean(state.snapshot.detail, max_characters=80)}" if state.snapshot.detail else ""
                message = f"{stage_word(state.stage)}{share}{detail} (generation {generation.id})"
                await self.tell(message, progress=state.progress, is_measured=measured is not None)

    async def beat(self) -> None:
        """Send the message that is held back, or that the call goes on; given up when there is something newer."""
        if anyio.current_time() < self.due_at:
            return
        self.due_at = inf
        beating = self._beating = anyio.CancelScope()
        try:
            with beating:
                if self._is_held:
                    await self._send_held()
                else:
                    elapsed = human_duration(anyio.current_time() - self._started_at)
                    await self._send(f"{self._message}, {elapsed} elapsed", 0.0)
        except Exception as error:  # noqa: BLE001 - who cannot be reached any more is the SDK's to notice
            log.info("A heartbeat could not be sent (%s).", type(error).__name__)
        if not beating.cancel_called:
            self.due_at = self._sent_at + self._heartbeat.seconds

    def _stop_heartbeat(self) -> None:
        """Have no heartbeat sent, not even one that is under way."""
        self.due_at = inf
        if self._beating is not None:
            self._beating.cancel()

    async def _send_held(self) -> None:
        self._is_held = False
        await self._send(self._message, 0.0)

    async def _send(self, message: str, progress: float) -> None:
        last = self._progress
        # A step that gets smaller as the end comes nearer never arrives there, however often it is taken.
        value = progress if last is None or progress > last else last + (1.0 - last) * _SMALLEST_STEP
        self._progress = value
        self._sent_at = anyio.current_time()
        await self._notify(value, self._total, message)
