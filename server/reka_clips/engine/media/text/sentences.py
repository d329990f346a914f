"""Cues joined into sentences, cut out for a clip, and spread over their words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.plan import Cue, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SENTENCE_END: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u061f]['\"\u201d\u2019»)\]]*$")
_PAUSE_SECONDS: Final = 1  # a pause this long ends a sentence, whatever its punctuation


def sentences(cues: Sequence[Cue], *, max_seconds: Fraction) -> tuple[Cue, ...]:
    """Return cues joined into sentences: a cue goes on when it ends without a full stop and the next follows soon.

    A sentence is never longer than `max_seconds` (captions without any punctuation would never end); a longer one
    is split between cues, at the widest pauses. The words of sentences are not timed.
    """
    groups: list[list[Cue]] = []
    for cue in cues:
        if groups:
            last = groups[-1][-1]
            if not _SENTENCE_END.search(last.text) and cue.start - last.end < _PAUSE_SECONDS:
                groups[-1].append(cue)
                continue
        groups.append([cue])
    joined: list[Cue] = []
    for group in groups:
        joined.extend(_joined(part) for part in _split(group, max_seconds))
    return tuple(joined)


def cut_out(cues: Iterable[Cue], start: Fraction, end: Fraction, *, at: Fraction) -> tuple[Cue, ...]:
    """Return what is said between `start` and `end`, moved so that `start` becomes `at`, each cue with its words.

    Words that are not timed are spread over their cue by length. That is done here and not for all cues: the words of
    many hours would take much memory.
    """
    shift = at - start
    kept: list[Cue] = []
    for cue in cues:
        if cue.end <= start or cue.start >= end:
            continue
        said = cue.words or spread(cue.text, cue.start, cue.end)
        words = tuple(
            Word(max(word.start, start) + shift, min(word.end, end) + shift, word.text)
            for word in said
            if word.end > start and word.start < end
        )
        text = cue.text if len(words) == len(said) else " ".join(word.text for word in words)
        if text:
            kept.append(Cue(max(cue.start, start) + shift, min(cue.end, end) + shift, text, words))
    return tuple(kept)


def spread(text: str, start: Fraction, end: Fraction) -> tuple[Word, ...]:
    """Return the words of `text`, each with its share of the time by its length."""
    pieces = text.split()
    weights = [len(piece) + 1 for piece in pieces]
    total = sum(weights)
    words: list[Word] = []
    begin, done = start, 0
    for piece, weight in zip(pieces, weights, strict=True):
        done += weight
        stop = end if done == total else start + (end - start) * Fraction(done, total)
        words.append(Word(begin, stop, piece))
        begin = stop  # the same object: many hours of timed words hold their times once
    return tuple(words)


def _split(group: Sequence[Cue], max_seconds: Fraction) -> list[Sequence[Cue]]:
    parts: list[Sequence[Cue]] = []
    run: list[Cue] = []
    for cue in group:
        while run and cue.end - run[0].start > max_seconds:
            following = [*run[1:], cue]
            at = max(range(len(run)), key=lambda i: following[i].start - run[i].end) + 1
            parts.append(run[:at])
            run = run[at:]
        run.append(cue)
    return [*parts, run]


def _joined(group: Sequence[Cue]) -> Cue:
    return Cue(group[0].start, group[-1].end, " ".join(" ".join(cue.text.split()) for cue in group))
