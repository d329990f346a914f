"""From measured footage to plans of clips: which moments, in which order, with what said about them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from reka_clips.engine.media.plan import ClipPlan, Cue, Segment, Shot
from reka_clips.engine.media.select.candidates import Candidate, Lengths, SourceFeatures, choose_lengths, windows
from reka_clips.engine.media.select.interest import interest, relevance_bins, silences
from reka_clips.engine.media.select.pick import (
    ai_score,
    automatic_count,
    pick_moments,
    pick_reels,
    reel_lengths,
    reel_score,
    worthwhile,
)
from reka_clips.engine.media.text import titles
from reka_clips.engine.media.text.relevance import Matches, query_terms
from reka_clips.engine.media.text.sentences import cut_out, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.sources import AnalyzedSource

Stretches = tuple[tuple[Fraction, Fraction], ...]

_AROUND_SECONDS: Final = 6
_AROUND_SHARE: Final = 0.35
_WORTHWHILE_SECONDS: Final = 10
_FEWEST_CANDIDATES, _MOST_CANDIDATES = 3, 12  # to choose from
_CANDIDATE_SECONDS: Final = 20  # of footage for each
_MAX_SENTENCE_SECONDS: Final = Fraction(20)


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """What is asked for. count: None for automatic. shortest, longest: of each clip, in seconds.

    is_search: candidates to choose from are wanted, as many as are worth a look.
    """

    template: Literal["moments", "compilation"] = "moments"
    count: int | None = None
    shortest: int = 0
    longest: int = 90
    prompt: str = ""
    is_search: bool = False


class _Origin(TypedDict):
    tags: Mapping[str, str]
    chapter: str
    name: str
    times: str


def spoken_in(item: AnalyzedSource, longest: Fraction) -> tuple[Cue, ...]:
    """Return what is said in a source, in sentences that fit into a clip of `longest` seconds."""
    return sentences(item.cues, max_seconds=min(_MAX_SENTENCE_SECONDS, longest * Fraction(2, 3)))


def expected_count(wish: SelectionOptions, seconds: Fraction) -> int:
    """Return how many clips are to be made of `seconds` of footage.

    Where the number is left open, so many that each can last ten seconds: nobody posts three clips of four.
    """
    if wish.is_search:
        return max(_FEWEST_CANDIDATES, min(_MOST_CANDIDATES, int(seconds / _CANDIDATE_SECONDS)))
    return wish.count or min(automatic_count(seconds), max(1, int(seconds / _WORTHWHILE_SECONDS)))


def expected_clip_seconds(wish: SelectionOptions, seconds: Fraction) -> Fraction:
    """Return roughly how long each clip made of `seconds` of footage will be."""
    if wish.template == "compilation":
        return reel_lengths(wish.shortest, wish.longest, available=seconds, count=wish.count)[0].best
    count = expected_count(wish, seconds)
    return choose_lengths(wish.shortest, wish.longest, available=seconds, count=count).best


def choose(
    footage: Sequence[AnalyzedSource],
    wish: SelectionOptions,
    *,
    within: Mapping[int, Stretches] | None = None,
    extra: int = 0,
) -> list[list[Candidate]]:
    """Return the clips, best first, each as the windows it consists of.

    within: for some sources (by index) the stretches to choose from. extra: how many more clips than asked for,
    after the others. Fewer come back where no more fit; none where not even one does.
    """
    terrains = [features(index, item, wish, (within or {}).get(index)) for index, item in enumerate(footage)]
    available = sum((item.seconds for item in footage), start=Fraction(0))
    if wish.template == "compilation":
        lengths, count = reel_lengths(wish.shortest, wish.longest, available=available, count=wish.count)
        return pick_reels(terrains, count, lengths) if lengths.shortest <= lengths.longest else []
    count = expected_count(wish, available)
    found: list[Candidate] = []
    for terrain, item in zip(terrains, footage, strict=True):
        lengths = moment_lengths(item, wish, available)
        if lengths.shortest <= lengths.longest:
            found.extend(worthwhile(windows(terrain, lengths)))
    picked = pick_moments(found, count)
    spare = pick_moments(found, extra, taken=picked) if extra else []
    return [[window] for window in [*picked, *spare]]


def moment_lengths(item: AnalyzedSource, wish: SelectionOptions, available: Fraction) -> Lengths:
    """Return how long moments of one source are to be. available: seconds of all sources."""
    share = Fraction(expected_count(wish, available)) * item.seconds / available if available else Fraction(1)
    return choose_lengths(wish.shortest, wish.longest, available=item.seconds, count=max(1, round(share)))


def is_prompt_matched(footage: Sequence[AnalyzedSource], wish: SelectionOptions) -> bool:
    """Whether any word of the prompt is said anywhere (or the prompt asks for nothing in particular)."""
    if not query_terms(wish.prompt):
        return True
    return any(Matches(wish.prompt, (cue.text for cue in item.cues)) for item in footage)


def make_plans(
    clips: Sequence[Sequence[Candidate]], footage: Sequence[AnalyzedSource], wish: SelectionOptions
) -> list[ClipPlan]:
    """Return the plans of clips, in their order, with title, caption and hashtags."""
    spoken = [spoken_in(item, Fraction(wish.longest)) for item in footage]
    vocabulary = titles.Vocabulary([cue for cues in spoken for cue in cues])
    return [_plan(clip, footage, spoken, vocabulary, wish) for clip in clips]


def features(
    index: int, item: AnalyzedSource, wish: SelectionOptions, within: Stretches | None = None
) -> SourceFeatures:
    """Return what is known of a source when windows are looked for. index: which of the sources it is."""
    measured = item.measured
    curve = interest(measured, film_seconds=item.info.duration)
    spoken = spoken_in(item, Fraction(wish.longest))
    matches = relevance_bins(spoken, _matches(spoken, wish.prompt), len(curve))
    return SourceFeatures(
        source=index,
        stretches=within if within is not None else ((measured.start, measured.end),),
        interest=curve,
        relevance=matches,
        cuts=measured.cuts,
        pauses=silences(measured),
        spoken=spoken,
    )


def _matches(spoken: Sequence[Cue], prompt: str) -> list[float]:
    """Return how well each sentence matches the prompt, 0 to 1: mostly by itself, a bit with what is said around it.

    A topic is not told in one sentence, and its words do not stand in each of them. All are 0 when nothing matches.
    """
    matches = Matches(prompt, (cue.text for cue in spoken))
    if not matches:
        return [0.0] * len(spoken)
    share = _AROUND_SHARE
    pairs = zip(matches.alone(), matches.together(_surroundings(spoken)), strict=True)
    return [alone * (1 - share) + together * share for alone, together in pairs]


def _surroundings(spoken: Sequence[Cue]) -> Iterator[range]:
    """Yield for each sentence which ones end or begin within a few seconds of it, itself included."""
    first = stop = 0
    for cue in spoken:
        while spoken[first].end < cue.start - _AROUND_SECONDS:
            first += 1
        while stop < len(spoken) and spoken[stop].start <= cue.end + _AROUND_SECONDS:
            stop += 1
        yield range(first, stop)


def _plan(
    clip: Sequence[Candidate],
    footage: Sequence[AnalyzedSource],
    spoken: Sequence[Sequence[Cue]],
    vocabulary: titles.Vocabulary,
    wish: SelectionOptions,
) -> ClipPlan:
    segments: list[Segment] = []
    cues: list[Cue] = []
    said: list[Cue] = []
    at = Fraction(0)
    for window in clip:
        item = footage[window.source]
        segments.append(Segment(window.source, window.start, window.end, shots(item.measured, window)))
        cues.extend(cut_out(item.cues, window.start, window.end, at=at))
        said.extend(cue for cue in spoken[window.source] if cue.start >= window.start and cue.end <= window.end)
        at += window.duration
    wording = titles.word_clip(said, vocabulary=vocabulary, prompt=wish.prompt, **_origin(clip, footage))
    return ClipPlan(
        segments=tuple(segments),
        cues=tuple(cues),
        title=wording.title,
        caption=wording.caption,
        hashtags=wording.hashtags,
        ai_score=ai_score(reel_score(clip)),
    )


def _origin(clip: Sequence[Candidate], footage: Sequence[AnalyzedSource]) -> _Origin:
    """Return what is known of where a clip is from; several sources are named one after the other, as their times."""
    used = [footage[window.source] for window in clip]
    sources = list({item.opened.source.url: item for item in used}.values())
    times = "; ".join(
        ", ".join(titles.clock(window.start) for window in group)
        for _, group in groupby(clip, key=lambda window: footage[window.source].opened.source.url)
    )
    if len(sources) > 1:
        name = " and ".join(titles.source_title(item.info.tags, item.opened.name) for item in sources)
        return {"tags": {}, "chapter": "", "name": name, "times": times}
    chapter = ""
    if len(clip) == 1:
        times = f"{titles.clock(clip[0].start)}\u2013{titles.clock(clip[0].end)}"
        chapter = titles.chapter_title(sources[0].info.chapters, clip[0].start, clip[0].end)
    return {"tags": sources[0].info.tags, "chapter": chapter, "name": sources[0].opened.name, "times": times}


def shots(measured: Measurements, window: Candidate) -> tuple[Shot, ...]:
    """Return the camera shots that a window consists of, without gaps."""
    times = [window.start, *measured.cuts_between(window.start, window.end), window.end]
    return tuple(Shot(start, end) for start, end in pairwise(times))


def stretches_around(
    clips: Sequence[Sequence[Candidate]], source: int, measured: Measurements, *, seconds: Fraction
) -> Stretches:
    """Return the windows of one source with `seconds` of leeway on either side, joined where they touch."""
    spans = sorted(
        (max(measured.start, window.start - seconds), min(measured.end, window.end + seconds))
        for clip in clips
        for window in clip
        if window.source == source
    )
    joined: list[tuple[Fraction, Fraction]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
