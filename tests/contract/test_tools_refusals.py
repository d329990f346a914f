"""Wrong calls are answered with a message one would thank for, and none of them reaches the Clip API."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripted_api import ScriptedClipApi
from tool_desk import ERAS, KEY, LINK, UNKNOWN_ID, open_desk, open_runtime, text_of

U = {"video_urls": [LINK]}


def generation(**fields: Any) -> dict[str, Any]:
    return U | {"generation_config": fields}


def rendering(**fields: Any) -> dict[str, Any]:
    return U | {"rendering_config": fields}


def caption(**fields: Any) -> dict[str, Any]:
    return rendering(caption_style=fields)


WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("create_clips", {}, ["video_urls: is required", "https://example.com/video.mp4"]),
    (
        "create_clips",
        rendering(subtitles_language="German, please"),
        ["rendering_config.subtitles_language: must be a language code"],
    ),
    ("create_clips", {"video_urls": []}, ["video_urls: must be a list of at least one link", "an empty list"]),
    ("create_clips", {"video_urls": ""}, ["video_urls: must be a list", "an empty text"]),
    ("create_clips", {"video_urls": "not a link"}, ["video_urls[0]: must not contain spaces"]),
    (
        "create_clips",
        {"video_urls": ["example.com/v.mp4"]},
        ["video_urls[0]: must be a complete URL", "http, https or file"],
    ),
    ("create_clips", {"video_urls": [LINK, "ftp://example.com/v"]}, ["video_urls[1]: must be a complete URL"]),
    ("create_clips", {"video_urls": ["https://me:pw@example.com/v"]}, ["video_urls[0]", "user name or password"]),
    ("create_clips", {"video_urls": ["https://"]}, ["video_urls[0]: must name a host"]),
    ("create_clips", {"video_urls": [7]}, ["1 problem ", "video_urls[0]: must be text, not 7"]),
    ("create_clips", {"video_urls": None}, ["video_urls: is required", "https://example.com/video.mp4"]),
    ("create_clips", {"video_urls": [[LINK]]}, ["video_urls[0]: must be text, not a list of 1"]),
    ("create_clips", {"video_urls": "/home/me/my film.mp4"}, ["file:///home/me/video.mp4", "%20 for a space"]),
    ("create_clips", {"video_urls": ["C:\\Users\\me\\v.mp4"]}, ["video_urls[0]: must be a URL", "file:///C:/Users/me"]),
    ("create_clips", {"video_urls": ["youtube.com/watch?v=1"]}, ["must be a complete URL that starts with http"]),
    ("create_clips", {"video_urls": ["file://server/share.mp4"]}, ["must name a file of this computer"]),
    ("create_clips", {"video_urls": {"url": LINK}}, ["video_urls: must be a list", "an object"]),
    ("create_clips", {"video_url": LINK}, ["video_urls: is required", "video_url: ", "did you mean video_urls?"]),
    ("create_clips", {"url": LINK}, ["url: is not a field; did you mean video_urls?"]),
    ("create_clips", {"videoUrls": [LINK]}, ["videoUrls: is not a field; did you mean video_urls?"]),
    ("create_clips", U | {"promt": "goals"}, ["promt: is not a field; did you mean prompt?"]),
    ("create_clips", U | {"prompt": 5}, ["prompt: must be text, not 5"]),
    ("create_clips", U | {"prompt": ["goals"]}, ["prompt: must be text, not a list of 1"]),
    ("create_clips", U | {"pr\u043empt": "goals"}, ["did you mean prompt?"]),
    ("create_clips", U | {"\uff50rompt": "goals"}, ["did you mean prompt?"]),
    (
        "create_clips",
        U | {"\u63d0\u793a": "goals"},
        ["is not a field of create_clips; its fields are video_urls, prompt"],
    ),
    (
        "create_clips",
        U | {"num_generations": 3},
        ["num_generations", "belong", '{"generation_config": {"num_generations": 3}}'],
    ),
    ("create_clips", U | {"subtitles": False}, ['{"rendering_config": {"subtitles": false}}']),
    ("create_clips", U | {"rendering_config.layout": "fit"}, ['{"rendering_config": {"layout": "fit"}}']),
    ("create_clips", U | {"aspect_ratio": "vertical"}, ['{"rendering_config": {"aspect_ratio": "9:16"}}']),
    ("create_clips", U | {"duration": "1:30"}, ['{"generation_config": {"max_duration_seconds": 90}}']),
    ("create_clips", U | {"num_clips": 9}, ['{"generation_config": {"num_generations": "…"}}']),
    ("create_clips", U | {"captions": "no"}, ['{"rendering_config": {"subtitles": false}}']),
    ("create_clips", U | {"resolution": 720}, ['{"rendering_config": {"resolution": "720"}}']),
    ("create_clips", U | {"text_color": "red"}, ['{"caption_style": {"text_color": "#FF0000"}}']),
    ("create_clips", U | {"layout": "x" * 90}, ['{"rendering_config": {"layout": "…"}}']),
    ("create_clips", U | {"num_clips": 3}, ["num_clips", "num_generations goes inside generation_config"]),
    ("create_clips", U | {"aspect_ratio": "1:1"}, ["aspect_ratio goes inside rendering_config"]),
    ("create_clips", U | {"text_color": "#FFFFFF"}, ["inside rendering_config.caption_style"]),
    ("create_clips", U | {"language": "es"}, ["translated_subtitles_target_language goes inside generation_config"]),
    ("create_clips", U | {"start_time": 300}, ["source_start_time goes inside generation_config"]),
    ("create_clips", U | {"api_key": "sk-123"}, ["api_key: is not an argument", "REKA_API_KEY"]),
    ("create_clips", U | {"webhook": "https://x"}, ["webhook: is not a field of create_clips", "wait_seconds"]),
    ("create_clips", generation(aspect_ratio="1:1"), ["generation_config.aspect_ratio", "inside rendering_config"]),
    ("create_clips", generation(prompt="x"), ["generation_config.prompt", "at the top level"]),
    ("create_clips", generation(num_generation=2), ["did you mean generation_config.num_generations?"]),
    ("create_clips", generation(num_generations=5), ["must be a whole number from 1 to 3, not 5"]),
    ("create_clips", generation(num_generations=True), ["must be a whole number from 1 to 3, not true"]),
    ("create_clips", generation(num_generations="three"), ["must be a whole number", '"three"; did you mean 3?']),
    ("create_clips", generation(num_generations="2 clips"), ["did you mean 2?"]),
    ("create_clips", generation(num_generations="auto"), ['not "auto"; leave it out for the default']),
    ("create_clips", generation(num_generations=[3]), ["must be a whole number from 1 to 3, not a list of 1"]),
    ("create_clips", generation(num_generations="9 clips"), ['from 1 to 3, not "9 clips"\n']),
    (
        "create_clips",
        generation(template="highlights"),
        ["must be one of moments, compilation", 'did you mean "moments"?'],
    ),
    ("create_clips", generation(template="moment"), ['did you mean "moments"?']),
    ("create_clips", generation(max_duration_seconds=601), ["from 1 to 600, not 601"]),
    ("create_clips", generation(max_duration_seconds="1:30"), ["from 1 to 600", "did you mean 90?"]),
    ("create_clips", generation(max_duration_seconds="90s"), ["did you mean 90?"]),
    ("create_clips", generation(max_duration_seconds="2 minutes"), ["did you mean 120?"]),
    ("create_clips", generation(max_duration_seconds="5000ms"), ['from 1 to 600, not "5000ms"\n']),
    ("create_clips", generation(template="highlight reel"), ['did you mean "compilation"?']),
    ("create_clips", generation(template="Moments"), ['did you mean "moments"?']),
    ("create_clips", generation(min_duration_seconds=100), ["min_duration_seconds (100)", "90, its default"]),
    (
        "create_clips",
        generation(min_duration_seconds=50, max_duration_seconds=40),
        ["generation_config: min_duration_seconds (50) must not be above max_duration_seconds (40)"],
    ),
    ("create_clips", generation(source_start_time="5:00"), ["did you mean 300?"]),
    ("create_clips", generation(source_end_time="1:02:03"), ["did you mean 3723?"]),
    (
        "create_clips",
        generation(source_start_time=720, source_end_time=300),
        ["source_end_time (300) must be after source_start_time (720)"],
    ),
    ("create_clips", generation(translated_subtitles_target_language="Spanish"), ['did you mean "es_ES" or "es_MX"?']),
    ("create_clips", generation(translated_subtitles_target_language="pt-br"), ['did you mean "pt_BR"?']),
    ("create_clips", generation(translated_subtitles_target_language="es"), ['did you mean "es_ES" or "es_MX"?']),
    ("create_clips", generation(translated_subtitles_target_language="es-419"), ['did you mean "es_ES" or "es_MX"?']),
    ("create_clips", generation(translated_subtitles_target_language="Español"), ['did you mean "es_ES" or "es_MX"?']),
    ("create_clips", generation(translated_subtitles_target_language="zh-Hans"), ['did you mean "zh_CN" or "zh_TW"?']),
    ("create_clips", generation(translated_subtitles_target_language="Brazilian Portuguese"), ['"pt_BR" or "pt_PT"']),
    ("create_clips", generation(translated_subtitles_target_language="klingon"), ['zh_TW, not "klingon"\n']),
    ("create_clips", U | {"generation_config": "fast"}, ["generation_config: must be an object", "num_generations"]),
    ("create_clips", U | {"generation_config": '{"num_generations": 4'}, ["must be an object", "no valid JSON"]),
    ("create_clips", U | {"generation_config": [1]}, ["generation_config: must be an object", "a list of 1"]),
    ("create_clips", rendering(aspect_ratio="vertical"), ['did you mean "9:16"?']),
    ("create_clips", rendering(aspect_ratio="9x16"), ['did you mean "9:16"?']),
    ("create_clips", rendering(aspect_ratio="1920x1080"), ['did you mean "16:9"?']),
    ("create_clips", rendering(aspect_ratio=0.5625), ['not 0.5625; did you mean "9:16"?']),
    ("create_clips", rendering(aspect_ratio="\uff19:\uff11\uff16"), ['did you mean "9:16"?']),
    ("create_clips", rendering(aspect_ratio="9\u223616"), ['did you mean "9:16"?']),
    ("create_clips", rendering(aspect_ratio="2:1"), ["must be one of 9:16, 9:16-split, 16:9, 4:5, 1:1"]),
    ("create_clips", rendering(resolution=1440), ["must be one of 240, 360, 480, 720, 1080"]),
    ("create_clips", rendering(resolution="720p"), ['did you mean "720"?']),
    ("create_clips", rendering(resolution="1080p"), ['did you mean "1080"?']),
    ("create_clips", rendering(resolution="4K"), ['did you mean "1080"?']),
    ("create_clips", rendering(resolution="hd"), ['did you mean "720" or "1080"?']),
    ("create_clips", rendering(resolution=True), ["must be one of 240, 360, 480, 720, 1080, not true"]),
    ("create_clips", rendering(subtitles="maybe"), ["rendering_config.subtitles: must be true or false"]),
    ("create_clips", rendering(subtitles=1), ["must be true or false, not 1; did you mean true?"]),
    ("create_clips", rendering(subtitles="off"), ["must be true or false", "did you mean false?"]),
    ("create_clips", rendering(subtitles={"on": True}), ["must be true or false, not an object"]),
    ("create_clips", rendering(layout="crop"), ["must be one of ai, fit", 'did you mean "ai"?']),
    ("create_clips", rendering(caption_style="bold"), ["caption_style: must be an object", "desired_font_size"]),
    ("create_clips", rendering(captions=False), ["did you mean rendering_config.subtitles?"]),
    ("create_clips", rendering(num_generations=2), ["num_generations goes inside generation_config"]),
    ("create_clips", caption(desired_font_size=20), ["must be a number from 60 to 120, not 20"]),
    ("create_clips", caption(text_color="red"), ['did you mean "#FF0000"?']),
    ("create_clips", caption(stroke_color="#FFF"), ['did you mean "#FFFFFF"?']),
    ("create_clips", caption(position="center"), ["must be one of top, middle, bottom", '"middle"']),
    ("create_clips", caption(position="center", text_color=None), ["1 problem ", 'did you mean "middle"?']),
    ("create_clips", caption(font_family="bebas neue"), ['did you mean "BebasNeue"?']),
    ("create_clips", caption(desired_font_size="90px"), ["did you mean 90?"]),
    ("create_clips", caption(desired_font_size=True), ["must be a number from 60 to 120, not true"]),
    ("create_clips", caption(font="Lato"), ["did you mean rendering_config.caption_style.font_family?"]),
    (
        "create_clips",
        U | {"reel_quality": "best"},
        ["reel_quality: must be one of premium, lite, fallback, full_video"],
    ),
    ("create_clips", U | {"stream": "maybe"}, ["stream: must be true or false"]),
    ("create_clips", U | {"wait_seconds": 1000}, ["wait_seconds: must be a whole number from 0 to 900, not 1000"]),
    ("create_clips", U | {"timeout": 60}, ["timeout: is not a field; did you mean wait_seconds?"]),
    ("create_clips", U | {"force": True}, ["force: is not a field; did you mean force_new?"]),
    ("get_clip_status", {}, ["id: is required", "the id of a generation"]),
    ("get_clip_status", {"id": "the latest"}, ["id: must be the id of a generation", "list_clips"]),
    ("get_clip_status", {"id": "../../v1/keys"}, ["id: must be the id of a generation"]),
    ("get_clip_status", {"id": UNKNOWN_ID * 4}, ["id: must be the id of a generation"]),
    ("get_clip_status", {"id": None}, ["id: is required"]),
    ("get_clip_status", {"id": [UNKNOWN_ID]}, ["not a list of 1"]),
    ("get_clip_status", {"id": f"reka-clips://guide/{UNKNOWN_ID}"}, ["id: must be the id of a generation"]),
    ("get_clip_status", {"generation_id": UNKNOWN_ID}, ["generation_id: is not a field; did you mean id?"]),
    ("get_clip_status", {"id": UNKNOWN_ID, "wait_seconds": -1}, ["from 0 to 900, not -1"]),
    ("list_clips", {"status": "done"}, ["status: must be one of running", 'did you mean "completed"?']),
    ("list_clips", {"status": ["failed"]}, ["must be one of running", "not a list of 1"]),
    ("list_clips", {"limit": True}, ["from 1 to 100, not true"]),
    ("list_clips", {"status": "complete"}, ['did you mean "completed"?']),
    ("list_clips", {"offset": -1}, ["offset: must be a whole number, 0 or more, not -1"]),
    ("list_clips", {"page": 2}, ["page: is not a field; did you mean offset?"]),
    ("delete_clip", {"id": "*"}, ["id: must be the id of a generation"]),
    ("delete_clip", {"id": UNKNOWN_ID, "delete_source": True}, ["did you mean delete_input_video?"]),
    ("delete_clip", {"id": UNKNOWN_ID, "delete_input_video": "perhaps"}, ["must be true or false"]),
    ("save_clip", {"id": ""}, ["id: must be the id of a generation"]),
    ("save_clip", {"id": UNKNOWN_ID, "clip": "first"}, ["did you mean 1?"]),
    ("save_clip", {"id": UNKNOWN_ID, "directory": "../../etc"}, ["directory: must lie within", "REKA_CLIPS_SAVE_DIR"]),
    ("save_clip", {"id": UNKNOWN_ID, "path": "/tmp"}, ["path: is not a field; did you mean directory?"]),
]
TOOLS = ("create_clips", "get_clip_status", "list_clips", "delete_clip", "save_clip")


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_each_wrong_call_is_refused_in_plain_words_before_anything_is_sent(api: ScriptedClipApi, era, tmp_path):
    assert len(WRONG) >= 40
    async with open_runtime(api, save_dir=tmp_path) as runtime, open_desk(runtime, era) as desk:
        wrongly_answered: list[str] = []
        for tool, arguments, words in WRONG:
            with anyio.fail_after(60):
                result = await desk.call(tool, arguments)
            text = text_of(result)
            assert result.is_error, (tool, arguments)
            missing = [word for word in words if word not in f"{text}\n"]
            if missing:
                wrongly_answered.append(f"{tool} {arguments} lacks {missing}: {text}")
            assert "Nothing was sent" in text
            for foreign in ("pydantic", "validation error", "input_value", "errors.pydantic.dev", "sk-123", "me:pw"):
                assert foreign not in text
            assert len(text) < 3000
    assert wrongly_answered == []
    assert api.requests == []


@pytest.mark.anyio
async def test_all_problems_of_a_call_are_told_at_once(api: ScriptedClipApi):
    wrong = {
        "video_urls": ["ftp://example.com/x"],
        "promt": "x",
        "generation_config": {"num_generations": 9, "source_start_time": 9, "source_end_time": 3},
        "rendering_config": {"resolution": "4k", "caption_style": {"colour": "red"}},
    }
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        lines = text_of(await desk.call("create_clips", wrong)).splitlines()
    assert "6 problems" in lines[0]
    assert len(lines) == 7
    assert api.requests == []


@pytest.mark.anyio
async def test_long_and_hostile_values_are_not_repeated(api: ScriptedClipApi):
    long = "A" * 100_000
    async with open_runtime(api) as runtime, open_desk(runtime) as desk:
        for arguments in (
            U | {long: 1},
            U | {"reel_quality": long},
            U | {"generation_config": {"template": long, "num_generations": long}},
            {"video_urls": ["https://example.com/" + long]},
            U | {f"x{n}": n for n in range(500)},
            U | {"evil\x1b[31m\u202e\n- fake: line": 1},
        ):
            text = text_of(await desk.call("create_clips", arguments))
            assert len(text) < 6000
            assert "A" * 100 not in text
            assert "\x1b" not in text
            assert "\n- fake" not in text
    assert api.requests == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=12)
    | st.sampled_from([LINK, "file:///etc/passwd", "[]", "{}", '{"a": 1}', "true", "3", UNKNOWN_ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["video_urls", "prompt", "generation_config", "rendering_config", "stream", "wait_seconds", "id", "limit", "clip"]
)
CALLS = st.lists(st.tuples(st.sampled_from(TOOLS), st.dictionaries(NAMES, VALUES, max_size=4)), max_size=8)


@given(CALLS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_arbitrary_json_gets_a_valid_result_and_a_refused_call_reaches_nobody(calls):
    async def run() -> None:
        async with ScriptedClipApi() as api, open_runtime(api, wait_seconds=0.2) as runtime, open_desk(runtime) as desk:
            for tool, arguments in calls:
                before = len(api.requests)
                with anyio.fail_after(60):
                    result = await desk.call(tool, arguments)
                text = text_of(result)
                assert "internal error" not in text, (tool, arguments)
                if "problem" in text.partition("\n")[0] and result.is_error:
                    assert len(api.requests) == before
                assert all(request.headers.get("x-api-key") == KEY for request in api.requests)

    anyio.run(run)


@pytest.mark.anyio
async def test_a_field_of_the_embedded_engine_is_not_sent_to_reka() -> None:
    async with open_runtime(base_url="https://api.reka.invalid") as runtime, open_desk(runtime) as desk:
        result = await desk.client.call_tool("create_clips", rendering(subtitles_language="de"))
    assert result.is_error
    assert "rendering_config.subtitles_language: is for the embedded engine" in text_of(result)
