"""What people ask of an agent, made with the calls that the descriptions lead to, at most two each; clips measured.

Source: 28 requests tried as an agent would, of which those that Reka's API has no field for went badly.
"""

from __future__ import annotations

import base64
import functools
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, ImageContent

from made_films import FFMPEG
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.settings import Settings
from scripted_api import ScriptedClipApi
from tool_desk import structured, text_of

pytestmark = pytest.mark.anyio
SECONDS, RATE = 60, 10
SUBTITLES = """1
00:00:05,000 --> 00:00:08,000
The bird sings in Grenbelt

2
00:00:20,000 --> 00:00:24,000
Every engineer tests the mirror twice

3
00:00:40,000 --> 00:00:44,000
And then the rocket leaves the ground
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film in which every second has a brightness of its own, with subtitles beside it."""
    folder = tmp_path_factory.mktemp("films")
    path = folder / "my film.mp4"
    picture = f"nullsrc=s=320x180:r={RATE}:d={SECONDS},geq=lum='60+3*floor(T)':cb=128:cr=128"
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
    subprocess.run([FFMPEG, "-v", "error", "-f", "lavfi", "-i", picture, *encode, str(path)], check=True)
    (folder / "my film.srt").write_text(SUBTITLES)
    return path


class Agent:
    """Calls tools; quick renderings."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(150):
            return await self.client.call_tool(tool, arguments)

    async def clips(self, film: Path, rendering: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
        look = {"resolution": "240", "aspect_ratio": "16:9", "subtitles": False} | (rendering or {})
        arguments = {"video_urls": [film.as_uri()], "generation_config": config, "rendering_config": look}
        result = await self.call("create_clips", **arguments, wait_seconds=120)
        assert not result.is_error, text_of(result)
        return structured(result)


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncGenerator[Agent]:
    settings = Settings(backend="local", data_dir=tmp_path / "data", save_dir=tmp_path / "saved")
    async with AppContext(settings) as runtime, Client(build_server(runtime)) as client:
        yield Agent(client)


def path_of(clip: dict[str, Any]) -> Path:
    return Path(clip["video_url"].removeprefix("file://").replace("%20", " "))


def brightness(video: Path, *, at: float, area: str = "iw:ih/3:0:0") -> int:
    """Return the mean brightness of a part of a frame, 0 to 255."""
    run = [FFMPEG, "-v", "error", "-ss", f"{at}", "-i", str(video), "-frames:v", "1"]
    view = ["-vf", f"crop={area},scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-"]
    return subprocess.run([*run, *view], capture_output=True, check=True).stdout[0]


@functools.cache
def scale(film: Path) -> list[int]:
    """Return the brightness of every second of the film."""
    run = [FFMPEG, "-v", "error", "-i", str(film), "-vf", "crop=iw:ih/3:0:0,scale=1:1:flags=area,format=gray"]
    frames = subprocess.run([*run, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    return [frames[second * RATE + RATE // 2] for second in range(SECONDS)]


def second_at(film: Path, clip: Path, at: float) -> int:
    """Return which second of the film a frame of a clip is from."""
    seen = brightness(clip, at=at)
    return min(range(SECONDS), key=lambda second: abs(scale(film)[second] - seen))


def pictures_of(result: CallToolResult) -> list[bytes]:
    return [base64.b64decode(block.data) for block in result.content if isinstance(block, ImageContent)]


async def test_only_from_second_five_to_twenty(agent: Agent, film: Path):
    made = await agent.clips(film, segments=[{"start": 5, "end": 20}])
    [clip] = made["output"]
    assert (clip["source_start_time"], clip["source_end_time"]) == (5, 20)
    assert clip["duration_seconds"] == pytest.approx(15, abs=0.15)
    assert second_at(film, path_of(clip), 0.4) == pytest.approx(5, abs=1)
    assert second_at(film, path_of(clip), 14.4) == pytest.approx(19, abs=1)
    assert made["source_duration_seconds"] == clip["source_duration_seconds"] == pytest.approx(SECONDS, abs=0.2)


async def test_clip_two_five_seconds_longer_and_which_part_was_left_out(agent: Agent, film: Path):
    made = await agent.clips(film, segments=[{"start": 3, "end": 9.5}, {"start": 30.25, "end": 38}])
    second = made["output"][1]
    longer = {"start": second["source_start_time"], "end": second["source_end_time"] + 5}
    [clip] = (await agent.clips(film, segments=[longer]))["output"]
    assert clip["duration_seconds"] == pytest.approx(second["duration_seconds"] + 5, abs=0.2)
    assert second_at(film, path_of(clip), 12.4) == pytest.approx(42, abs=1)
    assert [(one["source_start_time"], one["source_end_time"]) for one in made["output"]] == [(3, 9.5), (30.25, 38)]


async def test_clips_in_spanish_and_a_name_that_is_spelt_right(agent: Agent, film: Path):
    plain = (await agent.clips(film, {"subtitles": True}, segments=[{"start": 4, "end": 10}]))["output"][0]
    assert "Grenbelt" in plain["subtitles_srt"]
    assert "00:00:05,000 --> 00:00:08,000" in plain["subtitles_srt"]
    spanish = plain["subtitles_srt"].replace("The bird sings in Grenbelt", "El pájaro canta en Greenbelt")
    given = {"subtitles": True, "subtitles_srt": spanish}
    clip = (await agent.clips(film, given, segments=[{"start": 4, "end": 10}]))["output"][0]
    assert "El pájaro canta en Greenbelt" in clip["subtitles_srt"]
    assert "Greenbelt" in clip["title"] + clip["caption"]
    bare, written = (brightness(path_of(clip), at=at, area="iw:ih/2:0:ih/2") for at in (0.5, 2.5))
    assert abs(written - bare) > 8  # the captions stand there, and not before the words are said


async def test_ten_clips_are_found_first_and_then_made(agent: Agent, film: Path):
    found = await agent.call(
        "find_moments",
        video_urls=[film.as_uri()],
        prompt="the rocket",
        generation_config={"max_duration_seconds": 10},
        wait_seconds=120,
    )
    fields = structured(found)
    assert fields["transcript_from"] == "subtitles"
    assert fields["source_duration_seconds"] == pytest.approx(SECONDS, abs=0.2)
    candidates = fields["candidates"]
    assert [one["number"] for one in candidates] == list(range(1, len(candidates) + 1))
    assert "rocket" in candidates[0]["transcript"]
    [sheet] = pictures_of(found)
    assert sheet.startswith(b"\xff\xd8")
    assert len(sheet) <= 120_000
    assert all("video_url" not in one for one in candidates)
    assert fields["next"]["tool"] == "create_clips"
    again = await agent.call("get_clip_status", id=fields["id"])
    assert len(pictures_of(again)) == 1
    segments = [{"start": n * 5, "end": n * 5 + 2} for n in range(10)]
    made = await agent.clips(film, segments=segments)
    assert len(made["output"]) == 10
    for number, clip in enumerate(made["output"]):
        assert second_at(film, path_of(clip), 0.4) == pytest.approx(number * 5, abs=1)


async def test_one_reel_of_parts_in_this_order(agent: Agent, film: Path):
    segments = [{"start": 40, "end": 43}, {"start": 10, "end": 12.5}]
    [reel] = (await agent.clips(film, template="compilation", segments=segments))["output"]
    assert reel["duration_seconds"] == pytest.approx(5.5, abs=0.2)
    assert [(part["source_start_time"], part["source_end_time"]) for part in reel["parts"]] == [(40, 43), (10, 12.5)]
    assert second_at(film, path_of(reel), 0.4) == pytest.approx(40, abs=1)
    assert second_at(film, path_of(reel), 4.4) == pytest.approx(11, abs=1)


async def test_cancel_it_and_delete_all_of_today(agent: Agent, film: Path):
    config = {"video_urls": [film.as_uri()], "generation_config": {"num_generations": 3}}
    started = structured(await agent.call("create_clips", **config, wait_seconds=0))
    running = structured(await agent.call("list_clips", status="running"))
    assert [item["id"] for item in running["items"]] == [started["id"]]
    with anyio.fail_after(5):
        cancelled = await agent.call("delete_clip", id=started["id"])
    assert not cancelled.is_error
    assert (await agent.call("get_clip_status", id=started["id"])).is_error
    made = [await agent.clips(film, segments=[{"start": n, "end": n + 1}]) for n in (1, 2)]
    listed = await agent.call("list_clips")
    assert all(item["title"] and item["duration_seconds"] for item in structured(listed)["items"])
    assert "16:9" in text_of(listed)
    deleted = await agent.call("delete_clip", ids=[one["id"] for one in made] + [started["id"]])
    assert [item["deleted"] for item in structured(deleted)["results"]] == [True, True, False]
    assert structured(await agent.call("list_clips"))["items"] == []


async def test_a_look_at_the_clips_and_a_copy_with_its_subtitles(agent: Agent, film: Path):
    made = await agent.clips(film, segments=[{"start": 4, "end": 10}, {"start": 19, "end": 25}])
    looked = await agent.call("get_clip_status", id=made["id"], preview=True)
    strips = pictures_of(looked)
    assert len(strips) == 2
    assert all(len(strip) <= 60_000 for strip in strips)
    saved = structured(await agent.call("save_clip", id=made["id"], clip=2, with_subtitles=True))
    assert Path(saved["path"]).is_file()
    assert "00:00:01,000 --> 00:00:05,000" in Path(saved["subtitles_path"]).read_text()


async def test_an_end_past_the_film_is_clamped_and_decimals_count(agent: Agent, film: Path):
    config = {"source_start_time": 48.5, "source_end_time": 500, "min_duration_seconds": 15, "num_generations": 1}
    made = await agent.clips(film, **config)
    assert made["output"][0]["source_start_time"] >= 48.5
    assert any("source_end_time" in warning for warning in made["warnings"])
    assert any("min_duration_seconds was lowered" in warning for warning in made["warnings"])


async def test_a_crop_that_loses_the_film_says_so(agent: Agent, film: Path):
    wide = film.with_name("wide.mp4")
    crop = ("-vf", "crop=320:120", "-t", "8", "-c:v", "libx264", "-preset", "ultrafast")
    await anyio.run_process([FFMPEG, "-v", "error", "-y", "-i", str(film), *crop, str(wide)])
    made = await agent.clips(wide, {"aspect_ratio": "9:16"}, segments=[{"start": 1, "end": 3}])
    assert any("21%" in warning and "layout fit" in warning for warning in made["warnings"])


@pytest.mark.parametrize(
    ("config", "rendering", "words"),
    [
        ({"segments": [{"start": 9, "end": 5}]}, {}, "segments[0]: end (5) must be after start (9)"),
        ({"segments": []}, {"subtitles_srt": "no subtitles"}, "subtitles_srt: must be subtitles in SRT or WebVTT form"),
        ({"segments": [{"start": 0, "end": 700}]}, {}, "must be at most 600 s long, not 700: end at 600 or before"),
        ({"segments": [{"start": 0, "end": 5, "source": 1}]}, {}, "counted from 0: at most 0"),
        ({"segments": [{"start": "0:05"}]}, {}, "did you mean 5?"),
        ({"segments": [{"start": 0, "end": 1}] * 13}, {}, "a list of 1 to 12 stretches"),
        ({"num_generations": 10}, {}, "ask for one part of the source after the other"),
    ],
    ids=range(7),
)
async def test_bad_segments_and_subtitles_are_refused_before_anything_is_begun(
    agent: Agent, film: Path, config: dict[str, Any], rendering: dict[str, Any], words: str
):
    result = await agent.call(
        "create_clips", video_urls=[film.as_uri()], generation_config=config, rendering_config=rendering
    )
    assert result.is_error
    assert words in text_of(result)
    assert structured(await agent.call("list_clips"))["items"] == []


async def test_a_segment_past_the_end_names_the_end(agent: Agent, film: Path):
    arguments = {"video_urls": [film.as_uri()], "generation_config": {"segments": [{"start": 50, "end": 75}]}}
    result = await agent.call("create_clips", **arguments, wait_seconds=60)
    assert result.is_error
    assert "ends at 75 s, but the video ends at 60" in text_of(result)


async def test_subtitles_with_codes_are_read_as_words(agent: Agent, film: Path):
    marked = "1\n00:00:05,000 --> 00:00:08,000\n<i>{\\an8}Hello <b>bird</b></i><script>x</script>\n"
    made = await agent.clips(film, {"subtitles_srt": marked}, segments=[{"start": 4, "end": 9}])
    assert "Hello bird" in made["output"][0]["subtitles_srt"]
    assert "<" not in made["output"][0]["subtitles_srt"].replace("-->", "")


async def test_a_local_file_goes_to_the_engine_although_there_is_a_key(tmp_path: Path, film: Path):
    async with ScriptedClipApi() as api:
        # Reka's own address is not of this machine; the name is resolved by the proxy that stands in for it: nobody.
        settings = Settings(api_key="key", base_url="https://clips.invalid", data_dir=tmp_path / "data")
        async with AppContext(settings) as runtime, Client(build_server(runtime)) as client:
            agent = Agent(client)
            made = await agent.clips(film, segments=[{"start": 1, "end": 2}])
            assert made["backend"] == "local"
            assert structured(await agent.call("get_clip_status", id=made["id"]))["backend"] == "local"
            assert not (await agent.call("delete_clip", id=made["id"])).is_error
            link = {"video_urls": ["https://example.com/film.mp4"]}
            for config in ({"segments": [{"start": 1, "end": 2}]}, {"source_start_time": 1.5}):
                refused = await agent.call("create_clips", **link, generation_config=config)
                assert "embedded engine" in text_of(refused)
                assert "Nothing was sent" in text_of(refused)
        assert api.requests == []
