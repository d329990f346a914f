"""The events of a creation stream, read as snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, cast

import anyio

from reka_clips.client.responses import quoted, without_secret
from reka_clips.client.transport_errors import translated
from reka_clips.contract import Snapshot, decode_json, parse_error_body
from reka_clips.errors import RateLimit, TransportError, UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

MAX_UNREADABLE_EVENTS: Final = 50
# A generation has a few stages and progress twice a second. So many events are read as they come; whoever sends more
# is read at a pace that costs next to nothing, and TCP holds the rest back.
_BURST_EVENTS: Final = 1000
_EVENTS_PER_SECOND: Final = 20.0


class ClipStream:
    """The snapshots of one creation, in the order they come, repeats included: iterate over it once.

    Ends when the stream does or says `[DONE]`. What is no JSON object is skipped; MAX_UNREADABLE_EVENTS of
    them in a row are a broken stream. Raises TransportError when the connection breaks or falls silent,
    UnreadableAnswerError when what comes is no stream of a Clip API or an error instead of a snapshot.
    """

    def __init__(
        self,
        events: AsyncIterator[httpx2.ServerSentEvent] | None,
        *,
        first: Snapshot | None = None,
        host: str,
        silence_seconds: float,
        secret: str | None = None,
        request_id: str | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self._events = events
        self._first = first
        self._host = host
        self._silence_seconds = silence_seconds
        self._secret = secret
        self._budget = float(_BURST_EVENTS)
        self._read_at = 0.0
        self.request_id = request_id
        self.rate_limit = rate_limit
        self.unreadable_events = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Snapshot:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._events is None:
            raise StopAsyncIteration
        in_a_row = 0
        with anyio.move_on_after(self._silence_seconds):
            while in_a_row < MAX_UNREADABLE_EVENTS:
                await self._keep_pace()
                with translated(self._host):
                    event = await anext(self._events)
                if event.data.strip() == "[DONE]":
                    raise StopAsyncIteration
                snapshot = self._snapshot(event.data)
                if snapshot is not None:
                    return snapshot
                if event.data:
                    in_a_row += 1
                    self.unreadable_events += 1
            raise UnreadableAnswerError(
                f"The stream of the Clip API at {self._host} holds nothing readable.", request_id=self.request_id
            )
        raise TransportError(f"The stream of the Clip API at {self._host} fell silent.", request_id=self.request_id)

    async def _keep_pace(self) -> None:
        """Wait until the next event may be read: a bucket of `_BURST_EVENTS` that fills up over time."""
        now = anyio.current_time()
        self._budget = min(_BURST_EVENTS, self._budget + (now - self._read_at) * _EVENTS_PER_SECOND) - 1
        self._read_at = now
        if self._budget < 0:
            await anyio.sleep(-self._budget / _EVENTS_PER_SECOND)

    def _snapshot(self, data: str) -> Snapshot | None:
        try:
            value = decode_json(data)
        except ValueError:
            return None
        if not isinstance(value, dict):
            return None
        fields = cast("dict[str, Any]", value)
        if "id" in fields or isinstance(fields.get("status"), str):
            return Snapshot.model_validate(fields)
        problem = parse_error_body(data.encode()).message
        if problem is None:
            return None
        told = without_secret(problem, self._secret)
        raise UnreadableAnswerError(
            f"The Clip API's stream tells of an error: {quoted(told)}.", request_id=self.request_id
        )
