"""How the parts of a job compare in length; what they take in fact was measured and stands beside each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_footage import footage
from reka_clips.contract import RenderingConfig
from reka_clips.engine.media import time_estimates
from reka_clips.engine.media.ffmpeg.media_info import AudioStream
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import ProbedSource

WISH = SelectionOptions()


def film(seconds: float, width: int, height: int) -> ProbedSource:
    item = footage(seconds).opened
    video = replace(item.info.video, width_px=width, height_px=height)
    return replace(item, info=replace(item.info, video=video))


@pytest.mark.parametrize(
    ("seconds", "size", "measured"),
    [
        (60, (640, 360), 0.15),  # the share of all the time that passed before rendering began
        (600, (640, 360), 0.46),
        (60, (1280, 720), 0.17),
        (600, (1280, 720), 0.36),
    ],
)
def test_looking_has_the_share_that_it_was_measured_to_have(
    seconds: float, size: tuple[int, int], measured: float
) -> None:
    items = [film(seconds, *size)]
    looking = time_estimates.look_seconds(items[0]) + time_estimates.closer_seconds(items, WISH, clips=8)
    share = looking / (looking + time_estimates.render_seconds(items, WISH, None))
    assert share == pytest.approx(measured, abs=0.12)


def test_rendering_takes_as_long_as_the_picture_is_large() -> None:
    items = [film(60, 1280, 720)]
    small, usual, large = (
        time_estimates.render_seconds(items, WISH, RenderingConfig(resolution=resolution))
        for resolution in (360, None, 1080)
    )
    assert small * 1.8 < usual < large / 1.8


def test_only_what_was_glanced_at_is_looked_at_again() -> None:
    assert time_estimates.closer_seconds([film(60, 640, 360)], WISH, clips=3) == 0
    assert time_estimates.closer_seconds([film(3600, 1280, 720)], WISH, clips=3) > 3


def test_only_sound_without_subtitles_is_listened_to() -> None:
    silent = film(80, 640, 360)
    spoken = replace(silent, info=replace(silent.info, audio=AudioStream(1, "aac", 48000, 2)))
    told = replace(spoken, source=replace(spoken.source, sidecar_paths=(spoken.source.path.with_suffix(".srt"),)))
    whole = time_estimates.hearing_seconds([silent, spoken, told], WISH, clips=None)
    assert whole == pytest.approx(80 / time_estimates.SPEECH_SPEED)
    assert 0 < time_estimates.hearing_seconds([spoken], SelectionOptions(longest=10), clips=1) < whole / 3
