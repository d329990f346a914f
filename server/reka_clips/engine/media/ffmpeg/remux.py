"""Containers without an index, in which times cannot be found: such a film is given one before it is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

# Seeking lands anywhere in these: in an MPEG transport stream with a keyframe every two seconds, at up to two seconds
# after the time asked for, or nowhere; in Flash video without an index, not on the first frame.
_WITHOUT_INDEX: Final = frozenset({"mpegts", "mpeg", "flv", "live_flv"})


async def with_index(ffmpeg: Ffmpeg, path: Path, info: MediaInfo, scratch: Path) -> Path:
    """Return a copy of the film, made in `scratch`, in which times can be found; `path` itself where that is so.

    The copy holds the picture and the sound to use, as they are: nothing is encoded. A film that cannot be copied
    is left as it is. Raises DiskFullError.
    """
    if info.format not in _WITHOUT_INDEX:
        return path
    copy = scratch / f"{path.stem[:40]}-indexed.mkv"
    streams = [info.video.index, *([info.audio.index] if info.audio else [])]
    maps = [argument for index in streams for argument in ("-map", f"0:{index}")]
    try:
        await ffmpeg.run(
            [*input_arguments(path), *maps, "-c", "copy", "-f", "matroska", output_argument(copy)], timeout_seconds=1800
        )
    except DiskFullError:
        raise
    except MediaError:
        copy.unlink(missing_ok=True)
        return path
    return copy
