"""Without subtitles the answer says how to get captions, and what it says works when it is done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from command.process import environment
from docs.test_python import write_talk

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

SRT = "1\n00:00:01,000 --> 00:00:08,000\nThe harbour wakes up slowly.\n"


async def test_subtitles_put_beside_the_film_are_used_by_the_same_call(tmp_path: Path) -> None:
    film = write_talk(tmp_path / "talk.mp4")
    film.with_suffix(".srt").unlink(missing_ok=True)
    folder = {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "REKA_CLIPS_BACKEND": "local"}
    settings = environment(folder | {"REKA_CLIPS_WHISPER_MODEL": "off"})
    asked: dict[str, Any] = {
        "video_urls": [film.as_uri()],
        "prompt": "the harbour",
        "generation_config": {"num_generations": 1, "max_duration_seconds": 10},
        "rendering_config": {"resolution": 480},
        "wait_seconds": 200,
    }
    parameters = StdioServerParameters(command=sys.executable, args=["-P", "-m", "reka_clips"], env=settings)
    async with Client(stdio_client(parameters)) as client:
        answers = [await call(client, asked), await call(client, asked)]
        film.with_suffix(".srt").write_text(SRT)
        answers += [await call(client, asked), await call(client, asked)]
    ids = [answer["id"] for answer in answers]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] != ids[0]
    (note,) = answers[0]["warnings"]
    assert note.startswith("The clips have no captions and the prompt had no effect: the video has no subtitles")
    assert "put a .srt, .vtt or .ass file of the same name beside the video and make the same call again" in note
    assert not answers[2].get("warnings")
    assert "harbour" in answers[2]["output"][0]["title"]


async def call(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool("create_clips", arguments, read_timeout_seconds=None)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content
