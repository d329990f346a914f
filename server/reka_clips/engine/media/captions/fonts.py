"""The caption fonts that come with the engine: which letters they have, and how wide each letter is.

The files are those of the npm packages @fontsource/{bebas-neue,bangers,roboto-condensed,lato} 5.3.0 (OFL-1.1), unpacked
from WOFF to plain OpenType, which every build of ffmpeg opens. tests/release/fonts.py made them and their metrics.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FONTS_DIRECTORY: Final = Path(__file__).resolve().parent / "font_files"
METRICS_FILE: Final = Path(__file__).resolve().parent / "font_metrics.json"

# `CaptionFont` is the engine's own choice of the four: Roboto Condensed, because it has the most letters.
WIDEST_COVERAGE: Final = "RobotoCondensed"
FAMILIES: Final = ("BebasNeue", "Bangers", "RobotoCondensed", "Lato")
# For letters of fonts that are not ours: DejaVu's widest scripts stay below this; ideographs fill a whole em.
_FOREIGN_ADVANCE_EM: Final = 0.8
_WIDE_ADVANCE_EM: Final = 1.1


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font family as libass knows it.

    name, bold: what goes into an ASS style. postscript_name: the name by which libass logs which font it draws.
    line_height_em: ASS font sizes are line heights, this many ems. advances_em: the width of each character that the
    family has, in ems.
    """

    name: str
    postscript_name: str
    bold: bool
    line_height_em: float
    advances_em: Mapping[str, float]

    def missing(self, text: str) -> frozenset[str]:
        """Return the characters of `text` that the family has no glyph for, marks over letters included."""
        return frozenset(c for c in text if c not in self.advances_em and not c.isspace() and not is_undrawn(c))

    def width_em(self, text: str) -> float:
        """Return the width of `text` in ems, without kerning; a safe guess for characters of other fonts."""
        return sum(self._advance_em(character) for character in text)

    def _advance_em(self, character: str) -> float:
        known = self.advances_em.get(character)
        if known is not None:
            return known
        if is_invisible(character):
            return 0.0
        return _WIDE_ADVANCE_EM if is_wide(character) else _FOREIGN_ADVANCE_EM


@functools.cache
def typeface(family: str) -> Typeface:
    """Return one of the API's font families: BebasNeue, Bangers, RobotoCondensed, Lato, CaptionFont.

    Raises KeyError for any other name.
    """
    row = _metrics()[WIDEST_COVERAGE if family == "CaptionFont" else family]
    units: int = row["units_per_em"]
    by_advance: dict[str, str] = row["characters_by_advance"]
    advances = {character: int(width) / units for width, characters in by_advance.items() for character in characters}
    return Typeface(
        row["name"], row["postscript_name"], row["bold"], row["line_height"] / units, MappingProxyType(advances)
    )


@functools.cache
def _metrics() -> dict[str, Any]:
    return json.loads(METRICS_FILE.read_text(encoding="ascii"))


def is_wide(character: str) -> bool:
    """Whether a character is an ideograph, kana, hangul or of full width, and so about one em wide."""
    code = ord(character)
    return any(first <= code <= last for first, last in _WIDE_RANGES)


def is_undrawn(character: str) -> bool:
    """Whether nothing is ever drawn for a character itself: a joiner, a variation selector."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def is_invisible(character: str) -> bool:
    """Whether a character takes no room of its own: a combining mark, a joiner, a variation selector."""
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


_WIDE_RANGES: Final = (
    (0x1100, 0x115F),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFF60),
    (0xFFE0, 0xFFE6),
    (0x1F300, 0x1FAFF),
    (0x20000, 0x3FFFD),
)
