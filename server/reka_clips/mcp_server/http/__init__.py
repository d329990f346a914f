"""MCP over the network: streamable HTTP and SSE.

`serve` is what the command calls. `app` is for those who start the servers themselves, such as several workers:
`uvicorn --factory reka_clips.mcp_server.http:app --workers 4 --timeout-graceful-shutdown 3 --no-access-log`.
Nothing is imported here before it is used: it would lengthen the start of the stdio server.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from reka_clips.settings import Settings


def serve(settings: Settings, *, transport: Literal["sse", "streamable-http"], host: str, port: int) -> int:
    """Serve until a signal comes; return the exit code: 2 where it must not start, 1 where it cannot.

    transport: streamable-http has `/sse` beside `/mcp`; sse has only the former. port: 0 takes a free one.
    """
    from reka_clips.mcp_server.http.policy import policy_for

    policy = policy_for(settings, host=host)
    for notice in policy.notices:
        _print(notice)
    if policy.refusal is not None:
        _print(policy.refusal)
        return 2

    from reka_clips.web.lifecycle import gc_paused

    with gc_paused():
        import anyio

        from reka_clips.mcp_server.http.app import HttpApp
        from reka_clips.web.server import Server, address_of, listen

    try:
        listening = listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        _print(f"Cannot listen on {host} port {port}: {reason}.")
        return 1
    path = "/sse" if transport == "sse" else "/mcp"

    async def run() -> int:
        site = HttpApp(settings, policy, transport=transport)
        address = address_of(listening) + path

        # The one line that people and programs wait for.
        def ready(_: Server) -> None:
            _print(f"listening on {address}")

        server = Server(site.app, on_ready=ready, on_stop=site.stop, has_lifespan=True)
        await server.serve(sockets=[listening])
        return server.code

    return anyio.run(run)


def app() -> ASGIApp:
    """Return the app of one worker process, set up by the environment alone.

    Its address is not known here, so it counts as one that others reach: it needs authentication, or
    REKA_CLIPS_ALLOW_OPEN_DOOR=1. Raises ConfigurationError where it must not start.
    """
    from reka_clips import logs
    from reka_clips.errors import ConfigurationError
    from reka_clips.mcp_server.http.app import HttpApp
    from reka_clips.mcp_server.http.policy import policy_for
    from reka_clips.settings import Settings

    settings = Settings.from_environment()
    logs.configure(settings)
    logs.hide_links_in_access_log()
    for problem in settings.problems:
        _print(problem)
    policy = policy_for(settings, host=None)
    for notice in policy.notices:
        _print(notice)
    if policy.refusal is not None:
        raise ConfigurationError(policy.refusal)
    return HttpApp(settings, policy).app


def _print(sentence: str) -> None:
    print(f"reka-clips-mcp: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - it is for the operator
