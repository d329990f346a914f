"""Black bars that are part of the picture: found on keyframes, so that a crop never shows them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg import input_arguments
from reka_clips.engine.media.picture import Area

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg import Ffmpeg
    from reka_clips.engine.media.probe import MediaInfo

_MARGIN_SECONDS: Final = Fraction(15)  # bars are the file's, not the clip's: look around it for brighter pictures
_BLACK_LEVEL: Final = 26
_MIN_BAR_SHARE: Final = 0.02
_MAX_BARS_SHARE: Final = 0.62  # 2.4:1 inside of 9:16 leaves no less of the picture
_MAX_ASYMMETRY_SHARE: Final = 0.02
_ROUND_PX: Final = 2


async def find_picture(ffmpeg: Ffmpeg, path: Path, info: MediaInfo, *, start: Fraction, end: Fraction) -> Area:
    """Return the part of the decoded picture that holds a picture, around `start` to `end` of a source.

    Only keyframes are decoded: about a tenth of a second for a minute of video. Raises MediaError.
    """
    begin = max(Fraction(0), start - _MARGIN_SECONDS)
    options = ["-skip_frame", "nokey", "-noaccurate_seek", "-ss", f"{float(begin):.3f}"]
    options += ["-t", f"{float(end + _MARGIN_SECONDS - begin):.3f}", "-an", "-sn"]
    width, height = info.video.upright_size_px
    # A source of changing size is judged by its first.
    detect = f"scale={width}:{height},cropdetect=limit={_BLACK_LEVEL}:round={_ROUND_PX}:reset=0:skip=0"
    arguments = [
        *input_arguments(path, options=["-reinit_filter", "0", *options]),
        *("-map", f"0:{info.video.index}", "-vf", detect, "-f", "null", "-"),
    ]
    log = await ffmpeg.run(arguments, log_level="info")
    return picture_area(width, height, parse_cropdetect(log))


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
    return start, (full - after - 2 - start) // 2 * 2
