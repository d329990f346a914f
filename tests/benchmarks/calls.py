"""`get_clip_status` with eight in flight. Every call is for a generation of its own: nothing comes from memory."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.machine import cpu_seconds
from benchmarks.servers import GENERATED, HANDWRITTEN, OURS, Bench
from benchmarks.table import Row, ratio
from benchmarks.wire import HttpTalk, StdioTalk, Talk

IN_FLIGHT = 8
CALLS = 160
ROUNDS = 9
SERVERS = (OURS, HANDWRITTEN, GENERATED)


@dataclass(frozen=True)
class Side:
    """A server that is talked to. tool: the name that it gives to asking for one generation."""

    talk: Talk
    pid: int
    tool: str


@dataclass(frozen=True)
class Batch:
    """One batch of calls: calls per second, and processor time of the server per call in seconds."""

    per_second: float
    cpu_seconds: float


@asynccontextmanager
async def sides(bench: Bench, transport: str) -> AsyncIterator[dict[str, Side]]:
    """Open a connection to each server over a transport."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        found: dict[str, Side] = {}
        for name in SERVERS:
            if transport == "stdio":
                talk: Any = await stack.enter_async_context(StdioTalk.to(bench.argv(name, "stdio"), bench.environment))
                pid = talk.process.pid
            else:
                url, pid = stack.enter_context(bench.serving(name))
                talk = await stack.enter_async_context(HttpTalk.to(url))
            found[name] = Side(talk, pid, "get" if name == GENERATED else "get_clip_status")
        yield found


async def batch(side: Side, *, calls: int = CALLS, ids: list[str] | None = None) -> Batch:
    """Make so many calls, eight at a time. ids: what is asked for, over and over; unset, another one each time."""
    waiting = iter(ids * calls if ids else [str(uuid.uuid4()) for _ in range(calls)])
    left = calls
    begun, cpu_begun = time.perf_counter(), cpu_seconds(side.pid)

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            generation_id = next(waiting)
            result = await side.talk.call(side.tool, {"id": generation_id})
            assert result["structuredContent"]["id"] == generation_id

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    took, cpu = time.perf_counter() - begun, cpu_seconds(side.pid) - cpu_begun
    return Batch(calls / took, cpu / calls)


async def measure(bench: Bench) -> list[Row]:
    """Return the rows of the table."""
    rows: list[Row] = []
    for transport in ("stdio", "http"):
        async with sides(bench, transport) as found:
            for side in found.values():
                await batch(side, calls=40)
            rounds = [{name: await batch(side) for name, side in found.items()} for _ in range(ROUNDS)]
            known = str(uuid.uuid4())
            remembered = await batch(found[OURS], calls=4 * CALLS, ids=[known])
        ours = [one[OURS] for one in rounds]
        speed = median(one.per_second for one in ours)
        told = f"{speed:.0f} calls/s, {median(one.cpu_seconds for one in ours) * 1e3:.2f} ms CPU each"
        for peer, at_least in ((HANDWRITTEN, 0.9), (GENERATED, 1.3)):
            theirs = [one[peer] for one in rounds]
            what = f"`get_clip_status` over {transport}, {IN_FLIGHT} in flight"
            faster = ratio([one.per_second for one in ours], [one.per_second for one in theirs])
            cheaper = ratio([one.cpu_seconds for one in theirs], [one.cpu_seconds for one in ours])
            rows += [
                Row(what, told, peer, faster, at_least=at_least),
                Row("the same, per processor time", told, peer, cheaper, at_least=at_least),
            ]
        rows.append(
            Row(
                f"the same over {transport} for one generation, from memory",
                f"{remembered.per_second:.0f} calls/s, {remembered.cpu_seconds * 1e3:.2f} ms CPU each",
                f"{OURS}, asking upstream",
                remembered.per_second / speed,
            )
        )
    return rows
