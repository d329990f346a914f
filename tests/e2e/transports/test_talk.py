"""What a client meets over each transport and in each era: progress, cancel, coming back, and broken input."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anyio
import pytest

from command import CommandProcess, Progress, ScriptedUpstream, connect, text_of
from e2e.transports.conftest import COMBINATIONS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

# The end is what the result says.
STAGES = ("queued", "downloading", "indexing", "preprocessing", "processing")
TOOLS = {"create_clips", "get_clip_status", "list_clips", "delete_clip"}


def film(prompt: str, **more: object) -> dict[str, object]:
    return {"video_urls": ["https://example.com/film.mp4"], "prompt": prompt} | more


def posted(upstream: ScriptedUpstream, prompt: str) -> int:
    return len(upstream.requests("POST", containing=prompt))


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS)
async def test_clips_come_with_every_stage_on_the_way(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    prompt = f"all stages over {transport} {era}"
    async with connect(transport, era, to=None if transport == "stdio" else served, settings=settings) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} >= TOOLS
        progress = Progress()
        result = await client.call_tool("create_clips", film(prompt), progress_callback=progress)
        assert not result.is_error, text_of(result)
        answer = result.structured_content or {}
        assert answer["status"] == "completed"
        assert [m.split()[0] for m in progress.messages if "generation" in m][: len(STAGES)] == list(STAGES)
        assert progress.strictly_increases
        # The same again is the same generation, and is not paid again.
        again = await client.call_tool("create_clips", film(prompt))
        assert (again.structured_content or {})["id"] == answer["id"]
        assert posted(upstream, prompt) == 1
        gone = await client.call_tool("delete_clip", {"id": answer["id"]})
        assert not gone.is_error
        assert (await client.call_tool("get_clip_status", {"id": answer["id"]})).is_error


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS)
async def test_a_call_that_is_cancelled_ends_and_the_generation_goes_on(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    prompt = f"cancelled over {transport} {era} [scenario manual]"
    async with connect(transport, era, to=None if transport == "stdio" else served, settings=settings) as client:
        progress = Progress()
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                await client.call_tool("create_clips", film(prompt, wait_seconds=600), progress_callback=progress)

            tasks.start_soon(call)
            await progress.said("generation")
            tasks.cancel_scope.cancel()
        [generation] = [one for one in upstream.generations() if one["prompt"] == prompt]
        upstream.set_stage(generation["id"], "completed")
        result = await client.call_tool("get_clip_status", {"id": generation["id"], "wait_seconds": 300})
        assert (result.structured_content or {})["status"] == "completed"
        assert posted(upstream, prompt) == 1


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS[2:])
async def test_a_client_that_was_cut_off_comes_back_to_its_generation(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    del settings
    prompt = f"cut off over {transport} {era} [scenario manual]"
    progress = Progress()
    with anyio.CancelScope() as connection:
        async with connect(transport, era, to=served) as client, anyio.create_task_group() as tasks:

            async def cut_off() -> None:
                await progress.said("generation")
                connection.cancel()

            tasks.start_soon(cut_off)
            await client.call_tool("create_clips", film(prompt, wait_seconds=600), progress_callback=progress)
    [generation] = [one for one in upstream.generations() if one["prompt"] == prompt]
    upstream.set_stage(generation["id"], "completed")
    async with connect(transport, era, to=served) as client:
        result = await client.call_tool("get_clip_status", {"id": generation["id"], "wait_seconds": 300})
        assert (result.structured_content or {})["status"] == "completed"
        # The watching never stopped, so the create joins it or returns what came of it.
        again = await client.call_tool("create_clips", film(prompt))
        assert (again.structured_content or {})["id"] == generation["id"]
    assert posted(upstream, prompt) == 1


@pytest.mark.parametrize(("transport", "era"), COMBINATIONS)
async def test_a_short_wait_gives_the_id_and_the_next_call(
    transport: str, era: str, served: CommandProcess, settings: dict[str, str], upstream: ScriptedUpstream
):
    prompt = f"short wait over {transport} {era} [scenario manual]"
    async with connect(transport, era, to=None if transport == "stdio" else served, settings=settings) as client:
        result = await client.call_tool("create_clips", film(prompt, stream=False))
        answer = result.structured_content or {}
        assert answer["next"] == {"tool": "get_clip_status", "arguments": {"id": answer["id"]}}
        upstream.set_stage(answer["id"], "failed")
        ended = await client.call_tool(answer["next"]["tool"], answer["next"]["arguments"] | {"wait_seconds": 300})
        assert ended.is_error
        assert answer["id"] in text_of(ended)


@pytest.fixture
def by_hand(settings: dict[str, str]) -> Iterator[CommandProcess]:
    with CommandProcess(**settings) as process:
        yield process


def test_garbage_on_standard_input_is_passed_over(by_hand: CommandProcess):
    stdin, stdout = by_hand.process.stdin, by_hand.process.stdout
    assert stdin is not None
    assert stdout is not None
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    garbage = [
        b"",
        b"not json",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"jsonrpc": "1.0", "id": 7, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 8, "result": {}}',
        b"x" * (8 * 1024 * 1024),
    ]
    stdin.write(b"\n".join(garbage) + b"\n" + json.dumps(initialize).encode() + b"\n")
    stdin.flush()
    answers = []
    while not answers or answers[-1].get("id") != 1:
        answers.append(json.loads(stdout.readline()))
    assert answers[-1]["result"]["serverInfo"]["name"] == "reka-clips"
    for line in (
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b"}}}",
        b'{"jsonrpc":"2.0","id":2,"method":"ping"}',
    ):
        stdin.write(line + b"\n")
    stdin.flush()
    while answers[-1].get("id") != 2:
        answers.append(json.loads(stdout.readline()))
    assert "result" in answers[-1]
    stdin.close()
    assert by_hand.wait(120) == 0
