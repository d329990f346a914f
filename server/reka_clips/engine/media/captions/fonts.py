"""The caption fonts that come with the engine: which letters they have, and how wide each letter is.

The files are the npm packages @fontsource/{bebas-neue,bangers,roboto-condensed,lato} 5.3.0, unmodified (OFL-1.1).
Only as much of WOFF and OpenType is read as line breaking needs: the character map and the advance widths.
"""

from __future__ import annotations

import functools
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FONTS_DIRECTORY: Final = Path(__file__).resolve().parent / "font_files"

# `CaptionFont` is the engine's own choice of the four: Roboto Condensed, because it has the most letters.
_FILES: Final = MappingProxyType(
    {
        "BebasNeue": ("Bebas Neue", False, ("bebas-neue-latin-400-normal", "bebas-neue-latin-ext-400-normal")),
        "Bangers": (
            "Bangers",
            False,
            ("bangers-latin-400-normal", "bangers-latin-ext-400-normal", "bangers-vietnamese-400-normal"),
        ),
        "RobotoCondensed": (
            "Roboto Condensed",
            True,
            tuple(
                f"roboto-condensed-{script}-700-normal"
                for script in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese")
            ),
        ),
        "Lato": ("Lato Black", False, ("lato-latin-900-normal", "lato-latin-ext-900-normal")),
    }
)
WIDEST_COVERAGE: Final = "RobotoCondensed"
# For letters of fonts that are not ours: DejaVu's widest scripts stay below this; ideographs fill a whole em.
_FOREIGN_ADVANCE_EM: Final = 0.8
_WIDE_ADVANCE_EM: Final = 1.1


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font family as libass is told of it.

    name, bold: what goes into an ASS style. line_height_em: ASS font sizes are line heights, this many ems.
    advances_em: the width of each character that the family has, in ems.
    """

    name: str
    bold: bool
    line_height_em: float
    advances_em: Mapping[str, float]

    def missing(self, text: str) -> frozenset[str]:
        """Return the visible characters of `text` that the family has no glyph for."""
        return frozenset(c for c in text if c not in self.advances_em and not c.isspace() and not is_invisible(c))

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
    name, bold, files = _FILES[WIDEST_COVERAGE if family == "CaptionFont" else family]
    advances: dict[str, float] = {}
    heights: set[float] = set()
    for file in files:
        tables = read_woff((FONTS_DIRECTORY / f"{file}.woff").read_bytes())
        (units_per_em,) = struct.unpack_from(">H", tables["head"], 18)
        ascent, descent = struct.unpack_from(">HH", tables["OS/2"], 74)  # usWinAscent, usWinDescent: libass's measure
        heights.add((ascent + descent) / units_per_em)
        for character, advance in _advances(tables).items():
            advances.setdefault(character, advance / units_per_em)
    return Typeface(name, bold, max(heights), MappingProxyType(advances))


def read_woff(content: bytes) -> dict[str, bytes]:
    """Return the OpenType tables of a WOFF 1.0 file by tag. Raises ValueError for anything else.

    Source: W3C, WOFF File Format 1.0, sections 4 and 5.
    """
    if content[:4] != b"wOFF":
        raise ValueError("This is not a WOFF file.")
    (count,) = struct.unpack_from(">H", content, 12)
    tables: dict[str, bytes] = {}
    for index in range(count):
        tag, offset, packed_bytes, full_bytes, _ = struct.unpack_from(">4sIIII", content, 44 + 20 * index)
        packed = content[offset : offset + packed_bytes]
        tables[tag.decode("ascii")] = zlib.decompress(packed) if packed_bytes < full_bytes else packed
    return tables


def is_wide(character: str) -> bool:
    """Whether a character is an ideograph, kana, hangul or of full width, and so about one em wide."""
    code = ord(character)
    return any(first <= code <= last for first, last in _WIDE_RANGES)


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


def _advances(tables: Mapping[str, bytes]) -> dict[str, int]:
    (metrics_count,) = struct.unpack_from(">H", tables["hhea"], 34)
    widths = [struct.unpack_from(">H", tables["hmtx"], 4 * index)[0] for index in range(metrics_count)]
    return {chr(code): widths[min(glyph, metrics_count - 1)] for code, glyph in _character_map(tables["cmap"]) if glyph}


def _character_map(table: bytes) -> Iterable[tuple[int, int]]:
    """Yield (code point, glyph) of a `cmap` table's Unicode subtable, format 4 or 12, the two that fonts use."""
    (count,) = struct.unpack_from(">H", table, 2)
    offsets = [struct.unpack_from(">I", table, 8 + 8 * index)[0] for index in range(count)]
    by_format = {struct.unpack_from(">H", table, offset)[0]: offset for offset in offsets}
    if 12 in by_format:  # noqa: PLR2004 - the format's name is a number
        yield from _segmented_coverage(table, by_format[12])
    elif 4 in by_format:  # noqa: PLR2004 - the format's name is a number
        yield from _segment_mapping(table, by_format[4])


def _segmented_coverage(table: bytes, offset: int) -> Iterable[tuple[int, int]]:
    (groups,) = struct.unpack_from(">I", table, offset + 12)
    for group in range(groups):
        first, last, glyph = struct.unpack_from(">III", table, offset + 16 + 12 * group)
        yield from ((code, glyph + code - first) for code in range(first, last + 1))


def _segment_mapping(table: bytes, offset: int) -> Iterable[tuple[int, int]]:
    segments = struct.unpack_from(">H", table, offset + 6)[0] // 2
    ends = offset + 14
    # Two bytes of padding follow the ends.
    starts, deltas, ranges = (ends + 2 + 2 * segments * part for part in (1, 2, 3))
    for segment in range(segments):
        last, first, delta, range_offset = (
            struct.unpack_from(">H", table, base + 2 * segment)[0] for base in (ends, starts, deltas, ranges)
        )
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if range_offset:
                (glyph,) = struct.unpack_from(">H", table, ranges + 2 * segment + range_offset + 2 * (code - first))
                if glyph == 0:
                    continue
            yield code, (glyph + delta) & 0xFFFF
