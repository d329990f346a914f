"""The app of the network side on a real loopback port, with the scripted Clip API behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import anyio
import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp

from reka_clips.mcp_server.http.app import HttpApp
from reka_clips.mcp_server.http.policy import policy_for
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi

TOKEN = "door-0123456789abcdef0123456789"  # noqa: S105 - of the test's own door
OPERATOR_KEY = "operator-key-planted-77"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
JSON_AND_EVENTS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def on_loopback(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an app with real uvicorn on a free port; yield its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=1,
            access_log=False,
            timeout_keep_alive=300,
        )
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listening])
        with anyio.fail_after(60):
            await server.ready.wait()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True


class SiteClient(httpx2.AsyncClient):
    """A plain HTTP client for the app at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=120)
        self.url = url


class OpenSite(Protocol):
    def __call__(
        self, *, host: str | None = "127.0.0.1", **settings: Any
    ) -> AbstractAsyncContextManager[SiteClient]: ...


@pytest.fixture
async def api() -> AsyncIterator[ScriptedClipApi]:
    async with ScriptedClipApi() as scripted:
        yield scripted


@pytest.fixture
def open_site(api: ScriptedClipApi, tmp_path: Path) -> OpenSite:
    """Return what serves the app as if it listened on `host`, and yields a plain HTTP client for it."""

    @asynccontextmanager
    async def opened(*, host: str | None = "127.0.0.1", **changes: Any) -> AsyncIterator[SiteClient]:
        environment = {
            "REKA_BASE_URL": api.base_url,
            "REKA_CLIPS_DATA_DIR": str(tmp_path / "data"),
            "REKA_CLIPS_SAVE_DIR": str(tmp_path / "saved"),
        }
        settings = dataclasses.replace(Settings.from_environment(environment), allow_unauthenticated=True, **changes)
        policy = policy_for(settings, host=host)
        assert policy.refusal is None
        async with on_loopback(HttpApp(settings, policy).app) as url, SiteClient(url) as http:
            yield http

    return opened
