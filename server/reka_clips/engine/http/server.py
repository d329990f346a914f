"""Puts the engine's HTTP face together: service, routes, server, and how long it stays."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import secrets
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from reka_clips.engine.http.app import ClipApi, build_app
from reka_clips.engine.media.ffmpeg.fetch import find_or_fetch_later
from reka_clips.engine.owner import FolderOwnedError, Owner, Ownership, find_owner, this_machine
from reka_clips.engine.service.models import SourcePolicy
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.service.service import ClipService
from reka_clips.errors import EngineStartError
from reka_clips.web.server import Server, listen
from reka_clips.web.signed_links import LinkSigner

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reka_clips.settings import Settings

_OWN_LOOKS: Final = 30
_OWN_LOOK_SECONDS: Final = 0.1

logger = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    *,
    listener: socket.socket,
    api_key: str | None,
    serves_others: bool,
    public_url: str | None,
    is_embedded: bool,
    on_ready: Callable[[Server], None],
) -> int:
    """Own the data folder and serve until a signal or `Server.stop`; return the exit code. Takes over the listener.

    serves_others: callers may be other people: `file://` sources only from the allowed folders, links over http.
    is_embedded: leave when nothing is to be done and nobody has asked for a while (`engine_idle_seconds`).
    on_ready: called when requests are answered. Raises FolderOwnedError, EngineStartError, EngineMissingError.
    """
    # Without a key every user of this machine can call, and would read with our permissions.
    knows_callers = api_key is not None or settings.trust_local_users
    policy = SourcePolicy(
        folders=None if knows_callers and not serves_others else tuple(map(str, settings.engine_folders)),
        allow_private=settings.allow_private_sources,
        max_bytes=settings.max_source_bytes,
    )
    host, port = listener.getsockname()[:2]
    near = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    owner = Owner(f"http://{near}:{port}", secrets.token_urlsafe(32), os.getpid(), is_embedded, this_machine())
    ffmpeg = await anyio.to_thread.run_sync(find_or_fetch_later, settings.data_dir, settings.ffmpeg)
    folders = Folders.of(settings.data_dir)
    folders.make()
    with contextlib.closing(await _own(folders.root)) as ownership:

        def ready(server: Server) -> None:
            ownership.publish(owner)
            on_ready(server)

        async with ClipService(settings, ffmpeg) as service:
            signer = LinkSigner(settings.secret or service.store.link_secret(), lifetime_seconds=settings.link_seconds)
            api = ClipApi(service, policy=policy, serves_files=not serves_others, public_url=public_url, signer=signer)
            app = build_app(api, api_key=api_key, owner_key=owner.api_key, host=host, signer=signer)
            callers = CallerCount(app)
            server = Server(callers, on_ready=ready, on_stop=service.stop_following)
            async with anyio.create_task_group() as tasks:
                idle_seconds = settings.engine_idle_seconds if is_embedded else math.inf
                tasks.start_soon(_leave_in_time, server, service, callers, ownership, idle_seconds)
                await server.serve(sockets=[listener])
                tasks.cancel_scope.cancel()
    return server.code


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one. Raises EngineStartError in plain words."""
    try:
        return listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise EngineStartError(f"The engine cannot listen on {host} port {port}: {reason}.") from None


async def _own(root: Path) -> Ownership:
    """Take the data folder. Its former owner may be about to leave it. Raises FolderOwnedError, EngineStartError."""
    for _ in range(_OWN_LOOKS):
        ownership = Ownership.take(root)
        if ownership is not None:
            return ownership
        if find_owner(root) is not None:  # not just leaving
            break
        await anyio.sleep(_OWN_LOOK_SECONDS)
    raise FolderOwnedError(root)


class CallerCount:
    """Counts the requests that are being answered, and those that came. A look at /healthz is not one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.now = 0
        self.so_far = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        self.now += 1
        self.so_far += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.now -= 1


async def _leave_in_time(
    server: Server, service: ClipService, callers: CallerCount, ownership: Ownership, idle_seconds: float
) -> None:
    """Keep the folder owned, and end the server when nobody needs it.

    Counts seconds in looks, so that a machine that sleeps or a clock that is set changes nothing. Before it leaves it
    hides for a moment: a caller that has just looked the address up is still answered, and then it stays.
    """
    quiet, seen = 0, -1
    while True:
        await anyio.sleep(1)
        is_needed = callers.now > 0 or callers.so_far != seen or not service.is_idle
        quiet, seen = 0 if is_needed else quiet + 1, callers.so_far
        if quiet > idle_seconds:
            if quiet > idle_seconds + 1:
                logger.info("The engine ends: nothing is to be done, and nobody has asked for a while.")
                server.stop()
                return
            ownership.hide()
        elif not ownership.keep():
            logger.warning("The engine ends: its folder is gone.")
            server.stop()
            return
