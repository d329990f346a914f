"""The ASGI app of the network side: MCP over streamable HTTP and SSE, links to clips, health."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskStatus
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.http.auth import BearerAuth, RejectForwarded
from reka_clips.mcp_server.http.clip_files import CLIPS_PATH, ClipFiles, ClipLinks
from reka_clips.mcp_server.http.identity import CallerIdentity
from reka_clips.mcp_server.http.limits import CallLimits, RequestLimits
from reka_clips.mcp_server.http.policy import MCP_PATH, ExposurePolicy
from reka_clips.mcp_server.messages import UnreadableMessageError, read_message
from reka_clips.settings import Settings
from reka_clips.web.body_limit import BodyLimit
from reka_clips.web.hosts import HostCheck
from reka_clips.web.server import drop_repeats
from reka_clips.web.signed_links import LinkSigner

Transport = Literal["sse", "streamable-http"]

SSE_PATH: Final = "/sse"
MESSAGES_PATH: Final = "/messages/"

_ACCEPTS: Final = b"application/json, text/event-stream"

logger = logging.getLogger(__name__)
drop_repeats(logger)


class HttpApp:
    """One process's app with all that lives as long as it. `stop()` ends the waiting, not the serving."""

    def __init__(self, settings: Settings, policy: ExposurePolicy, *, transport: Transport = "streamable-http") -> None:
        if policy.exposed:  # what the operator makes for himself is not for others to list
            settings = replace(settings, data_dir=settings.data_dir / "shared")
        links = ClipLinks(LinkSigner(settings.secret, lifetime_seconds=settings.link_seconds))
        self._runtime = AppContext(settings, access=policy.access, links=links)
        self._server = build_server(self._runtime, over_network=not policy.access.files, secret=settings.secret)
        self._server.middleware.append(CallLimits(self._runtime, most_calls=settings.max_calls))
        self._stopped = anyio.Event()
        auth = BearerAuth(settings)
        routes = Router(_mcp_routes(self._server, settings, transport), redirect_slashes=False)
        self._has_sessions = transport == "streamable-http"
        sessions = RequestLimits(
            routes,
            self._runtime,
            sse_path=SSE_PATH,
            sessions=self._server.session_manager if self._has_sessions else None,
            most=settings.max_sessions,
        )
        self._bodies = BodyLimit(
            sessions,
            max_bytes=settings.max_body_bytes,
            limit_name="REKA_CLIPS_MAX_BODY_BYTES",
            respond=_error,
            refuse=_answer_to_unreadable,
        )
        clips = ClipFiles(self._runtime, links)
        inside: ASGIApp = Router(
            [
                Route(CLIPS_PATH + "/{generation_id}/{name}", clips.answer, methods=["GET", "HEAD"]),
                *auth.open_routes(),
                Mount("/", auth.guard(CallerIdentity(self._bodies))),
            ],
            redirect_slashes=False,
        )
        if not (policy.exposed or policy.guarded):
            inside = RejectForwarded(inside)
        prefix = urlsplit(settings.public_url or "").path
        self.app = Starlette(
            routes=[
                Route("/healthz", _health, methods=["GET", "HEAD"]),
                Mount("/", _Front(inside, HostCheck(hosts=policy.hosts, origins=policy.origins), prefix=prefix)),
            ],
            lifespan=self._lifespan,
        )
        self.app.router.redirect_slashes = False

    def stop(self) -> None:
        """Close the runtime: calls that wait are answered with the id and where to go on; bodies are not waited for."""
        self._bodies.stop()
        self._stopped.set()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as tasks, AsyncExitStack() as stack:
            await tasks.start(self._keep_runtime)
            if self._has_sessions:
                await stack.enter_async_context(self._server.session_manager.run())
            try:
                yield
            finally:
                self.stop()

    async def _keep_runtime(self, *, task_status: TaskStatus[None]) -> None:
        """Hold the runtime in a task of its own: it may end before the last connection has."""
        async with self._runtime:
            task_status.started()
            await self._stopped.wait()


class _Front:
    """Lets in requests from known names and pages, and puts them into the one form that the parts behind it expect.

    prefix: the path of the public address, such as `/clips`; a proxy may have removed it from the request or not.
    """

    def __init__(self, app: ASGIApp, check: HostCheck, *, prefix: str) -> None:
        self._app = _Cors(app, check)
        self._check = check
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._check.refusal(scope)
        if refusal is not None:
            logger.warning("A request was refused (%s): %s", refusal.status, refusal.message)
            await _error(refusal.status, refusal.message)(scope, receive, send)
            return
        path: str = scope["path"]
        if self._prefix and (path + "/").startswith(self._prefix + "/"):
            path = path[len(self._prefix) :] or "/"
        if path in (MCP_PATH + "/", SSE_PATH + "/"):
            path = path.rstrip("/")  # served, not redirected: a redirect loses POSTs, and https behind a proxy
        # The SDK takes root_path for what stands before the path in the address that it sends to SSE clients.
        root_path = self._prefix if path == SSE_PATH else ""
        changed = {"path": path, "root_path": root_path, "headers": _normal(scope["headers"])}
        await self._app({**scope, **changed}, receive, send)


class _Cors(CORSMiddleware):
    """Answers browsers for exactly the pages that the Origin check lets in."""

    def __init__(self, app: ASGIApp, check: HostCheck) -> None:
        super().__init__(
            app,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["Mcp-Session-Id", "WWW-Authenticate"],
        )
        self._check = check

    def is_allowed_origin(self, origin: str) -> bool:
        return self._check.allows_origin(origin)


def _normal(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without what the SDK is stricter about than HTTP, or cannot handle."""
    normal: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        # Nothing is kept to be sent again: a stream begins anew. And an empty Accept is none.
        if name == b"last-event-id" or (name == b"accept" and not value.strip()):
            continue
        if name == b"host":
            normal.append((name, value.lower()))
        elif name == b"content-type":
            media_type, semicolon, parameters = value.partition(b";")
            normal.append((name, media_type.lower() + semicolon + parameters))
        else:
            normal.append((name, value))
    if not any(name == b"accept" for name, _ in normal):
        normal.append((b"accept", _ACCEPTS))
    return normal


def _mcp_routes(server: MCPServer, settings: Settings, transport: Transport) -> list[BaseRoute]:
    checked_before = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # by _Front, for every path
    routes: list[BaseRoute] = []
    if transport == "streamable-http":
        routes += server.streamable_http_app(
            streamable_http_path=MCP_PATH,
            max_request_body_size=settings.max_body_bytes,
            session_idle_timeout=settings.session_idle_seconds,
            max_sessions=settings.max_sessions,
            transport_security=checked_before,
        ).routes
    routes += server.sse_app(
        sse_path=SSE_PATH,
        message_path=MESSAGES_PATH,
        max_request_body_size=settings.max_body_bytes,
        transport_security=checked_before,
    ).routes
    return routes


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _answer_to_unreadable(path: str, body: bytes) -> Response | None:
    """Return the answer to a body that holds no message; the SDK takes some of them for notifications."""
    if path != MCP_PATH and not path.startswith(MESSAGES_PATH):
        return None  # nothing that takes messages
    try:
        read_message(body.decode("utf-8", "replace"))
    except UnreadableMessageError as error:
        logger.warning("The body of a request could not be read: %s", error.reason)
        first = error.answers[0] if error.answers else None
        return Response(first, status_code=400, media_type="application/json" if first else None)
    return None


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
