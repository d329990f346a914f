"""Resources: a generation as JSON, the guide, and what is said of those that are not there; ids are completed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ResourceTemplateReference, TextResourceContents

from reka_clips.contract import FONT_FAMILIES, SUBTITLE_LANGUAGES
from reka_clips.contract.schemas import options
from reka_clips.mcp_server.resources import CLIP_URI, GUIDE_URI, POSTER_URI, VIDEO_URI
from scripted_api import ScriptedClipApi
from scripted_api.api import CLIP
from tool_desk import KEY, LINK, UNKNOWN_ID, Era, ToolDesk, open_desk, open_runtime

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def desk_at(api: ScriptedClipApi | None, era: Era = "auto", **settings: Any) -> AsyncIterator[ToolDesk]:
    async with open_runtime(api, **settings) as runtime, open_desk(runtime, era) as desk:
        with anyio.fail_after(60):
            yield desk


async def text_at(desk: ToolDesk, uri: str) -> TextResourceContents:
    [contents] = (await desk.client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    return contents


async def refusal(desk: ToolDesk, uri: str) -> MCPError:
    with pytest.raises(MCPError) as caught:
        await desk.client.read_resource(uri)
    assert KEY not in str(caught.value)
    return caught.value


async def test_a_generation_is_read_whole_as_json(api: ScriptedClipApi, era: Era):
    hostile = CLIP | {"title": "Goal\x1b[31m\u202e", "caption": "c" * 2300, "extra": {"x": 1}}
    clips = [hostile] + [CLIP | {"title": f"Clip {n}"} for n in range(2, 13)]
    generation = api.plant({"video_urls": [LINK], "prompt": "goals"}, key=KEY, manual=True)
    generation.set_stage("completed", output=clips)
    async with desk_at(api, era) as desk:
        contents = await text_at(desk, f"reka-clips://clips/{generation.id.upper()}")
    assert contents.mime_type == "application/json"
    told = json.loads(contents.text)
    assert (told["id"], told["status"], told["backend"]) == (generation.id, "completed", "reka")
    assert told["video_urls"] == [LINK]
    assert [clip["title"] for clip in told["output"]] == ["Goal"] + [f"Clip {n}" for n in range(2, 13)]
    assert told["output"][0]["caption"] == "c" * 2300  # longer than a tool's result would show
    assert "extra" not in told["output"][0]


async def test_one_that_runs_is_read_as_it_stands(api: ScriptedClipApi):
    generation = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
    generation.set_stage("processing")
    async with desk_at(api) as desk:
        told = json.loads((await text_at(desk, f"reka-clips://clips/{generation.id}")).text)
    assert (told["status"], told["output"]) == ("processing", [])
    assert api.count("POST") == 0


async def test_however_much_upstream_sends_a_client_can_take_it(api: ScriptedClipApi):
    generation = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
    long, link = "漢" * 6000, "https://cdn.example.com/" + "a" * 1900
    full = {"title": long, "caption": long, "hashtags": [long[:60]] * 40, "video_url": link, "poster_url": link}
    generation.set_stage("completed", output=[full] * 60, prompt=long, warnings=[long] * 20)
    async with desk_at(api) as desk:
        contents = await text_at(desk, f"reka-clips://clips/{generation.id}")
    assert len(contents.text.encode()) < 1_000_000


async def test_what_is_not_there_is_told_in_plain_words(api: ScriptedClipApi, era: Era):
    theirs = api.plant({"video_urls": [LINK]}, key="another key")
    mine = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
    mine.set_stage("completed")
    clips = "reka-clips://clips/"
    async with desk_at(api, era) as desk:
        for uri, words in (
            (f"{clips}latest", "no such generation for this key"),
            (f"{clips}the%20latest", "no id of a generation"),
            (f"{clips}{UNKNOWN_ID}", "no such generation for this key"),
            (f"{clips}{theirs.id}", "no such generation for this key"),
            (f"{clips}{mine.id}/videos/2", "has 1 clip; there is no such number"),
            (f"{clips}{mine.id}/videos/0", "there is no such number"),
            (f"{clips}{mine.id}/posters/one", "there is no such number"),
            (f"{clips}{mine.id}/videos/..%2f1", "Unknown resource"),
            ("reka-clips://guides", "Unknown resource"),
        ):
            error = (await refusal(desk, uri)).error
            assert words in error.message
            assert error.code == INVALID_PARAMS
        error = (await refusal(desk, f"{clips}{mine.id}/videos/1")).error
        assert "this one has a link in its JSON" in error.message


async def test_trouble_upstream_is_told_without_a_traceback(era: Era):
    async with desk_at(None, era) as desk:
        error = (await refusal(desk, f"reka-clips://clips/{UNKNOWN_ID}")).error
    assert "could not be reached" in error.message


async def test_the_guide_explains_every_option_and_says_which_backend_it_is_about(era: Era):
    async with desk_at(None, era) as desk:
        contents = await text_at(desk, GUIDE_URI)
        schema = next(tool.input_schema for tool in (await desk.client.list_tools()).tools)
    assert contents.mime_type == "text/markdown"
    for option in options(schema):
        assert f"- `{option.path}` ({option.kind}): {option.meaning}" in contents.text
    for word in (*SUBTITLE_LANGUAGES, *FONT_FAMILIES, "http://127.0.0.1:9", "ten creations per key in 24 hours"):
        assert word in contents.text
    async with desk_at(None, era, api_key=None, backend="auto") as desk:
        assert "embedded engine on this computer: free" in (await text_at(desk, GUIDE_URI)).text


async def test_all_resources_are_listed_with_title_type_and_description(era: Era):
    async with desk_at(None, era) as desk:
        listed = (await desk.client.list_resources()).resources
        templates = (await desk.client.list_resource_templates()).resource_templates
    assert GUIDE_URI in {resource.uri for resource in listed}
    assert [template.uri_template for template in templates] == [CLIP_URI, VIDEO_URI, POSTER_URI]
    for one in (*listed, *templates):
        assert one.title
        assert one.description
        assert one.mime_type


async def completed(desk: ToolDesk, uri: str, argument: str, typed: str, **given: str) -> list[str]:
    reference = ResourceTemplateReference(uri=uri)
    result = await desk.client.complete(reference, {"name": argument, "value": typed}, given or None)
    return result.completion.values


async def test_ids_and_clip_numbers_are_completed_for_the_caller_alone(api: ScriptedClipApi, era: Era):
    mine = [api.plant({"video_urls": [LINK]}, key=KEY, manual=True) for _ in range(3)]
    api.plant({"video_urls": [LINK]}, key="another key")
    mine[0].set_stage("completed", output=[CLIP] * 2)
    async with desk_at(api, era) as desk:
        assert await completed(desk, CLIP_URI, "id", "") == []
        for one in mine:
            await desk.call("get_clip_status", {"id": one.id, "wait_seconds": 0})
        asked = len(api.requests)
        for uri in (CLIP_URI, VIDEO_URI, POSTER_URI):
            assert sorted(await completed(desk, uri, "id", "")) == sorted(one.id for one in mine)
        assert await completed(desk, CLIP_URI, "id", mine[1].id[:13].upper()) == [mine[1].id]
        assert await completed(desk, CLIP_URI, "id", "zz") == []
        for uri in (VIDEO_URI, POSTER_URI):
            assert await completed(desk, uri, "clip", "", id=mine[0].id) == ["1", "2"]
        assert await completed(desk, VIDEO_URI, "clip", "2", id=mine[0].id) == ["2"]
        for given in ({}, {"id": "latest"}, {"id": UNKNOWN_ID}):
            assert await completed(desk, VIDEO_URI, "clip", "", **given) == []
        assert await completed(desk, "reka-clips://other/{id}", "id", "") == []
        assert len(api.requests) == asked


async def test_a_completion_never_fails_for_want_of_an_upstream(era: Era):
    async with desk_at(None, era) as desk:
        assert await completed(desk, CLIP_URI, "id", "") == []
