"""What a prompt has to do with what is said: plain lexical ranking, no model.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_K1: Final = 1.2
_B: Final = 0.75
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_MIN_STEM: Final = 3
_MAX_STALE: Final = 256  # words of passages left behind, before they are taken out of the count

# Words of English that carry no topic.
STOP_WORDS: Final = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but by
    can cannot could did do does doing down during each even ever every few for from further get gets getting go goes
    going gonna got had has have having he her here hers him his how i if in into is it its itself just kind know let
    like ll lot made make many maybe me mean more most much my need no nor not now of off oh ok okay on once one only or
    other our out over own put quite re really right said same say see she should so some something such take than that
    the their them then there these they thing things think this those through to too two under until up us use ve very
    want was way we well were what when where which while who whom why will with would yeah yes you your yours
    don't doesn't didn't can't isn't it's i'm i've i'll we're
    we've you're they're that's there's let's won't wasn't""".split()  # noqa: SIM905 - as a list, nobody could read it
)
# Words that ask for a clip, and say nothing of what it should show.
_REQUEST_WORDS: Final = frozenset(
    """amazing attention best catchy clip clips create cut cuts engaging exciting fun funny generate give great
    highlight highlights highlighting interesting key moment moments part parts please reel reels scene scenes short
    shorts show shows social tiktok top video videos viral youtube instagram most""".split()  # noqa: SIM905 - as above
)


def terms(text: str) -> list[str]:
    """Return the words of a text in a form that can be compared: no case, accents or plurals.

    Text without spaces between words (Chinese, Japanese, Thai) gives pairs of characters.
    """
    found: list[str] = []
    for word in _WORD.findall(_plain(text)):
        if not word.isascii() and any(_is_unspaced(character) for character in word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(_stem(word))
    return found


def query_terms(prompt: str) -> list[str]:
    """Return the words of a prompt that can be looked for in what is said; empty when it only asks for good clips."""
    empty = STOP_WORDS | _REQUEST_WORDS
    words = [word for word in _WORD.findall(_plain(prompt)) if word not in empty]
    return list(dict.fromkeys(term for word in words for term in terms(word)))


def relevance(prompt: str, passages: Iterable[str]) -> list[float]:
    """Return how well each passage matches the prompt: 0 not at all, 1 the best match there is.

    All are 0 when nothing matches.
    """
    return Matches(prompt, passages).alone()


class Matches:
    """Where the words of a prompt stand in passages, each read once.

    Scores take time by the words that were found, not by the length of the prompt.
    """

    def __init__(self, prompt: str, passages: Iterable[str]) -> None:
        query = frozenset(query_terms(prompt))
        self._found: list[dict[str, int]] = []
        self._lengths: list[int] = []
        for passage in passages:
            said = terms(passage) if query else []
            self._lengths.append(len(said))
            self._found.append(Counter(term for term in said if term in query))

    def __bool__(self) -> bool:
        """Whether any word of the prompt is said anywhere."""
        return any(self._found)

    def alone(self) -> list[float]:
        """Return how well each passage matches by itself, 0 to 1, the best being 1."""
        return _scores(self._found, self._lengths)

    def together(self, groups: Iterable[range]) -> list[float]:
        """Return how well groups of neighbouring passages match, as one passage each.

        groups: the indices of the passages; each begins and ends no sooner than the one before.
        """
        found: list[dict[str, int]] = []
        lengths: list[int] = []
        counts: Counter[str] = Counter()
        before = range(0)
        length = 0
        for group in groups:
            for index in range(before.start, min(group.start, before.stop)):
                length -= self._lengths[index]
                counts.subtract(self._found[index])
            for index in range(max(group.start, before.stop), group.stop):
                length += self._lengths[index]
                counts.update(self._found[index])
            counts = +counts if len(counts) > _MAX_STALE else counts
            found.append({term: count for term, count in counts.items() if count})
            lengths.append(length)
            before = group
        return _scores(found, lengths)


def _scores(found: Sequence[Mapping[str, int]], lengths: Sequence[int]) -> list[float]:
    holding = Counter(term for counts in found for term in counts)
    rarity = {term: math.log(1 + (len(found) - n + 0.5) / (n + 0.5)) for term, n in holding.items()}
    mean_length = (sum(lengths) / len(lengths) if lengths else 0) or 1.0
    scores = [0.0] * len(found)
    for index, counts in enumerate(found):
        length = _K1 * (1 - _B + _B * lengths[index] / mean_length)
        scores[index] = sum(rarity[term] * times * (_K1 + 1) / (times + length) for term, times in counts.items())
    best = max(scores, default=0.0)
    return [score / best for score in scores] if best > 0 else scores


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _is_unspaced(character: str) -> bool:
    return "\u0e00" <= character <= "\u0eff" or "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff"


@lru_cache(maxsize=16384)
def _stem(word: str) -> str:
    """Take off the commonest English endings; words of other languages mostly stay as they are."""
    word = word.partition("'")[0].partition("\u2019")[0]
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= _MIN_STEM:
            if ending == "s" and word.endswith("ss"):
                return word
            stem = word[: -len(ending)] + instead
            return stem[:-1] if ending in {"ing", "ed"} and stem[-1:] == stem[-2:-1] and stem[-1] not in "ls" else stem
    return word[:-1] if word.endswith("e") and len(word) > _MIN_STEM else word
