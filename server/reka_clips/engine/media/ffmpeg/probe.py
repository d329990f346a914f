"""A look into a video file. There is no ffprobe beside the ffmpeg of the wheel, so ffmpeg itself is asked.

PyAV would tell the same without a text to read, but its wheel is as large as ffmpeg (36 MB), and a second demuxer
beside the one that cuts may see another film in the same bytes.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_high
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.banner import Banner, parse_ffmetadata
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.media_info import (
    AudioStream,
    MediaInfo,
    SubtitleStream,
    VideoStream,
    best_audio,
    best_video,
)
from reka_clips.engine.media.ffmpeg.process import MAX_PICTURE_PX, input_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

# Raw streams: without times, so without a length until they are given both. See `remux`.
RAW_FORMATS: Final = frozenset({"h264", "hevc", "m4v", "mpegvideo", "obu", "mjpeg"})

_MIN_DURATION: Final = Fraction(1, 5)
_TIMEOUT_SECONDS: Final = 120
_READ_ALL_SECONDS: Final = 600
_MAX_METADATA_BYTES: Final = 1024 * 1024  # read; more is dropped
_MAX_WRITTEN_BYTES: Final = 64 * 1024 * 1024  # by ffmpeg; more is refused
_HEAD_BYTES: Final = 512
_PICTURE_SIGNATURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")
# Codecs of still pictures; films have them too: animations with transparency, cameras that write one JPEG a frame.
_PICTURE_CODECS: Final = frozenset(
    {"png", "bmp", "webp", "jpegls", "tiff", "mjpeg", "jpeg2000", "gif", "targa", "qoi", "jpegxl"}
)
# Containers whose stated length is not believed: it counts from time 0, or recorders leave it as it was at the start.
_DOUBTFUL_FORMATS: Final = frozenset({"matroska,webm", "nut"})
_LATE_START: Final = Fraction(1)
SLOW_RATE: Final = 12  # frames a second; below, it matters how long the last frame is shown
_USUAL_RATE: Final = 25
_FAR_SECONDS: Final = 900_000_000
_MAX_PACKETS: Final = 1000
# Stream, decoding time, time shown (lowest number: none), length, size, checksum.
_PACKET: Final = re.compile(rb"0, *(-?\d{1,18}), *(?:(-?\d{1,18})|-\d{19}), *(\d{1,18}), ")
_MOMENT: Final = 0.005
_TIME_BASE: Final = re.compile(rb"#tb 0: (\d{1,9})/(\d{1,9})\s*$")


async def probe(ffmpeg: Ffmpeg, path: Path) -> MediaInfo:
    """Return what the file at `path` holds. duration: 0 for a raw stream, which has no times.

    Raises MediaError, in plain words, when it is no file, is empty, is no video, or has only a still picture.
    """
    _check_file(path)
    metadata = bytearray()
    written = 0

    def receive(chunk: bytes) -> None:
        nonlocal written
        written += len(chunk)
        metadata.extend(chunk[: max(0, _MAX_METADATA_BYTES - len(metadata))])

    banner = Banner(ffmpeg.decoders)
    try:
        await ffmpeg.run(
            [*input_arguments(path), "-f", "ffmetadata", "pipe:1"],
            on_output=receive,
            on_log=banner.feed,
            log_level="info",
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    except MediaError as error:
        # ffmpeg goes by a file's name and calls a misnamed one damaged.
        raise (_misnamed(path) or error) from error
    if written > _MAX_WRITTEN_BYTES:
        raise MediaError("The file holds more tags and chapters than any film needs, and is refused.")
    banner.close()
    tags, chapters = parse_ffmetadata(metadata.decode("utf-8", "replace"))
    video = await _choose_video(ffmpeg, path, banner)
    audios = tuple(stream for stream in banner.streams if isinstance(stream, AudioStream))
    subtitles = [stream for stream in banner.streams if isinstance(stream, SubtitleStream)]
    info = MediaInfo(
        format=banner.format,
        duration=banner.duration,
        start=banner.start,
        video=video,
        audio=best_audio(_same_program(banner, video, audios)),
        videos=tuple(stream for stream in banner.streams if isinstance(stream, VideoStream)),
        audios=audios,
        subtitles=tuple(sorted(subtitles, key=_subtitle_rank)),
        chapters=chapters,
        tags=tags,
    )
    if info.format in RAW_FORMATS:
        return replace(info, duration=Fraction(0))
    info = replace(info, duration=await _duration(ffmpeg, path, info))
    if info.duration < _MIN_DURATION:
        raise MediaError("The video is too short to be cut: it holds no more than a frame or two.")
    return info


async def has_frames(ffmpeg: Ffmpeg, path: Path, video: VideoStream, count: int = 2) -> bool:
    """Whether a stream holds at least so many frames; none is decoded. Two tell a film from a still picture."""
    listed = bytearray()
    arguments = ["-map", f"0:{video.index}", "-c", "copy", "-frames:v", str(count), "-f", "framecrc", "pipe:1"]
    opened = input_arguments(path, options=["-an", "-sn", "-dn"])
    await ffmpeg.run([*opened, *arguments], on_output=listed.extend, timeout_seconds=_READ_ALL_SECONDS)
    return sum(line.startswith(b"0,") for line in listed.split(b"\n")) >= count


async def frame_seconds(ffmpeg: Ffmpeg, path: Path, info: MediaInfo) -> Fraction:
    """Return how long a frame of a raw stream is shown, as its headers have it; 1/25 s where they say nothing."""
    packets = await _packets(ffmpeg, path, info, limits=["-frames:v", "50"])
    lengths = [length for _, length in packets if length > 0]
    return median_high(lengths) if lengths else 1 / (info.video.frame_rate or Fraction(_USUAL_RATE))


def still_picture(info: MediaInfo) -> MediaError:
    """Return what to say of a file whose picture turns out to be a single frame."""
    return _no_video([replace(info.video, is_decodable=True)], info.audios)


async def picture_end(
    ffmpeg: Ffmpeg, path: Path, info: MediaInfo, *, shown: Fraction, end: Fraction, are_all_decoded: bool = True
) -> Fraction:
    """Return until when the last frame that could be decoded before `end` stands, at most `end`; in source seconds.

    shown: when it was shown. A frame stands until the next one, or until the film ends. Where packets follow that
    could not be decoded the film is damaged, and the frame lasts no longer than a frame usually does. are_all_decoded:
    whether all packets were to be decoded.
    """
    usual = 1 / (info.video.frame_rate or Fraction(_USUAL_RATE))
    if are_all_decoded:
        limits = ["-t", f"{float(end - shown):.6f}"]
        following = await _packets(ffmpeg, path, info, options=["-ss", f"{float(shown):.6f}"], limits=limits)
        if any(shown + usual / 2 < time < end for time, _ in following):
            return min(end, shown + usual)
    last = await _last_frame_end(ffmpeg, path, info)
    return end if last is None else min(end, max(last, shown + usual))


async def _choose_video(ffmpeg: Ffmpeg, path: Path, banner: Banner) -> VideoStream:
    """Return the largest stream that is a film: not a cover, not a single frame, and no larger than is allowed."""
    videos = [stream for stream in banner.streams if isinstance(stream, VideoStream)]
    films = [stream for stream in videos if stream.is_decodable and not stream.is_cover]
    allowed = [stream for stream in films if stream.width_px * stream.height_px <= MAX_PICTURE_PX]
    if films and not allowed:
        raise MediaError("The picture of this video is too large to be handled.")
    while allowed:
        best = best_video(allowed)
        is_doubtful = best.codec in _PICTURE_CODECS or not best.frame_rate
        if not is_doubtful or banner.format in RAW_FORMATS or await has_frames(ffmpeg, path, best):
            return best
        allowed.remove(best)
    audios = [stream for stream in banner.streams if isinstance(stream, AudioStream)]
    raise _no_video(videos, audios)


def _same_program(banner: Banner, video: VideoStream, audios: Sequence[AudioStream]) -> list[AudioStream]:
    """Return the sound of the channel whose picture it is, where a broadcast holds several; else all of it."""
    program = next((streams for streams in banner.programs if video.index in streams), None)
    return [stream for stream in audios if program is None or stream.index in program]


async def _duration(ffmpeg: Ffmpeg, path: Path, info: MediaInfo) -> Fraction:
    """Return how long a film is, from its first timestamp to the end of its last frame."""
    is_plain = info.start < _LATE_START and info.format not in _DOUBTFUL_FORMATS
    if info.duration > 0 and is_plain and info.video.frame_rate >= SLOW_RATE:
        return info.duration
    end = await _last_frame_end(ffmpeg, path, info)
    if end is None or end <= 0:
        end = _stated_duration(info)
    if end <= 0:
        raise MediaError("The video does not say how long it is, and its end cannot be found.")
    return end


async def _last_frame_end(ffmpeg: Ffmpeg, path: Path, info: MediaInfo) -> Fraction | None:
    """Return when the last frame of a film has been shown, in source seconds; None when no packet has a time."""
    # The time is beyond all ends: seeking there leads to the last keyframe. Without an index everything is read.
    packets = await _packets(ffmpeg, path, info, options=["-ss", str(_FAR_SECONDS)])
    packets = packets or await _packets(ffmpeg, path, info)
    if not packets:
        return None
    time, length = max(packets)
    rest = _stated_duration(info) - time
    if rest <= length:
        return time + length
    # A slide has no length of its own in most containers: it stands until the container ends, if other pictures stand
    # for about as long. Else it is the sound that goes on.
    if len(packets) == 1 and time > 0:
        packets += await _packets(ffmpeg, path, info, options=["-ss", f"{float(time) - _MOMENT:.6f}"])
    times = sorted({time for time, _ in packets})
    gaps = [later - earlier for earlier, later in pairwise(times)]
    rate = info.video.frame_rate
    usual = 1 / rate if rate else Fraction(0)
    is_still = rest <= 2 * max([usual if rate < SLOW_RATE else Fraction(0), *gaps])
    return time + (rest if is_still else length or usual)


def _stated_duration(info: MediaInfo) -> Fraction:
    """Return the length that the container tells; those whose times begin late tell their end instead."""
    is_end = info.start >= _LATE_START and info.duration > info.start
    return info.duration - info.start if is_end else info.duration


async def _packets(
    ffmpeg: Ffmpeg, path: Path, info: MediaInfo, *, options: Sequence[str] = (), limits: Sequence[str] = ()
) -> list[tuple[Fraction, Fraction]]:
    """Return when the packets of the picture are shown, and for how long, in source seconds; the last 1,000 read.

    options: where to seek to; reading begins at the keyframe before. Empty when nothing can be read there.
    """
    packets: deque[tuple[Fraction, Fraction]] = deque(maxlen=_MAX_PACKETS)
    base = Fraction(1)
    rest = b""

    def receive(chunk: bytes) -> None:
        nonlocal base, rest
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if found := _PACKET.match(line):
                shown = found[1] if found[2] is None else found[2]  # AVI tells only when to decode
                packets.append((int(shown) * base - info.start, int(found[3]) * base))
            elif found := _TIME_BASE.match(line):
                base = Fraction(int(found[1]), int(found[2]))

    arguments = ["-map", f"0:{info.video.index}", "-c", "copy", *limits, "-f", "framecrc", "pipe:1"]
    opened = input_arguments(path, options=["-an", "-sn", "-dn", "-noaccurate_seek", *options])
    try:
        await ffmpeg.run(["-copyts", *opened, *arguments], on_output=receive, timeout_seconds=_READ_ALL_SECONDS)
    except DiskFullError:
        raise
    except MediaError:
        packets.clear()
    return list(packets)


def _subtitle_rank(stream: SubtitleStream) -> tuple[bool, bool, int]:
    return ("forced" in stream.dispositions, "default" not in stream.dispositions, stream.index)


def _no_video(videos: Sequence[VideoStream], audios: Sequence[AudioStream]) -> MediaError:
    unknown = [stream.codec for stream in videos if not stream.is_decodable and not stream.is_cover]
    if unknown:
        kind = "" if unknown[0] in {"", "none", "unknown"} else f" ({unknown[0]})"
        return MediaError(f"The picture of this video is of a kind{kind} that this ffmpeg cannot decode.")
    if audios:
        return MediaError("The file holds sound but no moving picture, so there is nothing to cut clips from.")
    if videos:
        return MediaError("The file holds a still picture, not a video.")
    return MediaError("The file holds no video that can be decoded.")


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
    if head.startswith(_PICTURE_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return MediaError("The file holds a still picture, not a video.")
    is_text = all(byte >= ord(" ") or byte in b"\t\r\n" for byte in head)
    return MediaError("This is a text, not a video (playlists and scripts are refused).") if is_text else None
