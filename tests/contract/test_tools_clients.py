"""What models, proxies and clients really send and get: fields without content, bookkeeping keys, long links."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from reka_clips.mcp_server.input.arguments import parse_create, parse_list, parse_save
from scripted_api import ScriptedClipApi
from scripted_api.api import CLIP
from tool_desk import LINK, UNKNOWN_ID, open_desk, open_runtime, structured, text_of

pytestmark = pytest.mark.anyio
EMPTY: list[Any] = ["", "  ", None, [], {}, "null", "NULL", "OMIT", "undefined", "[]", "{}"]


@pytest.mark.parametrize("nothing", EMPTY, ids=repr)
def test_an_optional_field_without_content_counts_as_left_out(nothing: Any):
    """Source: metatool-ai/metamcp#365, goose#10426: proxies and models fill every optional argument."""
    top = ("prompt", "generation_config", "rendering_config", "reel_quality", "stream", "wait_seconds", "force_new")
    assert parse_create({"video_urls": [LINK]} | dict.fromkeys(top, nothing), allow_file=False) == parse_create(
        {"video_urls": [LINK]}, allow_file=False
    )
    inside = {
        "generation_config": dict.fromkeys(("template", "num_generations", "source_end_time"), nothing),
        "rendering_config": {"subtitles": nothing, "caption_style": {"text_color": nothing, "position": nothing}},
    }
    assert parse_create({"video_urls": [LINK]} | inside, allow_file=False).request.body(stream=False) == {
        "video_urls": [LINK],
        "stream": False,
    }
    assert parse_list({"status": nothing, "offset": nothing, "limit": nothing}) == parse_list({})
    assert parse_save({"id": UNKNOWN_ID, "directory": nothing}).directory is None


@pytest.mark.parametrize("zero", [0, "0", 0.0])
def test_zero_counts_as_left_out_where_it_means_nothing(zero: Any):
    assert parse_list({"limit": zero, "offset": zero}) == parse_list({})
    config = {"source_start_time": zero, "source_end_time": zero, "num_generations": zero, "max_duration_seconds": zero}
    request = parse_create({"video_urls": [LINK], "generation_config": config}, allow_file=False)
    assert request.request.body(stream=False)["generation_config"] == {"source_start_time": 0}
    assert parse_create({"video_urls": [LINK], "wait_seconds": zero}, allow_file=False).wait_seconds == 0


@pytest.mark.parametrize(
    "key",
    ["toolCallId", "sessionId", "action", "chatInput", "tool", "random_string", "request_heartbeat", "_meta"],
)
async def test_keys_that_a_client_adds_for_itself_are_dropped_and_logged(
    api: ScriptedClipApi, key: str, caplog: pytest.LogCaptureFixture
):
    """Source: n8n#21500, n8n#21716, notion-mcp-server#146."""
    caplog.set_level(logging.INFO, "reka_clips")
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        for tool, arguments in (("list_clips", {}), ("create_clips", {"video_urls": [LINK]})):
            assert not (await desk.call(tool, arguments | {key: "x-planted-value"})).is_error
        refused = await desk.call("list_clips", {key: "x", "webhook": "https://x"})
    assert key in caplog.text
    assert "planted" not in caplog.text
    assert refused.is_error
    assert "webhook: is not a field" in text_of(refused)


async def test_a_presigned_link_of_thousands_of_characters_is_shown_whole(api: ScriptedClipApi):
    """Source: oven-sh/bun#32973: links with session tokens are longer than 2,000 characters."""
    link = "https://bucket.example.com/my clip.mp4?X-Amz-Security-Token=".ljust(8000, "t")
    job = api.plant({"video_urls": [LINK]}, key="sk-reka-planted-7f3a9c")
    job.set_stage("completed", output=[CLIP | {"video_url": link}])
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        result = await desk.call("get_clip_status", {"id": job.id})
    assert structured(result)["output"][0]["video_url"] == link.replace(" ", "%20")
    assert link.replace(" ", "%20") in text_of(result)


async def test_a_link_too_long_to_show_says_so_and_names_the_way(api: ScriptedClipApi):
    link = "https://bucket.example.com/1.mp4?token=".ljust(9000, "t")
    job = api.plant({"video_urls": [LINK]}, key="sk-reka-planted-7f3a9c")
    job.set_stage("completed", output=[CLIP | {"video_url": link}])
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        result = await desk.call("get_clip_status", {"id": job.id})
        assert "a link of 9000 characters, too long to show; save_clip saves the video" in text_of(result)
        [content] = (await desk.client.read_resource(f"reka-clips://clips/{job.id}")).contents
    assert link in content.text  # pyright: ignore[reportAttributeAccessIssue]


async def test_the_configuration_that_an_answer_echoes_is_the_same_request(api: ScriptedClipApi):
    api.default = "manual"
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        asked = {"video_urls": [LINK], "generation_config": {"num_generations": 1}, "wait_seconds": 0}
        first = structured(await desk.call("create_clips", asked))
        echoed = {
            "generation_config": {
                "template": "moments", "num_generations": 1, "min_duration_seconds": 0, "max_duration_seconds": 90,
                "source_start_time": 0, "source_end_time": 0,
            },
            "rendering_config": {"show_watermark": False, "subtitles": True, "aspect_ratio": "9:16", "resolution": 720},
            "prompt": first["prompt"],
        }  # fmt: skip
        again = structured(await desk.call("create_clips", asked | echoed))
    assert again["id"] == first["id"]
    assert api.count("POST") == 1


async def test_fewer_clips_than_asked_for_are_remarked_on(api: ScriptedClipApi):
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        asked = {"video_urls": [LINK], "generation_config": {"num_generations": 3}}
        assert "1 clip of the 3 asked for" in text_of(await desk.call("create_clips", asked))
