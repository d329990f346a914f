"""Runs the engine's HTTP server: binds, tells when it is ready, and ends soon when told to."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from typing import TYPE_CHECKING, Final

import anyio.to_thread
import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from reka_clips.engine.http.app import ClipApi, build_app
from reka_clips.engine.http.auth import Door
from reka_clips.engine.http.signed_links import LinkSigner
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg
from reka_clips.engine.service.models import SourcePolicy
from reka_clips.engine.service.service import ClipService
from reka_clips.errors import EngineStartError
from reka_clips.web.sockets import BACKLOG, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    from reka_clips.settings import Settings

_KEEP_ALIVE_SECONDS: Final = 75
_GRACE_SECONDS: Final = 2

logger = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    *,
    listener: socket.socket,
    api_key: str | None,
    serves_others: bool,
    public_url: str | None,
    on_ready: Callable[[EngineServer], None],
    owner: str | None = None,
) -> None:
    """Serve until a signal or `EngineServer.stop`. Takes over the listener.

    serves_others: callers may be other people: `file://` sources only from the allowed folders, links over http.
    on_ready: called when requests are answered. owner: as for ClipService. Raises EngineStartError, EngineMissingError.
    """
    host = listener.getsockname()[0]
    policy = SourcePolicy(
        folders=tuple(str(folder) for folder in settings.engine_folders) if serves_others else None,
        allow_private=settings.allow_private_sources,
        max_bytes=settings.max_source_bytes,
    )
    ffmpeg = await anyio.to_thread.run_sync(find_ffmpeg, settings.ffmpeg)
    async with ClipService(settings, ffmpeg, owner=owner) as service:
        signer = LinkSigner(settings.secret or service.store.link_secret(), seconds=settings.link_seconds)
        api = ClipApi(service, policy=policy, serves_files=not serves_others, public_url=public_url, signer=signer)
        app = build_app(api, Door(api_key=api_key, host=host, signer=signer))
        config = uvicorn.Config(
            app,
            lifespan="off",  # the service is around the server, not inside it
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            backlog=BACKLOG,
        )
        await EngineServer(config, service, on_ready).serve(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one. Raises EngineStartError in plain words."""
    try:
        return listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise EngineStartError(f"The engine cannot listen on {host} port {port}: {reason}.") from None


class EngineServer(uvicorn.Server):
    """uvicorn's server, which ends its streams before it waits for connections, and exits like any program."""

    def __init__(self, config: uvicorn.Config, service: ClipService, on_ready: Callable[[EngineServer], None]) -> None:
        super().__init__(config)
        self._service = service
        self._on_ready = on_ready

    def stop(self) -> None:
        """End soon. May be called from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stop_following()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take SIGTERM and SIGINT as the wish to end; uvicorn's own would raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def end(_: int, __: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, end) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
