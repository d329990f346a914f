"""A quick look at a segment before it is rendered: black bars, faces, and tiny pictures to find the subject in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from reka_clips.engine.media.analyze.measurements import COLUMNS
from reka_clips.engine.media.ffmpeg.process import known_matrix, output_argument, picture_input, steady_rate
from reka_clips.engine.media.geometry import Area
from reka_clips.engine.media.render import faces

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import Segment

ROWS: Final = 24
PIXELS: Final = COLUMNS * ROWS
_PICTURES_PER_SECOND: Final = 4
_FACE_STEP: Final = 4  # faces are looked for in every fourth picture: once a second, about 1 s a minute of clip
_LONG_SECONDS: Final = 120
_BLACK_LEVEL: Final = 26
_MIN_BAR_SHARE: Final = 0.02
_MAX_BARS_SHARE: Final = 0.7  # 16:9 inside of 9:16 leaves a bit less than a third
_MAX_ASYMMETRY_SHARE: Final = 0.02
_SAME_SHOT_DIFFERENCE: Final = 7.0
_LOOK: Final = (
    f",cropdetect=limit={_BLACK_LEVEL}:round=2:reset=0:skip=0,scale={COLUMNS}:{ROWS}:flags=area,format=yuv444p"
)


@dataclass(frozen=True, slots=True)
class SegmentPreview:
    """What a segment looks like. picture: the source's picture without black bars.

    thumbnails: pictures of 64x24 pixels at `rate` a second from the segment's start, each as three planes of a byte
    a pixel: Y, U, V; they show the whole source picture, bars included. faces: those of every fourth of these pictures,
    relative to the whole source picture; empty where faces cannot be looked for.
    """

    picture: Area
    thumbnails: tuple[bytes, ...] = ()
    rate: int = _PICTURES_PER_SECOND
    faces: tuple[tuple[faces.Face, ...], ...] = ()

    def subjects(self, start: Fraction, end: Fraction) -> list[faces.Face]:
        """Return the faces seen steadily in a stretch, the largest first, in seconds from the segment's start."""
        rate = Fraction(self.rate, _FACE_STEP)
        first = int(start * rate)
        return faces.subjects(self.faces[first : max(first + 1, int(end * rate))])

    def between(self, start: Fraction, end: Fraction, *, count: int) -> list[bytes]:
        """Return up to `count` thumbnails spread evenly over a stretch, in seconds from the segment's start."""
        first = -(-start * self.rate // 1)
        last = min(Fraction(len(self.thumbnails)), Fraction(-(-end * self.rate // 1)))
        length = int(last - first)
        if length <= 0:  # shorter than the time between two thumbnails
            return list(self.thumbnails[int(start * self.rate) :][:1])
        count = min(count, length)
        return [self.thumbnails[int(first) + length * (2 * step + 1) // (2 * count)] for step in range(count)]

    def is_cut(self, time: Fraction) -> bool:
        """Whether the pictures before and after a moment differ as two shots do; True where there are none."""
        before, after = int(time * self.rate) - 1, int(time * self.rate) + 2
        if before < 0 or after >= len(self.thumbnails):
            return True
        pairs = zip(self.thumbnails[before][:PIXELS], self.thumbnails[after][:PIXELS], strict=True)
        return sum(abs(one - other) for one, other in pairs) > _SAME_SHOT_DIFFERENCE * PIXELS


async def take_preview(
    ffmpeg: Ffmpeg, path: Path, info: MediaInfo, segment: Segment, *, with_thumbnails: bool, scratch: Path
) -> SegmentPreview:
    """Look at a segment: at all frames that others depend on, or without thumbnails only at keyframes.

    scratch: a folder for the pictures that faces are looked for in: 110 kB each, one a second. Raises MediaError.
    """
    width, height = info.video.upright_size_px
    rate = _PICTURES_PER_SECOND if segment.duration <= _LONG_SECONDS else _PICTURES_PER_SECOND // 2
    skip = ["-skip_frame", "noref", "-skip_loop_filter", "all"] if with_thumbnails else ["-skip_frame", "nokey"]
    seconds = float(segment.duration)
    pictures = max(1, round(seconds * rate))
    steady = f"trim=end={seconds:.6f},{steady_rate(info.video, rate)},trim=end_frame={pictures}"
    squares = scratch / f"faces-{segment.source}-{float(segment.start):.3f}.rgb"
    with_faces = with_thumbnails and faces.is_available()
    graph = (
        f"[0:{info.video.index}]{known_matrix(info.video)}{steady}"
        f",scale={width}:{height}{',split[seen]' if with_faces else ''}{_LOOK}[out]"
        + (f";[seen]framestep={_FACE_STEP},{faces.square_filter()}[faces]" if with_faces else "")
    )
    to_squares = ["-map", "[faces]", "-f", "rawvideo", output_argument(squares)] if with_faces else []
    output = bytearray()
    log = await ffmpeg.run(
        [
            *picture_input(path, segment.start, options=skip),
            *("-filter_complex", graph, "-map", "[out]", "-f", "rawvideo", "pipe:1", *to_squares),
        ],
        on_output=output.extend,
        log_level="info",
    )
    size = 3 * PIXELS
    thumbnails = tuple(bytes(output[at : at + size]) for at in range(0, len(output) - size + 1, size))
    area = picture_area(width, height, parse_cropdetect(log))
    found = await to_thread.run_sync(_find_faces, squares, width / height) if with_faces else ()
    return SegmentPreview(area, thumbnails if with_thumbnails else (), rate, found)


def _find_faces(squares: Path, aspect: float) -> tuple[tuple[faces.Face, ...], ...]:
    detector = faces.detector()
    found: list[tuple[faces.Face, ...]] = []
    with squares.open("rb") as file:
        while len(picture := file.read(faces.PICTURE_BYTES)) == faces.PICTURE_BYTES:
            found.append(tuple(detector.find(picture, aspect=aspect)))
    squares.unlink()
    return tuple(found)


def parse_cropdetect(log: str) -> Area | None:
    """Return the last area that ffmpeg's cropdetect filter names, which unites those of all pictures; None: none."""
    found = re.findall(r"crop=(-?\d+):(-?\d+):(-?\d+):(-?\d+)", log)
    if not found:
        return None
    width, height, x, y = (int(number) for number in found[-1])
    return Area(x, y, width, height)


def picture_area(width: int, height: int, detected: Area | None) -> Area:
    """Return the area without bars, or the whole picture where what was detected is no pair of bars.

    Bars come in pairs of the same size. Anything else that is black is the picture: night, a stage, a slide.
    """
    whole = Area(0, 0, width - width % 2, height - height % 2)
    if detected is None or detected.width <= 0 or detected.height <= 0:
        return whole
    x, w = _without_bars(detected.x, detected.width, width)
    y, h = _without_bars(detected.y, detected.height, height)
    return Area(x, y, w, h)


def _without_bars(offset: int, length: int, full: int) -> tuple[int, int]:
    before, after = offset, full - offset - length
    is_pair = min(before, after) >= full * _MIN_BAR_SHARE and abs(before - after) <= full * _MAX_ASYMMETRY_SHARE + 2
    if not is_pair or before + after > full * _MAX_BARS_SHARE:
        return 0, full - full % 2
    # A compressed edge is not sharp: two more pixels keep its grey out.
    start = before + before % 2 + 2
    return start, max(2, (full - after - 2 - start) // 2 * 2)
