"""Reads a request's body before the app does: no more than so many bytes, and not for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS: Final = 30.0
# What is too large is read a little further: who still sends when the connection ends does not see the answer.
_DRAINED_BYTES: Final = 8 * 1024 * 1024


class BodyLimit:
    """ASGI middleware that hands whole bodies on.

    max_bytes: of one body; limit_name: the setting of that number. respond: makes the error response of a status and
    a sentence. seconds: how long a body may take to arrive. refuse: of the path and the whole body of a
    POST, returns the error response to one that the app should not see, else None.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        respond: Callable[[int, str], Response],
        limit_name: str | None = None,
        seconds: float = _SECONDS,
        refuse: Callable[[str, bytes], Response | None] | None = None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._respond = respond
        self._limit_name = f" ({limit_name})" if limit_name else ""
        self._seconds = seconds
        self._refuse = refuse
        self._reading = set[anyio.CancelScope]()
        self._is_stopping = False

    def stop(self) -> None:
        """Wait for no body any more: who is still sending gets an answer that the server ends."""
        self._is_stopping = True
        for patience in self._reading:
            patience.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        arrived_bytes = 0
        with anyio.move_on_after(0 if self._is_stopping else self._seconds) as patience, self._noted(patience):
            while arrived_bytes <= self._max_bytes + _DRAINED_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    return  # gone before the body was complete
                piece = message.get("body", b"")
                arrived_bytes += len(piece)
                if arrived_bytes <= self._max_bytes:
                    body += piece
                if not message.get("more_body", False):
                    break
        refusal = self._refusal(arrived_bytes, is_late=patience.cancelled_caught)
        if refusal is None and self._refuse is not None and scope["method"] == "POST":
            refusal = self._refuse(scope["path"], bytes(body))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        waiting: deque[Message] = deque([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def replay() -> Message:
            return waiting.popleft() if waiting else await receive()

        await self._app(scope, replay, send)

    def _refusal(self, arrived_bytes: int, *, is_late: bool) -> Response | None:
        if arrived_bytes > self._max_bytes:
            response = self._respond(413, f"The request is larger than {self._max_bytes} bytes{self._limit_name}.")
        elif is_late and self._is_stopping:
            response = self._respond(503, "This server is ending.")
            response.headers["Retry-After"] = "15"
        elif is_late:
            response = self._respond(408, "The request took too long to arrive.")
        else:
            return None
        response.headers["Connection"] = "close"
        return response

    @contextmanager
    def _noted(self, patience: anyio.CancelScope) -> Generator[None]:
        self._reading.add(patience)
        try:
            yield
        finally:
            self._reading.discard(patience)
