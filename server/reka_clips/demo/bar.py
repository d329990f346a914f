"""A live progress bar drawn from MCP progress notifications; plain lines where there is no terminal."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class ProgressBar:
    """Draws each notification; an SDK progress callback. `total` is not known to all backends: then a spinner."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._started = time.monotonic()
        self._is_live = out.isatty()
        self._drawn = 0
        self._message = ""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Show one progress notification."""
        elapsed = round(time.monotonic() - self._started)
        if not self._is_live:
            if message and message != self._message:
                self._out.write(f"  {elapsed:4d} s  {message}\n")
                self._out.flush()
            self._message = message or ""
            return
        self._drawn += 1
        mark = _bar(progress / total) if total else _FRAMES[self._drawn % len(_FRAMES)]
        columns = shutil.get_terminal_size().columns
        line = f"  {mark} {elapsed:4d} s  {message or ''}"
        self._out.write(f"\r\x1b[K{line[: columns - 1]}")
        self._out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_live:
            self._out.write("\n")
            self._out.flush()


def _bar(share: float, width: int = 24) -> str:
    filled = round(max(0.0, min(1.0, share)) * width)
    return f"[{'█' * filled}{'░' * (width - filled)}] {share:4.0%}"
