"""How much one caller, one request and all sessions together may take."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reka_clips.errors import BusyError
from reka_clips.mcp_server.http.identity import caller_of
from reka_clips.mcp_server.output.error_results import failure_result

_BODY_SECONDS: Final = 30.0
# What is too large is read a little further: who still sends when the connection ends does not see the answer.
_DRAINED_BYTES: Final = 8 * 1024 * 1024


class CallLimit:
    """Middleware of the MCP server: at most `most` tool calls at once for one caller; more get a tool error."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running: Counter[str] = Counter()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call" or ctx.request_id is None:
            return await call_next(ctx)
        caller = caller_of(ctx.request)
        if self._running[caller] >= self._most:
            busy = BusyError(
                f"Too many calls at once: {self._most} are running for this caller already, and nothing was sent. "
                "Try again when one of them has ended."
            )
            return failure_result(busy, tool=str((ctx.params or {}).get("name", "")))
        self._running[caller] += 1
        try:
            return await call_next(ctx)
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]


class BodyLimit:
    """Reads a request's body before the app does: no more than so many bytes, and not for ever."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float = _BODY_SECONDS) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._reading = set[anyio.CancelScope]()
        self._is_stopping = False

    def stop(self) -> None:
        """Wait for no body any more: who is still sending is told that the server ends."""
        self._is_stopping = True
        for patience in self._reading:
            patience.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        arrived_bytes = 0
        with anyio.move_on_after(0 if self._is_stopping else self._seconds) as patience, self._noted(patience):
            while arrived_bytes <= self._max_bytes + _DRAINED_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    return  # gone before it had said everything
                piece = message.get("body", b"")
                arrived_bytes += len(piece)
                if arrived_bytes <= self._max_bytes:
                    body += piece
                if not message.get("more_body", False):
                    break
        if arrived_bytes > self._max_bytes:
            text = f"The request is larger than {self._max_bytes} bytes (REKA_CLIPS_MAX_BODY_BYTES)."
            await _refuse(413, text)(scope, receive, send)
            return
        if patience.cancelled_caught and self._is_stopping:
            await _refuse(503, "This server is ending.")(scope, receive, send)
            return
        if patience.cancelled_caught:
            await _refuse(408, "The request took too long to arrive.")(scope, receive, send)
            return
        waiting: deque[Message] = deque([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def replay() -> Message:
            return waiting.popleft() if waiting else await receive()

        await self._app(scope, replay, send)

    @contextmanager
    def _noted(self, patience: anyio.CancelScope) -> Generator[None]:
        self._reading.add(patience)
        try:
            yield
        finally:
            self._reading.discard(patience)


class StreamLimit:
    """At most so many requests to one path at once: each open SSE connection is a session that holds memory."""

    def __init__(self, app: ASGIApp, *, path: str, most: int) -> None:
        self._app = app
        self._path = path
        self._most = most
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        if self._open >= self._most:
            await _refuse(503, "Too many open sessions. Try again later.")(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, receive, _first_answer(send))
        finally:
            self._open -= 1


def _first_answer(send: Send) -> Send:
    """Return a `send` that lets one answer through: the SDK sends an empty second one after a stream that we end."""
    answers = 0

    async def send_first(message: Message) -> None:
        nonlocal answers
        answers += message["type"] == "http.response.start"
        if answers <= 1:
            await send(message)

    return send_first


def _refuse(status: int, message: str) -> JSONResponse:
    headers = {"Retry-After": "15"} if status == 503 else {"Connection": "close"}  # noqa: PLR2004 - as asked for above
    return JSONResponse({"error": message}, status_code=status, headers=headers)
