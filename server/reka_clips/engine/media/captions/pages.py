"""From subtitle cues to caption pages: few words at a time, at most two lines, each word with its moment."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from reka_clips.engine.media.captions.fonts import is_invisible, is_undrawn, is_wide
from reka_clips.engine.media.text.sentences import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reka_clips.engine.media.captions.fonts import Typeface
    from reka_clips.engine.media.plan import Cue, Word

# Written as code points where a sign looks like another one.
_SENTENCE_END: Final = re.compile("[.!?\u2026\u3002\uff01\uff1f\u061f]['\"\u201d\u2019\u00bb)\\]]*$")
_NOT_AT_LINE_START: Final = frozenset(
    ",.!?;:)]}%\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1b\uff1a\uff09\u300d\u300f\u3011\u3015\u3009\u300b\u201d\u2019\u2026"
    "\u30fc\u3005\u3063\u3083\u3085\u3087\u30c3\u30e3\u30e5\u30e7"
)
_NOT_AT_LINE_END: Final = frozenset("([{\uff08\u300c\u300e\u3010\u3014\u3008\u300a\u201c\u2018")

Transform = Literal["initial", "uppercase", "lowercase"]


@dataclass(frozen=True, slots=True)
class PageParameters:
    """How much stands on a picture at once.

    max_lines: of a page. max_characters: what is read at a glance; also keeps small type from filling two whole lines.
    max_seconds: no page stands longer. pause_seconds: a pause this long ends a page. linger_seconds: a page stays this
    long after its last word, if the next does not come. smallest_scale: a word too wide for a line is set smaller,
    down to this; beyond, it is cut in two. wide_piece: ideographs are lit up in pieces of up to so many.
    """

    max_lines: int = 2
    max_characters: int = 40
    max_seconds: Fraction = Fraction(4)
    pause_seconds: Fraction = Fraction(7, 10)
    linger_seconds: Fraction = Fraction(1, 2)
    smallest_scale: float = 0.6
    wide_piece: int = 4


PARAMETERS: Final = PageParameters()


@dataclass(frozen=True, slots=True)
class Token:
    """What is lit up at once: a word, or a piece of one. Times in clip seconds.

    is_glued: it follows the one before it without a space.
    """

    start: Fraction
    end: Fraction
    text: str
    is_glued: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on the picture at one time. `scale`: of the font size, 1 or less where a word is too wide."""

    start: Fraction
    end: Fraction
    lines: tuple[tuple[Token, ...], ...]
    scale: float = 1.0

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens in reading order."""
        return tuple(token for line in self.lines for token in line)


def caption_pages(
    cues: Iterable[Cue],
    *,
    duration_seconds: Fraction,
    face: Typeface,
    font_size_px: float,
    line_width_px: float,
    transform: Transform,
    leave_out: frozenset[str] = frozenset(),
) -> tuple[Page, ...]:
    """Return the pages of a clip, in order and without overlap; no line is wider than `line_width_px`.

    font_size_px: the em. leave_out: characters that no font on this computer has.
    """
    line_em = line_width_px / font_size_px
    runs: list[list[Token]] = []
    for token, ends_cue in _tokens(cues, duration_seconds, transform, leave_out):
        for piece in _pieces(token, face, line_em / PARAMETERS.smallest_scale):
            previous = runs[-1][-1] if runs and runs[-1] else None
            if previous is None or piece.start - previous.end >= PARAMETERS.pause_seconds:
                runs.append([])
            runs[-1].append(piece)
            if len(runs[-1]) > 1 and _SENTENCE_END.search(piece.text):
                runs.append([])
        if ends_cue:
            runs.append([])
    pages: list[Page] = []
    for run in filter(None, runs):
        pages += [_page(tokens, face, line_em) for tokens in _paginate(run, face, line_em)]
    return _without_gaps(pages, duration_seconds)


def caption_text(cues: Iterable[Cue], transform: Transform) -> str:
    """Return all text that `caption_pages` would show, to ask a font about it."""
    return "".join(clean(word, transform) for cue in cues for word in _words_of(cue))


def clean(text: str, transform: Transform) -> str:
    """Return one line of text, composed (NFC), without control and direction characters, in the case asked for."""
    text = unicodedata.normalize("NFC", text)
    # U+2028 and U+2029 are line breaks too; Cc: control; Co, Cn, Cs: no glyph can be meant.
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    kept = (c for c in text if unicodedata.category(c) not in ("Co", "Cn", "Cs") and c not in _DIRECTIONS)
    text = re.sub(r"\s+", " ", "".join(kept)).strip()
    if transform == "uppercase":
        # Georgian has capitals in Unicode but in hardly any font; Greek capitals have no accents.
        return "".join(c if "\u10d0" <= c <= "\u10ff" else c.upper() for c in text).translate(_GREEK_CAPITALS)
    return text.lower() if transform == "lowercase" else text


def drawable(word: str, leave_out: frozenset[str]) -> str:
    """Return a word without the characters that no font has; empty where nothing worth drawing is left of it.

    What belongs to a letter goes with it: vowel signs, accents, joiners, the colour of a skin. Alone, libass would
    draw them as boxes. Punctuation around a word that is gone goes, too.
    """
    kept: list[str] = []
    is_gone = False
    for character in word:
        belongs = unicodedata.category(character)[0] == "M" or is_undrawn(character) or character in _SKIN_TONES
        if not belongs or not (kept or is_gone):
            is_gone = character in leave_out
        if not is_gone and character not in leave_out:
            kept.append(character)
    text = "".join(kept).strip()
    if all(is_invisible(character) for character in text):
        return ""
    is_word = any(character.isalnum() or unicodedata.category(character)[0] == "S" for character in text)
    return text if is_word or len(text) == len(word) else ""


_SKIN_TONES: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_GREEK_CAPITALS: Final = str.maketrans(
    "\u0386\u0388\u0389\u038a\u038c\u038e\u038f", "\u0391\u0395\u0397\u0399\u039f\u03a5\u03a9"
)
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad")


def _words_of(cue: Cue) -> Sequence[str]:
    return [word.text for word in cue.words] if cue.words else cue.text.split()


def _tokens(
    cues: Iterable[Cue], duration: Fraction, transform: Transform, leave_out: frozenset[str]
) -> Iterator[tuple[Token, bool]]:
    """Yield the tokens inside of the clip in order, none overlapping the next, and whether a cue ends with each."""
    words = sorted(
        ((word, is_last) for cue in cues for word, is_last in _timed_words(cue)), key=lambda pair: pair[0].start
    )
    for index, (word, is_last) in enumerate(words):
        following = words[index + 1][0].start if index + 1 < len(words) else duration
        start = max(word.start, Fraction(0))
        end = min(max(word.end, start), max(following, start), duration)
        text = drawable(clean(word.text, transform), leave_out)
        if text and start < duration and word.end > 0:
            yield Token(start, end, text), is_last


def _timed_words(cue: Cue) -> list[tuple[Word, bool]]:
    words = cue.words or spread(cue.text, cue.start, cue.end)
    return [(word, index == len(words) - 1) for index, word in enumerate(words)]


def _pieces(token: Token, face: Typeface, widest_em: float) -> list[Token]:
    """Return the token cut into what may stand on lines of its own: ideographs, and words too wide for a line."""
    texts = [part for text in _ideographs_apart(token.text) for part in _narrow(text, face, widest_em)]
    pace = (token.end - token.start) / max(1, len(token.text))
    pieces: list[Token] = []
    at = token.start
    for index, text in enumerate(texts):
        end = token.end if index == len(texts) - 1 else at + pace * len(text)
        pieces.append(Token(at, end, text, is_glued=index > 0))
        at = end
    return pieces


def _ideographs_apart(text: str) -> list[str]:
    """Cut text between ideographs, where East Asian typesetting allows it: no closing mark begins a piece."""
    pieces: list[str] = []
    for character in text:
        piece = pieces[-1] if pieces else ""
        is_boundary = bool(piece) and (is_wide(character) or is_wide(piece[-1]))
        is_held = character in _NOT_AT_LINE_START or is_invisible(character) or piece[-1:] in _NOT_AT_LINE_END
        is_full = len(piece) >= PARAMETERS.wide_piece or not (is_wide(character) and is_wide(piece[-1:] or "a"))
        if not piece or (is_boundary and is_full and not is_held):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _narrow(text: str, face: Typeface, widest_em: float) -> list[str]:
    """Cut text into pieces no wider than `widest_em`, never between a letter and its marks."""
    pieces = [""]
    for character in text:
        if pieces[-1] and not is_invisible(character) and face.width_em(pieces[-1] + character) > widest_em:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _paginate(run: Sequence[Token], face: Typeface, line_em: float) -> list[Sequence[Token]]:
    """Return the run cut into as few pages as fit, evenly filled (least squared slack, as in paragraph setting).

    Dynamic programming, after Knuth and Plass, Breaking Paragraphs into Lines, 1981: the least cost of the first n
    tokens is the least over where their last page can begin of the cost up to there, plus 1 for the page, plus the
    square of the share of it that stays empty. The 1 makes few pages win over even ones.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]  # least cost of the first n tokens, and where their last page begins
    for end in range(1, len(run) + 1):
        choices: list[tuple[float, int]] = []
        for start in range(end - 1, -1, -1):
            page = run[start:end]
            lines = _lines(page, face, line_em)
            if len(page) > 1 and (lines is None or _is_too_much(page)):
                break
            slack = max(0.0, 1 - _width_em(page, face) / (PARAMETERS.max_lines * line_em))
            choices.append((best[start][0] + 1 + slack**2, start))
        best.append(min(choices))
    pages: list[Sequence[Token]] = []
    end = len(run)
    while end > 0:
        start = best[end][1]
        pages.append(run[start:end])
        end = start
    return pages[::-1]


def _is_too_much(tokens: Sequence[Token]) -> bool:
    characters = sum(len(token.text) + (not token.is_glued) for token in tokens)
    return characters > PARAMETERS.max_characters or tokens[-1].end - tokens[0].start > PARAMETERS.max_seconds


def _lines(tokens: Sequence[Token], face: Typeface, line_em: float) -> tuple[tuple[Token, ...], ...] | None:
    """Return the tokens on one line, or on two of the most even width; None if they do not fit on two."""
    if _width_em(tokens, face) <= line_em:
        return (tuple(tokens),)
    halves = [(tuple(tokens[:cut]), tuple(tokens[cut:])) for cut in range(1, len(tokens))]
    widths = [max(_width_em(line, face) for line in lines) for lines in halves]
    narrowest = min(widths, default=math.inf)
    return halves[widths.index(narrowest)] if narrowest <= line_em else None


def line_text(tokens: Sequence[Token]) -> str:
    """Return the text of one line."""
    return "".join(
        token.text if index == 0 or token.is_glued else f" {token.text}" for index, token in enumerate(tokens)
    )


def _width_em(tokens: Sequence[Token], face: Typeface) -> float:
    return face.width_em(line_text(tokens))


def _page(tokens: Sequence[Token], face: Typeface, line_em: float) -> Page:
    lines = _lines(tokens, face, line_em) or (tuple(tokens),)  # a single word may be wider than a line
    scale = min(1.0, line_em / _width_em(tokens, face)) if len(tokens) == 1 else 1.0
    return Page(tokens[0].start, tokens[-1].end, lines, scale)


def _without_gaps(pages: Sequence[Page], duration: Fraction) -> tuple[Page, ...]:
    """Let each page stay until the next one comes, or for a moment after its last word."""
    ends = [*(page.start for page in pages[1:]), duration][: len(pages)]  # there may be no page at all
    return tuple(
        replace(page, end=min(end, page.end + PARAMETERS.linger_seconds)) for page, end in zip(pages, ends, strict=True)
    )
