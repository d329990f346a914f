"""What a generation costs the upstream in requests, in each way to follow it, at the pace of the real server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from benchmarks.servers import OURS, Bench
from benchmarks.table import Row
from benchmarks.wire import StdioTalk
from reka_clips.generations import PollingConfig

LASTS_SECONDS = 40
_FILM = {"video_urls": ["https://example.com/film.mp4"]}


@dataclass(frozen=True)
class Cost:
    """Requests that reached the upstream."""

    posts: int
    gets: int

    @classmethod
    def so_far(cls, bench: Bench) -> Cost:
        return cls(bench.count("POST"), bench.count("GET"))

    def since(self, before: Cost) -> Cost:
        return Cost(self.posts - before.posts, self.gets - before.gets)

    def __str__(self) -> str:
        return f"{self.posts} POST, {self.gets} GET"


def polls_allowed(seconds: float) -> int:
    """Return how many GETs the poll interval allows a generation: after 2 s, 3 s, 4.5 s …, 15 s, and one at its end."""
    pace = PollingConfig()
    count, at, interval = 1, 0.0, pace.poll_first_seconds
    while (at := at + interval) <= seconds:
        count += 1
        interval = min(pace.poll_longest_seconds, interval * pace.poll_growth)
    return count


async def measure(bench: Bench) -> list[Row]:
    """Return the rows of the table."""
    # A Clip API on this machine is asked more often; under another name, reached through a proxy, it counts as remote.
    remote = {"REKA_BASE_URL": "http://clips.example", "HTTP_PROXY": bench.upstream, "http_proxy": bench.upstream}
    async with StdioTalk.to(bench.argv(OURS, "stdio"), bench.environment | remote) as talk:
        begun = Cost.so_far(bench)
        await talk.call("create_clips", _FILM | {"prompt": "streamed stages=10 gap_ms=100"})
        streamed = Cost.so_far(bench).since(begun)

        begun = Cost.so_far(bench)
        await talk.call("create_clips", _FILM | {"prompt": f"dropped lasts_s={LASTS_SECONDS}", "wait_seconds": 600})
        dropped = Cost.so_far(bench).since(begun)

        begun, started = Cost.so_far(bench), time.monotonic()
        made = await talk.call("create_clips", _FILM | {"prompt": f"asked lasts_s={LASTS_SECONDS}", "stream": False})
        questions, status = 0, ""
        while status != "completed":
            await asyncio.sleep(1)
            asked = {"id": made["structuredContent"]["id"], "wait_seconds": 0}
            status = (await talk.call("get_clip_status", asked))["structuredContent"]["status"]
            questions += 1
        asked_cost, took = Cost.so_far(bench).since(begun), time.monotonic() - started
    beside = "allowed by the poll interval"
    allowed, allowed_asked = polls_allowed(LASTS_SECONDS), polls_allowed(took)
    return [
        Row("A streamed generation", str(streamed), "one POST and no GET",
            streamed.posts - 1 + streamed.gets, at_most=0, unit=" requests more"),
        Row(f"One of {LASTS_SECONDS} s whose stream broke, and is polled", str(dropped),
            f"{allowed} GET {beside}", dropped.gets, at_most=allowed, unit=" GET"),
        Row(f"One of {LASTS_SECONDS} s, its status asked every second, {questions} times", str(asked_cost),
            f"{allowed_asked} GET {beside}", asked_cost.gets, at_most=allowed_asked, unit=" GET"),
    ]  # fmt: skip
