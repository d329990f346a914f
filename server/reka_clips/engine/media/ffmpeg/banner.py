r"""What ffmpeg says of its input: its banner and its ffmetadata, read strictly. No processes are run here.

Both hold text out of the file, so they are hostile. Lines end at `\n` only, are cut at 4 KB and are read in linear
time; numbers have a bounded number of digits; a stream's first description counts. A line or a word that is not
understood is logged, never skipped in silence.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.media_info import (
    AudioStream,
    Chapter,
    DolbyVision,
    SubtitleStream,
    VideoStream,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

logger = logging.getLogger(__name__)

Stream = VideoStream | AudioStream | SubtitleStream

_MAX_LINE_BYTES: Final = 4096
_MAX_STREAMS: Final = 1000
_MAX_DISPOSITIONS: Final = 20
_MAX_CHAPTERS: Final = 10_000
_MAX_LOGGED_CHARACTERS: Final = 200
_MIN_SIDE_PX: Final = 16
_MAX_SAMPLE_ASPECT: Final = 5  # anamorphic film is at most 2; more can only be a mistake

_TEXT_CODECS: Final = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text", "ttml", "stl", "sami"})
_DISPOSITIONS: Final = frozenset(
    {
        *("default", "dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing impaired"),
        *("visual impaired", "clean effects", "attached pic", "timed thumbnails", "non-diegetic", "captions"),
        *("descriptions", "metadata", "dependent", "still image", "multilayer"),
    }
)
_FIELD_ORDERS: Final = frozenset(
    {"top first", "bottom first", "top coded first (swapped)", "bottom coded first (swapped)"}
)
# What else may stand in the brackets behind a pixel format: nothing that a clip depends on.
_OTHER_DETAILS: Final = re.compile(
    r"progressive|unspecified|left|center|topleft|top|bottomleft|bottom|straight|premultiplied|[0-9]{1,2} bpc"
)
_COLORS: Final = re.compile(r"[a-z0-9_-]{2,30}(?:/[a-z0-9_-]{2,30}){0,2}")
_OTHER_FIELDS: Final = re.compile(
    r"(?:max\. )?[0-9.]{1,20} k?b/s|[0-9.]{1,12}k? tb[nc]|start -?[0-9.]{1,20}"
    r"|delay [0-9]{1,9}|padding [0-9]{1,9}"
    r"|Closed Captions|Film Grain|lossless|q=-?[0-9]{1,4}--?[0-9]{1,4}"
)

_LINE: Final = re.compile(r"\[info\] (.*)", re.DOTALL)
_DURATION: Final = re.compile(
    r"  Duration: (?:(?P<hours>[0-9]{1,7}):(?P<minutes>[0-9][0-9]):(?P<seconds>[0-9][0-9](?:\.[0-9]{1,6})?)|N/A)"
    r"(?:, start: (?P<start>-?[0-9]{1,12}\.[0-9]{1,9}))?(?:, bitrate: .{1,40})?"
)
_PROGRAM: Final = re.compile(r"  (?:Program ([0-9]{1,9})|(No) Program)\b.*", re.DOTALL)
_STREAM: Final = re.compile(
    r" {2,8}Stream #0:(?P<index>[0-9]{1,5})(?:\[0x[0-9a-f]{1,16}\])?(?:\((?P<language>.{0,100}?)\))?: "
    r"(?P<kind>Video|Audio|Subtitle|Data|Attachment|Unknown)(?:: (?P<rest>.*))?",
    re.DOTALL | re.IGNORECASE,
)
_STREAM_INDEX: Final = re.compile(r" {2,8}Stream #0:([0-9]{1,5})")
_SIDE_DATA: Final = re.compile(r" {4,12}([A-Za-z][\w /-]{1,60}): ?(.*)", re.DOTALL)
_ROTATION: Final = re.compile(r"rotation of (-?[0-9]{1,4}(?:\.[0-9]{1,6})?) degrees.*", re.DOTALL)
_DOLBY_VISION: Final = re.compile(
    r"version: .{1,20}, profile: ([0-9]{1,3}), .*compatibility id: ([0-9]{1,3}).*", re.DOTALL
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_SIZE: Final = re.compile(
    r"(?P<width>[0-9]{1,6})x(?P<height>[0-9]{1,6})(?: \([0-9]{1,6}x[0-9]{1,6}\))?"
    r"(?: \[SAR ([0-9]{1,9}):([0-9]{1,9}) DAR [0-9]{1,9}:[0-9]{1,9}\])?"
)
_ASPECT: Final = re.compile(r"SAR ([0-9]{1,9}):([0-9]{1,9}) DAR [0-9]{1,9}:[0-9]{1,9}")
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(k?) (fps|tbr)")
_SAMPLE_RATE: Final = re.compile(r"([0-9]{1,9}) Hz")
_CODEC: Final = re.compile(r"([A-Za-z0-9_]{1,40})(?: .*)?", re.DOTALL)


class Banner:
    """ffmpeg's description of one input, collected while ffmpeg writes its log (`-loglevel level+info`).

    streams: in the file's order; a stream of another kind, or one that cannot be used, is left out. duration: in
    seconds, 0 when unknown. start: the file's first timestamp, in seconds. programs: the streams of each program of a
    transport stream. decoders: the codecs that this ffmpeg can decode; empty when that is not known.

    Where text of the file may hold a line end (a file name, a key), the lines after it carry no `[info]`, and those
    before the genuine `Duration` are dropped with it: so a file cannot describe streams that it does not have.
    """

    def __init__(self, decoders: Collection[str] = ()) -> None:
        self.format = ""
        self.duration = Fraction(0)
        self.start = Fraction(0)
        self.programs: list[set[int]] = []
        self._decoders = decoders
        self._streams: dict[int, Stream | None] = {}
        self._last: int | None = None
        self._program: set[int] | None = None
        self._line = bytearray()
        self._state = "before"

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(stream for _, stream in sorted(self._streams.items()) if stream is not None)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the log."""
        if self._state == "after":
            return
        first, *rest = chunk.split(b"\n")
        self._append(first)
        for part in rest:
            self._read(self._line.decode("utf-8", "replace"))
            self._line.clear()
            self._append(part)

    def close(self) -> None:
        """Read what came after the last line end."""
        self._read(self._line.decode("utf-8", "replace"))
        self._line.clear()

    def _append(self, part: bytes) -> None:
        self._line += part[: max(0, _MAX_LINE_BYTES - len(self._line))]

    def _read(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            return
        text = found[1]
        if self._state == "before" and text.startswith("Input #0, "):
            self.format = text.removeprefix("Input #0, ").partition(", from ")[0]
            self._state = "in"
        elif self._state != "in":
            return
        elif text.startswith(("Output #", "Stream mapping:", "Input #")):
            self._state = "after"
        elif found := _DURATION.fullmatch(text):
            self._begin(found)
        elif found := _PROGRAM.fullmatch(text):
            self._program = None if found[2] else set()
            if self._program is not None and len(self.programs) < _MAX_STREAMS:
                self.programs.append(self._program)
        elif text.lstrip(" ").startswith("Stream #0:"):
            self._read_stream(text)
        elif found := _SIDE_DATA.fullmatch(text):
            self._read_side_data(found[1].lower(), found[2])

    def _begin(self, found: re.Match[str]) -> None:
        """Start with the streams: whatever looked like one before this line was a part of a name or a tag."""
        self._streams.clear()
        self.programs.clear()
        self._program, self._last = None, None
        self.duration = clock(found["hours"], found["minutes"], found["seconds"]) if found["hours"] else Fraction(0)
        self.start = Fraction(found["start"] or 0)

    def _read_stream(self, text: str) -> None:
        found = _STREAM.fullmatch(text)
        number = _STREAM_INDEX.match(text)
        if number is None or len(self._streams) >= _MAX_STREAMS:
            _not_understood("stream", text)
            return
        index = int(number[1])
        if self._program is not None:
            self._program.add(index)
        if index in self._streams:
            return  # a stream of two programs; what is described a second time in other words is not believed
        self._last = index
        self._streams[index] = None
        if found is None:
            _not_understood("stream", text)
            return
        language = found["language"] or ""
        if language and not _LANGUAGE.fullmatch(language):
            _not_understood("language", language)
            language = ""
        self._streams[index] = self._stream(index, language, found["kind"].lower(), found["rest"] or "")

    def _stream(self, index: int, language: str, kind: str, rest: str) -> Stream | None:
        fields, dispositions = split_fields(rest)
        codec = found[1].lower() if (found := _CODEC.fullmatch(fields[0])) else ""
        if kind == "subtitle":
            return SubtitleStream(index, codec, language, dispositions) if codec in _TEXT_CODECS else None
        if kind not in {"video", "audio"}:
            return None
        is_decodable = codec not in {"", "none", "unknown"} and (not self._decoders or codec in self._decoders)
        if kind == "video":
            return _video(index, codec, language, fields, dispositions, is_decodable=is_decodable)
        return _audio(index, codec, language, fields, dispositions, is_decodable=is_decodable)

    def _read_side_data(self, name: str, value: str) -> None:
        stream = None if self._last is None else self._streams[self._last]
        if not isinstance(stream, VideoStream):
            return
        if name in {"displaymatrix", "display matrix"}:
            if found := _ROTATION.fullmatch(value):
                turns = round(-float(found[1]) / 90) % 4
                self._streams[stream.index] = replace(stream, rotation_degrees=turns * 90)
            else:
                _not_understood("rotation", value)
        elif name.startswith("dovi configuration record"):
            if found := _DOLBY_VISION.fullmatch(value):
                vision = DolbyVision(int(found[1]), int(found[2]))
                self._streams[stream.index] = replace(stream, dolby_vision=vision)
            else:
                _not_understood("Dolby Vision", value)


def split_fields(text: str) -> tuple[list[str], frozenset[str]]:
    """Return the fields of a stream's line, split at the commas outside of brackets, and its dispositions.

    `h264 (High), yuv420p(tv, bt709), 25 fps (default)` has three fields and the disposition `default`.
    """
    dispositions: set[str] = set()
    for _ in range(_MAX_DISPOSITIONS):
        head, separator, last = text.rpartition(" (")
        if not separator or not last.endswith(")") or last[:-1] not in _DISPOSITIONS:
            break
        dispositions.add(last[:-1])
        text = head
    fields: list[str] = []
    depth = begin = 0
    for place, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth = max(0, depth - 1)
        elif character == "," and depth == 0:
            fields.append(text[begin:place].strip())
            begin = place + 1
    fields.append(text[begin:].strip())
    return fields, frozenset(dispositions)


def clock(hours: str, minutes: str, seconds: str) -> Fraction:
    """Return `h:mm:ss.cc`, in its parts, as seconds."""
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def exact_rate(rounded: float) -> Fraction:
    """Return the exact frame rate that ffmpeg prints with two decimals: 29.97 is 30000/1001."""
    for whole in (24, 30, 48, 60, 120, 240):
        if abs(rounded - whole * 1000 / 1001) < 0.006:  # noqa: PLR2004 - half a unit of the last decimal
            return Fraction(whole * 1000, 1001)
    return Fraction(rounded).limit_denominator(1001)


def _video(
    index: int, codec: str, language: str, fields: list[str], dispositions: frozenset[str], *, is_decodable: bool
) -> VideoStream | None:
    """Return the stream that a line describes; None when its size is unknown."""
    size: tuple[int, int] | None = None
    aspect = Fraction(1)
    rates = {"fps": Fraction(0), "tbr": Fraction(0)}
    pixel_format, _, details = (fields[1] if len(fields) > 1 else "").partition("(")
    for field in fields[2:]:
        if found := _SIZE.fullmatch(field):
            size = int(found["width"]), int(found["height"])
            aspect = _sample_aspect(found[3], found[4])
        elif found := _ASPECT.fullmatch(field):
            aspect = _sample_aspect(found[1], found[2])
        elif found := _RATE.fullmatch(field):
            rates[found[3]] = exact_rate(float(found[1]) * (1000 if found[2] else 1))
        elif not _OTHER_FIELDS.fullmatch(field):
            _not_understood("field of a picture", field)
    if size is None or min(size) < _MIN_SIDE_PX:
        return None
    colors, is_interlaced, is_full_range = _picture_details(details.removesuffix(")"))
    # "matrix/primaries/transfer"; a single word stands for all three.
    matrix, primaries, transfer = (
        "" if word in {"unknown", "unspecified", "reserved"} else word for word in (colors.split("/") * 3)[:3]
    )
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
        is_interlaced=is_interlaced,
        is_full_range=is_full_range,
        is_decodable=is_decodable,
        language=language,
        dispositions=dispositions,
    )


def _picture_details(text: str) -> tuple[str, bool, bool]:
    """Return the colours, whether fields are named, and whether the range is full, of `tv, bt709, top first`."""
    colors, is_interlaced, is_full_range = "", False, False
    for word in split_fields(text)[0] if text else ():
        if word in _FIELD_ORDERS:
            is_interlaced = True
        elif word in {"tv", "pc"}:
            is_full_range = word == "pc"
        elif _OTHER_DETAILS.fullmatch(word):
            continue
        elif _COLORS.fullmatch(word) and not colors:
            colors = word
        else:
            _not_understood("detail of a picture", word)
    return colors, is_interlaced, is_full_range


def _sample_aspect(numerator: str | None, denominator: str | None) -> Fraction:
    """Return a sample aspect; 1 where it is unknown (0:1) or so odd that it can only be a mistake."""
    if not numerator or not denominator or int(numerator) == 0 or int(denominator) == 0:
        return Fraction(1)
    ratio = Fraction(int(numerator), int(denominator))
    return ratio if Fraction(1, _MAX_SAMPLE_ASPECT) <= ratio <= _MAX_SAMPLE_ASPECT else Fraction(1)


def _audio(
    index: int, codec: str, language: str, fields: list[str], dispositions: frozenset[str], *, is_decodable: bool
) -> AudioStream:
    rate = next((int(found[1]) for field in fields[1:] if (found := _SAMPLE_RATE.fullmatch(field))), 0)
    layout = fields[2] if len(fields) > 2 else ""  # noqa: PLR2004 - codec, rate, layout
    return AudioStream(index, codec, rate, _channels(layout), language, dispositions, is_decodable=is_decodable)


def _channels(layout: str) -> int:
    """Return how many channels a layout has: `stereo` 2, `5.1(side)` 6, `3 channels (FL+FR+FC)` 3; 0 if unknown."""
    named = {"mono": 1, "stereo": 2, "binaural": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8}
    name = layout.partition("(")[0].strip()
    if name in named:
        return named[name]
    if found := re.fullmatch(r"([0-9]{1,3}) channels", name):
        return int(found[1])
    if found := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})(?:\.([0-9]{1,2}))?(?: downmix)?", name):
        return sum(int(part) for part in found.groups() if part)
    if found := re.fullmatch(r"ambisonic ([0-9])", name):
        return (int(found[1]) + 1) ** 2
    return 0


def _not_understood(what: str, text: str) -> None:
    logger.warning("ffmpeg described a %s in words that are not known: %r", what, text[:_MAX_LOGGED_CHARACTERS])


def parse_ffmetadata(text: str) -> tuple[dict[str, str], tuple[Chapter, ...]]:
    r"""Return the tags (keys in lower case) and the chapters of an ffmetadata file, at most 10,000 of them.

    Source: ffmpeg's documentation, "Metadata": `=`, `;`, `#`, `\` and newlines are escaped with a backslash.
    """
    tags: dict[str, str] = {}
    chapters: list[dict[str, str]] = []
    target: dict[str, str] | None = tags
    for line in _whole_lines(text):
        if line.startswith((";", "#")):
            continue
        if line in {"[CHAPTER]", "[STREAM]"}:
            target = {} if line == "[CHAPTER]" and len(chapters) < _MAX_CHAPTERS else None
            if target is not None:
                chapters.append(target)
        elif target is not None and (parts := re.fullmatch(r"((?:[^\\=]|\\[\s\S])*)=([\s\S]*)", line)):
            # ffmpeg writes its own fields first; a tag of the same name cannot replace them.
            target.setdefault(_unescape(parts[1]).lower(), _unescape(parts[2]))
    return tags, tuple(chapter for fields in chapters if (chapter := _chapter(fields)))


def _whole_lines(text: str) -> list[str]:
    """Return the lines of an ffmetadata file; a line whose end is escaped goes on."""
    return re.findall(r"(?:[^\\\n]|\\[\s\S])+", text)


def _unescape(text: str) -> str:
    return re.sub(r"\\([\s\S])", r"\1", text)


def _chapter(fields: Mapping[str, str]) -> Chapter | None:
    base = re.fullmatch(r"([0-9]{1,10})/([0-9]{1,10})", fields.get("timebase", "1/1000000000"))
    times = [re.fullmatch(r"-?[0-9]{1,19}", fields.get(name, "")) for name in ("start", "end")]
    start, end = (int(time[0]) if time else None for time in times)
    if base is None or int(base[2]) == 0 or start is None or end is None or end < start:
        _not_understood("chapter", ", ".join(f"{name}={fields.get(name, '')[:50]}" for name in ("timebase", "start")))
        return None
    unit = Fraction(int(base[1]), int(base[2]))
    return Chapter(start * unit, end * unit, fields.get("title", ""))
