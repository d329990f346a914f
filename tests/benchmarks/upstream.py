"""A Clip API for measurements: answers at once, streams at the pace that a prompt names, counts what it is asked.

As a process: prints {"port": …} and serves until standard input closes. GET /_counts tells the requests so far, GET
/_go lets the streams begin that wait for it. A prompt `stages=20 gap_ms=15 [wait]` makes a generation of that many
stages, each named `sN-T` with T the monotonic time in nanoseconds at which it was handed to the system. A prompt
`lasts_s=40` makes one that ends after that time and tells of it by GET alone: a stream, if asked for, breaks at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripted_api import CLIP
from scripted_api.wire import Exchange, WireServer

_CREATED = "2026-11-25T12:00:00.000Z"


def snapshot(generation_id: str, status: str) -> dict[str, Any]:
    """Return a snapshot of the size that Reka's have."""
    return {
        "id": generation_id,
        "status": status,
        "created_at": _CREATED,
        "updated_at": "2026-11-25T12:03:00.000Z",
        "video_urls": ["https://example.com/film.mp4"],
        "prompt": "Create an engaging short video highlighting the best moments",
        "generation_config": {"template": "moments", "min_duration_seconds": 0, "max_duration_seconds": 90},
        "rendering_config": {"subtitles": True, "aspect_ratio": "9:16", "resolution": 720},
        "num_generations": 1,
        "output": [CLIP] if status == "completed" else [],
    }


class Upstream:
    """Handles the requests."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.go = asyncio.Event()
        self._ends: dict[str, float] = {}

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.path == "/_counts":
            await exchange.json(200, self.counts)
        elif exchange.path == "/_go":
            self.go.set()
            self.go = asyncio.Event()
            await exchange.json(200, {})
        else:
            self.counts[exchange.method] += 1
            if exchange.method == "POST":
                await self._create(exchange)
            else:
                generation_id = exchange.path.removeprefix("/v1/clips/")
                is_over = self._ends.get(generation_id, 0.0) <= time.monotonic()
                await exchange.json(200, snapshot(generation_id, "completed" if is_over else "processing"))

    async def _create(self, exchange: Exchange) -> None:
        prompt = exchange.fields["prompt"]
        generation_id = str(uuid.uuid4())
        if lasts := re.search(r"lasts_s=(\d+)", prompt):
            self._ends[generation_id] = time.monotonic() + int(lasts[1])
            if exchange.fields.get("stream"):
                await exchange.open_stream()
                await exchange.event(snapshot(generation_id, "queued"))
                exchange.reset()
            else:
                await exchange.json(202, snapshot(generation_id, "queued"))
            return
        stages, gap = (int(re.search(rf"{name}=(\d+)", prompt)[1]) for name in ("stages", "gap_ms"))  # type: ignore[index]
        await exchange.open_stream()
        await exchange.event(snapshot(generation_id, "queued"))
        self.counts["waiting"] += 1
        if "wait" in prompt:
            await self.go.wait()
        for number in range(1, stages + 1):
            await asyncio.sleep(gap / 1000)
            await exchange.event(snapshot(generation_id, f"s{number}-{time.monotonic_ns()}"))
        await exchange.event(snapshot(generation_id, "completed"))
        await exchange.end_stream()


async def _serve() -> None:
    async with WireServer(Upstream().handle) as server:
        print(json.dumps({"port": server.port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
