"""What one look at a source tells, second by second, packed so that hours of video stay small in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

PICTURES_PER_SECOND: Final = 4
COLUMNS: Final = 64
LOUDNESS_PER_SECOND: Final = 10
SILENCE_DB: Final = -90.0


def _floats() -> array[float]:
    return array("f")


@dataclass(slots=True)
class Measurements:
    """What was measured of one source, in source seconds (time 0 as in `MediaInfo`).

    start, end: the stretch that was measured; `end` is where the picture really ends if that is sooner than what the
    file's header says. cuts: the times at which a new shot starts, ascending, within the stretch.
    motion, edges, luma: one picture every quarter of a second from time 0 (not from `start`), each 64 bytes, one byte
    for each column of the upright picture from left to right: mean change since the picture before (0 at a cut), mean
    Sobel edge strength, mean brightness, each 0 to 255. Where nothing was measured they hold 0.
    activity: one number for each picture, how much moves, in units that only compare within one source.
    loudness_db: RMS level in dBFS every tenth of a second from time 0, -90 and up; empty without sound.
    is_exact: whether the cuts are exact to the frame and the columns were measured in the whole stretch; if not,
    `analyse.refine` makes it so for a part.
    """

    start: Fraction
    end: Fraction
    cuts: tuple[Fraction, ...] = ()
    motion: bytearray = field(default_factory=bytearray)
    edges: bytearray = field(default_factory=bytearray)
    luma: bytearray = field(default_factory=bytearray)
    activity: array[float] = field(default_factory=_floats)
    loudness_db: array[float] = field(default_factory=_floats)
    is_exact: bool = True

    @property
    def pictures(self) -> int:
        """How many pictures there are, from time 0."""
        return len(self.edges) // COLUMNS

    @property
    def has_sound(self) -> bool:
        """Whether there is any sound to speak of."""
        return bool(self.loudness_db)

    def picture_range(self, start: Fraction, end: Fraction) -> range:
        """Return the indices of the pictures in `start` <= time < `end`."""
        first, last = (-(-time * PICTURES_PER_SECOND // 1) for time in (start, end))
        return range(max(0, int(first)), max(0, min(self.pictures, int(last))))

    def columns(self, which: bytearray, index: int) -> memoryview:
        """Return the 64 columns of picture `index` of `motion`, `edges` or `luma`."""
        return memoryview(which)[index * COLUMNS : (index + 1) * COLUMNS]

    def cuts_between(self, start: Fraction, end: Fraction) -> tuple[Fraction, ...]:
        """Return the cuts in `start` < time < `end`."""
        return self.cuts[bisect_right(self.cuts, start) : bisect_left(self.cuts, end)]
