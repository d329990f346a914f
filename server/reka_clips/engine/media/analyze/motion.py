"""How much moves in each quarter of a second, from the changes between frames or from the sizes of packets."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import repeat
from math import isnan, nan
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.analyze.measurements import PICTURES_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_MAX_CHANGE: Final = 15.0  # of 100; a flash of light is no more than that
_MAX_PICTURES: Final = 12 * 3600 * PICTURES_PER_SECOND
_PACKETS_SHARE: Final = 0.5  # grain costs bytes as motion does, and a steady pan costs few
_MAX_LINE_CHARACTERS: Final = 200


@dataclass(slots=True)
class Packets:
    """The packets of a stretch. frames: how many there are; end_seconds: when the last one has been shown.

    sizes, counts: the bytes and the number of the packets without keyframes, per quarter of a second.
    """

    frames: int = 0
    end_seconds: float = 0.0
    sizes: array[float] = field(default_factory=lambda: array("d"))
    counts: array[int] = field(default_factory=lambda: array("I"))

    def add(self, start: float, length: float, size_bytes: int, *, is_key: bool) -> None:
        """Count one packet, shown at `start` for `length` seconds. One beyond 12 hours is a broken time stamp."""
        index = int(start * PICTURES_PER_SECOND)
        if start < 0 or index >= _MAX_PICTURES:
            return
        self.frames += 1
        self.end_seconds = max(self.end_seconds, start + length)
        if is_key:
            return  # a keyframe costs bytes anyway
        missing = index + 1 - len(self.sizes)
        if missing > 0:
            self.sizes.extend([0.0] * missing)
            self.counts.extend([0] * missing)
        self.sizes[index] += size_bytes
        self.counts[index] += 1


def read_packets(path: Path) -> Packets:
    """Return the packets that ffmpeg's framecrc muxer listed in a file."""
    packets = Packets()
    base = Fraction(1, 1_000_000)
    with path.open(encoding="ascii", errors="replace") as lines:
        while line := lines.readline(_MAX_LINE_CHARACTERS):
            if line.startswith("#tb 0: "):
                base = Fraction(line.removeprefix("#tb 0: ").strip())
            fields = line.split(",")
            if line.startswith("#") or len(fields) < 6:  # noqa: PLR2004 - stream, dts, pts, duration, size, sum
                continue
            is_key = not any(field.strip().startswith("F=") for field in fields[6:])
            try:
                pts, length, size_bytes = int(fields[2]), int(fields[3]), int(fields[4])
            except ValueError:
                continue
            packets.add(float(pts * base), float(length * base), size_bytes, is_key=is_key)
    return packets


def packet_activity(packets: Packets, pictures: int) -> array[float]:
    """Return how many bytes a frame takes in each quarter of a second, apart from keyframes.

    What moves costs bytes: the correlation with measured motion is .75. Where there is no frame the one before counts.
    """
    pairs = zip(packets.sizes[:pictures], packets.counts[:pictures], strict=True)
    means = array("d", (size / count if count else nan for size, count in pairs))
    usual = median([mean for mean in means if not isnan(mean)] or [0.0])
    means.extend(repeat(nan, pictures - len(means)))
    return _held(means, first=usual)


def frame_activity(
    changes: Sequence[float], seconds: Sequence[float], cuts: Collection[int], pictures: int
) -> array[float]:
    """Return the mean change of the frames in each quarter of a second.

    changes: as for `cuts.cut_frames`, of frames shown at `seconds`. cuts: the indices of frames that start a shot,
    whose change tells nothing of motion. Changes of a coarse picture: the grain in it is smoothed away.
    """
    sums, counts = array("d", [0.0]) * pictures, array("I", [0]) * pictures
    for number, (change, time) in enumerate(zip(changes, seconds, strict=True)):
        index = int(time * PICTURES_PER_SECOND)
        if number and number not in cuts and 0 <= index < pictures:
            sums[index] += min(_MAX_CHANGE, change)
            counts[index] += 1
    means = (total / count if count else nan for total, count in zip(sums, counts, strict=True))
    return _held(array("d", means), first=0.0)


def sampled_activity(
    changes: Sequence[float], seconds: Sequence[float], keyframes: Sequence[int], packets: Packets, pictures: int
) -> array[float]:
    """Return how much moves where only keyframes and the frames right after each of them were decoded.

    What changes right after a keyframe stands for all until the next; the sizes of the packets tell when, in between,
    it became more or less. keyframes: their indices, ascending.
    """
    samples = array("d", [nan]) * pictures
    for first, stop in zip(keyframes, [*keyframes[1:], len(changes)], strict=True):
        following = [min(_MAX_CHANGE, change) for change in changes[first + 1 : stop]]
        index = int(seconds[first] * PICTURES_PER_SECOND)
        if following and 0 <= index < pictures:
            samples[index] = fmean(following)
    moving, sizes = _held(samples, first=0.0), packet_activity(packets, pictures)
    usual_change, usual_size = fmean(moving) or 1.0, fmean(sizes) or 1.0
    pairs = zip(moving, sizes, strict=True)
    return array("d", (change / usual_change + _PACKETS_SHARE * size / usual_size for change, size in pairs))


def _held(values: array[float], *, first: float) -> array[float]:
    """Replace each missing value (NaN) by the one before, and return the values."""
    last = first
    for index, value in enumerate(values):
        if isnan(value):
            values[index] = last
        else:
            last = value
    return values
