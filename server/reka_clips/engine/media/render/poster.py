"""A clip's still picture: small, and of a moment that looks like the clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

LONGER_SIDE_PX: Final = 480
MAX_BYTES: Final = 40_000
_QUALITIES: Final = (4, 8, 16, 31)  # of ffmpeg's MJPEG encoder: 2 is best, 31 smallest


async def make_poster(ffmpeg: Ffmpeg, clip: Path, poster: Path, *, duration: Fraction) -> None:
    """Write a JPEG of at most 480x480 pixels, and as a rule 40 KB, of the clip's most typical keyframe.

    The frame is the one whose colours are nearest the average of all, so no flash and no fade. Raises MediaError.
    """
    begin = duration / 10  # the first frames are often still dark
    for quality in _QUALITIES:
        await ffmpeg.run(_arguments(clip, poster, begin, quality), timeout_seconds=60)
        if _size_bytes(poster) <= MAX_BYTES:
            return


def _size_bytes(path: Path) -> int:
    return path.stat().st_size


def _arguments(clip: Path, poster: Path, begin: Fraction, quality: int) -> list[str]:
    side = LONGER_SIDE_PX
    size = f"scale='min({side},iw)':'min({side},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    return [
        *input_arguments(clip, options=["-skip_frame", "nokey", "-noaccurate_seek", "-ss", f"{float(begin):.3f}"]),
        *("-map", "0:v:0", "-vf", f"thumbnail=n=100,setpts=0,{size}:out_range=pc,format=yuvj420p", "-frames:v", "1"),
        *("-q:v", str(quality), "-map_metadata", "-1", "-f", "image2", "-update", "1", output_argument(poster)),
    ]
