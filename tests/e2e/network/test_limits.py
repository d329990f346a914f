"""One caller cannot take what is there for all."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from command import MODERN, connect, text_of
from e2e.network.conftest import INITIALIZE, JSON_AND_EVENTS, OpenSite
from scripted_api import ScriptedClipApi

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

ADA = {"X-Reka-API-Key": "key-of-ada-planted"}
BOB = {"X-Reka-API-Key": "key-of-bob-planted"}


async def sessions_until_refused(http: Any, headers: list[dict[str, str]]) -> int:
    for number, more in enumerate(headers):
        answer = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | more)
        if answer.status_code != 200:
            assert answer.status_code == 503
            return number
    return len(headers)


async def test_one_caller_holds_half_of_the_sessions_at_most(open_site: OpenSite):
    async with open_site(max_sessions=20) as http:
        assert await sessions_until_refused(http, [ADA] * 21) == 10
        assert await sessions_until_refused(http, [BOB] * 5) == 5
        async with AsyncExitStack() as streams:
            for _ in range(10):
                stream = await streams.enter_async_context(http.stream("GET", "/sse", headers=ADA))
                assert stream.status_code == 200
            assert (await http.get("/sse", headers=ADA)).status_code == 503
            bobs = await streams.enter_async_context(http.stream("GET", "/sse", headers=BOB))
            assert bobs.status_code == 200


async def test_made_up_keys_make_no_new_caller_where_they_are_not_used(open_site: OpenSite):
    made_up = [{"X-Reka-API-Key": f"made-up-{number}"} for number in range(20)]
    async with open_site(max_sessions=20, backend="local") as http:
        assert await sessions_until_refused(http, made_up) == 10
    async with open_site(max_sessions=20) as http:
        assert await sessions_until_refused(http, made_up) == 20


async def test_one_caller_listens_thirty_two_times_at_once_and_others_still_can(open_site: OpenSite):
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    listen = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "subscriptions/listen",
        "params": {"notifications": {"toolsListChanged": True}, "_meta": meta},
    }
    headers = JSON_AND_EVENTS | {"MCP-Protocol-Version": MODERN, "Mcp-Method": "subscriptions/listen"}
    kept: list[Any] = []
    async with open_site() as http, AsyncExitStack() as streams:

        async def listens(caller: dict[str, str]) -> str:
            opened = http.stream("POST", "/mcp", json=listen, headers=headers | caller)
            answer = await streams.enter_async_context(opened)
            lines = answer.aiter_lines()
            kept.append(lines)  # an iterator that goes ends its stream
            while True:
                line = await anext(lines)
                if line.startswith("data:") or "error" in line:
                    return line

        for _ in range(32):
            assert "acknowledged" in await listens(ADA)
        assert "Too many subscriptions" in await listens(ADA)
        assert "acknowledged" in await listens(BOB)


async def test_reads_of_one_caller_wait_for_their_turn_and_all_are_answered(open_site: OpenSite):
    async with open_site() as http, connect("streamable-http", MODERN, to=http.url) as client:
        done: list[int] = []

        async def read(number: int) -> None:
            await client.read_resource("reka-clips://guide")
            done.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(read, number)
        assert len(done) == 30


async def test_a_session_that_ended_makes_room(open_site: OpenSite):
    async with open_site(max_sessions=8) as http:
        for _ in range(20):
            opened = await http.post("/mcp", json=INITIALIZE, headers=JSON_AND_EVENTS | ADA)
            assert opened.status_code == 200
            ended = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
            assert (await http.delete("/mcp", headers=JSON_AND_EVENTS | ADA | ended)).status_code == 200


async def test_without_a_token_no_files_are_read_or_saved_and_the_refusal_says_what_gives_both(
    open_site: OpenSite, tmp_path: Path
):
    film = {"video_urls": [(tmp_path / "film.mp4").as_uri()]}
    async with (
        open_site(backend="local") as http,
        connect("streamable-http", MODERN, to=http.url) as client,
    ):
        assert "save_clip" not in [tool.name for tool in (await client.list_tools()).tools]
        answer = await client.call_tool("create_clips", film)
        assert answer.is_error
        for word in ("REKA_CLIPS_AUTH_TOKEN", "--trust-local-users", "Nothing was sent"):
            assert word in text_of(answer)
    async with (
        open_site(backend="local", trust_local_users=True) as http,
        connect("streamable-http", MODERN, to=http.url) as client,
    ):
        assert "save_clip" in [tool.name for tool in (await client.list_tools()).tools]
        assert "no such file" in text_of(await client.call_tool("create_clips", film))


async def test_links_of_the_web_are_taken_without_a_token(open_site: OpenSite, api: ScriptedClipApi):
    async with open_site(api_key="key") as http, connect("streamable-http", MODERN, to=http.url) as client:
        answer = await client.call_tool("create_clips", {"video_urls": ["https://example.com/film.mp4"]})
        assert not answer.is_error, text_of(answer)
    assert api.count("POST") == 1
