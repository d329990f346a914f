"""How the process ends when it is told to: soon, in every state, with an exit code that says why."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

LIMIT_SECONDS: Final = 4.5  # the promise is five

# Which of them exist depends on the platform. SIGBREAK is Ctrl+Break on Windows.
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def exit_code(number: int) -> int:
    """Return the exit code after a signal: 130 for Ctrl+C, as shells have it; 0 for an end that was ordered."""
    return 130 if number == signal.SIGINT else 0


def on_stop_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have a handler called, in the main thread, for every signal that asks the process to end."""
    for name in _NAMES:
        number = getattr(signal, name, None)
        # A host that ignores a signal for us (nohup) means it.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def end_at_the_latest(number: int) -> None:
    """Make sure that the process is gone in time, even if its event loop hangs. Engine and ffmpeg go with it."""
    watch = threading.Timer(LIMIT_SECONDS, leave, (exit_code(number),))
    watch.daemon = True
    watch.start()


def leave(code: int) -> None:
    """End the process at once. Needed where a thread waits in a read or write that nothing can interrupt."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
