"""What of a subtitle is said: without formatting, notes on sounds, and the names of those who speak."""

from __future__ import annotations

import html
import re
from typing import Final

MARK: Final = "\ue000"  # stands in markup where a word's time stood; it is kept, whatever is taken out around it

# Only tags that subtitles have (SubRip, WebVTT, what speech-to-text tools write): «List<String>» and
# «<ann@example.com>» are text.
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|c|v|em|font|lang|rt|ruby|span|strong)(?:[.\s/][^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE
)
_BREAK: Final = re.compile(r"<br\s*/?>|\\N", re.IGNORECASE)
_SPACES: Final = re.compile(r"[^\S\n]+")
_BLANK: Final = f"[ {MARK}]"
# «[applause]»; «(MUSIC)» and «(soft music)» alone on their lines, «(LAUGHING) No» at the start; signs of music.
_SOUND: Final = re.compile(
    rf"\[[^\[\]]*\]:?|^{_BLANK}*\([^()]*\){_BLANK}*$|\A{_BLANK}*\((?![^()]*[a-z])[^()]*[A-Z][^()]*\):?|[♪♫]",
    re.MULTILINE,
)
_TURN: Final = re.compile(rf"{_BLANK}*(?P<sign>>>+|[-\u2013\u2014](?!{_BLANK}*\d)){_BLANK}*")
_LABEL: Final = re.compile(rf"(?P<name>[^\W\d_][^\n:{MARK}]{{1,29}}):(?={_BLANK}|$){_BLANK}*")
_MAX_LABEL_WORDS: Final = 3
_JOINERS: Final = "\u200c\u200d"  # what they hold together is spelt wrong without them


def said(markup: str) -> str:
    r"""Return the words of a subtitle on their lines; a line of which nothing is left stays as an empty one.

    Dropped are tags, notes on sounds, the signs of a new speaker («>>», «- ») and, at the start of a line, who
    speaks: one to three words in capitals before a colon. Where everything is in capitals («REMEMBER: NO RUNNING»)
    only a name behind a «>>» is taken for one. `<br>` and `\N` end a line. Takes linear time, whatever the text.
    """
    plain = html.unescape(_TAG.sub("", _BREAK.sub("\n", markup))).replace("\\h", " ").replace("\ufffd", "")
    text = _SOUND.sub(_only_marks, _SPACES.sub(" ", plain))
    has_small_letters = ":" in text and any(map(str.islower, text))  # asked once: a cue may have many lines
    return "\n".join(_tidied(_without_speaker(line, has_small_letters=has_small_letters)) for line in text.split("\n"))


def _without_speaker(line: str, *, has_small_letters: bool) -> str:
    """Drop the sign and the name of a speaker. has_small_letters: whether the cue has any, in whatever line."""
    turn = _TURN.match(line)
    start = turn.end() if turn else len(line) - len(line.lstrip(f"{MARK} "))
    label = _LABEL.match(line, start)
    if label and _is_name(label["name"]):
        rest = line[label.end() :].strip(f"{MARK} ")
        is_turn = turn is not None and turn["sign"].startswith(">>")
        if is_turn or (any(map(str.islower, rest)) if rest else has_small_letters):
            start = label.end()
    elif not turn:
        return line
    return MARK * line.count(MARK, 0, start) + line[start:]


def _is_name(words: str) -> bool:
    return words.isupper() and len(words.split()) <= _MAX_LABEL_WORDS and not re.search(r"[,;!?\"]", words)


def _only_marks(found: re.Match[str]) -> str:
    return " " + MARK * found[0].count(MARK)


def _tidied(line: str) -> str:
    if not line.replace(MARK, "").isprintable():
        line = "".join(c if c.isprintable() or c in _JOINERS or c == MARK else " " for c in line)
    return " ".join(line.split())
