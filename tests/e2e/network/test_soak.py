"""A long day of one server: thousands of calls, hundreds of generations, and afterwards it holds no more than before.

`make soak` makes 10,000 calls and 1,000 generations and prints what it measured; `make test` a tenth of that.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from command import ERAS, CommandProcess, ScriptedUpstream, connect, text_of
from contract.desk import QUICK, a_request, open_desk
from scale import FULL
from scripted_api import ScriptedClipApi

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux", reason="a process is measured by /proc"),
]

CALLS, GENERATIONS = (10_000, 1_000) if FULL else (480, 80)
AT_ONCE = 20
KEPT_CONNECTIONS = 20  # that the client keeps open to the Clip API for the next request
MAX_GROWTH_KIB = 24 * 1024  # of the second half of the run; what a thousand ended generations hold is far below
TRANSPORTS = [(transport, era) for transport in ("streamable-http", "sse") for era in ERAS]


@dataclass(frozen=True)
class Measured:
    """What a process holds: resident memory, open sockets, threads."""

    memory_kib: int
    sockets: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Measured:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        sockets = sum(link.startswith("socket:") for link in links)
        return cls(int(status["VmRSS"].split()[0]), sockets, int(status["Threads"]))


async def busy(server: CommandProcess, *, calls: int, generations: int, tag: str, begin: int) -> None:
    """Make so many calls and generations, over every transport and era, by callers with keys of their own."""
    share, waves = len(TRANSPORTS), max(1, generations // AT_ONCE)

    async def one(client: Client, number: int) -> None:
        film = {"video_urls": ["https://example.com/film.mp4"], "prompt": f"{tag} {number}"}
        made = await client.call_tool("create_clips", film)
        assert not made.is_error, text_of(made)
        generation_id = (made.structured_content or {})["id"]
        for _ in range(calls // generations - 3):
            told = await client.call_tool("get_clip_status", {"id": generation_id})
            assert (told.structured_content or {})["status"] == "completed"
        assert not (await client.call_tool("list_clips", {"limit": 5})).is_error
        assert not (await client.call_tool("delete_clip", {"id": generation_id})).is_error

    for wave in range(waves):
        transport, era = TRANSPORTS[(wave + begin) % share]
        headers = {"X-Reka-API-Key": f"key-{tag}-{wave}"}
        async with connect(transport, era, to=server, headers=headers) as client, anyio.create_task_group() as tasks:
            for number in range(AT_ONCE):
                tasks.start_soon(one, client, wave * AT_ONCE + number)


async def settled(pid: int, start: Measured) -> Measured:
    """Wait until no more sockets are open than at the start, but for those that are kept; return what is measured."""
    with anyio.move_on_after(60):
        while Measured.of(pid).sockets > start.sockets + KEPT_CONNECTIONS:  # noqa: ASYNC110 - another process
            await anyio.sleep(0.1)
    return Measured.of(pid)


async def test_a_long_day_leaves_nothing_behind(tmp_path: Path):
    settings: dict[str, Any] = {"REKA_CLIPS_DATA_DIR": str(tmp_path), "REKA_CLIPS_BACKEND": "reka"}
    with ScriptedUpstream.running() as upstream:
        settings |= {"REKA_BASE_URL": upstream.base_url}
        with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as server:
            assert server.url
            pid = server.process.pid
            start = Measured.of(pid)
            await busy(server, calls=CALLS // 2, generations=GENERATIONS // 2, tag="morning", begin=0)
            noon = await settled(pid, start)
            await busy(server, calls=CALLS // 2, generations=GENERATIONS // 2, tag="evening", begin=2)
            end = await settled(pid, start)
            print(f"\n{CALLS} calls, {GENERATIONS} generations: {start} at the start, {noon} halfway, {end} at the end")
            assert end.memory_kib - noon.memory_kib < MAX_GROWTH_KIB
            assert end.sockets <= start.sockets + KEPT_CONNECTIONS
            assert end.threads <= noon.threads
            assert len(upstream.requests("POST")) == GENERATIONS
            assert server.stop() < 20
            assert "Traceback" not in server.log
            assert "pending" not in server.log, "a task was left over"


async def test_a_thousand_generations_leave_no_task_no_connection_and_no_memory(api: ScriptedClipApi):
    """Within one process, where tasks and objects can be counted: half are followed, half are left alone."""
    config = replace(QUICK, repeat_seconds=0.0, prune_seconds=0.05)
    async with open_desk(api.base_url, config=config) as desk:

        async def one(number: int) -> None:
            job = await desk.manager.create(desk.account, a_request(f"{number}")).job()
            if number % 2:
                assert [state.stage async for state in job.follow()][-1] == "completed"

        async def some(numbers: range) -> tuple[int, int]:
            async with anyio.create_task_group() as callers:
                for number in numbers:
                    callers.start_soon(one, number)
            with anyio.fail_after(60):
                while len(desk.manager):  # noqa: ASYNC110 - the hub tells nobody whom it forgets
                    await anyio.sleep(0.02)
                await api.server.until_closed()
            api.generations.clear()
            api.requests.clear()
            with anyio.move_on_after(10):
                while len(asyncio.all_tasks()) > ours:  # noqa: ASYNC110 - the last connections are just ending
                    await anyio.sleep(0.02)
            gc.collect()
            alive = [one for one in gc.get_objects() if str(type(one).__module__).startswith("reka_clips")]
            return len(asyncio.all_tasks()), len(alive)

        ours = len(asyncio.all_tasks())
        await some(range(50))  # what is only made once is made now
        before = await some(range(50))
        for begin in range(100, GENERATIONS, 100):
            await some(range(begin, begin + 100))
        after = await some(range(50))
        print(f"\n{GENERATIONS} generations: {before} tasks and objects before, {after} after")
        assert after == before
