"""An agent asks for clips of a real film scene and gets them: over stdio, on the embedded and on a served engine."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import BlobResourceContents, ResourceTemplateReference, TextResourceContents

from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, input_arguments

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

OPTIONS: dict[str, Any] = {
    "generation_config": {"num_generations": 2, "min_duration_seconds": 10, "max_duration_seconds": 20},
    "rendering_config": {"aspect_ratio": "9:16", "resolution": 480},
    "wait_seconds": 800,
}


def server(data_dir: Path, **environment: str) -> StdioServerParameters:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKA_")}
    settings = {"REKA_CLIPS_DATA_DIR": str(data_dir), **environment}
    return StdioServerParameters(command=sys.executable, args=["-m", "reka_clips"], env=inherited | settings)


@asynccontextmanager
async def served_engine(data_dir: Path) -> AsyncIterator[str]:
    command = [sys.executable, "-m", "reka_clips", "--data-dir", str(data_dir), "engine", "--port", "0"]
    command.append("--trust-local-users")  # it reads a file of this computer for a caller without a key
    async with await anyio.open_process(command, stderr=None) as process:
        try:
            assert process.stdout is not None
            told = ""
            with anyio.fail_after(60):
                while not (address := re.search(r"http://127\.0\.0\.1:\d+", told)):
                    told += (await process.stdout.receive()).decode()
            yield address.group()
        finally:
            process.terminate()


async def decoded(path: Path) -> tuple[MediaInfo, str]:
    ffmpeg = find_ffmpeg()
    log = await ffmpeg.run([*input_arguments(path), "-map", "0:v", "-f", "null", "-"], log_level="info")
    return await probe(ffmpeg, path), log


async def check_what_else_there_is(client: Client, answer: dict[str, Any], saved: Path) -> None:
    """Read the generation and a clip as resources, and save the clip."""
    uri = f"reka-clips://clips/{answer['id']}"
    [told] = (await client.read_resource(uri)).contents
    assert isinstance(told, TextResourceContents)
    assert told.mime_type == "application/json"
    assert [clip["video_url"] for clip in json.loads(told.text)["output"]] == [
        clip["video_url"] for clip in answer["output"]
    ]
    on_disk = await anyio.Path(answer["output"][1]["video_url"].removeprefix("file://")).read_bytes()
    [video] = (await client.read_resource(f"{uri}/videos/2")).contents
    assert isinstance(video, BlobResourceContents)
    assert video.mime_type == "video/mp4"
    assert base64.b64decode(video.blob) == on_disk
    [poster] = (await client.read_resource(f"{uri}/posters/2")).contents
    assert isinstance(poster, BlobResourceContents)
    assert poster.mime_type == "image/jpeg"
    assert base64.b64decode(poster.blob).startswith(b"\xff\xd8\xff")
    completion = await client.complete(
        ResourceTemplateReference(uri="reka-clips://clips/{id}/posters/{clip}"),
        {"name": "clip", "value": ""},
        {"id": answer["id"]},
    )
    assert completion.completion.values == ["1", "2"]
    result = await client.call_tool("save_clip", {"id": answer["id"], "clip": 2, "directory": "reels"})
    assert result.structured_content is not None, result.content
    path = anyio.Path(result.structured_content["path"])
    assert path.parent == saved / "reels"
    assert await path.read_bytes() == on_disk


async def check_two_clips(parameters: StdioServerParameters, source: Path, *, saved: Path | None = None) -> None:
    seen: list[tuple[float, str | None]] = []

    async def note(progress: float, _total: float | None, message: str | None) -> None:
        seen.append((progress, message))

    async with Client(stdio_client(parameters)) as client:
        arguments = {"video_urls": [source.as_uri()], **OPTIONS}
        result = await client.call_tool("create_clips", arguments, progress_callback=note)
        assert not result.is_error, result.content
        answer = result.structured_content
        assert answer is not None
        if saved is not None:
            await check_what_else_there_is(client, answer, saved)
    assert answer["status"] == "completed"
    assert len(answer["output"]) == 2

    values = [progress for progress, _ in seen]
    assert values == sorted(set(values)), "progress must strictly increase"
    told = " ".join(message or "" for _, message in seen)
    for stage in ("indexing", "processing"):
        assert stage in told
    assert answer["id"] in told

    for clip in answer["output"]:
        assert clip["video_url"].startswith("file://")
        path = Path(clip["video_url"].removeprefix("file://"))
        info, log = await decoded(path)
        assert "480x854" in log
        assert 10 <= float(info.duration) <= 20.1
        frames = int(re.findall(r"frame=\s*(\d+)", log)[-1])
        assert frames >= 10 * 20
        assert info.audio is not None


async def test_the_embedded_engine_cuts_two_clips_of_a_film_scene(
    tmp_path: Path, sample: Callable[[str], Path]
) -> None:
    saved = tmp_path / "Videos"
    settings = {"REKA_CLIPS_BACKEND": "local", "REKA_CLIPS_SAVE_DIR": str(saved)}
    await check_two_clips(server(tmp_path / "data", **settings), sample("tos_battle.webm"), saved=saved)


async def test_a_served_engine_does_the_same_as_if_it_were_reka(tmp_path: Path, sample: Callable[[str], Path]) -> None:
    source = sample("tos_battle.webm")
    async with served_engine(tmp_path / "engine") as address:
        settings = {"REKA_BASE_URL": address, "REKA_API_KEY": "any-key", "REKA_CLIPS_BACKEND": "reka"}
        await check_two_clips(server(tmp_path / "server", **settings), source)
