"""Standard input and output as the event loop's own, without a thread between: each message saves three hand-overs.

Nothing is made non-blocking, since others may share the pipe. What is reported readable gives at least something at
once; what is reported writable takes `PIPE_BUF` bytes at once (POSIX, `write` to a pipe; a local socket takes more).
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    AsyncText = anyio.AsyncFile[str]

_READ_BYTES: Final = 65_536
_WRITE_BYTES: Final = 4_096  # PIPE_BUF on Linux; the least of any platform is checked where it is used


class Lines:
    """The lines of a pipe, as the SDK reads them: UTF-8, what is none replaced."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        parts: list[bytes] = []
        while True:
            await anyio.wait_readable(self._descriptor)
            content = os.read(self._descriptor, _READ_BYTES)
            if not content:
                break
            *lines, rest = content.split(b"\n")
            for line in lines:
                yield (b"".join(parts) + line + b"\n").decode("utf-8", "replace")
                parts.clear()
            if rest:
                parts.append(rest)
        if parts:
            yield b"".join(parts).decode("utf-8", "replace")


class Writer:
    """Writes to a pipe, as the SDK does: text, then a flush."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at_once = min(_WRITE_BYTES, select.PIPE_BUF)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    async def write(self, text: str) -> None:
        """Write all of it, waiting for a reader that is slow."""
        content = memoryview(text.encode("utf-8", "backslashreplace"))
        while content:
            if not self._poll.poll(0):
                await anyio.wait_writable(self._descriptor)
            content = content[os.write(self._descriptor, content[: self._at_once]) :]

    async def flush(self) -> None:
        """Let others have their turn; nothing is held back."""
        await anyio.lowlevel.checkpoint()


@contextmanager
def claimed_pipes() -> Generator[tuple[AsyncText | None, AsyncText | None]]:
    """Take standard input and output for the protocol; None for both where they are no pipes or this is Windows.

    Within the block, what else reads standard input finds it empty, and what else is printed goes to standard error:
    as the SDK does it for the streams that it opens itself.
    """
    if sys.platform == "win32" or not (_is_pipe(0) and _is_pipe(1)):
        yield None, None
        return
    own = (_moved(0), _moved(1))
    try:
        _point(0, at=os.open(os.devnull, os.O_RDONLY))
        _point(1, at=os.dup(2))
        yield cast("Any", Lines(own[0])), cast("Any", Writer(own[1]))
    finally:
        for number, descriptor in enumerate(own):
            with suppress(OSError):
                _point(number, at=descriptor)


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _moved(descriptor: int) -> int:
    """Return another descriptor of the same pipe, above the standard ones."""
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _point(descriptor: int, *, at: int) -> None:
    os.dup2(at, descriptor)
    os.close(at)
