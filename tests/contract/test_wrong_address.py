"""REKA_BASE_URL is wrong: the answer says so, whatever is asked for."""

from __future__ import annotations

import anyio
import pytest

from scripted_api import ScriptedClipApi
from scripted_api.wire import Exchange
from tool_desk import LINK, UNKNOWN_ID, open_desk, open_runtime, text_of

pytestmark = pytest.mark.anyio

CALLS = {
    "list_clips": {},
    "create_clips": {"video_urls": [LINK]},
    "get_clip_status": {"id": UNKNOWN_ID},
    "delete_clip": {"id": UNKNOWN_ID},
}


async def no_such_path(exchange: Exchange) -> None:
    await exchange.answer(404, b"<html>404</html>", "text/html")


async def moved(exchange: Exchange) -> None:
    exchange.extra_headers["location"] = "https://clips.example/v1/clips"
    await exchange.answer(301, b"", "text/html")


async def blocked(exchange: Exchange) -> None:
    await exchange.answer(403, b"<!DOCTYPE html><title>Blocked</title>", "text/html")


@pytest.mark.parametrize("answer", [no_such_path, moved, blocked])
@pytest.mark.parametrize("tool", CALLS)
async def test_an_address_that_is_no_clip_api_is_named(answer, tool: str, api: ScriptedClipApi):
    api.before_answer = answer
    async with open_runtime(api) as runtime, open_desk(runtime) as tools:
        with anyio.fail_after(30):
            text = text_of(await tools.call(tool, CALLS[tool]))
    assert "REKA_BASE_URL" in text
    for misleading in ("temporary", "API key", "generations that this key can see"):
        assert misleading not in text


@pytest.mark.parametrize("tool", ["list_clips", "create_clips"])
async def test_a_404_in_json_to_a_request_without_an_id_means_the_address(tool: str, api: ScriptedClipApi):
    async with open_runtime(api, base_url=f"{api.base_url}/api") as runtime, open_desk(runtime) as tools:
        with anyio.fail_after(30):
            text = text_of(await tools.call(tool, CALLS[tool]))
    assert "REKA_BASE_URL" in text
    assert "knows no such generation" not in text
