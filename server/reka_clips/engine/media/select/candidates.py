"""Where clips may begin and end, and which stretches between such places come into question.

How it works: places are collected at which a clip may begin or end (cuts, pauses, sentences, every whole second), each
with a strength. From each beginning, ends are tried near a handful of lengths between the shortest and the longest, and
of the ends around each length the strongest is taken. Each such window gets a score, see `ScoreParameters`. `pick`
then chooses among windows. A film of hours has very many of them, so they are made block by block, only the best two
beginnings of each `step` are kept, and times are compared as whole numbers of a common unit.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, groupby, islice
from math import lcm, log
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.select.interest import BINS_PER_SECOND, Sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reka_clips.engine.media.plan import Cue

_CONNECTIVES: Final = frozenset(
    """also and because but he her his it its or she so that their then there these they this those which who
    it's that's he's she's they're""".split()  # noqa: SIM905 - as a list, nobody could read it
)


@dataclass(frozen=True, slots=True)
class WindowParameters:
    """Where windows may begin and end, in seconds unless said.

    preferred: the best length of a clip; worth_posting: the shortest, where none is asked for. margin: kept off both
    limits, as a clip's last frame may be longer than its share. speech_lead: room before the first and after the last
    word. continued: the strength, 0 to 1, of a beginning that goes on with what was said before. lengths: how many
    lengths are tried from each beginning; near: how far from each of them an end may be. steps: how many parts of a
    stretch windows begin in at most, block: how much of it is looked at at once; both keep time and memory in bounds.
    tiles: how many windows are laid end to end at most, as many as there ever are clips.
    """

    preferred: Fraction = Fraction(30)
    worth_posting: Fraction = Fraction(8)
    margin: Fraction = Fraction(1, 20)
    speech_lead: Fraction = Fraction(1, 5)
    continued: float = 0.4
    lengths: int = 10
    near: Fraction = Fraction(3, 2)
    steps: int = 3600
    block: int = 900
    tiles: int = 12


PARAMETERS: Final = WindowParameters()


@dataclass(frozen=True, slots=True)
class ScoreParameters:
    """What a window's score is made of, in robust standard deviations of the film's interest.

    mean, peak, hook: weights of the mean interest, of the best `peak_seconds` in a row, and of the first
    `hook_seconds`, in which a viewer decides to stay. match: weight of what is said that fits the prompt; aside: what
    is left of the interest where the prompt asks for something said. edge: of clean ends (cuts, sentences). length:
    what it costs to be longer or shorter than the best length by the factor e. sliver: what each end costs that leaves
    less than `sliver_seconds` of another shot.
    """

    mean: float = 0.7
    peak: float = 0.3
    hook: float = 0.25
    match: float = 4.0
    aside: float = 0.4
    edge: float = 0.15
    length: float = 0.2
    sliver: float = 0.15
    peak_seconds: int = 5
    hook_seconds: int = 3
    sliver_seconds: float = 0.7


SCORE_DEFAULTS: Final = ScoreParameters()
SCORE_TERMS: Final = ("mean", "peak", "hook", "edge", "length", "sliver", "match")


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a clip may be, and how long it is best, in seconds: `shortest` <= `best` <= `longest`."""

    shortest: Fraction
    best: Fraction
    longest: Fraction


@dataclass(frozen=True, slots=True)
class CutPoint:
    """A place where a clip may begin or end. strength: 0 (anywhere) to 1 (a cut, the end of a sentence)."""

    time: Fraction
    strength: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of one source that may become a clip. score: as `interest`, about 0 for what is usual.

    match: how well what is said matches the prompt, 0 to 1, at its best place.
    """

    source: int
    start: Fraction
    end: Fraction
    score: float
    match: float = 0.0

    @property
    def duration(self) -> Fraction:
        """How long it is, in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class SourceFeatures:
    """All that is known of one source when windows are looked for.

    stretches: where windows may lie. interest, relevance: per half second from time 0. cuts, pauses: in seconds.
    spoken: sentences, which no window breaks.
    """

    source: int
    stretches: tuple[tuple[Fraction, Fraction], ...]
    interest: Sequence[float]
    relevance: Sequence[float]
    cuts: Sequence[Fraction]
    pauses: Sequence[tuple[float, float]] = ()
    spoken: Sequence[Cue] = ()


def choose_lengths(shortest: int, longest: int, *, available: Fraction, count: int) -> Lengths:
    """Return the lengths to look for: half a minute, less where `count` of them would not fit into `available`.

    shortest, longest: what was asked for, in seconds. A source that is shorter than `longest` limits it. Where no
    shortest length is asked for, clips last 8 s all the same, as nobody posts one of three; where so many of them do
    not fit, they may be half as long as their share.
    """
    low, high = Fraction(shortest), min(Fraction(longest), available)
    if high - low > 4 * PARAMETERS.margin:
        high = high if high == available else high - PARAMETERS.margin
        low = low + PARAMETERS.margin if low > 0 else low
    share = available * Fraction(4, 5) / max(1, count)
    if low == 0:
        is_roomy = share >= PARAMETERS.worth_posting or count == 1
        low = min(PARAMETERS.worth_posting, high * Fraction(9, 10), share if is_roomy else share / 2)
    best = min(high, max(low, min(PARAMETERS.preferred, share), Fraction(2)))
    return Lengths(shortest=max(low, best / 2), best=best, longest=high)


def edges(
    terrain: SourceFeatures, stretch: tuple[Fraction, Fraction], since: Fraction, until: Fraction
) -> tuple[list[CutPoint], list[CutPoint]]:
    """Return where within a stretch windows may begin and where they may end, each ascending, `since` to `until`.

    None lies inside of a sentence. Every whole second comes into question, with strength 0.
    """
    start, end = stretch
    low, high = max(start, since), min(end, until)
    found: dict[Fraction, float] = {}

    def add(time: Fraction, strength: float) -> None:
        if low <= time <= high:
            found[time] = max(found.get(time, 0.0), strength)

    add(start, 0.8)
    add(end, 0.8)
    for cut in terrain.cuts[bisect_left(terrain.cuts, low) : bisect_right(terrain.cuts, high)]:
        add(cut, 1.0)
    for left, right in islice(terrain.pauses, bisect_left(terrain.pauses, low, key=itemgetter(1)), None):
        if left > high:
            break
        add(_thousandth((left + right) / 2), 0.7)
    for second in range(int(-(-low // 1)), int(high) + 1):
        add(Fraction(second), 0.0)
    begins, ends = _beside_sentences(terrain.spoken, stretch, low, high)
    return _outside(found | begins, terrain.spoken), _outside(found | ends, terrain.spoken)


def _beside_sentences(
    spoken: Sequence[Cue], stretch: tuple[Fraction, Fraction], low: Fraction, high: Fraction
) -> tuple[dict[Fraction, float], dict[Fraction, float]]:
    """Return where between `low` and `high` one is right before and right after a sentence, and how good that is."""
    start, end = stretch
    befores: dict[Fraction, float] = {}
    afters: dict[Fraction, float] = {}
    for number in range(_ended_by(spoken, low - PARAMETERS.speech_lead), len(spoken)):
        cue = spoken[number]
        if cue.start - PARAMETERS.speech_lead > high:
            break
        earlier = spoken[number - 1].end if number else start
        later = spoken[number + 1].start if number + 1 < len(spoken) else end
        before = max(cue.start - PARAMETERS.speech_lead, (earlier + cue.start) / 2, start)
        after = min(cue.end + PARAMETERS.speech_lead, (cue.end + later) / 2, end)
        if low <= before <= high and before <= cue.start <= end:
            befores[before] = PARAMETERS.continued if _goes_on(cue.text) else 1.0
        if low <= after <= high and start <= cue.end <= after:
            afters[after] = 1.0
    return befores, afters


def windows(terrain: SourceFeatures, lengths: Lengths) -> Iterator[Candidate]:
    """Yield all windows that come into question, roughly in order of time; none breaks a sentence or a limit.

    Where sentences leave no room (a speaker who never pauses within `longest`), windows break them.
    """
    found = False
    for window in _windows(terrain, lengths):
        found = True
        yield window
    if not found and terrain.spoken:
        yield from _windows(replace(terrain, spoken=()), lengths)


def _windows(terrain: SourceFeatures, lengths: Lengths) -> Iterator[Candidate]:
    """Yield the windows block by block, as all places of many hours would take much memory."""
    scorer = Scorer(terrain, lengths)
    for start, end in terrain.stretches:
        if end - start < lengths.shortest:
            continue
        tiles = _tiles(terrain.spoken, start, end, lengths.shortest)
        step = int((end - start) / PARAMETERS.steps) + 1
        block = step * max(1, PARAMETERS.block // step)
        for since in range(int(start) // block * block, int(end) + 1, block):
            until = since + block
            begins, ends = edges(terrain, (start, end), Fraction(since), until + lengths.longest)
            begins = _thin([edge for edge in begins if edge.time < until], step)
            begins += [tile for tile in tiles if since <= tile.time < until]
            for begin, place in _pairs(begins, ends, terrain.spoken, lengths, end):
                yield scorer.window(begin, place)


def _pairs(
    begins: Sequence[CutPoint], ends: Sequence[CutPoint], spoken: Sequence[Cue], lengths: Lengths, latest: Fraction
) -> Iterator[tuple[CutPoint, CutPoint]]:
    """Yield where windows of about the lengths to look for begin and end. latest: where they have to end."""
    targets = _targets(lengths)
    times = [latest, lengths.shortest, lengths.longest, PARAMETERS.near, *targets]
    # Whole numbers of a unit that all times share: comparing fractions takes many times as long.
    unit = lcm(*(time.denominator for time in times), *(edge.time.denominator for edge in chain(begins, ends)))

    def ticks(time: Fraction) -> int:
        return time.numerator * (unit // time.denominator)

    final, shortest, longest, near, *wanted = (ticks(time) for time in times)
    ends_at = [ticks(edge.time) for edge in ends]
    for begin in begins:
        at = ticks(begin.time)
        stop, last = at + shortest, min(at + longest, final)
        chosen: set[int] = set()
        for length in wanted:
            if stop <= at + length <= last:
                low, high = max(stop, at + length - near), min(last, at + length + near)
                chosen.add(_best_between(ends, ends_at, low, high, at + length))
        yield from ((begin, ends[index]) for index in sorted(chosen) if index >= 0)
        # The limits themselves, for when they lie so close together that nothing else fits.
        limits = [Fraction(time, unit) for time in {stop, last} if stop <= time <= last]
        yield from ((begin, CutPoint(time, 0.0)) for time in limits if not _inside(spoken, time))


def _tiles(spoken: Sequence[Cue], start: Fraction, end: Fraction, shortest: Fraction) -> list[CutPoint]:
    """Return where windows of the shortest length begin when they are laid end to end, from either side.

    Where as many are asked for as can fit at all, nothing else does.
    """
    if shortest <= 0:
        return []
    count = min(PARAMETERS.tiles, int((end - start) / shortest))
    places = {start + number * shortest for number in range(count)}
    places |= {end - (number + 1) * shortest for number in range(count)}
    return [CutPoint(place, 0.0) for place in sorted(places) if not _inside(spoken, place)]


def _targets(lengths: Lengths) -> list[Fraction]:
    low, high = float(lengths.shortest), float(lengths.longest)
    if high <= low:
        return [lengths.shortest]
    step = (high / max(low, 0.5)) ** (1 / (PARAMETERS.lengths - 1)) if high > 0.5 else 1.0  # noqa: PLR2004 - half a second
    return sorted(
        {min(lengths.longest, Fraction(round(max(low, 0.5) * step**i * 100), 100)) for i in range(PARAMETERS.lengths)}
        | {lengths.best}
    )


def _best_between(ends: Sequence[CutPoint], ends_at: Sequence[int], low: int, high: int, near: int) -> int:
    """Return the index of the strongest edge between `low` and `high`, of equals that next to `near`; -1 for none."""
    indices = range(bisect_left(ends_at, low), bisect_right(ends_at, high))
    return max(indices, key=lambda index: (ends[index].strength, -abs(ends_at[index] - near)), default=-1)


def _thin(begins: Sequence[CutPoint], seconds: int) -> list[CutPoint]:
    """Return the two strongest of the places within so many seconds: fast cutting would give far too many."""
    kept: list[CutPoint] = []
    for _, near in groupby(begins, key=lambda edge: int(edge.time) // seconds):
        strongest = sorted(near, key=lambda edge: -edge.strength)[:2]
        kept += sorted(strongest, key=lambda edge: edge.time)
    return kept


def _outside(places: dict[Fraction, float], spoken: Sequence[Cue]) -> list[CutPoint]:
    """Return the places that lie in no sentence, ascending."""
    kept: list[CutPoint] = []
    ordered = sorted(places)
    number = _ended_by(spoken, ordered[0]) if ordered else 0
    for time in ordered:
        while number < len(spoken) and spoken[number].end <= time:
            number += 1
        if number == len(spoken) or time <= spoken[number].start:
            kept.append(CutPoint(time, places[time]))
    return kept


def _inside(spoken: Sequence[Cue], time: Fraction) -> bool:
    number = _ended_by(spoken, time)
    return number < len(spoken) and spoken[number].start < time


def _goes_on(sentence: str) -> bool:
    """Whether a sentence needs the one before it: «And …», «It …». In other languages than English none does."""
    first = sentence.split(maxsplit=1)[0] if sentence else ""
    return first.strip(',.:;\u2026"\u201c').replace("\u2019", "'").casefold() in _CONNECTIVES


def _ended_by(spoken: Sequence[Cue], time: Fraction) -> int:
    """Return how many sentences have ended by then."""
    return bisect_right(spoken, time, key=lambda cue: cue.end)


def _thousandth(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)


class Scorer:
    """Scores windows of one source in constant time each: sums over stretches of a curve are kept beforehand."""

    def __init__(self, terrain: SourceFeatures, lengths: Lengths, parameters: ScoreParameters = SCORE_DEFAULTS) -> None:
        self._terrain = terrain
        self._lengths = lengths
        self._parameters = parameters
        self._interest = Sums(terrain.interest)
        self._relevance = Sums(terrain.relevance)
        self._is_asked = any(terrain.relevance)  # whether something that the prompt asks for is said at all
        reach = parameters.peak_seconds * BINS_PER_SECOND
        means = (self._interest.mean(index, index + reach) for index in range(len(terrain.interest)))
        self._peaks = array("d", means)
        self._cuts = array("d", (float(cut) for cut in terrain.cuts))

    def window(self, begin: CutPoint, end: CutPoint) -> Candidate:
        """Return the stretch between two places with its score."""
        first, stop = self._bins(begin, end)
        match = max(self._terrain.relevance[first:stop], default=0.0) if self._is_asked else 0.0
        return Candidate(self._terrain.source, begin.time, end.time, sum(self.terms(begin, end)), match)

    def terms(self, begin: CutPoint, end: CutPoint) -> tuple[float, ...]:
        """Return what the score is the sum of, in the order of `SCORE_TERMS`."""
        weights = self._parameters
        first, stop = self._bins(begin, end)
        share = weights.aside if self._is_asked else 1.0
        peaks = self._peaks[first : max(first + 1, stop - weights.peak_seconds * BINS_PER_SECOND)]
        hook = self._interest.mean(first, min(stop, first + weights.hook_seconds * BINS_PER_SECOND))
        match = 0.0
        if self._is_asked:
            match = (max(self._terrain.relevance[first:stop], default=0.0) + self._relevance.mean(first, stop)) / 2
        return (
            share * weights.mean * self._interest.mean(first, stop),
            share * weights.peak * max(peaks, default=0.0),
            share * weights.hook * hook,
            weights.edge * (begin.strength + end.strength - 1),
            -weights.length * abs(log(float((end.time - begin.time) / self._lengths.best))),
            -weights.sliver * self._slivers(begin, end),
            weights.match * match,
        )

    def _bins(self, begin: CutPoint, end: CutPoint) -> tuple[int, int]:
        first, stop = round(begin.time * BINS_PER_SECOND), round(end.time * BINS_PER_SECOND)
        return first, max(stop, first + 1)

    def _slivers(self, begin: CutPoint, end: CutPoint) -> int:
        """Return how many of the two ends leave a flash of another shot before the first or after the last cut."""
        start, stop = float(begin.time), float(end.time)
        first = bisect_right(self._cuts, start + 1e-6)
        last = bisect_left(self._cuts, stop - 1e-6) - 1
        longest = self._parameters.sliver_seconds
        return int(first < len(self._cuts) and self._cuts[first] - start < longest) + int(
            last >= 0 and stop - self._cuts[last] < longest
        )
