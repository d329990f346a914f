"""What a clip is made of, before it is rendered: plain data between selection and rendering.

All times are exact seconds (`Fraction`). Source times count from the source's first shown frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A video to cut from. url: where it came from, for people. sidecar_paths: subtitle files, best first."""

    path: Path
    url: str
    sidecar_paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word with the time it is spoken, in seconds."""

    start: Fraction
    end: Fraction
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle cue or recognised phrase, in seconds; `words`: where each is timed, else empty."""

    start: Fraction
    end: Fraction
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Shot:
    """An uninterrupted camera shot, in source seconds. `focus_x`/`focus_y`: centre of interest, 0 to 1."""

    start: Fraction
    end: Fraction
    focus_x: float = 0.5
    focus_y: float = 0.5


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one source. `source`: index into the job's sources. `shots` cover it without gaps."""

    source: int
    start: Fraction
    end: Fraction
    shots: tuple[Shot, ...]

    @property
    def duration(self) -> Fraction:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """One clip to render: its segments in order, its cues in clip seconds, and what is said about it."""

    segments: tuple[Segment, ...]
    cues: tuple[Cue, ...]
    title: str
    caption: str
    hashtags: tuple[str, ...]
    ai_score: int

    @property
    def duration(self) -> Fraction:
        return sum((segment.duration for segment in self.segments), start=Fraction(0))
