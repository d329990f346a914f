"""How long each part of a job takes on two cores, roughly: their ratios make the share of progress an honest one.

Measured on films of 1 and 10 minutes, 640x360 and 1280x720: the share told stays within 0.15 of the share of time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.contract import RenderingConfig
from reka_clips.engine.media.analyze import analyze
from reka_clips.engine.media.geometry import ASPECTS, DEFAULT_RESOLUTION_PX, choose_resolution, frame_size, output_rate
from reka_clips.engine.media.select import planning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.engine.media.select.planning import SelectionOptions
    from reka_clips.engine.media.sources import ProbedSource

SPEECH_SPEED: Final = 8.0  # of a small model on two cores, times as fast as it is spoken
CLOSER_LEEWAY_SECONDS: Final = Fraction(2)

_RENDER_PX_A_SECOND: Final = 120e6
_RENDER_LOOKS: Final = 1.5  # a clip's source is decoded once to render it, and partly to look for subjects
_RENDER_FIXED: Final = 0.03  # for each second of a clip


def look_seconds(item: ProbedSource) -> float:
    """Return how long the first look at a source takes."""
    return analyze.expected_seconds(item.info, item.seconds, analyze.choose_tier(item.info, item.seconds))


def closer_seconds(items: Sequence[ProbedSource], wish: SelectionOptions, *, clips: int) -> float:
    """Return how long the closer look at the places of `clips` clips takes, in sources that were only glanced at."""
    total = _total(items)
    around = _seconds_around(clips, wish, total)
    return sum(
        analyze.expected_seconds(item.info, min(item.seconds, around * item.seconds / total), "full")
        for item in items
        if analyze.choose_tier(item.info, item.seconds) != "full"
    )


def hearing_seconds(items: Sequence[ProbedSource], wish: SelectionOptions, *, clips: int | None) -> float:
    """Return how long listening takes to sources that have sound and no subtitles.

    clips: they are listened to only at the places of so many clips; None: as a whole.
    """
    total = _total(items)
    silent = (item for item in items if item.info.audio is None or item.info.subtitles or item.source.sidecar_paths)
    heard = total - _total(list(silent))
    if clips is not None:
        heard = min(heard, _seconds_around(clips, wish, total) * heard / total)
    return float(heard) / SPEECH_SPEED


def render_seconds(items: Sequence[ProbedSource], wish: SelectionOptions, rendering: RenderingConfig | None) -> float:
    """Return how long rendering all clips takes."""
    total = _total(items)
    seconds = planning.expected_count(wish, total) * planning.expected_clip_seconds(wish, total)
    rendering = rendering or RenderingConfig()
    return sum(_render_seconds(item, seconds * item.seconds / total, rendering) for item in items)


def _render_seconds(item: ProbedSource, seconds: Fraction, rendering: RenderingConfig) -> float:
    video = item.info.video
    aspect_ratio = rendering.aspect_ratio or "9:16"
    width, height = video.upright_size_px
    shown = width if rendering.layout == "fit" else min(Fraction(width), height * ASPECTS[aspect_ratio])
    usual = frame_size(aspect_ratio, DEFAULT_RESOLUTION_PX)
    resolution = choose_resolution(rendering.resolution, round(DEFAULT_RESOLUTION_PX * shown / usual[0]))
    columns, rows = frame_size(aspect_ratio, resolution)
    px = columns * rows * float(output_rate(video.frame_rate, video.grid_rate) * seconds)
    looking = _RENDER_LOOKS * analyze.expected_seconds(item.info, seconds, "full")
    return px / _RENDER_PX_A_SECOND + looking + _RENDER_FIXED * float(seconds)


def _seconds_around(clips: int, wish: SelectionOptions, total: Fraction) -> Fraction:
    return clips * (planning.expected_clip_seconds(wish, total) + 2 * CLOSER_LEEWAY_SECONDS)


def _total(items: Sequence[ProbedSource]) -> Fraction:
    return sum((item.seconds for item in items), start=Fraction(0))
