"""Containers in which times cannot be found: such a film is copied into one with an index before it is cut."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.decode import DOWNMIXES, TOLERANT, downmix_chain
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.media_info import usable_audios
from reka_clips.engine.media.ffmpeg.probe import RAW_FORMATS, frame_seconds
from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

# Seeking lands anywhere in these: in an MPEG transport stream with a keyframe every two seconds, at up to two seconds
# after the time asked for, or nowhere; in Flash video without an index, not on the first frame.
_WITHOUT_INDEX: Final = frozenset({"mpegts", "mpeg", "flv", "live_flv"})
_MAX_TRACKS: Final = 4
_COPY_TIMEOUT_SECONDS: Final = 1800
_ENCODE_TIMEOUT_SECONDS: Final = 4 * 3600
_ENCODED: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "50", "-fps_mode", "passthrough")


async def with_index(ffmpeg: Ffmpeg, path: Path, info: MediaInfo, scratch: Path) -> Path:
    """Return a copy of the film, made in `scratch`, in which times can be found; `path` itself where that is so.

    The copy holds the picture as it is and the sound as FLAC, in stereo at 48 kHz: Matroska cannot hold the sound of
    camcorders and DVDs, and has one header for AAC whose rate changes at a commercial. A picture whose frames have no
    times to copy (raw streams, some DVDs) is encoded anew, almost without loss. A film that cannot be copied is left as
    it is; a raw stream cannot be left so. Raises DiskFullError, MediaError.
    """
    is_raw = info.format in RAW_FORMATS
    if info.format not in _WITHOUT_INDEX and not is_raw:
        return path
    copy = scratch / f"{path.stem[:40]}-indexed.mkv"
    seconds = await frame_seconds(ffmpeg, path, info) if is_raw else None
    best = [info.audio.index] if info.audio else []
    tracks = [*best, *(stream.index for stream in usable_audios(info.audios) if stream.index not in best)]
    sounds = list(dict.fromkeys((tuple(tracks[:_MAX_TRACKS]), tuple(best), ())))
    failed: MediaError | None = None
    for picture, streams, downmix in product(_pictures(info, seconds), sounds, DOWNMIXES):
        maps = [argument for index in (info.video.index, *streams) for argument in ("-map", f"0:{index}")]
        sound = ["-filter:a", downmix_chain(downmix, sample_format="s16"), "-c:a", "flac", "-compression_level", "0"]
        opened = input_arguments(path, options=["-fflags", "+genpts"])
        is_copied = "copy" in picture
        try:
            await ffmpeg.run(
                [
                    *(*TOLERANT, *opened, *maps, *picture, *(sound if streams else [])),
                    *("-f", "matroska", output_argument(copy)),
                ],
                timeout_seconds=_COPY_TIMEOUT_SECONDS if is_copied else _ENCODE_TIMEOUT_SECONDS,
            )
        except DiskFullError:
            raise
        except MediaError as error:
            copy.unlink(missing_ok=True)
            failed = error
        else:
            return copy
    if is_raw and failed:
        raise failed
    return path


def _pictures(info: MediaInfo, seconds: Fraction | None) -> list[list[str]]:
    """Return the output arguments for the picture, the cheapest first. seconds: how long a frame of a raw stream is."""
    if seconds is None:
        return [["-c:v", "copy"], list(_ENCODED)]
    encoded = ["-filter:v", f"setpts=N*{seconds}/TB", *_ENCODED]
    if info.format not in {"h264", "hevc"}:
        return [encoded]
    # Frames are counted as they are decoded, and then shown in the order that the stream tells (ffmpeg 6 and later).
    return [["-c:v", "copy", "-bsf:v", f"setts=dts=N*{seconds}/TB:pts=NOPTS,dts2pts"], encoded]
