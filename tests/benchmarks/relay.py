"""From the upstream's bytes to the progress notification on the wire, beside reading the same stream directly."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from statistics import quantiles

import httpx2

from benchmarks.servers import HANDWRITTEN, OURS, Bench
from benchmarks.table import Row
from benchmarks.wire import HttpTalk, SseTalk, StdioTalk, Talk

ROUNDS = 12
STAGES = 36
GAP_MS = 12
_STAMP = re.compile(r"s\d+-(\d+)")
_number = count(1)

Reading = Callable[[], Awaitable[list[float]]]


def _body() -> dict[str, object]:
    prompt = f"number {next(_number)} stages={STAGES} gap_ms={GAP_MS}"
    return {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt}


def _age_ms(text: str) -> float | None:
    """Return how long ago the stage named in a text was handed to the system by the upstream."""
    now = time.monotonic_ns()
    stamp = _STAMP.search(text)
    return None if stamp is None else (now - int(stamp[1])) / 1e6


def direct(bench: Bench, http: httpx2.AsyncClient) -> Reading:
    """Return what reads a generation's stream with nothing in between."""

    async def read() -> list[float]:
        ages: list[float] = []
        async with http.sse(f"{bench.upstream}/v1/clips", method="POST", json=_body() | {"stream": True}) as events:
            async for event in events:
                age = _age_ms(event.json()["status"])
                if age is not None:
                    ages.append(age)
        assert len(ages) == STAGES
        return ages

    return read


def relayed(talk: Talk) -> Reading:
    """Return what has a server create a generation and listens to its progress."""

    async def read() -> list[float]:
        ages: list[float] = []

        def heard(message: str) -> None:
            age = _age_ms(message)
            if age is not None:
                ages.append(age)

        await talk.call("create_clips", _body(), heard)
        assert len(ages) == STAGES, f"{len(ages)} of {STAGES} stages came"
        return ages

    return read


async def measure(bench: Bench) -> list[Row]:
    """Return the rows of the table."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=60))
        stdio, by_hand = [
            await stack.enter_async_context(StdioTalk.to(bench.argv(name, "stdio"), bench.environment))
            for name in (OURS, HANDWRITTEN)
        ]
        url, _ = stack.enter_context(bench.serving(OURS))
        readings = {
            "direct": direct(bench, http),
            "stdio": relayed(stdio),
            "sse": relayed(await stack.enter_async_context(SseTalk.to(url))),
            "streamable HTTP": relayed(await stack.enter_async_context(HttpTalk.to(url))),
            HANDWRITTEN: relayed(by_hand),
        }
        found: dict[str, list[float]] = {name: [] for name in readings}
        for number in range(ROUNDS + 1):
            for name, read in readings.items():
                ages = await read()
                if number:  # the first one warms up
                    found[name] += ages
    rows: list[Row] = []
    for share, at_most in ((50, 2.0), (99, 8.0)):
        at = {name: quantiles(ages, n=100)[share - 1] for name, ages in found.items()}
        rows += [
            Row(f"Relay over {name}, p{share}", f"{at[name]:.2f} ms", f"direct reading, {at['direct']:.2f} ms",
                at[name] - at["direct"], at_most=at_most, unit=" ms more")
            for name in ("stdio", "sse", "streamable HTTP")
        ]  # fmt: skip
        rows.append(
            Row(f"Relay over stdio, p{share}", f"{at['stdio']:.2f} ms", f"{HANDWRITTEN}, {at[HANDWRITTEN]:.2f} ms",
                at["stdio"] - at[HANDWRITTEN], unit=" ms more")
        )  # fmt: skip
    return rows
