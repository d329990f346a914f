"""What is written on a clip: chooses a font that has the letters, says so when it is not the one asked for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.captions import ass
from reka_clips.engine.media.captions.fonts import FONTS_DIRECTORY, WIDEST_COVERAGE, typeface
from reka_clips.engine.media.captions.pages import caption_pages, caption_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from reka_clips import contract
    from reka_clips.engine.media.captions.pages import Page
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.geometry import Frame
    from reka_clips.engine.media.plan import ClipPlan

_SCRIPT_NAME: Final = "captions.ass"
_QUESTION_NAME: Final = "glyphs.ass"
_GLYPHS_A_QUESTION: Final = 150  # libass tells of each in a line or two, and the log is bounded
_GLYPHS_TOLD: Final = 8


@dataclass(frozen=True, slots=True)
class Lettering:
    """What to draw. filter: draws it, when ffmpeg runs in the directory it was written to; None: nothing to draw."""

    filter: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What libass said of characters that our fonts lack. missing: no font has them; fonts: those that have others."""

    missing: frozenset[str] = frozenset()
    fonts: tuple[str, ...] = ()


async def write_lettering(
    ffmpeg: Ffmpeg, plan: ClipPlan, rendering: contract.RenderingConfig, frame: Frame, directory: Path
) -> Lettering:
    """Write the ASS script of a clip's captions and watermark into `directory`. Raises MediaError, OSError."""
    canvas = ass.Canvas(frame.width_px, frame.height_px)
    look = ass.resolve_look(rendering.caption_style)
    pages: tuple[Page, ...] = ()
    warnings: list[str] = []
    if plan.cues and rendering.subtitles is not False:
        text = caption_text(plan.cues, look.transform)
        look, told = better_look(look, text)
        glyphs = await ask_for_glyphs(ffmpeg, look, look.face.missing(text), directory)
        pages = caption_pages(
            plan.cues,
            duration_seconds=plan.duration,
            face=look.face,
            font_size_px=look.font_size_px,
            line_width_px=canvas.line_width - 2 * look.stroke_px,
            transform=look.transform,
            leave_out=glyphs.missing,
        )
        fonts = await _font_warnings(ffmpeg, look, directory)
        warnings += [*told, *fonts, *_warnings(look, glyphs, has_captions=bool(pages))]
    watermark_seconds = plan.duration if rendering.show_watermark else None
    if not pages and watermark_seconds is None:
        return Lettering(None, tuple(warnings))
    script = ass.script(pages, look, canvas, watermark_seconds=watermark_seconds)
    (directory / _SCRIPT_NAME).write_text(script, encoding="utf-8")
    return Lettering(_drawing(_SCRIPT_NAME), tuple(warnings))


def better_look(look: ass.ResolvedCaptionStyle, text: str) -> tuple[ass.ResolvedCaptionStyle, list[str]]:
    """Return the look with the font that has more of the text's letters, and a sentence if that is another one.

    One font for the whole clip: a word in letters of two fonts looks broken.
    """
    missing = look.face.missing(text)
    fallback = typeface(WIDEST_COVERAGE)
    if not missing or len(fallback.missing(text)) >= len(missing):
        return look, []
    found = missing - fallback.missing(text)
    sentence = f"Captions are set in {fallback.name}, because {look.face.name} has no {_list(found)}."
    return replace(look, face=fallback, family=WIDEST_COVERAGE), [sentence]


async def ask_for_font(ffmpeg: Ffmpeg, look: ass.ResolvedCaptionStyle, directory: Path) -> str:
    """Return the PostScript name of the font that libass draws the look in; empty if it draws none.

    That is not `look.face` where this build of ffmpeg cannot open our files. directory: to write in.
    """
    log = await _ask(ffmpeg, ass.question("A", look), directory)
    drawn = re.search(r"fontselect: \(.*\) -> .*, -?\d+, (.+)", log)
    return drawn[1].strip() if drawn else ""


async def ask_for_glyphs(
    ffmpeg: Ffmpeg, look: ass.ResolvedCaptionStyle, characters: Collection[str], directory: Path
) -> Glyphs:
    """Return which of the characters libass finds in no font of this computer, and where it finds the others."""
    missing: set[str] = set()
    fonts: list[str] = []
    for batch in _batches(sorted(characters), _GLYPHS_A_QUESTION):
        answer = parse_answer(await _ask(ffmpeg, ass.question(batch, look), directory))
        missing |= answer.missing & set(batch)
        fonts += [font for font in answer.fonts if font not in fonts and font != look.face.name]
    return Glyphs(frozenset(missing), tuple(fonts))


def parse_answer(log: str) -> Glyphs:
    """Return what libass logged of glyphs: `Glyph 0x… not found`, `fontselect: (…) -> file, index, name`."""
    missing = re.findall(r"(?:fallback with glyph|Glyph) 0x([0-9A-Fa-f]+)(?: for font| not found, broken font)", log)
    # Only a font that was chosen for a glyph that the first one lacks.
    fonts = re.findall(r"Glyph 0x\w+ not found, selecting one more.*\n.*fontselect: .* -> .*, -?\d+, (.+)", log)
    names = dict.fromkeys(name.strip() for name in fonts)
    return Glyphs(frozenset(chr(int(code, 16)) for code in missing), tuple(names))


def filter_value(text: str) -> str:
    """Return text as a filter option's value inside of a filter graph: escaped once for each of the two readers.

    Source: ffmpeg-utils, "Quoting and escaping"; ffmpeg-filters, "Notes on filtergraph escaping".
    """
    return re.sub(r"([\\'\[\],;])", r"\\\1", re.sub(r"([\\':])", r"\\\1", text))


def _drawing(script_name: str) -> str:
    return f"ass=filename={filter_value(script_name)}:fontsdir={filter_value(str(FONTS_DIRECTORY))}"


async def _ask(ffmpeg: Ffmpeg, script: str, directory: Path) -> str:
    """Return what libass logs when it draws a script."""
    (directory / _QUESTION_NAME).write_text(script, encoding="utf-8")
    arguments = ["-f", "lavfi", "-i", "color=size=64x64:rate=1:duration=1", "-vf", _drawing(_QUESTION_NAME)]
    return await ffmpeg.run(
        [*arguments, "-frames:v", "1", "-f", "null", "-"], log_level="info", directory=directory, timeout_seconds=120
    )


async def _font_warnings(ffmpeg: Ffmpeg, look: ass.ResolvedCaptionStyle, directory: Path) -> list[str]:
    """Return a sentence if libass does not draw the look's own font. The answer is remembered: a build stays as it is.

    Lines are broken for the width of our font; another one may be too wide for the picture.
    """
    key = ffmpeg.path, look.face.postscript_name
    if key not in _drawn_fonts:
        _drawn_fonts[key] = await ask_for_font(ffmpeg, look, directory)
    drawn = _drawn_fonts[key]
    if drawn == look.face.postscript_name:
        return []
    instead = f"are drawn in {drawn} instead of {look.face.name} and may be too wide" if drawn else "are missing"
    return [f"Captions {instead}: this ffmpeg cannot open the caption fonts; `reka-clips-mcp doctor` says more."]


_drawn_fonts: Final[dict[tuple[str, str], str]] = {}


def _warnings(look: ass.ResolvedCaptionStyle, glyphs: Glyphs, *, has_captions: bool) -> Iterator[str]:
    if glyphs.fonts:
        yield f"Some letters of the captions are not in {look.face.name} and are set in {', '.join(glyphs.fonts[:3])}."
    if glyphs.missing:
        result = "captions are shown without them" if has_captions else "a clip has no captions"
        yield (
            f"No font on this computer has {_scripts(glyphs.missing)}, so {result}. Install a font that has them, such "
            "as one of the Noto family (for emoji Noto Emoji: colour fonts cannot be drawn)."
        )


def _scripts(characters: Collection[str]) -> str:
    """Return what characters are, by their scripts where they have one: the same words for each clip of a film."""
    letters = [character for character in sorted(characters) if unicodedata.category(character)[0] in "LM"]
    scripts = dict.fromkeys(unicodedata.name(letter, "unknown").partition(" ")[0].capitalize() for letter in letters)
    others = [character for character in characters if character not in letters]
    told = [f"{', '.join(list(scripts)[:3]).replace('Cjk', 'Chinese')} letters"] if scripts else []
    return " and ".join([*told, *([f"these characters: {_list(others)}"] if others else [])])


def _list(characters: Collection[str]) -> str:
    shown = sorted(characters)[:_GLYPHS_TOLD]
    more = len(characters) - len(shown)
    return " ".join(shown) + (f" and {more} more" if more else "")


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
