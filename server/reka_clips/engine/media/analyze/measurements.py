"""What one look at a source tells, second by second, packed so that hours of video stay small in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from reka_clips.engine.media.ffmpeg.media_info import AudioStream

PICTURES_PER_SECOND: Final = 4
COLUMNS: Final = 64
LOUDNESS_PER_SECOND: Final = 10
SILENCE_DB: Final = -90.0


def _floats() -> array[float]:
    return array("f")


@dataclass(frozen=True, slots=True)
class Strip:
    """Pictures in a row, each shrunk to one line of 64 bytes, one for each column of the upright picture from the left.

    first: the index of the first of them. motion, edges: their lines, one after the other: mean change since the
    picture before (0 at a cut), mean Sobel edge strength, each 0 to 255.
    """

    first: int
    motion: bytes | bytearray
    edges: bytes | bytearray


@dataclass(slots=True)
class Measurements:
    """What was measured of one source, in source seconds (time 0 as in `MediaInfo`).

    start, end: the stretch that was measured; `end` is where the picture really ends if that is sooner than what the
    file's header says. cuts: the times at which a new shot starts, ascending, within the stretch.
    edges, luma: one number for each picture, of which there is one every quarter of a second from time 0 (not from
    `start`): mean Sobel edge strength and mean brightness, each 0 to 255. Where nothing was measured they are 0.
    activity: one number for each picture, how much moves, in units that only compare within one source.
    audio: the sound track to use, or several that are heard together; None when there is none that can be decoded.
    loudness_db: RMS level in dBFS every tenth of a second from time 0, -90 and up; empty without sound.
    strips: the columns of the pictures in the stretches that were looked at in full, the only ones that clips are taken
    from as a rule; of 12 hours they would take 22 MB.
    is_exact: whether the whole stretch was looked at in full, so that its cuts are exact to the frame; if not,
    `analyse.refine` makes it so for a part.
    longest_still_seconds: how long one frame is shown at most: a slide, a screen on which nothing happens.
    """

    start: Fraction
    end: Fraction
    cuts: tuple[Fraction, ...] = ()
    edges: array[float] = field(default_factory=_floats)
    luma: array[float] = field(default_factory=_floats)
    activity: array[float] = field(default_factory=_floats)
    audio: AudioStream | None = None
    loudness_db: array[float] = field(default_factory=_floats)
    strips: tuple[Strip, ...] = ()
    is_exact: bool = True
    longest_still_seconds: float = 0.0

    @property
    def pictures(self) -> int:
        """How many pictures there are, from time 0."""
        return len(self.edges)

    @property
    def has_sound(self) -> bool:
        """Whether there is any sound to speak of."""
        return bool(self.loudness_db)

    def picture_range(self, start: Fraction, end: Fraction) -> range:
        """Return the indices of the pictures in `start` <= time < `end`."""
        first, last = (-(-time * PICTURES_PER_SECOND // 1) for time in (start, end))
        return range(max(0, int(first)), max(0, min(self.pictures, int(last))))

    def columns(self, which: Literal["motion", "edges"], start: Fraction, end: Fraction) -> list[memoryview]:
        """Return the 64 columns of each picture in `start` <= time < `end` that was looked at in full."""
        wanted = self.picture_range(start, end)
        found: list[memoryview] = []
        for strip in self.strips:
            lines = memoryview(getattr(strip, which))
            first, stop = max(strip.first, wanted.start), min(strip.first + len(lines) // COLUMNS, wanted.stop)
            places = (at * COLUMNS for at in range(first - strip.first, stop - strip.first))
            found += [lines[place : place + COLUMNS] for place in places]
        return found

    def cuts_between(self, start: Fraction, end: Fraction) -> tuple[Fraction, ...]:
        """Return the cuts in `start` < time < `end`."""
        return self.cuts[bisect_right(self.cuts, start) : bisect_left(self.cuts, end)]
