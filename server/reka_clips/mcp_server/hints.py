"""The nearest right spelling of a value or the name of a field, as far as it can be guessed."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIME: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2})(?:\.\d+)?")
_SHORT_COLOR: Final = re.compile(r"#?([0-9A-Fa-f])([0-9A-Fa-f])([0-9A-Fa-f])")
_BARE_COLOR: Final = re.compile(r"[0-9A-Fa-f]{6}")
_DIGITS: Final = re.compile(r"\d{1,5}")

_SHAPES: Final = {"vertical": "9:16", "portrait": "9:16", "square": "1:1", "horizontal": "16:9", "landscape": "16:9",
                  "widescreen": "16:9", "split": "9:16-split"}  # fmt: skip
_COLORS: Final = {"white": "#FFFFFF", "black": "#000000", "red": "#FF0000", "green": "#00FF00", "blue": "#0000FF",
                  "yellow": "#FFFF00", "orange": "#FFA500", "pink": "#FFC0CB", "purple": "#800080"}  # fmt: skip
_LANGUAGES: Final = {
    "arabic": "ar", "czech": "cs", "danish": "da", "german": "de", "greek": "el", "english": "en", "spanish": "es",
    "finnish": "fi", "filipino": "fil", "tagalog": "fil", "french": "fr", "hebrew": "he", "hindi": "hi",
    "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "malay": "ms",
    "dutch": "nl", "norwegian": "no", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "chinese": "zh",
    "mandarin": "zh",
}  # fmt: skip
_OTHER_NAMES: Final = {
    "url": "video_urls", "urls": "video_urls", "link": "video_urls", "links": "video_urls", "video": "video_urls",
    "videos": "video_urls", "source": "video_urls", "sources": "video_urls", "inputurl": "video_urls",
    "instruction": "prompt", "instructions": "prompt", "query": "prompt", "text": "prompt", "description": "prompt",
    "count": "num_generations", "n": "num_generations", "numclips": "num_generations", "clips": "num_generations",
    "numberofclips": "num_generations", "clipcount": "num_generations", "numoutputs": "num_generations",
    "duration": "max_duration_seconds", "length": "max_duration_seconds", "maxlength": "max_duration_seconds",
    "minlength": "min_duration_seconds", "start": "source_start_time", "starttime": "source_start_time",
    "from": "source_start_time", "end": "source_end_time", "endtime": "source_end_time", "to": "source_end_time",
    "language": "translated_subtitles_target_language", "lang": "translated_subtitles_target_language",
    "targetlanguage": "translated_subtitles_target_language", "locale": "translated_subtitles_target_language",
    "subtitlelanguage": "translated_subtitles_target_language",
    "subtitleslanguage": "translated_subtitles_target_language",
    "caption": "subtitles", "captions": "subtitles", "watermark": "show_watermark", "ratio": "aspect_ratio",
    "aspect": "aspect_ratio", "orientation": "aspect_ratio", "format": "aspect_ratio", "quality": "resolution",
    "height": "resolution", "size": "resolution", "font": "font_family", "fontsize": "desired_font_size",
    "color": "text_color", "style": "caption_style", "captionstyles": "caption_style",
    "config": "generation_config", "generation": "generation_config", "rendering": "rendering_config",
    "render": "rendering_config", "timeout": "wait_seconds", "wait": "wait_seconds", "maxwait": "wait_seconds",
    "streaming": "stream", "force": "force_new", "generationid": "id", "clipid": "id", "jobid": "id",
    "reelid": "id", "taskid": "id", "uuid": "id", "deletesource": "delete_input_video",
    "deletevideo": "delete_input_video", "deleteinput": "delete_input_video", "page": "offset", "skip": "offset",
    "pagesize": "limit", "max": "limit", "state": "status", "filter": "status", "folder": "directory",
    "dir": "directory", "path": "directory", "outputdir": "directory", "index": "clip", "clipindex": "clip",
    "clipnumber": "clip", "number": "clip",
}  # fmt: skip


def nearest_name(name: str, candidates: Sequence[str]) -> str | None:
    """Return the field that was probably meant by a name that is none, or None."""
    plain = _plain(name)
    by_plain = {_plain(candidate): candidate for candidate in candidates}
    if plain in by_plain:
        return by_plain[plain]
    other = _OTHER_NAMES.get(plain)
    if other in candidates:
        return other
    close = difflib.get_close_matches(plain[:80], by_plain, n=1, cutoff=0.75)
    return by_plain[close[0]] if close else None


def did_you_mean(name: str, candidates: Sequence[str]) -> str:
    """Return how a sentence about a name that is none of the candidates ends: `; did you mean X?` or a full stop."""
    meant = nearest_name(name, candidates)
    return f"; did you mean {meant}?" if meant else "."


def nearest_values(text: str, allowed: Sequence[str]) -> list[str]:
    """Return the allowed values that were probably meant, the likeliest first, at most three."""
    plain = text.strip().lower().replace("-", "_").replace("/", ":")
    same = [value for value in allowed if value.lower().replace("-", "_") in (plain, plain.replace("x", ":"))]
    if same:
        return same
    shapes = [shape for word, shape in _SHAPES.items() if word == plain and shape in allowed]
    if shapes:
        return shapes
    language = _LANGUAGES.get(plain, plain.partition("_")[0])
    spoken = [value for value in allowed if value.startswith(language + "_")]
    if spoken:
        return spoken[:3]
    digits = _DIGITS.match(plain)
    numbers = [value for value in allowed if value.isdigit()]
    if digits and numbers:
        return [min(numbers, key=lambda value: abs(int(value) - int(digits.group())))]
    return difflib.get_close_matches(text.strip()[:80], allowed, n=2, cutoff=0.6)


def color(text: str) -> str | None:
    """Return a colour as `#RRGGBB` where the text clearly means one."""
    plain = text.strip().lower()
    short = _SHORT_COLOR.fullmatch(plain)
    if short:
        return "#" + "".join(digit * 2 for digit in short.groups()).upper()
    if _BARE_COLOR.fullmatch(plain):
        return "#" + plain.upper()
    return _COLORS.get(plain)


def clock_seconds(text: str) -> int | None:
    """Return the whole seconds of a time of day or of a film, such as `5:00` or `1:02:03`."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name[:200].lower())
