"""The nearest right spelling of a value or the name of a field, as far as it can be guessed."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from reka_clips.mcp_server.input.aliases import COLORS, FALSE, LANGUAGES, NUMBERS, OTHER_NAMES, OTHER_VALUES, TRUE

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
