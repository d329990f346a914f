"""How fast a stream is read: a service that floods must not keep a processor busy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest

from reka_clips.client.stream import ClipStream

pytestmark = pytest.mark.anyio


async def endless() -> AsyncIterator[httpx2.ServerSentEvent]:
    number = 0
    while True:
        number += 1
        yield httpx2.ServerSentEvent(data=json.dumps({"id": "1", "status": f"stage {number}"}))


async def test_a_flood_is_read_at_once_up_to_a_burst_and_slowly_from_then_on():
    stream = ClipStream(endless(), host="clips.example", silence_seconds=60)
    for _ in range(1000):
        await anext(stream)
    begun = anyio.current_time()
    for _ in range(6):
        await anext(stream)
    assert anyio.current_time() - begun >= 0.2, "twenty a second"
