"""The ASGI app of the network side: MCP over streamable HTTP and SSE, links to clips, health; all behind the door."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, Literal

import anyio
from anyio.abc import TaskStatus
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp

from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.mcp_server.http.auth import Door, RejectForwarded
from reka_clips.mcp_server.http.clip_files import ClipFiles
from reka_clips.mcp_server.http.identity import CallerIdentity
from reka_clips.mcp_server.http.limits import BodyLimit, CallLimit, StreamLimit
from reka_clips.mcp_server.http.policy import MCP_PATH, ExposurePolicy
from reka_clips.mcp_server.http.signed_links import CLIPS_PATH, ClipLinks
from reka_clips.settings import Settings
from reka_clips.web.hosts import HostGuard, security_settings

Transport = Literal["sse", "streamable-http"]

SSE_PATH: Final = "/sse"
MESSAGES_PATH: Final = "/messages/"


class HttpApp:
    """One process's app with all that lives as long as it. `stop()` ends the waiting, not the serving."""

    def __init__(self, settings: Settings, policy: ExposurePolicy, *, transport: Transport = "streamable-http") -> None:
        if policy.exposed:  # what the operator makes for himself is not for others to list
            settings = replace(settings, data_dir=settings.data_dir / "shared")
        links = ClipLinks(settings.secret, lifetime_seconds=settings.link_seconds)
        self._runtime = AppContext(settings, access=policy.access, links=links)
        self._server = build_server(self._runtime, over_network=policy.exposed, secret=settings.secret)
        self._server.middleware.append(CallLimit(settings.max_calls))
        self._stopped = anyio.Event()
        self._has_sessions = transport == "streamable-http"
        door = Door(settings)
        self._bodies = BodyLimit(
            StreamLimit(
                Router(_mcp_routes(self._server, settings, policy, transport)),
                path=SSE_PATH,
                most=settings.max_sessions,
            ),
            max_bytes=settings.max_body_bytes,
        )
        clips = ClipFiles(self._runtime, links)
        inside: ASGIApp = Router(
            [
                Route(CLIPS_PATH + "/{generation_id}/{name}", clips.answer, methods=["GET", "HEAD"]),
                *door.open_routes(),
                Mount("/", door.guard(CallerIdentity(self._bodies))),
            ]
        )
        if settings.allowed_origins:
            inside = CORSMiddleware(
                inside,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
                expose_headers=["Mcp-Session-Id", "WWW-Authenticate"],
            )
        if not (policy.exposed or policy.guarded):
            inside = RejectForwarded(inside)
        self.app = Starlette(
            routes=[
                Route("/healthz", _health, methods=["GET", "HEAD"]),
                Mount("/", HostGuard(inside, security_settings(policy))),
            ],
            lifespan=self._lifespan,
        )

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


def _mcp_routes(server: MCPServer, settings: Settings, policy: ExposurePolicy, transport: Transport) -> list[BaseRoute]:
    security = security_settings(policy)
    routes: list[BaseRoute] = []
    if transport == "streamable-http":
        routes += server.streamable_http_app(
            streamable_http_path=MCP_PATH,
            max_request_body_size=settings.max_body_bytes,
            session_idle_timeout=settings.session_idle_seconds,
            max_sessions=settings.max_sessions,
            transport_security=security,
        ).routes
    routes += server.sse_app(
        sse_path=SSE_PATH,
        message_path=MESSAGES_PATH,
        max_request_body_size=settings.max_body_bytes,
        transport_security=security,
    ).routes
    return routes


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
