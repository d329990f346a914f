"""Sources made ready to choose from: what they hold, what they show, what is said in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.analyze import analyze
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.remux import with_index
from reka_clips.engine.media.plan import Source
from reka_clips.engine.media.text import speech, titles, tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reka_clips.contract import GenerationConfig
    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import Cue

_MIN_SECONDS: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class ProbedSource:
    """A source that was looked into. start, end: the stretch to cut from, in source seconds."""

    source: Source
    info: MediaInfo
    start: Fraction
    end: Fraction

    @property
    def seconds(self) -> Fraction:
        """How long the stretch is."""
        return self.end - self.start

    @property
    def name(self) -> str:
        """What to call the source when it has no title."""
        return titles.source_name(self.source.url, self.source.path.name)

    def look(self, scratch: Path, *, start: Fraction | None = None, end: Fraction | None = None) -> analyze.Span:
        """Return the stretch, or a part of it, as something to look at."""
        return analyze.Span(
            self.source.path,
            self.info,
            self.start if start is None else start,
            self.end if end is None else end,
            scratch,
        )


@dataclass(frozen=True, slots=True)
class AnalyzedSource:
    """A source that was measured. cues: its text in source seconds, empty if there is none.

    is_heard: the text is what a speech model heard.
    """

    opened: ProbedSource
    measured: Measurements
    cues: tuple[Cue, ...] = ()
    is_heard: bool = False

    @property
    def text_from(self) -> str:
        """Where the text is from: `subtitles`, `speech` or `none`."""
        return "none" if not self.cues else "speech" if self.is_heard else "subtitles"

    @property
    def info(self) -> MediaInfo:
        """What the file holds."""
        return self.opened.info

    @property
    def seconds(self) -> Fraction:
        """How long the measured stretch is."""
        return self.measured.end - self.measured.start


async def open_source(
    ffmpeg: Ffmpeg, source: Source, generation: GenerationConfig | None, scratch: Path, *, shortest: int
) -> tuple[ProbedSource, tuple[str, ...]]:
    """Return a source with the stretch of it to cut from, and warnings.

    scratch: a folder for a copy, where times cannot be found in the file itself. shortest: how many seconds of it are
    needed at least; fewer where the video ends.
    Raises MediaError when it is no video, or the stretch asked for is outside of it or shorter than that;
    DiskFullError.
    """
    info = await probe(ffmpeg, source.path)
    path = await with_index(ffmpeg, source.path, info, scratch)
    if path != source.path:
        source = replace(source, path=path)
        info = await probe(ffmpeg, path)
    start = Fraction((generation and generation.source_start_time) or 0).limit_denominator(1000)
    end = info.duration
    warnings: list[str] = []
    if start >= end:
        raise MediaError(
            f"source_start_time ({float(start):g}) is after the end of the video, which is {float(end):.1f} s long."
        )
    wanted = generation.source_end_time if generation else None
    if wanted is not None:
        if wanted > end + 1:
            warnings.append(
                f"source_end_time ({wanted:g}) is after the end of the video, so its end ({float(end):.1f} s) was used."
            )
        end = min(end, Fraction(wanted).limit_denominator(1000))
    is_cut_short = end < info.duration  # by the request: up to the video's own end, min_duration_seconds gives way
    least = shortest if is_cut_short else 0
    if end - start < max(least, min(_MIN_SECONDS, info.duration)):
        raise MediaError(too_short(end - start, shortest))
    return ProbedSource(source, info, start, end), tuple(warnings)


def too_short(seconds: Fraction, shortest: int) -> str:
    """Return why no clip can be made of so short a stretch."""
    return (
        f"There are only {float(seconds):.1f} s of video to cut from, less than min_duration_seconds ({shortest}): "
        "set it lower, or widen source_start_time and source_end_time."
    )


async def read_text(
    ffmpeg: Ffmpeg, opened: ProbedSource, *, wanted: str = ""
) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """Return the subtitles of a source, from a file beside it or a track inside it, and warnings; empty for none.

    wanted: the language asked for, as `language_tag` gives it, or empty for the one that is spoken.
    """
    source = opened.source
    return await tracks.read_text(ffmpeg, source.path, opened.info, sidecars=source.sidecar_paths, wanted=wanted)


async def listen(
    ffmpeg: Ffmpeg, looks: Sequence[analyze.Span], model: Path, report: Callable[[float], None]
) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """Return what is said in the stretches, as a speech model hears it, and warnings."""
    heard: list[Cue] = []
    for number, look in enumerate(looks):
        try:
            heard += await speech.recognise(
                ffmpeg, look, model, report=lambda share, number=number: report((number + share) / len(looks))
            )
        except DiskFullError:
            raise
        except MediaError as error:
            return tuple(heard), (str(error),)
    return tuple(heard), ()
