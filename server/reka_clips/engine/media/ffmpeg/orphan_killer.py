"""Ends the ffmpeg processes of an engine that was killed, and so could not do it itself.

A helper process waits at the other end of a pipe and is told what starts and what ends. When the pipe closes,
however its owner went, it kills what still runs, and ends. The same on every platform; 10 MB while it waits.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Final, Self, cast

if TYPE_CHECKING:
    from collections.abc import Generator

_END_SECONDS: Final = 2.0
# Each program that is told of leads a process group of its own; Windows has none.
_HELPER: Final = """
import os, signal, sys
left = set()
for line in sys.stdin:
    (left.add if line[0] == "+" else left.discard)(int(line[1:]))
for pid in left:
    try:
        os.killpg(pid, signal.SIGKILL) if hasattr(os, "killpg") else os.kill(pid, signal.SIGTERM)
    except OSError:
        pass
"""

logger = logging.getLogger(__name__)


class OrphanKiller:
    """`with Warden() as warden`, then `with warden.watching(pid)` around the life of each process."""

    def __init__(self) -> None:
        self._helper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the helper; where that fails, everything works but for this one safeguard."""
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        try:
            self._helper = subprocess.Popen(  # noqa: S603 - the interpreter itself, with the constant above
                [sys.executable, "-I", "-S", "-c", _HELPER],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what ends the engine's group must not end the helper
                creationflags=flags,
            )
        except OSError as error:
            logger.warning("Should the engine be killed, its ffmpeg would go on: no helper (%s).", error.strerror)
        return self

    def __exit__(self, *_: object) -> None:
        if self._helper is None:
            return
        with contextlib.suppress(OSError):
            cast("IO[bytes]", self._helper.stdin).close()
        try:
            self._helper.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._helper.kill()
            self._helper.wait()

    @contextlib.contextmanager
    def watching(self, pid: int) -> Generator[None]:
        """Have this process killed if this program goes before the block ends. pid: leads a process group."""
        self._tell(f"+{pid}\n")
        try:
            yield
        finally:
            self._tell(f"-{pid}\n")

    def _tell(self, line: str) -> None:
        if self._helper is not None:
            stdin = cast("IO[bytes]", self._helper.stdin)
            with contextlib.suppress(OSError):  # it was killed itself
                stdin.write(line.encode())
                stdin.flush()
