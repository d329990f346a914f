"""MCP over standard input and output, with an end that is prompt in every state."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
import threading
import time
from types import FrameType
from typing import Final

import anyio

from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.settings import Settings
from reka_clips.web.lifecycle import LIMIT_SECONDS, end_at_the_latest, exit_code, gc_paused, leave, on_stop_signals

_LAST_ANSWERS_SECONDS: Final = 0.3  # for what calls still say when they are ended
_CLEANUP_SECONDS: Final = LIMIT_SECONDS - 1.0


def serve(settings: Settings) -> int:
    """Serve until the client closes standard input or a signal comes; return the exit code."""
    return anyio.run(_serve, settings)


async def _serve(settings: Settings) -> int:
    """Serve, end the runtime in the task that began it, and leave.

    Where standard input and output are no pipes, the SDK reads and writes in threads that wait for the client, and
    nothing can interrupt them: after a signal, or when the client is gone but does not read any more, the process ends
    without them.
    """
    served, asked, gone = anyio.Event(), anyio.Event(), anyio.Event()
    signals = _note_signals(asked)
    _note_hang_up(gone)

    async def serve_stdio() -> None:
        with gc_paused():
            server = build_server(runtime)
        await server.run_stdio_async()
        served.set()

    async def end_when_gone() -> None:
        await gone.wait()
        with anyio.move_on_after(_CLEANUP_SECONDS / 2):
            await served.wait()
        asked.set()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as cleanup:
            async with AppContext(settings) as runtime:
                tasks.start_soon(serve_stdio)
                tasks.start_soon(end_when_gone)
                await _first_of(served, asked)
                cleanup.deadline = anyio.current_time() + _CLEANUP_SECONDS
            if not served.is_set():
                await anyio.sleep(_LAST_ANSWERS_SECONDS)
        if not served.is_set():
            leave(exit_code(signals[0]) if signals else 0)
        tasks.cancel_scope.cancel()
    return exit_code(signals[0]) if signals else 0


async def _first_of(*events: anyio.Event) -> None:
    async with anyio.create_task_group() as tasks:

        async def wait(event: anyio.Event) -> None:
            await event.wait()
            tasks.cancel_scope.cancel()

        for event in events:
            tasks.start_soon(wait, event)


def _note_signals(asked: anyio.Event) -> list[int]:
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if received:  # asked a second time: no more patience
            leave(exit_code(number))
        received.append(number)
        end_at_the_latest(number)
        loop.call_soon_threadsafe(asked.set)

    on_stop_signals(note)
    return received


def _note_hang_up(gone: anyio.Event) -> None:
    """Notice that the other end of standard input was closed, even while the SDK waits for standard output.

    On Windows nothing tells; there, the end waits for the client to read or to end.
    """
    if sys.platform == "win32":
        return
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.dup(sys.stdin.fileno())  # its own: the SDK moves 0 elsewhere
    except (OSError, ValueError):
        return

    def wait() -> None:
        wait_for_hang_up(descriptor)
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(gone.set)

    threading.Thread(target=wait, name="stdin-hang-up", daemon=True).start()


def wait_for_hang_up(descriptor: int, *, platform: str = sys.platform, look_seconds: float = 1.0) -> None:
    """Return when the other end of a pipe or a socket was closed, whatever is still to be read from it. Blocks.

    Where poll can be asked for no event at all, it returns at a hang-up only. macOS registers nothing then, so there it
    is looked for again and again. Source: XNU, bsd/kern/sys_generic.c, poll_nocancel.
    """
    poll = select.poll()
    if platform != "darwin":
        poll.register(descriptor, 0)
        poll.poll()
        return
    poll.register(descriptor, select.POLLHUP)
    while not any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0)):
        time.sleep(look_seconds)
