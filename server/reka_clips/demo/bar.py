"""A live progress bar drawn from MCP progress notifications; plain lines where there is no terminal."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, TextIO

import anyio

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_EVERY_SECONDS: Final = 0.2


class ProgressBar:
    """Shows the latest notification; an SDK progress callback. `total` is not known to all backends: then a spinner."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._started = time.monotonic()
        self._is_live = out.isatty()
        self._drawn = 0
        self._share: float | None = None
        self._message = ""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Show one progress notification."""
        is_news = bool(message) and message != self._message
        self._share, self._message = progress / total if total else None, message or ""
        if self._is_live:
            self._draw()
        elif is_news:
            self._out.write(f"  {self._seconds():4d} s  {message}\n")
            self._out.flush()

    @asynccontextmanager
    async def moving(self) -> AsyncGenerator[None]:
        """Draw again and again, so that the clock goes on between notifications; leave the line in the end."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_moving)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                if self._is_live:
                    self._draw()
                    self._out.write("\n")
                    self._out.flush()

    async def _keep_moving(self) -> None:
        while self._is_live:
            self._draw()
            await anyio.sleep(_EVERY_SECONDS)

    def _draw(self) -> None:
        self._drawn += 1
        mark = _FRAMES[self._drawn % len(_FRAMES)] if self._share is None else _bar(self._share)
        line = f"  {mark} {self._seconds():4d} s  {self._message}"
        self._out.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        self._out.flush()

    def _seconds(self) -> int:
        return round(time.monotonic() - self._started)


def _bar(share: float, width: int = 24) -> str:
    filled = round(max(0.0, min(1.0, share)) * width)
    return f"[{'█' * filled}{'░' * (width - filled)}] {share:4.0%}"
