"""The nearest right spelling of a value or the name of a field, as far as it can be guessed."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2})(?:[.,]\d+)?")
_UNITS: Final = re.compile(
    r"(?:(\d{1,3}) ?h(?:rs?|ours?)?)? ?(?:(\d{1,4}) ?m(?:ins?|inutes?)?)? ?(?:(\d{1,5}) ?s(?:ecs?|econds?)?)?"
)
_RATIO: Final = re.compile(r"(\d{1,5}(?:\.\d+)?) ?[:x\u00d7\u2236/] ?(\d{1,5}(?:\.\d+)?)")
_QUOTIENT: Final = re.compile(r"[0-4](?:\.\d+)?")
_SHORT_COLOR: Final = re.compile(r"#?([0-9a-f])([0-9a-f])([0-9a-f])")
_BARE_COLOR: Final = re.compile(r"[0-9a-f]{6}")
_DIGITS: Final = re.compile(r"\d{1,5}")

# fmt: off
OTHER_NAMES: Final = {
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
}
"""Names of fields, written without anything but letters and digits."""

OTHER_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "vertical": ("9:16",), "portrait": ("9:16",), "tall": ("9:16",), "story": ("9:16",), "stories": ("9:16",),
    "tiktok": ("9:16",), "reels": ("9:16",), "square": ("1:1",), "feed": ("4:5",), "horizontal": ("16:9",),
    "landscape": ("16:9",), "widescreen": ("16:9",), "wide": ("16:9",), "split": ("9:16-split",),
    "highlight": ("moments",), "highlights": ("moments",), "clips": ("moments",), "shorts": ("moments", "9:16"),
    "reel": ("compilation", "9:16"), "highlight_reel": ("compilation",), "montage": ("compilation",),
    "summary": ("compilation",), "supercut": ("compilation",), "narration": ("voiceover",),
    "captions": ("caption_only",), "subtitles": ("caption_only",),
    "sd": ("480",), "hd": ("720", "1080"), "full_hd": ("1080",), "fullhd": ("1080",), "fhd": ("1080",),
    "2k": ("1080",), "4k": ("1080",), "8k": ("1080",), "uhd": ("1080",), "high": ("1080",), "low": ("480",),
    "crop": ("ai",), "fill": ("ai",), "cover": ("ai",), "smart": ("ai",), "track": ("ai",),
    "letterbox": ("fit",), "pad": ("fit",), "contain": ("fit",), "bars": ("fit",),
    "upper": ("uppercase", "top"), "caps": ("uppercase",), "all_caps": ("uppercase",), "capitals": ("uppercase",),
    "lower": ("lowercase", "bottom"), "none": ("initial",), "normal": ("initial",), "original": ("initial",),
    "center": ("middle",), "centre": ("middle",),
    "done": ("completed",), "finished": ("completed",), "ready": ("completed",), "success": ("completed",),
    "succeeded": ("completed",), "error": ("failed",), "pending": ("queued",), "waiting": ("queued",),
}
"""Values of closed sets, in lower case."""

LANGUAGES: Final = {
    "arabic": "ar", "czech": "cs", "danish": "da", "german": "de", "deutsch": "de", "greek": "el", "english": "en",
    "spanish": "es", "español": "es", "castilian": "es", "finnish": "fi", "filipino": "fil", "tagalog": "fil",
    "tl": "fil", "french": "fr", "français": "fr", "hebrew": "he", "iw": "he", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "italian": "it", "italiano": "it", "japanese": "ja", "korean": "ko", "malay": "ms",
    "dutch": "nl", "norwegian": "no", "nb": "no", "nn": "no", "polish": "pl", "portuguese": "pt", "português": "pt",
    "romanian": "ro", "russian": "ru", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "vietnamese": "vi", "chinese": "zh", "mandarin": "zh",
}
"""By a language's name or another code: the code that its locales begin with."""

COLORS: Final = {
    "white": "#FFFFFF", "black": "#000000", "red": "#FF0000", "green": "#00FF00", "blue": "#0000FF",
    "yellow": "#FFFF00", "orange": "#FFA500", "pink": "#FFC0CB", "purple": "#800080",
}
NUMBERS: Final = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3}
TRUE: Final = frozenset({"yes", "on", "1", "y", "enabled"})
FALSE: Final = frozenset({"no", "off", "0", "n", "none", "disabled"})
NO_CHOICE: Final = frozenset({"auto", "automatic", "default", "none", "null", "any", "undefined", "best"})
"""Words by which one leaves the choice to the service: here a field is left out for that."""
# fmt: on


def nearest_name(name: str, candidates: Sequence[str]) -> str | None:
    """Return the field that was probably meant by a name that is none, or None."""
    plain = _letters(name.rpartition(".")[2])
    by_plain = {_letters(candidate): candidate for candidate in candidates}
    if plain in by_plain:
        return by_plain[plain]
    other = OTHER_NAMES.get(plain)
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
    plain = _plain(text).replace("-", "_")
    same = [value for value in allowed if _letters(value) == _letters(plain)]
    known = [value for value in OTHER_VALUES.get(plain.replace(" ", "_"), ()) if value in allowed]
    near = same or known or _locales(plain, allowed) or _ratios(plain, allowed) or _numbers(plain, allowed)
    return near[:3] or difflib.get_close_matches(plain[:80], allowed, n=2, cutoff=0.6)


def color(text: str) -> str | None:
    """Return a colour as `#RRGGBB` where the text clearly means one."""
    plain = _plain(text)
    short = _SHORT_COLOR.fullmatch(plain)
    if short:
        return "#" + "".join(digit * 2 for digit in short.groups()).upper()
    if _BARE_COLOR.fullmatch(plain):
        return "#" + plain.upper()
    return COLORS.get(plain)


def seconds(text: str) -> int | None:
    """Return the whole seconds of a time of a film or a duration, such as `5:00`, `1:02:03`, `90s` or `2 min`."""
    plain = _plain(text)
    match = _CLOCK.fullmatch(plain) or _UNITS.fullmatch(plain)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def number(text: str) -> int | None:
    """Return the whole number that a text means, such as `three` or `3 clips`."""
    plain = _plain(text)
    digits = _DIGITS.match(plain)
    return int(digits.group()) if digits else NUMBERS.get(plain.partition(" ")[0])


def truth(value: str | float) -> bool | None:
    """Return the truth value that a word or a number means, such as `yes` or 0."""
    plain = _plain(str(value))
    return True if plain in TRUE else False if plain in FALSE else None


def _locales(plain: str, allowed: Sequence[str]) -> list[str]:
    words = re.split(r"[ (),_]+", plain)
    languages = [LANGUAGES[word] for word in words if word in LANGUAGES] or [words[0]]
    return [value for value in allowed if value.startswith(languages[0] + "_")]


def _ratios(plain: str, allowed: Sequence[str]) -> list[str]:
    """Return the allowed ratio of two sides that is nearest to a pair of sides or a quotient."""
    asked = _quotient(plain)
    ratios = {value: ratio for value in allowed if (ratio := _quotient(value)) is not None}
    if asked is None or not ratios:
        return []
    return [min(ratios, key=lambda value: abs(math.log(ratios[value] / asked)))]


def _quotient(text: str) -> float | None:
    pair = _RATIO.fullmatch(text)
    wide, high = (float(side) for side in pair.groups()) if pair else (0.0, 1.0)
    if pair is None and _QUOTIENT.fullmatch(text):
        wide = float(text)
    return wide / high if wide > 0 and high > 0 else None


def _numbers(plain: str, allowed: Sequence[str]) -> list[str]:
    digits = _DIGITS.match(plain)
    numbers = [value for value in allowed if value.isdigit()]
    if digits is None or not numbers:
        return []
    return [min(numbers, key=lambda value: abs(int(value) - int(digits.group())))]


def _plain(text: str) -> str:
    """Return the text in lower case, with look-alikes of the same letters and digits made one."""
    return unicodedata.normalize("NFKC", text[:200]).strip().lower()


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _plain(name))
