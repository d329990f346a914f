"""Puts the engine's HTTP face together: service, routes, server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from reka_clips.engine.http.app import ClipApi, build_app
from reka_clips.engine.media.ffmpeg.fetch import find_or_fetch_later
from reka_clips.engine.service.models import SourcePolicy
from reka_clips.engine.service.service import ClipService
from reka_clips.errors import EngineStartError
from reka_clips.web.server import Server, listen
from reka_clips.web.signed_links import LinkSigner

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from reka_clips.settings import Settings


async def serve(
    settings: Settings,
    *,
    listener: socket.socket,
    api_key: str | None,
    serves_others: bool,
    public_url: str | None,
    on_ready: Callable[[Server], None],
    owner: str | None = None,
) -> int:
    """Serve until a signal or `Server.stop`; return the exit code. Takes over the listener.

    serves_others: callers may be other people: `file://` sources only from the allowed folders, links over http.
    on_ready: called when requests are answered. owner: as for ClipService. Raises EngineStartError, EngineMissingError.
    """
    # Without a key every user of this machine can call, and would read with our permissions.
    knows_callers = api_key is not None or settings.trust_local_users
    policy = SourcePolicy(
        folders=None if knows_callers and not serves_others else tuple(map(str, settings.engine_folders)),
        allow_private=settings.allow_private_sources,
        max_bytes=settings.max_source_bytes,
    )
    ffmpeg = await anyio.to_thread.run_sync(find_or_fetch_later, settings.data_dir, settings.ffmpeg)
    async with ClipService(settings, ffmpeg, owner=owner) as service:
        signer = LinkSigner(settings.secret or service.store.link_secret(), lifetime_seconds=settings.link_seconds)
        api = ClipApi(service, policy=policy, serves_files=not serves_others, public_url=public_url, signer=signer)
        app = build_app(api, api_key=api_key, host=listener.getsockname()[0], signer=signer)
        server = Server(app, on_ready=on_ready, on_stop=service.stop_following)
        await server.serve(sockets=[listener])
    return server.code


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one. Raises EngineStartError in plain words."""
    try:
        return listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise EngineStartError(f"The engine cannot listen on {host} port {port}: {reason}.") from None
