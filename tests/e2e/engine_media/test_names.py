"""Files whose names and places could be taken for something else: each gives a clip with its captions."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_films.plain import write_plain_film
from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, find_ffmpeg
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.sources import Source
from reka_clips.engine.media.text.tracks import find_sidecars

pytestmark = pytest.mark.anyio

NAMES = (
    "with space",
    "Gr\u00f6\u00dfe \u2013 \u6620\u753b",
    "100%d %03d",
    'it\'s [one]; "two", {three}: four',
    "line\nbreak",
    "-y",
    "concat:a|b",
    "back\\slash",
)
SAID = "1\n00:00:00,500 --> 00:00:02,500\nA word or two is said here.\n"


@pytest.fixture(scope="module")
def plain_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plain_film(tmp_path_factory.mktemp("plain") / "film.mp4", seconds=3, size="160x90", rate=10)


@pytest.mark.parametrize("name", NAMES)
async def test_a_relative_path_of_any_name_gives_a_clip_in_a_relative_folder(
    ffmpeg: Ffmpeg, plain_film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    video, folder = Path(f"{name}.mp4"), Path(f"{name} clips")
    folder.mkdir()
    video.hardlink_to(plain_film)
    video.with_suffix(".srt").write_text(SAID, encoding="utf-8")
    (sidecar,) = find_sidecars(video)
    outcome = await make_clips(
        [Source(video, video.absolute().as_uri(), (sidecar,))],
        prompt=None,
        generation=GenerationConfig(num_generations=1),
        rendering=RenderingConfig(resolution=480),
        directory=folder,
        ffmpeg=ffmpeg,
        report=lambda _stage, _share: None,
    )
    (clip,) = outcome.clips
    assert sorted(path.name for path in folder.iterdir()) == ["1.jpg", "1.mp4"]
    assert clip.title == "A word or two is said here"
    assert clip.duration_seconds is not None
    assert 2 <= clip.duration_seconds <= 3.2


async def test_an_ffmpeg_named_by_a_relative_path_runs_in_other_folders_too(
    ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ffmpeg").symlink_to(ffmpeg.path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    await find_ffmpeg("./ffmpeg").run(
        ["-f", "lavfi", "-i", "color=duration=1", "-f", "image2", "-update", "1", "picture.jpg"], directory=elsewhere
    )
    assert (elsewhere / "picture.jpg").stat().st_size > 0
