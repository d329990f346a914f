"""MCP Tasks by the installed command, over stdio and streamable HTTP. Source: SEP-2663 and its specification."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError

from command import CommandProcess, ScriptedUpstream, connect
from reka_clips.mcp_server.extensions.tasks import EXTENSION_ID
from task_client import METHODS, KnowsTasks, ask, create

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

MODERN = "2026-07-28"
TRANSPORTS = ("stdio", "streamable-http")
KEY_HEADER = "X-Reka-API-Key"


def film(prompt: str) -> dict[str, Any]:
    return {"video_urls": ["https://example.com/film.mp4"], "prompt": f"{prompt} [scenario manual]"}


@asynccontextmanager
async def client_of(
    transport: str, served: CommandProcess, settings: dict[str, str], **options: Any
) -> AsyncIterator[Client]:
    to = None if transport == "stdio" else served
    options = {"extensions": [KnowsTasks()]} | options
    async with connect(transport, "auto", to=to, settings=settings, **options) as client:
        yield client


async def until(client: Client, task_id: str, words: str) -> dict[str, Any]:
    """Ask for a task, at the pace that it asks for, until its status or its message begins with these words."""
    with anyio.fail_after(120):
        while True:
            task = await ask(client, "tasks/get", task_id)
            if words == task["status"] or task["statusMessage"].startswith(words):
                return task
            await anyio.sleep(min(task["pollIntervalMs"], 100) / 1000)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_creation_becomes_a_task_that_ends_with_the_clips(
    transport: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    prompt = f"a task over {transport}"
    async with client_of(transport, served, settings) as client:
        assert EXTENSION_ID in (client.server_capabilities.extensions or {})
        task = await create(client, film(prompt))
        assert (task["resultType"], task["status"], task["ttlMs"]) == ("task", "working", None)
        task_id = task["taskId"]
        assert task_id in [one["id"] for one in upstream.generations()]
        upstream.set_stage(task_id, "indexing")
        assert (await until(client, task_id, "indexing, "))["pollIntervalMs"] == 8_000
        assert (await ask(client, "tasks/update", task_id))["resultType"] == "complete"
        upstream.set_stage(task_id, "completed")
        task = await until(client, task_id, "completed")
        assert task["result"]["structuredContent"]["output"][0]["video_url"].startswith("https://")
        assert len(upstream.requests("POST", containing=prompt)) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_generation_that_fails_completes_its_task_with_the_error(
    transport: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    async with client_of(transport, served, settings) as client:
        task_id = (await create(client, film(f"a failing task over {transport}")))["taskId"]
        upstream.set_stage(task_id, "failed", error_message="no speech was found")
        task = await until(client, task_id, "completed")
        assert task["result"]["isError"] is True
        assert "no speech was found" in task["result"]["content"][0]["text"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_cancelling_is_acknowledged_and_told_for_what_it_is(
    transport: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    async with client_of(transport, served, settings) as client:
        task_id = (await create(client, film(f"a cancelled task over {transport}")))["taskId"]
        assert (await ask(client, "tasks/cancel", task_id))["resultType"] == "complete"
        task = await ask(client, "tasks/get", task_id)
        assert task["status"] == "cancelled"
        assert "The generation continues" in task["statusMessage"]
        upstream.set_stage(task_id, "completed")
        result = await client.call_tool("get_clip_status", {"id": task_id})
        assert (result.structured_content or {})["status"] == "completed"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_does_not_declare_tasks_gets_none_and_is_told_what_is_missing(
    transport: str, served: CommandProcess, settings: dict[str, str]
):
    async with client_of(transport, served, settings, extensions=[advertise("io.modelcontextprotocol/ui")]) as client:
        result = await create(client, film(f"no task over {transport}") | {"wait_seconds": 1})
        assert result["structuredContent"]["next"]["tool"] == "get_clip_status"
        for method in METHODS:
            with pytest.raises(MCPError) as caught:
                await ask(client, method, result["structuredContent"]["id"])
            assert caught.value.code == -32021
            assert caught.value.data == {"requiredCapabilities": {"extensions": {EXTENSION_ID: {}}}}


async def test_a_task_outlives_the_process_that_made_it(settings: dict[str, str], upstream: ScriptedUpstream):
    arguments = ("--transport", "streamable-http", "--port", "0")
    with CommandProcess(*arguments, **settings) as first:
        async with client_of("streamable-http", first, settings) as client:
            task_id = (await create(client, film("a task that outlives its process")))["taskId"]
        first.process.kill()
        first.process.wait(20)
    with CommandProcess(*arguments, **settings) as second:
        async with client_of("streamable-http", second, settings) as client:
            assert (await ask(client, "tasks/get", task_id))["status"] == "working"
            upstream.set_stage(task_id, "completed")
            over_http = (await until(client, task_id, "completed"))["result"]["structuredContent"]
        async with client_of("stdio", second, settings) as client:
            over_stdio = (await ask(client, "tasks/get", task_id))["result"]["structuredContent"]
    for name in ("id", "status", "output", "video_urls", "prompt", "created_at"):
        assert over_stdio[name] == over_http[name], "any transport tells the same"


async def test_a_task_belongs_to_the_key_that_made_it(served: CommandProcess, settings: dict[str, str]):
    own, other = {KEY_HEADER: "one-key"}, {KEY_HEADER: "another-key"}
    async with client_of("streamable-http", served, settings, headers=own) as client:
        task_id = (await create(client, film("a task of one key")))["taskId"]
        async with client_of("streamable-http", served, settings, headers=other) as stranger:
            for method in METHODS:
                with pytest.raises(MCPError) as caught:
                    await ask(stranger, method, task_id)
                assert caught.value.code == -32602
        assert (await ask(client, "tasks/get", task_id))["status"] == "working", "the stranger cancelled nothing"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["another", None], ids=["another task's name", "no name"])
async def test_the_header_must_name_the_task(served: CommandProcess, method: str, name: str | None):
    task_id = "00000000-0000-4000-8000-000000000000"
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION_ID: {}}},
    }
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
    } | ({} if name is None else {"Mcp-Name": name})
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"taskId": task_id, "_meta": meta}}
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.post(f"{served.url}/mcp", headers=headers, json=request)
        named = await http.post(f"{served.url}/mcp", headers=headers | {"Mcp-Name": task_id}, json=request)
    assert answer.json()["error"]["code"] == -32020
    assert answer.status_code == 400
    assert named.json()["error"]["code"] == -32602, "rightly named, it is only unknown"
