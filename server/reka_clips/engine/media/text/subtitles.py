"""Subtitles as text with times: SubRip, WebVTT and ASS, from a file beside the video or a track inside it."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments
from reka_clips.engine.media.plan import Cue, Word
from reka_clips.engine.media.text.markup import MARK, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

SUFFIXES: Final = (".srt", ".vtt", ".ass", ".ssa")

_MAX_BYTES: Final = 20 * 1024 * 1024
_MAX_CUES: Final = 100_000
_MAX_CUE_CHARACTERS: Final = 2000
_MIN_CUE_SECONDS: Final = Fraction(1, 20)
_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW: Final = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_DIALOGUE: Final = re.compile(rf"^Dialogue:[^,]*,\s*{_TIME}\s*,\s*{_TIME}\s*,(?:[^,]*,){{6}}(.*)")
_DRAWING: Final = re.compile(r"\\p[1-9]")  # ASS: what follows are lines and curves, no words
_TIME_TAG: Final = re.compile(rf"<{_TIME}>")
_SENTENCE_END: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u061f]['\"\u201d\u2019»)\]]*$")


def find_sidecars(video: Path) -> list[Path]:
    """Return the subtitle files beside a video that bear its name: `talk.srt`, `talk.en.vtt`; plainest first."""
    found = [
        path
        for path in video.parent.iterdir()
        if path.suffix.lower() in SUFFIXES
        and (path.stem == video.stem or path.stem.rpartition(".")[0] == video.stem)
        and path.is_file()
    ]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def read_subtitles(path: Path) -> tuple[Cue, ...]:
    """Return the cues of a SubRip, WebVTT or ASS file. Raises MediaError when it cannot be read or holds none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise MediaError(f"The subtitle file {path.name} cannot be read: {error.strerror}.") from error
    if len(content) > _MAX_BYTES:
        raise MediaError(f"The subtitle file {path.name} is larger than 20 MB.")
    cues = parse_subtitles(decode(content))
    if not cues:
        raise MediaError(f"The subtitle file {path.name} holds no subtitles in SubRip, WebVTT or ASS form.")
    return cues


async def extract_subtitles(ffmpeg: Ffmpeg, path: Path, info: MediaInfo) -> tuple[Cue, ...]:
    """Return the cues of the best text track inside a video that has any; empty when there is none."""
    for stream in info.subtitles:
        content = bytearray()
        try:
            await ffmpeg.run(
                [*input_arguments(path), "-map", f"0:{stream.index}", "-f", "webvtt", "pipe:1"],
                on_output=lambda chunk, content=content: content.extend(chunk[: _MAX_BYTES - len(content)]),
                timeout_seconds=600,
            )
        except DiskFullError:
            raise
        except MediaError:
            continue
        if cues := parse_subtitles(decode(bytes(content))):
            return cues
    return ()


def decode(content: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16, or else in the old Western code page; never fails."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def parse_subtitles(text: str) -> tuple[Cue, ...]:
    """Return the cues of SubRip, WebVTT or ASS text, in order of time, none overlapping.

    Formatting, notes on sounds («[applause]») and speakers' names are dropped, see `said`. Times inside a cue (WebVTT)
    time its words; other cues have no words of their own. What is no cue is passed over: nothing is raised.
    """
    cues: list[Cue] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    position = 0
    while position < len(lines) and len(cues) < _MAX_CUES:
        line = lines[position]
        found = _ARROW.match(line)
        position += 1
        if not found:
            if (dialogue := _DIALOGUE.match(line)) and not _DRAWING.search(dialogue[9]):
                _add(cues, dialogue, dialogue[9].replace("\\N", "\n").replace("\\n", "\n"))
            continue
        payload: list[str] = []
        while position < len(lines) and lines[position].strip() and not _ARROW.match(lines[position]):
            payload.append(lines[position])
            position += 1
        if position < len(lines) and _ARROW.match(lines[position]) and payload and payload[-1].strip().isdigit():
            payload.pop()  # the next cue's number, where the empty line between them is missing
        _add(cues, found, "\n".join(payload))
    return tidy(cues)


def tidy(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Return the cues in order of time, without empty ones and repeats, each ending where the next begins.

    Captions that roll up (as live captions do) repeat the line before; the repeated line is dropped.
    """
    kept: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: (cue.start, cue.end)):
        current = cue
        if kept and current.start - kept[-1].end < 1:
            current = _without_repeat(kept[-1], current)
        if not current.text:
            continue
        if kept and kept[-1].end > current.start:
            if current.start - kept[-1].start < _MIN_CUE_SECONDS:
                current = _clip(current, kept[-1].end, current.end)
                if current.end - current.start < _MIN_CUE_SECONDS:
                    continue
            else:
                kept[-1] = _clip(kept[-1], kept[-1].start, current.start)
        kept.append(current)
    return tuple(replace(cue, text=" ".join(cue.text.split())) for cue in kept)


def sentences(cues: Sequence[Cue], *, max_seconds: Fraction) -> tuple[Cue, ...]:
    """Return cues joined into sentences: a cue goes on when it ends without a full stop and the next follows soon.

    A sentence is never longer than `max_seconds` (captions without any punctuation would never end); a longer one
    is split between cues, at the widest pauses. The words of sentences are not timed.
    """
    groups: list[list[Cue]] = []
    for cue in cues:
        if groups:
            last = groups[-1][-1]
            if not _SENTENCE_END.search(last.text) and cue.start - last.end < 1:
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


def _add(cues: list[Cue], times: re.Match[str], markup: str) -> None:
    start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:8])
    if end - start >= _MIN_CUE_SECONDS:
        cues.append(_cue(start, end, markup[:_MAX_CUE_CHARACTERS]))


def _seconds(groups: Sequence[str | None]) -> Fraction:
    hours, minutes, seconds, fraction = (group or "0" for group in groups)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + Fraction(int(fraction), 10 ** len(fraction))


def _cue(start: Fraction, end: Fraction, markup: str) -> Cue:
    marks = [_seconds(mark.groups()) for mark in _TIME_TAG.finditer(markup)]
    spoken = said(_TIME_TAG.sub(MARK, markup.replace(MARK, " ")))
    lines = "\n".join(filter(None, (" ".join(line.replace(MARK, "").split()) for line in spoken.split("\n"))))
    words = _timed_words([start, *marks, end], spoken)
    is_whole = [word.text for word in words] == lines.split()  # else some of the marks are wrong
    return Cue(start, end, lines, words if is_whole else ())


def _timed_words(times: Sequence[Fraction], spoken: str) -> tuple[Word, ...]:
    """Return the words as marks like `<00:00:01.500>` time them, of which `MARK` is left; empty without any."""
    pieces = spoken.replace("\n", " ").split(MARK)
    if len(pieces) == 1 or len(pieces) != len(times) - 1:
        return ()
    words: list[Word] = []
    for piece, (begin, stop) in zip(pieces, pairwise(times), strict=True):
        if piece.strip() and times[0] <= begin < stop <= times[-1]:
            words.extend(spread(piece, begin, stop))
    return tuple(words)


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


def _clip(cue: Cue, start: Fraction, end: Fraction) -> Cue:
    words = tuple(word for word in cue.words if start <= word.start and word.end <= end)
    return Cue(start, end, cue.text, words if len(words) == len(cue.words) else ())


def _without_repeat(before: Cue, cue: Cue) -> Cue:
    """Drop the first line of `cue` if it was the last line of the cue before."""
    first, _, rest = cue.text.partition("\n")
    last = before.text.rpartition("\n")[2]
    if first != last:
        return cue
    if not rest and before.end < cue.start:
        return cue  # said twice, not shown twice
    words = cue.words[len(first.split()) :] if len(cue.words) > len(rest.split()) else cue.words
    return Cue(cue.start, cue.end, rest, words)


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
