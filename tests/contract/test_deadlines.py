"""Every call is answered in time, whatever the Clip API does; calls for one generation do not wait for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest
from mcp_types import CallToolResult, ResourceTemplateReference

from contract.desk import Desk
from reka_clips.mcp_server.deadline import SHORT_SECONDS
from scripted_api import ScriptedClipApi
from scripted_api.wire import Exchange
from tool_desk import KEY, LINK, QUICK, UNKNOWN_ID, Era, ToolDesk, open_desk, open_runtime, structured, text_of

pytestmark = pytest.mark.anyio

CALL_SECONDS = 2.0
COSTS_SECONDS = 1.0  # what it may take beyond that
NEVER = 9e8


async def stay_silent(_: Exchange) -> None:
    await anyio.sleep(100)


async def drip(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        exchange.writer.write(b" ")
        await exchange.writer.drain()
        await anyio.sleep(0.1)


async def drip_the_head(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        exchange.writer.write(f"x-{number}: 1\r\n".encode())
        await exchange.writer.drain()
        await anyio.sleep(0.1)


def ask_for_time(status: int, seconds: float) -> Callable[[Exchange], Awaitable[None]]:
    async def refuse(exchange: Exchange) -> None:
        exchange.extra_headers["retry-after"] = f"{seconds:.0f}"
        await exchange.json(status, {})

    return refuse


UPSTREAMS = {
    "silent": stay_silent,
    "dripping": drip,
    "dripping head": drip_the_head,
    "429 for a while": ask_for_time(429, 15),
    "503 for ever": ask_for_time(503, NEVER),
}
CALLS = {
    "list_clips": {},
    "get_clip_status": {"id": UNKNOWN_ID, "wait_seconds": CALL_SECONDS},
    "delete_clip": {"id": UNKNOWN_ID},
    "save_clip": {"id": UNKNOWN_ID},
    "create_clips": {"video_urls": [LINK], "wait_seconds": CALL_SECONDS},
}


@pytest.fixture
async def tools(api: ScriptedClipApi) -> AsyncIterator[ToolDesk]:
    async with open_runtime(api, call_seconds=CALL_SECONDS) as runtime, open_desk(runtime) as opened:
        yield opened


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    began = anyio.current_time()
    with anyio.fail_after(60):
        yield
    assert anyio.current_time() - began <= seconds + COSTS_SECONDS


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_every_tool_answers_in_time(upstream: str, api: ScriptedClipApi, tools: ToolDesk):
    api.before_answer = UPSTREAMS[upstream]
    results: dict[str, CallToolResult] = {}

    async def call(tool: str) -> None:
        results[tool] = await tools.call(tool, CALLS[tool])

    async with within(CALL_SECONDS), anyio.create_task_group() as calls:
        for tool in CALLS:
            calls.start_soon(call, tool)
    created = results.pop("create_clips")
    assert created.is_error or structured(created)["next"]["tool"] == "create_clips"
    words = f"HTTP {upstream[:3]}" if upstream[0].isdigit() else "did not answer in time"
    for tool, result in results.items():
        assert words in text_of(result), tool


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_a_wait_of_nothing_is_one_short_request(upstream: str, api: ScriptedClipApi):
    api.before_answer = UPSTREAMS[upstream]
    async with open_runtime(api) as runtime, open_desk(runtime) as tools, within(SHORT_SECONDS):
        assert (await tools.call("get_clip_status", {"id": UNKNOWN_ID, "wait_seconds": 0})).is_error


async def test_resources_answer_in_time_and_completions_at_once(api: ScriptedClipApi, tools: ToolDesk):
    api.before_answer = stay_silent
    async with within(CALL_SECONDS):
        with pytest.raises(Exception, match="did not answer in time"):
            await tools.client.read_resource(f"reka-clips://clips/{UNKNOWN_ID}")
    asked = len(api.requests)
    async with within(0):
        reference = ResourceTemplateReference(uri="reka-clips://clips/{id}")
        await tools.client.complete(reference, {"name": "id", "value": UNKNOWN_ID[:4]})
    assert len(api.requests) == asked


async def test_calls_for_one_generation_do_not_wait_for_each_other(api: ScriptedClipApi, tools: ToolDesk):
    api.before_answer = stay_silent
    async with within(CALL_SECONDS), anyio.create_task_group() as calls:
        for _ in range(5):
            calls.start_soon(tools.call, "get_clip_status", {"id": UNKNOWN_ID, "wait_seconds": CALL_SECONDS})
            calls.start_soon(tools.call, "delete_clip", {"id": UNKNOWN_ID})
    assert api.count("GET", "/v1/clips/") <= 3  # shared by all who asked


async def test_who_has_more_time_asks_again_when_another_caller_had_too_little(api: ScriptedClipApi, desk: Desk):
    generation = api.plant({"video_urls": [LINK]}, key="key")
    seen = 0

    async def silent_once(_: Exchange) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            await anyio.sleep(100)

    api.before_answer = silent_once
    outcome: list[str] = []

    async def ask(seconds: float) -> None:
        try:
            with anyio.move_on_after(seconds):
                outcome.append((await desk.manager.job(desk.account, generation.id)).id)
        except Exception as error:  # noqa: BLE001 - its kind is what counts
            outcome.append(type(error).__name__)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as calls:
            calls.start_soon(ask, 0.6)
            await api.arrived("GET", "/v1/clips/")
            calls.start_soon(ask, 20)
    assert outcome == ["TransportError", generation.id]


async def test_one_absurd_retry_after_does_not_end_the_following(api: ScriptedClipApi, era: Era):
    generation = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
    refusals = 0

    async def refuse_once(exchange: Exchange) -> None:
        nonlocal refusals
        if exchange.method == "GET" and generation.gets == 1 and refusals == 0:
            refusals += 1
            generation.set_stage("completed")
            exchange.extra_headers["retry-after"] = f"{NEVER:.0f}"
            await exchange.json(503, {})

    api.before_answer = refuse_once
    config = replace(QUICK, longest_pause_seconds=0.2)
    async with open_runtime(api, config=config) as runtime, open_desk(runtime, era) as tools:
        with anyio.fail_after(30):
            result = await tools.call("get_clip_status", {"id": generation.id, "wait_seconds": 20})
    assert structured(result)["status"] == "completed"
    assert refusals == 1
