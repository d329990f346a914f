"""How a server process starts and ends: quickly, in every state, with an exit code that says why."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

LIMIT_SECONDS: Final = 4.5  # the promise is five

# Which of them exist depends on the platform. SIGBREAK is Ctrl+Break on Windows.
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextlib.contextmanager
def gc_paused() -> Generator[None]:
    """Keep the garbage collector off within the block, and exclude what was made there from later collections.

    Imports and definitions create many objects that live as long as the process and hardly any garbage: scanning
    them again and again takes a fifth of the start-up time, and later lengthens every full collection.
    Source: measured, docs/benchmarks.md.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def exit_code(number: int) -> int:
    """Return the exit code after a signal: 130 for Ctrl+C, as shells have it; 0 for an orderly stop."""
    return 130 if number == signal.SIGINT else 0


def on_stop_signals(handler: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Call a handler, in the main thread, for every signal that asks the process to stop.

    Return a function that puts the former handlers back.
    """
    former: dict[int, signal.Handlers | int | Callable[[int, FrameType | None], object] | None] = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        # A host that ignores a signal for us (nohup) means it.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            former[number] = signal.signal(number, handler)

    def restore() -> None:
        for number, handler_before in former.items():
            signal.signal(number, signal.SIG_DFL if handler_before is None else handler_before)

    return restore


def end_at_the_latest(number: int) -> None:
    """End the process within `LIMIT_SECONDS`, even if its event loop hangs. Engine and ffmpeg go with it."""
    watch = threading.Timer(LIMIT_SECONDS, leave, (exit_code(number),))
    watch.daemon = True
    watch.start()


def leave(code: int) -> None:
    """End the process at once. Needed where a thread waits in a read or write that nothing can interrupt."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
