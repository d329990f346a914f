"""Whatever film people have becomes a clip that plays, or an error that says why not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from made_films import FFMPEG
from made_films.oddities import ODDITIES, Oddity
from made_films.plain import write_plain_film
from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, input_arguments
from reka_clips.engine.media.pipeline import Outcome, make_clips
from reka_clips.engine.media.sources import Source

pytestmark = pytest.mark.anyio

GENERATION = GenerationConfig(num_generations=1, min_duration_seconds=1, max_duration_seconds=2)
CLIPS = [oddity for oddity in ODDITIES if oddity.refusal is None]
REFUSALS = [oddity for oddity in ODDITIES if oddity.refusal is not None]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "clips"
    path.mkdir()
    return path


async def make(ffmpeg: Ffmpeg, film: Path, directory: Path) -> Outcome:
    return await make_clips(
        [Source(film, film.as_uri())],
        prompt=None,
        generation=GENERATION,
        rendering=RenderingConfig(resolution=240),
        directory=directory,
        ffmpeg=ffmpeg,
        report=lambda _stage, _share: None,
    )


@pytest.mark.parametrize("oddity", CLIPS, ids=lambda oddity: oddity.name)
async def test_an_odd_film_becomes_a_clip_that_plays(
    oddity: Oddity, ffmpeg: Ffmpeg, tmp_path: Path, directory: Path
) -> None:
    outcome = await make(ffmpeg, oddity.write(FFMPEG, tmp_path), directory)

    (clip,) = outcome.clips
    video, poster = directory / (clip.video_url or ""), directory / (clip.poster_url or "")
    info = await probe(ffmpeg, video)
    assert (clip.width, clip.height) == (240, 426) == info.video.upright_size_px
    assert (info.video.codec, info.video.pixel_format) == ("h264", "yuv420p")
    assert (info.video.color_matrix, info.video.color_transfer, info.video.sample_aspect) == ("bt709", "bt709", 1)
    assert clip.duration_seconds is not None
    assert 0.9 <= clip.duration_seconds <= 2.1
    assert abs(clip.duration_seconds - float(info.duration)) < 0.05

    log = await ffmpeg.run([*input_arguments(video), "-map", "0:v", "-f", "null", "-"], log_level="info")
    frames = int(re.findall(r"frame=\s*(\d+)", log)[-1])
    assert abs(frames / info.video.frame_rate - clip.duration_seconds) <= 0.06
    assert (info.audio is not None) is oddity.sound
    if info.audio is not None:
        assert (info.audio.codec, info.audio.channels, info.audio.sample_rate_hz) == ("aac", 2, 48_000)
    assert poster.read_bytes().startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("oddity", REFUSALS, ids=lambda oddity: oddity.name)
async def test_what_is_no_video_is_refused_in_plain_words(
    oddity: Oddity, ffmpeg: Ffmpeg, tmp_path: Path, directory: Path
) -> None:
    film = oddity.write(FFMPEG, tmp_path)

    with pytest.raises(MediaError, match=oddity.refusal) as refused:
        await make(ffmpeg, film, directory)

    assert str(tmp_path) not in str(refused.value)
    assert not any(directory.iterdir())


async def test_a_clip_that_cannot_be_rendered_leaves_the_others(
    ffmpeg: Ffmpeg, tmp_path: Path, directory: Path
) -> None:
    film = write_plain_film(tmp_path / "film.mp4", seconds=40)
    wrapper = tmp_path / "ffmpeg"  # fails at the first clip only
    fails = 'case "$*" in *"/clip.mp4"*) mkdir "$0.failed" 2>/dev/null && exit 1;; esac'
    wrapper.write_text(f'#!/bin/sh\n{fails}\nexec {ffmpeg.path} "$@"\n')
    wrapper.chmod(0o755)

    outcome = await make_clips(
        [Source(film, film.as_uri())],
        prompt=None,
        generation=GenerationConfig(num_generations=3, min_duration_seconds=2, max_duration_seconds=4),
        rendering=RenderingConfig(resolution=240),
        directory=directory,
        ffmpeg=replace(ffmpeg, path=str(wrapper)),
        report=lambda _stage, _share: None,
    )

    assert len(outcome.clips) == 2
    for clip in outcome.clips:
        duration = (await probe(ffmpeg, directory / (clip.video_url or ""))).duration
        assert float(duration) == pytest.approx(clip.duration_seconds, abs=0.1)
    assert [clip.video_url for clip in outcome.clips] == ["1.mp4", "2.mp4"]
    assert any("could not be made" in warning for warning in outcome.warnings)
