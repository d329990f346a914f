"""How much one caller may take: sessions, calls, listeners, and reads of videos at once."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reka_clips.errors import BusyError
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.output.error_results import failure_result

_LISTENERS: Final = 32
# A video is read whole and sent as text: 16 MB take some 60 until the last byte is sent. More wait for their turn.
_READS: Final = 4
_PIECE_BYTES: Final = 256 * 1024
_READ_METHOD: Final = b'"resources/read"'
_REMEMBERED: Final = 1024  # callers


def caller_of(connection: HTTPConnection | None, runtime: AppContext) -> str:
    """Return a word that tells callers apart for limits.

    A person known to an identity provider is one caller. Otherwise the Reka key counts, but only where it is used: a
    made-up one must not make a new caller. Those without share what their token, or an open server, allows.
    """
    user = None if connection is None else connection.scope.get("user")
    if connection is None or not isinstance(user, AuthenticatedUser):
        return "operator"
    person, key_hash = json.loads(user.access_token.client_id)  # as CallerIdentity wrote it
    if person is not None and person[2] is not None:
        return "person:" + json.dumps(person)
    if key_hash is not None and runtime.uses_own_key(connection.headers):
        return "key:" + key_hash
    return "open" if person is None else "token:" + json.dumps(person)


class CallLimits:
    """Middleware of the MCP server: so many tool calls and listeners at once for one caller."""

    def __init__(self, runtime: AppContext, *, most_calls: int) -> None:
        self._runtime = runtime
        self._most_calls = most_calls
        self._running: Counter[tuple[str, str]] = Counter()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None or ctx.method not in ("tools/call", "subscriptions/listen"):
            return await call_next(ctx)
        caller = caller_of(ctx.request, self._runtime)
        most = self._most_calls if ctx.method == "tools/call" else _LISTENERS
        if self._running[caller, ctx.method] >= most:
            return _too_many(ctx, most)
        with _counted(self._running, (caller, ctx.method)):
            return await call_next(ctx)


def _too_many(ctx: ServerRequestContext[Any, Any], most: int) -> HandlerResult:
    if ctx.method != "tools/call":
        raise MCPError(INVALID_REQUEST, f"Too many subscriptions at once: {most} are open for this caller already.")
    busy = BusyError(
        f"Too many calls at once: {most} are running for this caller already, and nothing was sent. "
        "Try again when one of them has ended."
    )
    return failure_result(busy, tool=str((ctx.params or {}).get("name", "")))


class RequestLimits:
    """ASGI middleware: so many sessions at once on each transport, for one caller no more than half; and so many reads.

    A read counts until its answer is sent, however slowly the caller takes it. Behind BodyLimit: bodies are whole.
    sse_path: a request to it is a session as long as it is open. sessions: those of streamable HTTP, which keeps the
    limit for all itself; None: there are none.
    """

    def __init__(
        self,
        app: ASGIApp,
        runtime: AppContext,
        *,
        sse_path: str,
        sessions: StreamableHTTPSessionManager | None,
        most: int,
    ) -> None:
        self._app = app
        self._runtime = runtime
        self._sse_path = sse_path
        self._sessions = sessions
        self._most = most
        self._most_per_caller = max(min(most, 8), most // 2)
        self._streams: Counter[str] = Counter()
        self._readers: OrderedDict[str, anyio.CapacityLimiter] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == self._sse_path and scope["method"] == "GET":
            caller = caller_of(HTTPConnection(scope), self._runtime)
            if self._streams[caller] >= self._most_per_caller or self._streams.total() >= self._most:
                await _too_many_sessions()(scope, receive, send)
                return
            with _counted(self._streams, caller):
                await self._app(scope, receive, _first_answer(send))
        elif self._begins_session(scope) and self._open_sessions(scope) >= self._most_per_caller:
            await _too_many_sessions()(scope, receive, send)
        elif scope["method"] == "POST":
            first = await receive()
            waiting = [first]

            async def replay() -> Message:
                return waiting.pop() if waiting else await receive()

            if _READ_METHOD in first.get("body", b""):
                async with self._reader(caller_of(HTTPConnection(scope), self._runtime)):
                    await self._app(scope, replay, _in_pieces(send))
            else:
                await self._app(scope, replay, send)
        else:
            await self._app(scope, receive, send)

    def _reader(self, caller: str) -> anyio.CapacityLimiter:
        reader = self._readers.setdefault(caller, anyio.CapacityLimiter(_READS))
        self._readers.move_to_end(caller)
        if len(self._readers) > _REMEMBERED:
            self._readers.popitem(last=False)
        return reader

    def _begins_session(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        version = headers.get("mcp-protocol-version")
        return (
            self._sessions is not None
            and scope["method"] == "POST"
            and "mcp-session-id" not in headers
            and (version is None or version in HANDSHAKE_PROTOCOL_VERSIONS)
            and not scope["path"].startswith("/messages")
        )

    def _open_sessions(self, scope: Scope) -> int:
        user = scope.get("user")
        if self._sessions is None or not isinstance(user, AuthenticatedUser):
            return 0
        # No public way tells whose the sessions are; tests/e2e/network/test_limits.py notices a change.
        owners = self._sessions._session_owners.values()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        person, key_hash = json.loads(user.access_token.client_id)
        counts_key = caller_of(HTTPConnection(scope), self._runtime).startswith("key:")
        mine = 0
        for owner in owners:
            their_person, their_hash = json.loads(owner["client_id"])
            mine += their_person == person and (not counts_key or their_hash == key_hash)
        return mine


@contextmanager
def _counted(counter: Counter[Any], key: Any) -> Generator[None]:
    counter[key] += 1
    try:
        yield
    finally:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]


def _in_pieces(send: Send) -> Send:
    """Return a `send` that waits for the caller to take a large answer: uvicorn itself would hold it whole."""

    async def send_in_pieces(message: Message) -> None:
        body: bytes = message.get("body", b"")
        last = max(0, len(body) - 1) // _PIECE_BYTES * _PIECE_BYTES
        for start in range(0, last, _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({**message, "body": body[last:]} if last else message)

    return send_in_pieces


def _first_answer(send: Send) -> Send:
    """Return a `send` that lets one answer through: the SDK sends an empty second one after a stream that we end."""
    answers = 0

    async def send_first(message: Message) -> None:
        nonlocal answers
        answers += message["type"] == "http.response.start"
        if answers <= 1:
            await send(message)

    return send_first


def _too_many_sessions() -> JSONResponse:
    message = {"error": "Too many open sessions. Try again later."}
    return JSONResponse(message, status_code=503, headers={"Retry-After": "15"})
