"""MCP over standard input and output, with an end that is prompt in every state."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import FrameType

import anyio

from reka_clips.mcp_server.runtime import Runtime
from reka_clips.mcp_server.server import build_server
from reka_clips.settings import Settings

_CLEANUP_SECONDS = 4.0
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def serve(settings: Settings) -> int:
    """Serve until the client closes standard input or a signal comes; return the exit code."""
    return anyio.run(_serve, settings)


async def _serve(settings: Settings) -> int:
    stopped = anyio.Event()
    received: list[int] = []
    _on_signal(stopped, received)
    async with Runtime(settings) as runtime, anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal, runtime, stopped, received)
        await build_server(runtime).run_stdio_async()
        tasks.cancel_scope.cancel()
    return 0


async def _leave_on_signal(runtime: Runtime, stopped: anyio.Event, received: list[int]) -> None:
    """Clean up and leave at once: the SDK reads standard input in a thread that nothing can interrupt."""
    await stopped.wait()
    with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
        await runtime.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(128 + received[0])


def _on_signal(stopped: anyio.Event, received: list[int]) -> None:
    loop = asyncio.get_running_loop()

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        loop.call_soon_threadsafe(stopped.set)

    for name in _SIGNALS:  # which of them exist depends on the platform
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), note)
