"""What a video file holds, as `ffmpeg -i` tells it: there is no ffprobe beside the ffmpeg of the wheel."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.errors import MediaError
from reka_clips.engine.media.ffmpeg import input_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg import Ffmpeg

TEXT_CODECS: Final = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text", "ttml", "stl", "sami"})
HDR_TRANSFERS: Final = frozenset({"smpte2084", "arib-std-b67"})

_PICTURE_CODECS: Final = frozenset({"png", "bmp", "webp", "jpegls", "tiff"})
_MIN_DURATION = Fraction(1, 5)
_MIN_SIDE_PX: Final = 16
_TIMEOUT_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video stream. Sizes are those of the stored picture, before rotation and sample aspect.

    rotation_degrees: how far the picture is to be turned clockwise to stand upright: 0, 90, 180 or 270
    (ffmpeg does it by itself when it decodes). frame_rate: mean frames per second; 0 when the file does not say.
    """

    index: int
    codec: str
    width_px: int
    height_px: int
    pixel_format: str
    sample_aspect: Fraction = Fraction(1)
    rotation_degrees: int = 0
    frame_rate: Fraction = Fraction(0)
    color_matrix: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    is_interlaced: bool = False
    is_full_range: bool = False
    language: str = ""
    dispositions: frozenset[str] = frozenset()

    @property
    def is_hdr(self) -> bool:
        """Whether the picture is PQ or HLG and must be toned to be seen on an ordinary screen."""
        return self.color_transfer in HDR_TRANSFERS

    @property
    def upright_size_px(self) -> tuple[int, int]:
        """Width and height after decoding: turned upright, sample aspect not yet applied."""
        turned = self.rotation_degrees % 180 == 90  # noqa: PLR2004 - a quarter turn
        return (self.height_px, self.width_px) if turned else (self.width_px, self.height_px)

    @property
    def upright_sample_aspect(self) -> Fraction:
        """The sample aspect of the decoded picture, turned upright."""
        return 1 / self.sample_aspect if self.rotation_degrees % 180 == 90 else self.sample_aspect  # noqa: PLR2004

    @property
    def display_size_px(self) -> tuple[int, int]:
        """Width and height as a player shows them with square pixels: upright, stretched, never shrunk."""
        width, height = self.upright_size_px
        aspect = self.upright_sample_aspect
        return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


@dataclass(frozen=True, slots=True)
class AudioStream:
    """A sound stream. channels: 0 when the file does not say."""

    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    language: str = ""
    dispositions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """A text subtitle stream; picture subtitles are left out."""

    index: int
    codec: str
    language: str = ""
    dispositions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of the file, in seconds."""

    start: Fraction
    end: Fraction
    title: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file holds. Time 0 is the file's first timestamp, as for ffmpeg's `-ss`; `duration` in seconds.

    video, audio: the streams to use; audio is None for a silent file. subtitles: text streams, best first.
    tags: the file's own metadata, keys in lower case, values as they stand (untrusted).
    """

    format: str
    duration: Fraction
    video: VideoStream
    audio: AudioStream | None = None
    videos: tuple[VideoStream, ...] = ()
    audios: tuple[AudioStream, ...] = ()
    subtitles: tuple[SubtitleStream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


async def probe(ffmpeg: Ffmpeg, path: Path) -> MediaInfo:
    """Return what the file at `path` holds.

    Raises MediaError, in plain words, when it is no file, is empty, is no video, or has only a still picture.
    """
    _check_file(path)
    metadata = bytearray()
    log = await ffmpeg.run(
        [*input_arguments(path), "-f", "ffmetadata", "pipe:1"],
        on_output=metadata.extend,
        log_level="info",
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    tags, chapters = parse_ffmetadata(bytes(metadata[:_MAX_METADATA_BYTES]).decode("utf-8", "replace"))
    info = parse_dump(log, tags=tags, chapters=chapters)
    if info.duration <= 0:
        info = replace(info, duration=await _scan_duration(ffmpeg, path, info.video.index))
    if info.duration < _MIN_DURATION:
        raise MediaError("The video is too short to be cut: it holds no more than a frame or two.")
    return info


_MAX_METADATA_BYTES: Final = 1024 * 1024


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
    return _clock(*times[-1])


_Stream = VideoStream | AudioStream | SubtitleStream

_STREAM = re.compile(
    r"^ +Stream #0:(?P<index>\d+)(?:\[\w+\])?(?:\((?P<language>\w*)\))?: (?P<kind>Video|Audio|Subtitle): (?P<rest>.*)$"
)
_DURATION = re.compile(r"^  Duration: (?:(\d+):(\d\d):(\d\d(?:\.\d+)?)|N/A)")
_SIZE = re.compile(r"^(\d+)x(\d+)(?: \[SAR (\d+):(\d+) DAR \d+:\d+\])?$")
_ASPECT = re.compile(r"^SAR (\d+):(\d+) DAR \d+:\d+$")
_RATE = re.compile(r"^([\d.]+)(k?) fps$")
_ROTATION = re.compile(r"^ +displaymatrix: rotation of (-?[\d.]+) degrees")
_DISPOSITIONS = re.compile(r" \(([a-z ]+)\)(?=(?: \([a-z ]+\))*$)")


def parse_dump(log: str, *, tags: Mapping[str, str] | None = None, chapters: Sequence[Chapter] = ()) -> MediaInfo:
    """Return what ffmpeg's dump of an input says; duration 0 when it says N/A.

    Raises MediaError when there is no video stream that can be decoded.
    """
    duration = Fraction(0)
    container = ""
    streams: list[_Stream | None] = []
    for line in log.splitlines():
        if line.startswith("Input #0, "):
            container = line[len("Input #0, ") :].partition(", from ")[0]
        elif line.startswith(("Output #", "Stream mapping:")):
            break
        elif found := _DURATION.match(line):
            duration = _clock(*found.groups()) if found[1] else Fraction(0)
        elif found := _STREAM.match(line):
            streams.append(_stream(int(found["index"]), found["language"] or "", found["kind"], found["rest"]))
        elif streams and isinstance(streams[-1], VideoStream) and (found := _ROTATION.match(line)):
            streams[-1] = _rotated(streams[-1], float(found[1]))
    videos = [stream for stream in streams if isinstance(stream, VideoStream)]
    audios = [stream for stream in streams if isinstance(stream, AudioStream)]
    subtitles = [stream for stream in streams if isinstance(stream, SubtitleStream)]
    moving = [stream for stream in videos if not _is_still(stream)]
    if not moving:
        raise MediaError(_no_video(videos, audios))
    usable_audios = [stream for stream in audios if stream.codec != "none" and stream.sample_rate_hz > 0]
    return MediaInfo(
        format=container,
        duration=duration,
        video=best_video(moving),
        audio=best_audio(usable_audios),
        videos=tuple(videos),
        audios=tuple(audios),
        subtitles=tuple(sorted(subtitles, key=_subtitle_rank)),
        chapters=tuple(chapters),
        tags=dict(tags or {}),
    )


def best_video(streams: Iterable[VideoStream]) -> VideoStream:
    """Return the stream with the most pixels; among equals the default one, then the first."""
    return max(streams, key=lambda s: (s.width_px * s.height_px, "default" in s.dispositions, -s.index))


def best_audio(streams: Iterable[AudioStream]) -> AudioStream | None:
    """Return the default stream, if it is no commentary; among equals the one with the finest sound."""
    return max(
        streams,
        key=lambda s: (
            not s.dispositions & {"comment", "visual impaired", "hearing impaired"},
            "default" in s.dispositions,
            s.channels,
            s.sample_rate_hz,
            -s.index,
        ),
        default=None,
    )


def parse_ffmetadata(text: str) -> tuple[dict[str, str], tuple[Chapter, ...]]:
    r"""Return the tags (keys in lower case) and the chapters of an ffmetadata file.

    Source: ffmpeg's documentation, "Metadata": `=`, `;`, `#`, `\` and newlines are escaped with a backslash.
    """
    tags: dict[str, str] = {}
    chapters: list[dict[str, str]] = []
    target: dict[str, str] | None = tags
    for line in re.findall(r"(?:[^\\\n]|\\[\s\S])+", text):
        if line.startswith((";", "#")):
            continue
        if re.fullmatch(r"\[(CHAPTER|STREAM)\]", line):
            target = None
            if line == "[CHAPTER]":
                target = {}
                chapters.append(target)
        elif target is not None and (parts := re.match(r"((?:[^\\=]|\\[\s\S])*)=([\s\S]*)", line)):
            target[_unescape(parts[1]).lower()] = _unescape(parts[2])
    return tags, tuple(chapter for fields in chapters if (chapter := _chapter(fields)))


def _unescape(text: str) -> str:
    return re.sub(r"\\([\s\S])", r"\1", text)


def _chapter(fields: Mapping[str, str]) -> Chapter | None:
    try:
        base = Fraction(fields.get("timebase", "1/1000000000"))
        return Chapter(int(fields["start"]) * base, int(fields["end"]) * base, fields.get("title", ""))
    except (KeyError, ValueError, ZeroDivisionError):
        return None


def _clock(hours: str, minutes: str, seconds: str) -> Fraction:
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _fields(rest: str) -> list[str]:
    """Split at the commas that stand outside of brackets."""
    return [field.strip() for field in re.split(r",(?![^(\[]*[)\]])", rest)]


def _word(text: str) -> str:
    return text.split(maxsplit=1)[0].strip(",").lower() if text.strip() else ""


def _dispositions(rest: str) -> frozenset[str]:
    return frozenset(_DISPOSITIONS.findall(rest))


def _stream(index: int, language: str, kind: str, rest: str) -> _Stream | None:
    if kind == "Video":
        return _video(index, language, rest)
    if kind == "Audio":
        return _audio(index, language, rest)
    codec = _word(rest)
    return SubtitleStream(index, codec, language, _dispositions(rest)) if codec in TEXT_CODECS else None


def _video(index: int, language: str, rest: str) -> VideoStream | None:
    """Return the stream that a dump's line describes; None when its codec or size is unknown."""
    codec = _word(rest)
    size: tuple[int, int] | None = None
    aspect = Fraction(1)
    rate = Fraction(0)
    pixel_format, details = "", ""
    for position, part in enumerate(_fields(_DISPOSITIONS.sub("", rest))):
        if position == 1:
            pixel_format, _, details = part.partition("(")
        if found := _SIZE.match(part):
            size = int(found[1]), int(found[2])
            aspect = _ratio(found[3], found[4])
        elif found := _ASPECT.match(part):
            aspect = _ratio(found[1], found[2])
        elif found := _RATE.match(part):
            rate = exact_rate(float(found[1]) * (1000 if found[2] else 1))
    if codec in {"none", ""} or size is None or min(size) < _MIN_SIDE_PX:
        return None
    words = [word.strip() for word in details.rstrip(")").split(",")]
    # "matrix/primaries/transfer"; a single word stands for all three.
    colors = next((word for word in words if re.match(r"(bt|smpte|fcc|ycg|gbr|unknown|film|arib|iec)", word)), "")
    matrix, primaries, transfer = (colors.split("/") * 3)[:3]
    return VideoStream(
        index=index,
        codec=codec,
        width_px=size[0],
        height_px=size[1],
        pixel_format=pixel_format.strip(),
        sample_aspect=aspect,
        frame_rate=rate,
        color_matrix=matrix,
        color_transfer=transfer,
        color_primaries=primaries,
        is_interlaced=any(word.startswith(("top ", "bottom ")) for word in words),
        is_full_range="pc" in words,
        language=language,
        dispositions=_dispositions(rest),
    )


def _ratio(numerator: str | None, denominator: str | None) -> Fraction:
    """Return a sample aspect; 1 where it is unknown (0:1) or so odd that it can only be a mistake."""
    if not numerator or not denominator or int(numerator) == 0 or int(denominator) == 0:
        return Fraction(1)
    ratio = Fraction(int(numerator), int(denominator))
    return ratio if Fraction(1, 5) <= ratio <= 5 else Fraction(1)  # noqa: PLR2004 - anamorphic is at most 2


def exact_rate(rounded: float) -> Fraction:
    """Return the exact frame rate that ffmpeg prints with two decimals: 29.97 is 30000/1001."""
    for whole in (24, 30, 48, 60, 120, 240):
        if abs(rounded - whole * 1000 / 1001) < 0.006:  # noqa: PLR2004 - half a unit of the last decimal
            return Fraction(whole * 1000, 1001)
    return Fraction(rounded).limit_denominator(1001)


def _audio(index: int, language: str, rest: str) -> AudioStream:
    rate = re.search(r", (\d+) Hz", rest)
    parts = _fields(rest)
    layout = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - codec, rate, layout
    return AudioStream(
        index, _word(rest), int(rate[1]) if rate else 0, _channels(layout), language, _dispositions(rest)
    )


def _channels(layout: str) -> int:
    """Return how many channels a layout has: `stereo` 2, `5.1(side)` 6, `3 channels (FL+FR+FC)` 3; 0 if unknown."""
    named = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "quad(side)": 4, "hexagonal": 6, "octagonal": 8}
    if layout in named:
        return named[layout]
    if found := re.match(r"(\d+) channels", layout):
        return int(found[1])
    if found := re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", layout):
        return sum(int(part) for part in found.groups() if part)
    return 0


def _rotated(stream: VideoStream, counterclockwise_degrees: float) -> VideoStream:
    turns = round(-counterclockwise_degrees / 90) % 4
    return replace(stream, rotation_degrees=turns * 90)


def _is_still(stream: VideoStream) -> bool:
    stills = {"attached pic", "timed thumbnails", "still image", "dependent"}
    return bool(stream.dispositions & stills) or stream.codec in _PICTURE_CODECS


def _subtitle_rank(stream: SubtitleStream) -> tuple[bool, bool, int]:
    return ("forced" in stream.dispositions, "default" not in stream.dispositions, stream.index)


def _no_video(videos: Sequence[VideoStream], audios: Sequence[AudioStream]) -> str:
    if audios:
        return "The file holds sound but no moving picture, so there is nothing to cut clips from."
    if videos:
        return "The file holds a still picture, not a video."
    return "The file holds no video that can be decoded."
