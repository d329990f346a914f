"""What of a subtitle is said: without formatting, notes on sounds, and the names of those who speak."""

from __future__ import annotations

import html
import re
from typing import Final

MARK: Final = "\ue000"  # stands in markup where a word's time stood; it is kept, whatever is taken out around it

_TAG: Final = re.compile(r"</?[A-Za-z0-9][^<>]*>|\{\\[^{}]*\}")
_BLANK: Final = rf"[\s{MARK}]"
# «[applause]»; «(MUSIC)» and «(soft music)» alone on their lines, «(LAUGHING) No» at the start; signs of music.
_SOUND: Final = re.compile(
    rf"\[[^\[\]]*\]:?|^{_BLANK}*\([^()]*\){_BLANK}*$|\A{_BLANK}*\((?![^()]*[a-z])[^()]*[A-Z][^()]*\):?|[♪♫]",
    re.MULTILINE,
)
_TURN: Final = re.compile(rf"^{_BLANK}*(?P<sign>>>+|[-\u2013\u2014](?!{_BLANK}*\d)){_BLANK}*", re.MULTILINE)
_LABEL: Final = re.compile(rf"(?P<name>[^\W\d_][^\n:{MARK}]{{1,29}}):(?={_BLANK}|$){_BLANK}*")
_MAX_LABEL_WORDS: Final = 3


def said(markup: str) -> str:
    """Return the words of a subtitle on their lines; a line of which nothing is left stays as an empty one.

    Dropped are tags, notes on sounds, the signs of a new speaker («>>», «- ») and, at the start of a line, who
    speaks: one to three words in capitals before a colon. Where everything is in capitals («REMEMBER: NO RUNNING»)
    only a name behind a «>>» is taken for one.
    """
    text = _SOUND.sub(_only_marks, html.unescape(_TAG.sub("", markup)).replace("\\N", " ").replace("\\h", " "))
    return "\n".join(_tidied(_without_speaker(line, text)) for line in text.split("\n"))


def _without_speaker(line: str, text: str) -> str:
    turn = _TURN.match(line)
    start = turn.end() if turn else len(line) - len(line.lstrip(f"{MARK} \t"))
    label = _LABEL.match(line, start)
    if label and _is_name(label["name"]):
        is_turn = turn is not None and turn["sign"].startswith(">>")
        rest = line[label.end() :] if line[label.end() :].strip(f"{MARK} \t") else text
        if is_turn or any(character.islower() for character in rest):
            start = label.end()
    elif not turn:
        return line
    return "".join(character for character in line[:start] if character == MARK) + line[start:]


def _is_name(words: str) -> bool:
    return words.isupper() and len(words.split()) <= _MAX_LABEL_WORDS and not re.search(r"[,;!?\"]", words)


def _only_marks(found: re.Match[str]) -> str:
    return " " + MARK * found[0].count(MARK)


def _tidied(line: str) -> str:
    kept = "".join(c if c.isprintable() or c in f"\u200c\u200d{MARK}" else " " for c in line)
    return re.sub(r"\s+", " ", kept).strip()
