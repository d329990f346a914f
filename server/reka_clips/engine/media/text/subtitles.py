"""Subtitles as text with times: SubRip, WebVTT and ASS, as they are found in the wild. Pure: nothing is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.plan import Cue, Word
from reka_clips.engine.media.text.markup import MARK, said
from reka_clips.engine.media.text.sentences import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_BYTES: Final = 20 * 1024 * 1024
_MAX_CUES: Final = 100_000
_MAX_CUE_CHARACTERS: Final = 2000
_MIN_CUE_MS: Final = 50
_MAX_GAP_MS: Final = 1000  # between a line and its repeat, where captions roll up
_STANDING_GAP_MS: Final = 10  # a line alone that comes again after more than that is said twice
_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_ARROW: Final = re.compile(rf"\s*{_TIME}\s*--?>\s*{_TIME}(?![\d:])")
_DIALOGUE: Final = re.compile(rf"Dialogue:[^,]*,\s*{_TIME}\s*,\s*{_TIME}\s*,(?:[^,]*,){{6}}(.*)")
_DRAWING: Final = re.compile(r"\\p[1-9]")  # ASS: what follows are lines and curves, no words
_TIME_TAG: Final = re.compile(rf"<{_TIME}>")
_VTT_BLOCK: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")


@dataclass(slots=True)
class _Rows:
    """A cue as it stands in the file, in milliseconds. rows: what is said, line by line; `MARK` where a mark is."""

    start: int
    end: int
    rows: list[str] = field(default_factory=list[str])
    marks: list[int] = field(default_factory=list[int])


def parse_subtitles(text: str) -> tuple[Cue, ...]:
    """Return the cues of SubRip, WebVTT or ASS text, in order of time, none overlapping; at most 100,000.

    Formatting, notes on sounds («[applause]») and speakers' names are dropped, see `said`. Times inside a cue (WebVTT)
    time its words; other cues have no words of their own. What is no cue is passed over: nothing is raised.
    Takes linear time: 20 MB, the most that is ever read, take some seconds.

    A cue goes on until the next line of times, and loses the number or name that belongs to that one. The formats
    end it at an empty line; but automatic captions begin with a row of one space, and files that went through many
    hands have empty lines inside of cues, or between all lines.
    """
    found = sorted(_cues(_lines(text)), key=lambda cue: (cue.start, cue.end))
    return tidy(_rolled(found))


def tidy(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Return the cues in order of time, without empty ones, each ending where the next begins."""
    kept: list[Cue] = []
    least = Fraction(_MIN_CUE_MS, 1000)
    for cue in sorted(cues, key=lambda cue: (float(cue.start), float(cue.end))):
        text = " ".join(cue.text.split())
        if not text:
            continue
        current = cue if text == cue.text else replace(cue, text=text)
        if kept and kept[-1].end > current.start:
            if current.start - kept[-1].start < least:
                current = _clip(current, kept[-1].end, current.end)
                if current.end - current.start < least:
                    continue
            else:
                kept[-1] = _clip(kept[-1], kept[-1].start, current.start)
        kept.append(current)
    return tuple(kept)


def _lines(text: str) -> list[str]:
    """Return the lines of a text, whatever ends them, without the empty ones of a file with double line spacing."""
    text = text.replace("\ufeff", "").replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.lstrip("\n").split("\n")
    is_double_spaced = len(lines) > 3 and not any(line.strip() for line in lines[1::2])  # noqa: PLR2004 - one cue's
    return lines[::2] if is_double_spaced else lines


def _cues(lines: Sequence[str]) -> Iterator[_Rows]:
    """Yield the cues in the order of the file."""
    is_vtt = bool(lines) and lines[0].startswith("WEBVTT")
    is_numbered: bool | None = None
    times: re.Match[str] | None = None
    payload: list[str] = []
    characters = count = 0
    for line in lines:
        if arrow := _ARROW.match(line) if "->" in line else None:
            if is_numbered is None:
                is_numbered = _last(payload).isdigit()
            if times:
                yield from _cue(times, _without_label(payload, is_vtt=is_vtt, is_numbered=is_numbered))
                count += 1
            times, payload, characters = arrow, [], 0
        elif times is None and (dialogue := _DIALOGUE.match(line)):
            if not _DRAWING.search(dialogue[9]):
                yield from _cue(dialogue, [dialogue[9]])
                count += 1
        elif characters <= _MAX_CUE_CHARACTERS:
            payload.append(line[:_MAX_CUE_CHARACTERS])
            characters += len(line) + 1
        if count >= _MAX_CUES:
            return
    if times:
        yield from _cue(times, _without_blocks(payload) if is_vtt else payload)


def _without_blocks(payload: list[str]) -> list[str]:
    """Return the lines after a WebVTT line of times without blocks that are no cues: notes, styles, regions."""
    kept: list[str] = []
    is_inside = False
    for line in payload:
        if kept and not kept[-1] and _VTT_BLOCK.match(line):
            is_inside = True
        if not is_inside or not line:
            kept.append(line)
            is_inside = False
    return kept


def _last(payload: Sequence[str]) -> str:
    return next((stripped for line in reversed(payload) if (stripped := line.strip())), "")


def _without_label(payload: list[str], *, is_vtt: bool, is_numbered: bool) -> list[str]:
    """Return the lines before a line of times without the next cue's number (SubRip) or name (WebVTT)."""
    payload = _without_blocks(payload) if is_vtt else payload
    is_right_before = bool(payload and payload[-1].strip())
    while payload and not payload[-1].strip():
        payload.pop()
    if not payload:
        return payload
    is_apart = len(payload) > 1 and not payload[-2]
    if payload[-1].strip().isdigit():
        is_label = is_numbered or is_right_before
    else:
        is_label = is_vtt and is_right_before and is_apart
    return payload[:-1] if is_label else payload


def _cue(times: re.Match[str], payload: Sequence[str]) -> Iterator[_Rows]:
    start, end = _milliseconds(times.groups()[:4]), _milliseconds(times.groups()[4:8])
    if end <= start:
        return
    markup = "\n".join(payload)[:_MAX_CUE_CHARACTERS]
    marks: list[int] = []
    if "<" in markup:
        marks = [_milliseconds(mark.groups()) for mark in _TIME_TAG.finditer(markup)]
        markup = _TIME_TAG.sub(MARK, markup.replace(MARK, " "))
    rows = [row for row in said(markup).split("\n") if row]
    yield _Rows(start, end, rows, marks)


def _milliseconds(groups: Sequence[str | None]) -> int:
    hours, minutes, seconds, fraction = groups
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def _rolled(found: Iterable[_Rows]) -> Iterator[Cue]:
    """Yield the cues, each without the lines that still stand from the one before.

    Captions that roll up (as live and automatic ones do) show the line before once more above the new one. Automatic
    captions put a cue of 10 ms between, in which the old line moves up: it says nothing, but the line still stands.
    """
    shown: list[str] = []
    shown_end = -_MAX_GAP_MS
    for cue in found:
        rows = [row.replace(MARK, "").strip() for row in cue.rows]
        gap = cue.start - shown_end
        standing = _standing(shown, rows) if gap < _MAX_GAP_MS else 0
        if standing == len(rows) and gap > _STANDING_GAP_MS:
            standing = 0  # said twice, not shown twice
        shown, shown_end = rows, max(shown_end, cue.end)
        if cue.end - cue.start >= _MIN_CUE_MS and any(rows[standing:]):
            yield _timed(cue, standing)


def _standing(shown: Sequence[str], rows: Sequence[str]) -> int:
    """Return how many of the first rows are the last ones of those shown before."""
    for count in range(min(len(shown), len(rows)), 0, -1):
        if shown[-count:] == rows[:count]:
            return count
    return 0


def _timed(cue: _Rows, standing: int) -> Cue:
    """Return the cue without so many rows, with its words as marks like `<00:00:01.500>` time them."""
    if not cue.marks:
        return Cue(Fraction(cue.start, 1000), Fraction(cue.end, 1000), " ".join(cue.rows[standing:]))
    skipped = sum(row.count(MARK) for row in cue.rows[:standing])
    spoken = " ".join(cue.rows[standing:])
    text = " ".join(spoken.replace(MARK, "").split())
    times = [Fraction(time, 1000) for time in (cue.start, *cue.marks[skipped:], cue.end)]
    words = _timed_words(times, spoken)
    is_whole = [word.text for word in words] == text.split()  # else some of the marks are wrong
    return Cue(times[0], times[-1], text, words if is_whole else ())


def _timed_words(times: Sequence[Fraction], spoken: str) -> tuple[Word, ...]:
    """Return the words between marks, which begin at `times`; empty where there are not as many of both."""
    pieces = spoken.split(MARK)
    if len(pieces) != len(times) - 1:
        return ()
    words: list[Word] = []
    for piece, (begin, stop) in zip(pieces, pairwise(times), strict=True):
        if piece.strip() and times[0] <= begin < stop <= times[-1]:
            words.extend(spread(piece, begin, stop))
    return tuple(words)


def _clip(cue: Cue, start: Fraction, end: Fraction) -> Cue:
    words = tuple(word for word in cue.words if start <= word.start and word.end <= end)
    return Cue(start, end, cue.text, words if len(words) == len(cue.words) else ())
