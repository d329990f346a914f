"""A look into a video file. There is no ffprobe beside the ffmpeg of the wheel, so ffmpeg itself is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.banner import clock, parse_dump, parse_ffmetadata
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

_MIN_DURATION: Final = Fraction(1, 5)
_TIMEOUT_SECONDS: Final = 120
_MAX_METADATA_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 512
_PICTURE_SIGNATURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")


async def probe(ffmpeg: Ffmpeg, path: Path) -> MediaInfo:
    """Return what the file at `path` holds.

    Raises MediaError, in plain words, when it is no file, is empty, is no video, or has only a still picture.
    """
    _check_file(path)
    metadata = bytearray()
    try:
        log = await ffmpeg.run(
            [*input_arguments(path), "-f", "ffmetadata", "pipe:1"],
            on_output=metadata.extend,
            log_level="info",
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    except MediaError as error:
        # ffmpeg goes by a file's name and calls a misnamed one damaged.
        raise (_misnamed(path) or error) from error
    tags, chapters = parse_ffmetadata(bytes(metadata[:_MAX_METADATA_BYTES]).decode("utf-8", "replace"))
    info = parse_dump(log, tags=tags, chapters=chapters)
    if info.duration <= 0:
        info = replace(info, duration=await _scan_duration(ffmpeg, path, info.video.index))
    if info.duration < _MIN_DURATION:
        raise MediaError("The video is too short to be cut: it holds no more than a frame or two.")
    return info


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise MediaError("This is a folder, not a video file.")
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise MediaError(f"The video file cannot be read: {error.strerror}.") from error
    if not path.is_file():
        raise MediaError("This is not an ordinary file.")
    if size_bytes == 0:
        raise MediaError("The video file is empty (0 bytes).")


def _misnamed(path: Path) -> MediaError | None:
    """Return what to say of a file that is no video but something well known, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(_PICTURE_SIGNATURES):
        return MediaError("The file holds a still picture, not a video.")
    is_text = all(byte >= ord(" ") or byte in b"\t\r\n" for byte in head)
    return MediaError("This is a text, not a video (playlists and scripts are refused).") if is_text else None


async def _scan_duration(ffmpeg: Ffmpeg, path: Path, video_index: int) -> Fraction:
    """Return the duration in seconds of a file that does not state it, by reading all its packets."""
    log = await ffmpeg.run(
        [*input_arguments(path), "-map", f"0:{video_index}", "-c", "copy", "-f", "null", "-", "-stats"],
        log_level="info",
        timeout_seconds=_TIMEOUT_SECONDS * 5,
        on_output=lambda _chunk: None,
    )
    times = re.findall(r"time=(\d+):(\d\d):(\d\d(?:\.\d+)?)", log)
    if not times:
        raise MediaError("The video does not say how long it is, and its end cannot be found.")
    return clock(*times[-1])
