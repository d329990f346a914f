"""Text from elsewhere, made harmless: cleaned, bounded, on one line."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Final
from urllib.parse import quote

from reka_clips.contract import STAGES

CUT_MARK: Final = " […cut]"

_ANSI: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\x9c|$)"  # OSC, DCS and their like: titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI as one character
    re.DOTALL,
)
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Seen by nobody though their categories are those of letters and marks (Unicode's Default_Ignorable_Code_Point);
# the selector of an emoji's colours may stay behind what can be one.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0100-\U000e01ef]"
    "|(?<![#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f"
)
_UNSAFE_IN_URL: Final = re.compile(r'[ "<>`]')
_SPACES: Final = re.compile(r"\s+")


def clean(text: str, *, max_characters: int) -> str:
    """Return the text without what a reader cannot see, at most `max_characters` long.

    max_characters: at least 10, since a cut text ends in a mark that says so.
    Removed: ANSI sequences, control and format characters (bidi overrides, zero-width characters, tags), fillers and
    rows of variation selectors, lone surrogates, private and unassigned code points.
    All white space becomes one space.
    """
    head = text[: max_characters * 4 + 1024]  # a huge text need not be read to its end
    visible = head if head.isprintable() else _without_hidden(_ANSI.sub("", head))
    visible = _UNSEEN.sub("", visible)
    visible = _SPACES.sub(" ", visible).strip()
    if len(visible) <= max_characters and len(head) == len(text):
        return visible
    return visible[: max(0, max_characters - len(CUT_MARK))].rstrip() + CUT_MARK


def quoted(text: str, *, max_characters: int) -> str:
    """Return the text cleaned, on one line, in quotation marks that it cannot close."""
    return '"' + clean(text, max_characters=max_characters).replace('"', "'") + '"'


def stage_word(stage: str) -> str:
    """Return a stage for our own sentences: as it is if it is a known one, else in quotation marks."""
    return stage if stage in STAGES else quoted(stage, max_characters=40)


def safe_url(text: str | None, *, max_characters: int = 8192) -> str | None:
    """Return a link that can be shown whole, or None if it is no http(s) or file link, too long or not visible.

    A link is never cut. Spaces, quotation marks and angle brackets are percent-encoded, as browsers do; a link with
    control or invisible characters is left out.
    """
    if text is None or not text.startswith(("https://", "http://", "file:///")):
        return None
    if not text.isprintable() or _UNSEEN.search(text):
        return None
    link = _UNSAFE_IN_URL.sub(lambda unsafe: quote(unsafe.group()), text)
    return link if len(link) <= max_characters else None


def clock(seconds: float) -> str:
    """Return a time of a film as `5:00` or `1:02:03`; a second that has only begun does not count."""
    minutes, rest = divmod(math.floor(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def human_duration(seconds: float) -> str:
    """Return a length of time in words: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _without_hidden(text: str) -> str:
    return "".join(character if character.isprintable() else _replacement(character) for character in text)


def _replacement(character: str) -> str:
    """Return what stands for a character that is not printable: itself if it is a kind of space, or nothing."""
    is_hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES and not character.isspace()
    return "" if is_hidden else character
