"""The uvicorn server of one process: listens, says where, and ends in time."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from reka_clips.web.shutdown import end_at_the_latest, exit_code, on_stop_signals
from reka_clips.web.sockets import BACKLOG

_GRACE_SECONDS: Final = 2
# Longer than proxies keep theirs: one that is closed just as a request comes in costs that request.
_KEEP_ALIVE_SECONDS: Final = 75


class Listener(uvicorn.Server):
    """Serves an app on a socket that is open already.

    stopping: called as soon as the process was told to end, while calls are still answered.
    """

    def __init__(self, app: ASGIApp, *, address: str, stopping: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,  # to the root logger, which hides keys
                access_log=False,  # links carry their right in the address
                lifespan="on",
                ws="none",
                server_header=False,
                proxy_headers=False,  # nothing here depends on the caller's address
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                backlog=BACKLOG,
            )
        )
        self._address = address
        self._stopping = stopping
        self._signal: int | None = None

    @property
    def code(self) -> int:
        """The exit code of the process, after the end."""
        return 0 if self._signal is None else exit_code(self._signal)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell on standard error where: the one line that people and programs wait for."""
        await super().startup(sockets)
        if self.started:
            print(f"reka-clips-mcp: listening on {self._address}", file=sys.stderr, flush=True)  # noqa: T201 - it is for people

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let calls that wait come to an answer, then end."""
        self._stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals for good: unlike uvicorn's own, this does not raise them again after the end."""
        on_stop_signals(self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to end; a second signal ends at once what is still open."""
        if self._signal is None:
            end_at_the_latest(sig)
        else:
            self.force_exit = True
        self._signal = sig
        self.should_exit = True
