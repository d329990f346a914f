"""Footage without a film: measurements written down by hand, for tests of what is made of them."""

from __future__ import annotations

from array import array
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reka_clips.engine.media.analyze.measurements import LOUDNESS_PER_SECOND, PICTURES_PER_SECOND, Measurements
from reka_clips.engine.media.ffmpeg.media_info import MediaInfo, VideoStream
from reka_clips.engine.media.plan import Cue
from reka_clips.engine.media.sources import AnalyzedSource, ProbedSource, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def seconds(value: float | str) -> Fraction:
    """Return a time as an exact number of seconds."""
    return Fraction(str(value))


def cue(start: float, end: float, text: str) -> Cue:
    """Return a cue without timed words."""
    return Cue(seconds(start), seconds(end), text)


def footage(
    length: float,
    *,
    start: float = 0,
    film: float | None = None,
    busy: Iterable[tuple[float, float]] = (),
    loud: Iterable[tuple[float, float]] | None = None,
    cuts: Iterable[float] = (),
    cues: Iterable[Cue] = (),
    tags: Mapping[str, str] | None = None,
    url: str = "file:///films/harbour_tour.mp4",
) -> AnalyzedSource:
    """Return a source that was measured from `start` to `start + length`.

    busy: where much moves. loud: where the sound is 20 dB above the rest; None for a silent film. film: how long the
    whole film is.
    """
    begin, end = seconds(start), seconds(start) + seconds(length)
    pictures = int(end * PICTURES_PER_SECOND) + 1
    activity = array("f", [0.2] * pictures)
    for left, right in busy:
        for index in range(int(left * PICTURES_PER_SECOND), min(pictures, int(right * PICTURES_PER_SECOND))):
            activity[index] = 4.0
    loudness = array("f")
    if loud is not None:
        loudness.extend([-40.0] * int(end * LOUDNESS_PER_SECOND))
        for left, right in loud:
            for index in range(int(left * LOUDNESS_PER_SECOND), min(len(loudness), int(right * LOUDNESS_PER_SECOND))):
                loudness[index] = -20.0
    measured = Measurements(
        start=begin,
        end=end,
        cuts=tuple(seconds(cut) for cut in cuts),
        edges=array("f", [32.0]) * pictures,
        luma=array("f", [96.0]) * pictures,
        activity=activity,
        loudness_db=loudness,
    )
    info = MediaInfo(
        format="mov,mp4",
        duration=end if film is None else seconds(film),
        video=VideoStream(0, "h264", 1280, 720, "yuv420p", frame_rate=Fraction(25)),
        tags=tags or {},
    )
    source = Source(Path("/films/harbour_tour.mp4"), url)
    return AnalyzedSource(ProbedSource(source, info, begin, end), measured, tuple(cues))
