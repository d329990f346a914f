"""What is said about a clip: title, caption and hashtags, taken from its words or the file's own metadata.

Nothing is made up: without words and metadata the title is the file's name with the time in it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import log
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from reka_clips.engine.media.text.relevance import STOP_WORDS, query_terms, relevance, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from reka_clips.engine.media.ffmpeg.media_info import Chapter
    from reka_clips.engine.media.plan import Cue

_MAX_TITLE_CHARACTERS: Final = 70
_MAX_CAPTION_CHARACTERS: Final = 220
_MAX_HASHTAGS: Final = 5
_MIN_TITLE_WORDS: Final = 3
_MIN_TAG_CHARACTERS: Final = 4
_OFTEN: Final = 2  # said so often, a word may be what a clip is about
_OPENING: Final = re.compile(
    r"(?:(?:and then|and so|and|but)\b,?|(?:so|well|now|okay|oh|then|um|uh|you know|i mean),)\s+(?=\S)", re.IGNORECASE
)
_CALENDAR: Final = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december""".split()  # noqa: SIM905 - as a list, nobody could read it
)
_WORD: Final = re.compile(r"[^\W\d_][\w'\u2019-]*")


@dataclass(frozen=True, slots=True)
class ClipText:
    """Title, caption and hashtags (without the sign) of a clip."""

    title: str
    caption: str
    hashtags: tuple[str, ...]


class Vocabulary:
    """The words of all sources, to tell which ones are particular to a clip."""

    def __init__(self, spoken: Sequence[Cue]) -> None:
        self._passages = max(1, len(spoken))
        self._holding = Counter(term for cue in spoken for term in set(terms(cue.text)))

    def passages(self, term: str) -> int:
        """Return in how many sentences a word is said."""
        return self._holding[term]

    def weight(self, term: str) -> float:
        """Return how rare a word is: 0 for one that is everywhere."""
        return log((self._passages + 1) / (self._holding[term] + 1))


def word_clip(
    spoken: Sequence[Cue],
    *,
    vocabulary: Vocabulary,
    prompt: str,
    tags: Mapping[str, str],
    chapter: str,
    name: str,
    times: str,
) -> ClipText:
    """Return the wording of a clip.

    spoken: the sentences said in it. tags: the source's metadata. chapter: the title of the chapter it is from, or
    empty. name: what the source is called when it has no title. times: where in the source it is, for people.
    """
    source = source_title(tags, name)
    known = _keywords_of(tags)
    if not spoken:
        title = _clean(chapter) or source
        caption = _clean(tags.get("description", "") or tags.get("comment", "") or tags.get("synopsis", ""))
        return ClipText(
            shorten(f"{title} ({times})", _MAX_TITLE_CHARACTERS + 20),
            shorten(caption or f"{source}, {times}", _MAX_CAPTION_CHARACTERS),
            known[:_MAX_HASHTAGS],
        )
    texts = [_clean(cue.text) for cue in spoken]
    best = _telling(texts, vocabulary, prompt)
    hashtags = list(dict.fromkeys([*_key_words(texts, vocabulary, prompt), *known]))
    return ClipText(
        shorten(_capitalised(_without_opening(texts[best])).rstrip(" ,;:.\u2026-"), _MAX_TITLE_CHARACTERS),
        shorten(_capitalised(_around(texts, best)), _MAX_CAPTION_CHARACTERS),
        tuple(hashtags[:_MAX_HASHTAGS]),
    )


def source_title(tags: Mapping[str, str], name: str) -> str:
    """Return the title that a source's metadata gives it, else what it is called by its file."""
    return _clean(tags.get("title", "")) or name


def source_name(url: str, path_name: str) -> str:
    """Return what to call a source without a title: the name of the file in its address, without its ending."""
    name = PurePosixPath(unquote(urlsplit(url).path)).stem or PurePosixPath(path_name).stem
    return _clean(re.sub(r"[_+]+", " ", name)) or "Video"


def clock(time: Fraction) -> str:
    """Return a time as people write it: 1:05, 1:02:09."""
    seconds = int(time)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def shorten(text: str, characters: int) -> str:
    """Return the text, cut between words and marked with an ellipsis if it is longer than `characters`."""
    if len(text) <= characters:
        return text
    head = text[: characters - 1]
    words, space, _ = head.rpartition(" ")
    return (words if space and len(words) > characters // 2 else head).rstrip(" ,;:.-") + "\u2026"


def chapter_title(chapters: Sequence[Chapter], start: Fraction, end: Fraction) -> str:
    """Return the title of the chapter that most of a stretch lies in; empty when there is none."""
    shares = [(min(chapter.end, end) - max(chapter.start, start), chapter.title) for chapter in chapters]
    best = max(shares, key=lambda share: share[0], default=None)
    return best[1] if best is not None and best[0] * 2 > end - start else ""


def _clean(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text[:2000])
    return " ".join(printable.split())


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _telling(texts: Sequence[str], vocabulary: Vocabulary, prompt: str) -> int:
    """Return the index of the sentence that says most: rare words, words of the prompt, neither short nor endless."""
    matches = relevance(prompt, texts) if prompt else [0.0] * len(texts)

    def worth(index: int) -> float:
        words = [word for word in _WORD.findall(texts[index]) if word.casefold() not in STOP_WORDS]
        found = [vocabulary.weight(term) for word in words for term in terms(word)[:1]]
        if len(texts[index].split()) < _MIN_TITLE_WORDS or not found:
            return -1.0
        fits = 1.0 if len(texts[index]) <= _MAX_TITLE_CHARACTERS else 0.6
        return fits * (sum(sorted(found, reverse=True)[:4]) + 4 * matches[index])

    return max(range(len(texts)), key=lambda index: (worth(index), -index))


def _without_opening(sentence: str) -> str:
    """Return a sentence without the words that only tie it to the one before: «And then,», «But», «So,»."""
    opening = _OPENING.match(sentence)
    return sentence[opening.end() :] if opening else sentence


def _around(texts: Sequence[str], best: int) -> str:
    """Return the sentence with as many after it as fit into a caption whole; where that is little, some before it."""
    first, stop = best, best + 1
    while stop < len(texts) and _length(texts[first : stop + 1]) <= _MAX_CAPTION_CHARACTERS:
        stop += 1
    while (
        first > 0
        and _length(texts[first:stop]) < _MAX_CAPTION_CHARACTERS / 2
        and _length(texts[first - 1 : stop]) <= _MAX_CAPTION_CHARACTERS
        and len(texts[first - 1].split()) >= _MIN_TITLE_WORDS
    ):
        first -= 1
    return " ".join(texts[first:stop])


def _length(texts: Sequence[str]) -> int:
    return len(" ".join(texts))


def _key_words(texts: Sequence[str], vocabulary: Vocabulary, prompt: str) -> list[str]:
    """Return the words that a clip is about, as hashtags: names, and what is said often or asked for.

    Those come first that are frequent here and rare elsewhere. A word that is said once in passing is none.
    """
    counts: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    named: set[str] = set()
    asked = set(query_terms(prompt))
    for text in texts:
        for found in _WORD.finditer(text):
            word = re.sub(r"['\u2019].*|[^\w]", "", found[0])
            plain = word.casefold()
            if len(plain) < _MIN_TAG_CHARACTERS or plain in STOP_WORDS:
                continue
            term = (terms(plain) or [plain])[0]
            counts[term] += 1
            if _is_name(found, text):
                named.add(term)
            if len(plain) < len(spelling.setdefault(term, plain)):
                spelling[term] = plain
    telling = [
        term
        for term in counts
        if counts[term] >= _OFTEN or vocabulary.passages(term) > _OFTEN or term in named or term in asked
    ]
    ranked = sorted(telling, key=lambda term: -counts[term] * (0.5 + vocabulary.weight(term)))
    return [spelling[term] for term in ranked[:_MAX_HASHTAGS]]


def _is_name(word: re.Match[str], sentence: str) -> bool:
    """Whether a word has a capital within a sentence, where not all have them."""
    is_inside = word.start() > 0 and sentence[: word.start()].rstrip()[-1:] not in {"", *'.!?:\u2026"\u201c'}
    return is_inside and word[0][0].isupper() and not sentence.isupper() and word[0].casefold() not in _CALENDAR


def _keywords_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keywords and the genre that the file itself names, as hashtags."""
    named = [part for key in ("keywords", "tags", "genre") for part in re.split(r"[,;/]", tags.get(key, "")[:1000])]
    found = [re.sub(r"[\W_]+", "", part).casefold() for part in named]
    return tuple(dict.fromkeys(tag for tag in found if 1 < len(tag) <= 30))  # noqa: PLR2004 - a word, not a sentence
