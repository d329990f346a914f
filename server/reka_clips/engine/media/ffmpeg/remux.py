"""Containers without an index, in which times cannot be found: such a film is given one before it is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.decode import DOWNMIXES, TOLERANT, downmix_chain
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.media_info import usable_audios
from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

# Seeking lands anywhere in these: in an MPEG transport stream with a keyframe every two seconds, at up to two seconds
# after the time asked for, or nowhere; in Flash video without an index, not on the first frame.
_WITHOUT_INDEX: Final = frozenset({"mpegts", "mpeg", "flv", "live_flv"})


_MAX_TRACKS: Final = 4


async def with_index(ffmpeg: Ffmpeg, path: Path, info: MediaInfo, scratch: Path) -> Path:
    """Return a copy of the film, made in `scratch`, in which times can be found; `path` itself where that is so.

    The copy holds the picture as it is and the sound as FLAC, in stereo at 48 kHz: Matroska cannot hold the sound of
    camcorders and DVDs, and has one header for AAC whose rate changes at a commercial. A film that cannot be copied is
    left as it is. Raises DiskFullError.
    """
    if info.format not in _WITHOUT_INDEX:
        return path
    copy = scratch / f"{path.stem[:40]}-indexed.mkv"
    best = [info.audio.index] if info.audio else []
    tracks = [*best, *(stream.index for stream in usable_audios(info.audios) if stream.index not in best)]
    choices = list(dict.fromkeys((tuple(tracks[:_MAX_TRACKS]), tuple(best), ())))
    for streams, downmix in [(chosen, downmix) for chosen in choices for downmix in DOWNMIXES]:
        maps = [argument for index in (info.video.index, *streams) for argument in ("-map", f"0:{index}")]
        sound = ["-filter:a", downmix_chain(downmix, sample_format="s16"), "-c:a", "flac", "-compression_level", "0"]
        try:
            await ffmpeg.run(
                [
                    *(*TOLERANT, *input_arguments(path), *maps, "-c:v", "copy", *(sound if streams else [])),
                    *("-f", "matroska", output_argument(copy)),
                ],
                timeout_seconds=1800,
            )
        except DiskFullError:
            raise
        except MediaError:
            copy.unlink(missing_ok=True)
        else:
            return copy
    return path
