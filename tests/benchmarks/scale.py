"""A thousand generations followed at once in one process, and a hundred listeners to one."""

from __future__ import annotations

import asyncio
import re
from itertools import count

from benchmarks.machine import cpu_seconds, resident_bytes
from benchmarks.servers import HANDWRITTEN, OURS, Bench
from benchmarks.table import Row
from benchmarks.wire import StdioTalk

GENERATIONS = 1000
STAGES = 5
LISTENERS = 100
_STAGE = re.compile(r"s(\d+)-\d+")
_number = count(1)


class ResultContext:
    """The progress of one call, as it came."""

    def __init__(self) -> None:
        self.stages: list[int] = []
        self.generation_id = ""
        self.known = asyncio.Event()

    def hear(self, message: str) -> None:
        if (stage := _STAGE.search(message)) is not None:
            self.stages.append(int(stage[1]))
        if (told := re.search(r"generation ([0-9a-f-]{36})", message)) is not None:
            self.generation_id = told[1]
            self.known.set()


def _body(stages: int) -> dict[str, object]:
    prompt = f"one of many, {next(_number)}, wait stages={stages} gap_ms=1500"
    return {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt}


async def follow_many(bench: Bench, name: str) -> tuple[float, float]:
    """Follow all at once; return bytes per followed generation, processor seconds per relayed event."""
    async with StdioTalk.to(bench.argv(name, "stdio"), bench.environment) as talk:
        pid = talk.process.pid
        wait = {"wait_seconds": 600} if name == OURS else {}
        warm = asyncio.ensure_future(talk.call("create_clips", _body(1) | wait, ResultContext().hear))
        await _let_go(bench, warm)
        before, begun = resident_bytes(pid), bench.count("waiting")
        stories = [ResultContext() for _ in range(GENERATIONS)]
        calls = [asyncio.ensure_future(talk.call("create_clips", _body(STAGES) | wait, s.hear)) for s in stories]
        while bench.count("waiting") < begun + GENERATIONS:
            await asyncio.sleep(0.2)
            assert not any(call.done() for call in calls), next(call.exception() for call in calls if call.done())
        followed, cpu = resident_bytes(pid) - before, cpu_seconds(pid)
        bench.go()
        results = await asyncio.gather(*calls)
        cpu = cpu_seconds(pid) - cpu
    assert all(story.stages == list(range(1, STAGES + 1)) for story in stories), "stages were lost or out of order"
    assert all(one["structuredContent"]["status"] == "completed" for one in results)
    assert len({one["structuredContent"]["id"] for one in results}) == GENERATIONS
    return followed / GENERATIONS, cpu / (GENERATIONS * (STAGES + 1))


async def _let_go(bench: Bench, call: asyncio.Future[dict[str, object]]) -> None:
    """Let the streams begin that wait, until a call has ended."""
    while not call.done():
        bench.go()
        await asyncio.sleep(0.1)
    await call


async def listen_to_one(bench: Bench) -> int:
    """Have a hundred calls wait for one generation; return the requests that reached upstream for it."""
    async with StdioTalk.to(bench.argv(OURS, "stdio"), bench.environment) as talk:
        before = bench.count("POST") + bench.count("GET")
        first = ResultContext()
        wait = {"wait_seconds": 600}
        creating = asyncio.ensure_future(talk.call("create_clips", _body(STAGES) | wait, first.hear))
        await first.known.wait()
        asked = {"id": first.generation_id} | wait
        stories = [ResultContext() for _ in range(LISTENERS)]
        calls = [asyncio.ensure_future(talk.call("get_clip_status", asked, story.hear)) for story in stories]
        await asyncio.gather(*(story.known.wait() for story in stories))
        await _let_go(bench, creating)
        await asyncio.gather(*calls)
    assert all(story.stages == list(range(1, STAGES + 1)) for story in [first, *stories])
    return bench.count("POST") + bench.count("GET") - before


async def measure(bench: Bench) -> list[Row]:
    """Return the rows of the table."""
    size, cost = await follow_many(bench, OURS)
    by_hand_size, by_hand_cost = await follow_many(bench, HANDWRITTEN)
    what = f"{GENERATIONS} generations followed at once over stdio, all complete and in order"
    return [
        Row(f"{what}: memory of each", f"{size / 1024:.1f} kB", f"{HANDWRITTEN}, {by_hand_size / 1024:.1f} kB",
            size / 1024, at_most=60, unit=" kB"),
        Row("the same: processor time per relayed event", f"{cost * 1e3:.2f} ms",
            f"{HANDWRITTEN}, {by_hand_cost * 1e3:.2f} ms", cost / by_hand_cost),
        Row(f"{LISTENERS} calls that wait for one generation: requests upstream", "POST and GET together", "",
            await listen_to_one(bench), at_most=1, unit=""),
    ]  # fmt: skip
