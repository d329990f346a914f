"""How a clip is written: H.264 and AAC in an MP4 that plays from its first bytes."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.process import output_argument
from reka_clips.engine.media.render.audio import sound_encoding

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.render.filter_graph import Frame

PRESET: Final = "superfast"
CRF: Final = 21
# The highest rate, in bits for each pixel shown: what holds a noisy source within what phones upload.
_MAX_BITS_PER_PIXEL: Final = 0.35
_KEYFRAME_SECONDS: Final = 2


def video_encoding(frame: Frame) -> list[str]:
    """Return the output arguments for the picture."""
    pixels_per_second = frame.width_px * frame.height_px * min(frame.rate, Fraction(60))
    max_kbps = max(300, round(pixels_per_second * Fraction(_MAX_BITS_PER_PIXEL) / 1000))
    return [
        *("-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-profile:v", "high"),
        *("-maxrate", f"{max_kbps}k", "-bufsize", f"{2 * max_kbps}k"),
        *("-g", str(round(frame.rate * _KEYFRAME_SECONDS)), "-r", str(frame.rate)),
    ]


def file_arguments(path: Path, *, title: str) -> list[str]:
    """Return the arguments that write the MP4: its index in front, nothing of the source's own metadata in it."""
    title_arguments = ["-metadata", f"title={title}"] if title else []
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", *title_arguments),
        *("-movflags", "+faststart", "-f", "mp4", output_argument(path)),
    ]


__all__ = ["file_arguments", "sound_encoding", "video_encoding"]
