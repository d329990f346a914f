"""`create_clips` and `get_clip_status`: progress, waiting, ending, over both eras of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import jsonschema
import pytest
from mcp_types import ResourceLink

from scripted_api import ScriptedClipApi
from tool_desk import LINK, UNKNOWN_ID, Era, Progress, ToolDesk, open_desk, open_runtime, structured, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tools(api: ScriptedClipApi, era: Era) -> AsyncIterator[ToolDesk]:
    async with open_runtime(api) as runtime, open_desk(runtime, era) as opened:
        yield opened


STAGES = ["queued", "downloading", "indexing", "preprocessing", "processing", "completed"]


async def test_a_creation_relays_every_stage_and_returns_the_clips(api: ScriptedClipApi, tools: ToolDesk):
    progress = Progress()
    with anyio.fail_after(60):
        result = await tools.call("create_clips", {"video_urls": LINK, "prompt": "goals"}, progress)
    fields = structured(result)
    assert fields["status"] == "completed"
    assert fields["backend"] == "reka"
    assert fields["stages"] == STAGES
    assert fields["output"][0]["title"] == "The best moment"
    assert fields["rate_limit"]["remaining"] == 9
    assert "next" not in fields
    assert any(isinstance(block, ResourceLink) for block in result.content)
    assert progress.messages[0] == "Submitting the request"
    assert progress.messages[1:] == [f"{stage} (generation {fields['id']})" for stage in STAGES[:-1]]
    assert set(progress.totals) == {None}
    assert api.count("POST") == 1


async def test_the_wait_ends_by_itself_and_tells_how_to_go_on(api: ScriptedClipApi, tools: ToolDesk):
    api.default = "manual"
    progress = Progress()
    with anyio.fail_after(60):
        result = await tools.call("create_clips", {"video_urls": [LINK], "wait_seconds": 2}, progress)
    fields = structured(result)
    generation_id = fields["id"]
    assert fields["status"] == "queued"
    assert fields["next"] == {"tool": "get_clip_status", "arguments": {"id": generation_id}}
    assert generation_id in progress.messages[1]
    api.generations[generation_id].set_stage("downloading")
    api.generations[generation_id].set_stage("thinking hard")
    api.generations[generation_id].set_stage("completed")
    later = Progress()
    with anyio.fail_after(60):
        status = await tools.call("get_clip_status", {"id": generation_id.upper()}, later)
    assert structured(status)["status"] == "completed"
    assert f'"thinking hard" (generation {generation_id})' in later.messages
    assert api.count("POST") == 1


async def test_without_stream_it_returns_as_soon_as_it_is_accepted(api: ScriptedClipApi, tools: ToolDesk):
    api.default = "manual"
    for arguments in ({"stream": False, "wait_seconds": 900}, {"wait_seconds": 0}):
        with anyio.fail_after(60):
            result = await tools.call("create_clips", {"video_urls": [LINK], "force_new": True} | arguments)
        assert structured(result)["status"] == "queued"
        assert structured(result)["next"]["tool"] == "get_clip_status"
    assert [request.json()["stream"] for request in api.requests if request.method == "POST"] == [False, True]


async def test_when_not_even_the_id_is_known_the_same_call_joins(api: ScriptedClipApi, tools: ToolDesk):
    api.script = ["hang_before_answer"]
    arguments = {"video_urls": [LINK], "prompt": "goals", "force_new": True, "wait_seconds": 1}
    with anyio.fail_after(60):
        result = await tools.call("create_clips", arguments)
        fields = structured(result)
        assert fields["status"] == "submitting"
        assert fields["next"] == {
            "tool": "create_clips",
            "arguments": {"video_urls": [LINK], "prompt": "goals", "wait_seconds": 1},
        }
        again = structured(await tools.call(fields["next"]["tool"], fields["next"]["arguments"]))
    assert again["status"] == "submitting"
    assert api.count("POST") == 1


async def test_a_cancelled_call_ends_the_call_only(api: ScriptedClipApi, tools: ToolDesk):
    api.default = "manual"
    with anyio.move_on_after(60) as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tools.call, "create_clips", {"video_urls": [LINK]})
            await api.arrived("POST")
            tasks.cancel_scope.cancel()
    assert not scope.cancelled_caught
    [generation] = api.generations.values()
    for stage in STAGES[1:]:
        generation.set_stage(stage)
    with anyio.fail_after(60):
        result = await tools.call("create_clips", {"video_urls": [LINK]})
    assert structured(result)["status"] == "completed"
    assert structured(result)["id"] == generation.id
    assert api.count("POST") == 1


async def test_a_failed_generation_is_an_error_with_its_reason(api: ScriptedClipApi, tools: ToolDesk):
    generation = api.plant({"video_urls": [LINK]}, key=tools.runtime.settings.api_key or "", manual=True)
    generation.set_stage("failed", error_message="The video has no sound\x1b[0m")
    with anyio.fail_after(60):
        result = await tools.call("get_clip_status", {"id": generation.id})
    assert result.is_error
    assert generation.id in text_of(result)
    assert '"The video has no sound"' in text_of(result)
    assert structured(result)["error_message"] == "The video has no sound"


async def test_a_wait_of_nothing_answers_at_once(api: ScriptedClipApi, tools: ToolDesk):
    generation = api.plant({"video_urls": [LINK]}, key=tools.runtime.settings.api_key or "", manual=True)
    with anyio.fail_after(60):
        result = await tools.call("get_clip_status", {"id": generation.id, "wait_seconds": "0"}, Progress())
    assert structured(result)["status"] == "queued"
    assert api.count("GET", "/v1/clips/") == 1


async def test_numbers_of_the_backend_become_a_share_of_one(api: ScriptedClipApi, tools: ToolDesk):
    generation = api.plant({"video_urls": [LINK]}, key=tools.runtime.settings.api_key or "", manual=True)
    generation.set_stage("processing", progress=0.4)
    progress = Progress()
    with anyio.fail_after(60):
        result = await tools.call("get_clip_status", {"id": generation.id, "wait_seconds": 2}, progress)
        assert structured(result)["progress"] == 0.4
        generation.set_stage("completed", progress=1.0)
        done = Progress()
        await tools.call("get_clip_status", {"id": generation.id}, done)
    at = next(n for n, message in enumerate(progress.messages) if message.startswith("processing 40%"))
    assert progress.totals[at] == 1.0
    assert progress.values[at] >= 0.4


async def test_repeats_of_a_finished_request_return_its_result_unless_forced(api: ScriptedClipApi, tools: ToolDesk):
    with anyio.fail_after(60):
        first = await tools.call("create_clips", {"video_urls": [LINK]})
        second = await tools.call("create_clips", {"video_urls": LINK, "stream": "true"})
        assert structured(first)["id"] == structured(second)["id"]
        assert "nothing was sent again" in text_of(second)
        assert api.count("POST") == 1
        third = await tools.call("create_clips", {"video_urls": [LINK], "force_new": "true"})
    assert structured(third)["id"] != structured(first)["id"]
    assert api.count("POST") == 2


async def test_delete_and_list(api: ScriptedClipApi, tools: ToolDesk):
    key = tools.runtime.settings.api_key or ""
    generation = api.plant({"video_urls": [LINK], "prompt": "goals"}, key=key, manual=True)
    with anyio.fail_after(60):
        listed = structured(await tools.call("list_clips", {"limit": "1"}))
        assert [item["id"] for item in listed["items"]] == [generation.id]
        assert listed["next"]["arguments"] == {"limit": 1, "offset": 1}
        running = await tools.call("delete_clip", {"id": generation.id})
        assert running.is_error
        assert "still running" in text_of(running)
        assert "get_clip_status" in text_of(running)
        generation.set_stage("completed")
        deleted = structured(await tools.call("delete_clip", {"id": generation.id, "delete_input_video": True}))
        assert (deleted["deleted"], deleted["input_video_deleted"]) == (True, True)
        assert structured(await tools.call("list_clips", {}))["items"] == []
        gone = await tools.call("get_clip_status", {"id": generation.id})
    assert gone.is_error
    assert "list_clips" in text_of(gone)
    [request] = [request for request in api.requests if request.method == "DELETE" and request.body != "{}"][-1:]
    assert request.json() == {"delete_input_video": True}


VIDEO_PAGE = "https://www.youtube.com/watch?v=abc"


@pytest.mark.parametrize(
    "arguments",
    [
        {
            "video_urls": [VIDEO_PAGE],
            "generation_config": {
                "template": "compilation",
                "num_generations": 1,
                "min_duration_seconds": 50,
                "max_duration_seconds": 60,
                "source_start_time": 300,
                "source_end_time": 720,
                "translated_subtitles_target_language": "es_ES",
            },
            "rendering_config": {"aspect_ratio": "9:16"},
        },
        {
            "video_urls": [VIDEO_PAGE],
            "generation_config": {"num_generations": 3},
            "rendering_config": {"aspect_ratio": "1:1", "subtitles": False},
        },
    ],
    ids=["a vertical reel of a minute, from 5:00 to 12:00, subtitled in Spanish", "three square clips, no captions"],
)
async def test_what_a_reader_of_the_list_writes_reaches_the_api_as_it_was_meant(
    api: ScriptedClipApi, tools: ToolDesk, arguments: dict[str, Any]
):
    """Written from tools/list alone: valid by the published schema, taken, and sent to the letter."""
    [schema] = [t.input_schema for t in (await tools.client.list_tools()).tools if t.name == "create_clips"]
    jsonschema.validate(arguments, schema)
    with anyio.fail_after(60):
        result = await tools.call("create_clips", arguments)
    assert structured(result)["status"] == "completed"
    [request] = [request for request in api.requests if request.method == "POST"]
    assert request.json() == arguments | {"stream": True}
    assert request.query == {}


async def test_a_reader_of_the_list_deletes_a_clip_and_its_source(api: ScriptedClipApi, tools: ToolDesk):
    generation = api.plant({"video_urls": [LINK]}, key=tools.runtime.settings.api_key or "", manual=True)
    generation.set_stage("completed")
    arguments = {"id": generation.id, "delete_input_video": True}
    [schema] = [t.input_schema for t in (await tools.client.list_tools()).tools if t.name == "delete_clip"]
    jsonschema.validate(arguments, schema)
    with anyio.fail_after(60):
        assert not (await tools.call("delete_clip", arguments)).is_error
    [request] = [request for request in api.requests if request.method == "DELETE"]
    assert request.path == f"/v1/clips/{generation.id}"
    assert request.json() == {"delete_input_video": True}


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("http_401", ["REKA_API_KEY", "req-1"]),
        ("http_402", ["credit"]),
        ("http_429", ["10 creations per key in 24 hours", "Creations left: 9 of 10; renewed in 1 h."]),
        ("http_400", ["whole number", "Change what it names"]),
        ("echoes_key", ["[key]"]),
        ("lost_500", ["list_clips", "charged"]),
    ],
)
async def test_errors_of_the_api_say_who_can_mend_them(
    api: ScriptedClipApi, tools: ToolDesk, scenario: str, words: list[str]
):
    api.script = [scenario]
    with anyio.fail_after(60):
        result = await tools.call("create_clips", {"video_urls": [LINK]})
    assert result.is_error
    for word in words:
        assert word in text_of(result)
    assert api.count("POST") == 1


async def test_an_unknown_generation_is_told_to_be_unknown(tools: ToolDesk):
    with anyio.fail_after(60):
        result = await tools.call("get_clip_status", {"id": UNKNOWN_ID}, Progress())
    assert result.is_error
    assert "knows no such generation" in text_of(result)


async def test_an_unknown_tool_names_the_known_ones(tools: ToolDesk):
    result = await tools.client.call_tool("create_clip", {})
    assert result.is_error
    assert "did you mean create_clips?" in text_of(result)


async def test_without_a_key_the_call_says_what_to_do(era: Era):
    async with open_runtime(None, api_key=None, backend="reka") as runtime, open_desk(runtime, era) as tools:
        result = await tools.call("create_clips", {"video_urls": [LINK]})
        assert result.is_error
        assert "set REKA_API_KEY" in text_of(result)
        assert "No clips can be made yet" in (tools.client.instructions or "")


async def test_an_unreachable_api_is_told_and_may_be_asked_again(era: Era):
    async with open_runtime(None) as runtime, open_desk(runtime, era) as tools:
        result = await tools.call("create_clips", {"video_urls": [LINK]})
        assert result.is_error
        assert "Sending it again is safe" in text_of(result)
