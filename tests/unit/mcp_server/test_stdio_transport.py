"""Standard input and output: every line arrives whole, whatever the pieces; no reader is too slow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from reka_clips.mcp_server.stdio_transport import Lines, Writer

pytestmark = pytest.mark.anyio

# With the event loop's own waiting, and with a thread, as on Windows, where pipes cannot be waited for.
both_ways = pytest.mark.parametrize("waits", [False] if sys.platform == "win32" else [True, False])


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


@both_ways
async def test_lines_come_whole_and_in_order_whatever_pieces_they_arrive_in(pipe: tuple[int, int], waits: bool):
    reading, writing = pipe
    lines = ["first", "", "é" * 70_000, "last, without an end"]
    content = "\n".join(lines).encode()

    def write() -> None:
        for at in range(0, len(content), 7_001):  # two-byte letters are cut in the middle
            os.write(writing, content[at : at + 7_001])
        os.close(writing)

    heard: list[str] = []
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, write)
            heard += [line async for line in Lines(reading, waits=waits)]

    assert [line.rstrip("\n") for line in heard] == lines
    assert heard[-1] == lines[-1]


@both_ways
async def test_bytes_that_are_no_text_are_replaced(pipe: tuple[int, int], waits: bool):
    reading, writing = pipe
    os.write(writing, b"\xff\xfe\n")
    os.close(writing)

    assert [line async for line in Lines(reading, waits=waits)] == ["��\n"]


@both_ways
async def test_a_slow_reader_gets_all_and_others_go_on_meanwhile(pipe: tuple[int, int], waits: bool):
    reading, writing = pipe
    writer = Writer(writing, waits=waits)
    message = "x" * 1_000_000 + "\n"
    written = anyio.Event()

    async def write() -> None:
        await writer.write(message)
        written.set()

    heard = bytearray()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await anyio.wait_readable(reading)
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            assert not written.is_set()  # the pipe is full, and this task runs all the same
            while len(heard) < len(message):
                await anyio.wait_readable(reading)
                heard += os.read(reading, 65_536)

    assert heard.decode() == message


@both_ways
async def test_a_reader_that_is_gone_is_an_error(pipe: tuple[int, int], waits: bool):
    reading, writing = pipe
    os.close(reading)

    with pytest.raises(BrokenPipeError):
        await Writer(writing, waits=waits).write("x")
