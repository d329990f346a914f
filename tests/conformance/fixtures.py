"""Serves the real HTTP app with the tools that the suite's tasks scenarios ask for by name.

The scenarios call `slow_compute`, `failing_job` and `greet`. The first two are rewritten on their way in to
`create_clips`, so that what is judged is this server's own Tasks extension over a Clip API whose generations end when
the scenario expects it; `greet`, which is to have no task, is a tool registered beside ours.

Prints {"url": …} and serves until standard input closes.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reka_clips.mcp_server.http.app import HttpApp
from reka_clips.mcp_server.http.policy import policy_for
from reka_clips.settings import Settings
from reka_clips.web.server import Server, address_of, listen
from scripted_api import SCENARIOS, Generation, Scenario, ScriptedClipApi
from scripted_api.wire import Exchange

HOST = "127.0.0.1"
_number = count(1)


def _clips(end: str, seconds: float) -> dict[str, Any]:
    # A number, since the same request again would join the generation of the one before.
    prompt = f"number {next(_number)} [scenario timed] {end} after {seconds} s"
    return {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt}


FIXTURES: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "slow_compute": lambda arguments: _clips("completed", arguments["seconds"]),
    "failing_job": lambda _: _clips("failed", 1),
}


async def _timed_post(
    api: ScriptedClipApi, exchange: Exchange, key: str, body: dict[str, Any], scenario: Scenario
) -> None:
    """Create a generation that ends by itself, as its prompt says."""
    told = re.search(r"(completed|failed) after ([\d.]+) s", body["prompt"])
    assert told is not None

    def end() -> None:
        generation: Generation
        [generation] = [one for one in api.generations.values() if one.body["prompt"] == body["prompt"]]
        generation.set_stage(told[1], **({"error_message": "It was to fail."} if told[1] == "failed" else {}))

    asyncio.get_running_loop().call_later(float(told[2]), end)
    await SCENARIOS["manual"].on_post(api, exchange, key, body, scenario)


SCENARIOS["timed"] = replace(SCENARIOS["manual"], name="timed", on_post=_timed_post)


class Fixtures:
    """Rewrites calls of the suite's tools to calls of ours; everything else passes as it came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        scope, content = _rewritten(scope, bytes(body))
        waiting: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)


def _rewritten(scope: Scope, body: bytes) -> tuple[Scope, bytes]:
    try:
        request = json.loads(body)
        params = request["params"]
        make, meant = FIXTURES[params["name"]], params["name"].encode()
    except (ValueError, LookupError, TypeError):
        return scope, body
    request["params"] = params | {"name": "create_clips", "arguments": make(params.get("arguments", {}))}
    content = json.dumps(request).encode()
    changed = {b"content-length": str(len(content)).encode()}
    headers = [
        (name, b"create_clips" if (name, value) == (b"mcp-name", meant) else changed.get(name, value))
        for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}, content


def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}!"


async def _serve(folder: Path) -> None:
    async with ScriptedClipApi() as api:
        settings = Settings(api_key="planted-key", backend="reka", base_url=api.base_url, data_dir=folder)
        site = HttpApp(settings, policy_for(settings, host=HOST))
        site._server.add_tool(greet, structured_output=False)
        listening = listen(HOST, 0)
        address = address_of(listening) + "/mcp"
        listener = Server(Fixtures(site.app), on_ready=lambda _: None, on_stop=site.stop, has_lifespan=True)
        serving = asyncio.ensure_future(listener.serve(sockets=[listening]))
        print(json.dumps({"url": address}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        listener.stop()
        await serving


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(_serve(Path(scratch)))
