"""Makes the caption fonts that the engine ships out of the WOFF files of their npm packages.

    npm pack @fontsource/bebas-neue@5.3.0 … && tar xf …
    python tests/release/fonts.py FOLDER   # a folder below which the .woff files lie

Some builds of ffmpeg (those for Windows) cannot open WOFF; every build opens plain OpenType. WOFF 1.0 packs each table
of a font with zlib, so unpacking it loses nothing: the fonts stay unmodified in the sense of the OFL.
Above them goes `font_metrics.json`, which is all that line breaking needs of them.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont

from reka_clips.engine.media.captions.fonts import FONTS_DIRECTORY, METRICS_FILE

# The API's name: the name that libass knows it by, whether its style is bold, how its files are called.
FAMILIES = {
    "BebasNeue": ("Bebas Neue", False, "bebas-neue"),
    "Bangers": ("Bangers", False, "bangers"),
    "RobotoCondensed": ("Roboto Condensed", True, "roboto-condensed"),
    "Lato": ("Lato Black", False, "lato"),
}


def sfnt(woff: bytes) -> bytes:
    """Return the OpenType font that a WOFF 1.0 file was made from. Raises ValueError for anything else.

    Source: W3C, WOFF File Format 1.0, sections 4 and 5; OpenType, "Table directory".
    """
    if woff[:4] != b"wOFF":
        raise ValueError("This is not a WOFF file.")
    (count,) = struct.unpack_from(">H", woff, 12)
    entries = [struct.unpack_from(">4sIIII", woff, 44 + 20 * index) for index in range(count)]
    power = 1 << (count.bit_length() - 1)
    head = woff[4:8] + struct.pack(">HHHH", count, 16 * power, power.bit_length() - 1, 16 * (count - power))
    rows: list[bytes] = []
    body, start = b"", 12 + 16 * count
    for tag, offset, packed_bytes, full_bytes, checksum in sorted(entries, key=lambda entry: entry[1]):
        packed = woff[offset : offset + packed_bytes]
        table = zlib.decompress(packed) if packed_bytes < full_bytes else packed
        # `head` holds a checksum itself, which counts as zero.
        summed = (table[:8] + bytes(4) + table[12:] if tag == b"head" else table) + bytes(-len(table) % 4)
        if sum(struct.unpack(f">{len(summed) // 4}I", summed)) & 0xFFFFFFFF != checksum:
            raise ValueError(f"The table {tag.decode()} is damaged.")
        rows.append(struct.pack(">4sIII", tag, checksum, start + len(body), full_bytes))
        body += table + bytes(-len(table) % 4)
    return head + b"".join(sorted(rows)) + body


def family_metrics(name: str, bold: bool, prefix: str) -> dict[str, Any]:
    """Return what the files of a family have together; of a character in several, the first file's advance.

    prefix: how their names begin. The latin file comes first.
    """
    fonts = [TTFont(path) for path in sorted(FONTS_DIRECTORY.glob(f"{prefix}-*.ttf"), key=_latin_first)]
    first = fonts[0]
    heights = {font["OS/2"].usWinAscent + font["OS/2"].usWinDescent for font in fonts}  # libass's measure
    by_character: dict[str, int] = {}
    for font in fonts:
        for code, glyph in font.getBestCmap().items():
            by_character.setdefault(chr(code), font["hmtx"][glyph][0])
    by_advance: dict[int, str] = {}
    for character, advance in sorted(by_character.items()):
        by_advance[advance] = by_advance.get(advance, "") + character
    return {
        "name": name,
        "bold": bold,
        "postscript_name": first["name"].getDebugName(6),
        "units_per_em": first["head"].unitsPerEm,
        "line_height": max(heights),
        "characters_by_advance": by_advance,
    }


def all_metrics() -> dict[str, Any]:
    """Return the metrics of every family that is shipped, by the API's name for it."""
    return {family: family_metrics(*row) for family, row in FAMILIES.items()}


def as_json(metrics: dict[str, Any]) -> str:
    """Return the metrics as the file that is shipped holds them: one family per line."""
    lines = [f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in metrics.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _latin_first(path: Path) -> tuple[bool, str]:
    return "-latin-" not in path.name or "-latin-ext-" in path.name, path.name


def main() -> None:
    """Unpack every WOFF file below the folder named, then write the metrics of all families."""
    for path in sorted(Path(sys.argv[1]).rglob("*.woff")):
        (FONTS_DIRECTORY / f"{path.stem}.ttf").write_bytes(sfnt(path.read_bytes()))
    METRICS_FILE.write_text(as_json(all_metrics()), encoding="ascii")


if __name__ == "__main__":
    main()
