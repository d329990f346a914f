"""How ffmpeg tells what a file holds: the dump of `ffmpeg -i` and its ffmetadata, read. No processes are run here."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.media_info import (
    AudioStream,
    Chapter,
    MediaInfo,
    SubtitleStream,
    VideoStream,
    best_audio,
    best_video,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEXT_CODECS: Final = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text", "ttml", "stl", "sami"})
_PICTURE_CODECS: Final = frozenset({"png", "bmp", "webp", "jpegls", "tiff"})
_MIN_SIDE_PX: Final = 16

_Stream = VideoStream | AudioStream | SubtitleStream

_STREAM = re.compile(
    r"^ +Stream #0:(?P<index>\d+)(?:\[\w+\])?(?:\((?P<language>\w*)\))?: (?P<kind>Video|Audio|Subtitle): (?P<rest>.*)$"
)
_DURATION = re.compile(r"^  Duration: (?:(\d+):(\d\d):(\d\d(?:\.\d+)?)|N/A)")
_SIZE = re.compile(r"^(\d+)x(\d+)(?: \[SAR (\d+):(\d+) DAR \d+:\d+\])?$")
_ASPECT = re.compile(r"^SAR (\d+):(\d+) DAR \d+:\d+$")
_RATE = re.compile(r"^([\d.]+)(k?) (fps|tbr)$")
_ROTATION = re.compile(r"^ +(?:displaymatrix|Display Matrix): rotation of (-?[\d.]+) degrees")
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
            duration = clock(*found.groups()) if found[1] else Fraction(0)
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


def clock(hours: str, minutes: str, seconds: str) -> Fraction:
    """Return `h:mm:ss.cc`, in its parts, as seconds."""
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
    return SubtitleStream(index, codec, language, _dispositions(rest)) if codec in _TEXT_CODECS else None


def _video(index: int, language: str, rest: str) -> VideoStream | None:
    """Return the stream that a dump's line describes; None when its codec or size is unknown."""
    codec = _word(rest)
    size: tuple[int, int] | None = None
    aspect = Fraction(1)
    rates = {"fps": Fraction(0), "tbr": Fraction(0)}
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
            rates[found[3]] = exact_rate(float(found[1]) * (1000 if found[2] else 1))
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
        frame_rate=rates["fps"],
        grid_rate=rates["tbr"],
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
