# ruff: noqa: SIM117 - the heartbeat is one thing, the calls are another
"""The heartbeat of calls that wait: one for all of them, and none of them can hold up or end another's."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from reka_clips.mcp_server.progress import Heartbeat, ProgressReporter

pytestmark = pytest.mark.anyio


class Listener:
    """A client: what it has heard, and how it reads. reads: `always`, `never a heartbeat`, or `gone` for these."""

    def __init__(self, reads: str = "always") -> None:
        self.words: list[str] = []
        self.progress: list[float] = []
        self.refused = 0
        self._reads = reads
        self._news = anyio.Event()

    async def report(self, progress: float, total: float | None, message: str | None) -> None:
        assert message is not None
        assert total is None
        if message.endswith(" elapsed") and self._reads != "always":
            self.refused += 1
            self._tell()
            if self._reads == "gone":
                raise anyio.BrokenResourceError
            await anyio.sleep_forever()
        self.words.append(message)
        self.progress.append(progress)
        self._tell()

    async def until(self, *, heard: int = 0, refused: int = 0) -> None:
        with anyio.fail_after(30):
            while len(self.words) < heard or self.refused < refused:
                await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


@asynccontextmanager
async def beating() -> AsyncGenerator[Heartbeat]:
    heartbeat = Heartbeat(seconds=0.02)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heartbeat.run)
        yield heartbeat
        tasks.cancel_scope.cancel()


async def test_a_silent_call_says_again_and_again_that_it_goes_on():
    client = Listener()
    async with beating() as heartbeat, ProgressReporter(client.report, heartbeat) as reporter:
        await reporter.tell("Working")
        await client.until(heard=4)
    assert client.words[0] == "Working"
    assert all(re.fullmatch("Working, .* elapsed", words) for words in client.words[1:])
    assert client.progress == sorted(set(client.progress))


async def test_nothing_is_said_before_the_first_word_nor_after_the_end():
    early, ended, other = Listener(), Listener(), Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(other.report, heartbeat) as reporter, ProgressReporter(early.report, heartbeat):
            async with ProgressReporter(ended.report, heartbeat) as short:
                await short.tell("Done soon")
                await ended.until(heard=1)
            heard = list(ended.words)
            await reporter.tell("Working")
            await other.until(heard=4)
    assert ended.words == heard
    assert heard[0] == "Done soon"
    assert early.words == []


async def test_a_heartbeat_that_a_slow_client_does_not_read_is_given_up_for_the_next_word():
    client = Listener("never a heartbeat")
    async with beating() as heartbeat, ProgressReporter(client.report, heartbeat) as reporter:
        await reporter.tell("Working")
        await client.until(refused=1)
        await reporter.tell("Further on")
        await client.until(refused=2)
    assert client.words == ["Working", "Further on"]


async def test_a_slow_client_holds_up_nobody_elses_heartbeat():
    slow, other = Listener("never a heartbeat"), Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(slow.report, heartbeat) as one, ProgressReporter(other.report, heartbeat) as two:
            await one.tell("Working")
            await slow.until(refused=1)
            await two.tell("Working")
            await other.until(heard=4)
    assert slow.refused == 1


async def test_a_client_that_is_gone_ends_nobody_elses_heartbeat():
    gone, other = Listener("gone"), Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(gone.report, heartbeat) as one, ProgressReporter(other.report, heartbeat) as two:
            await one.tell("Working")
            await two.tell("Working")
            await gone.until(refused=2)
            await other.until(heard=len(other.words) + 2)


async def test_a_call_that_is_answered_at_once_sends_no_progress():
    client = Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(client.report, heartbeat) as reporter:
            await reporter.tell("Asking")
        await anyio.sleep(0.3)
    assert client.words == []


async def test_the_first_message_is_sent_before_the_second_and_by_itself_after_a_moment():
    one, other = Listener(), Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(one.report, heartbeat) as reporter:
            await reporter.tell("Asking")
            await reporter.tell("queued", progress=0.1)
        assert one.words == ["Asking", "queued"]
        async with ProgressReporter(other.report, heartbeat) as reporter:
            await reporter.tell("Asking")
            await other.until(heard=1)
    assert other.words[0] == "Asking"


async def test_the_result_waits_a_moment_after_a_notification():
    client = Listener()
    async with beating() as heartbeat:
        async with ProgressReporter(client.report, heartbeat) as reporter:
            await reporter.tell("queued", progress=0.1)
            sent_at = anyio.current_time()
        assert anyio.current_time() - sent_at >= 0.015
