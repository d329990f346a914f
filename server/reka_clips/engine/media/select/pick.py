"""Which of the windows become clips: the best ones that do not overlap and are not all from one place."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from math import exp, inf
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.select.candidates import Candidate, Lengths, SourceFeatures, windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BATCH: Final = 4096  # windows compared with each other at once, to bound time


@dataclass(frozen=True, slots=True)
class PickParameters:
    """How moments are picked.

    closeness: what being right beside a picked moment costs, in the unit of scores; it falls to 1/e at
    `closeness_seconds`. steepness: of the curve from scores to `ai_score`. reel_seconds: how long a reel is at best;
    pieces: of how many moments; shortest_piece: none is shorter, in seconds. reel_share: of a source that goes into
    reels at most, as far as the choice is ours.
    """

    closeness: float = 0.4
    closeness_seconds: float = 45.0
    steepness: float = 0.8
    reel_seconds: Fraction = Fraction(45)
    pieces: int = 5
    shortest_piece: Fraction = Fraction(4)
    reel_share: Fraction = Fraction(3, 5)


PARAMETERS: Final = PickParameters()


def automatic_count(seconds: Fraction) -> int:
    """Return how many clips to make when the number is left open: 3 up to 45 min, then 1 per 15 min, at most 12.

    Source: the Clip API's reference on `num_generations`.
    """
    extra = -(-(seconds - 45 * 60) // (15 * 60))
    return min(12, 3 + max(0, int(extra)))


def ai_score(score: float) -> int:
    """Return a window's score as a whole number from 0 to 100.

    50 is a stretch like the rest of its source. By how many robust standard deviations motion, sound, cutting and
    the match with the prompt stand out, taken together: 1 gives 69, 2 gives 83, 4 gives 96. So it compares clips of
    one source, not of different ones, and knows nothing of taste.
    """
    return round(100 / (1 + exp(-PARAMETERS.steepness * max(-20.0, min(20.0, score)))))


def reel_score(reel: Sequence[Candidate]) -> float:
    """Return the mean score of a reel's moments, each counted by its length."""
    total = sum(float(window.duration) for window in reel)
    return sum(window.score * float(window.duration) for window in reel) / total if total else 0.0


def pick_moments(candidates: Iterable[Candidate], count: int, *, taken: Iterable[Candidate] = ()) -> list[Candidate]:
    """Return `count` windows that overlap neither each other nor what is taken, best first; fewer if no more fit.

    Each is the best that is left, where being close to one that was picked counts against it. Where that leaves no
    room for the last ones, all are picked together instead, for the highest sum of scores.
    """
    others = list(taken)
    ranked = sorted((w for w in candidates if not any(_overlap(w, other) for other in others)), key=_rank)
    picked = _pick_greedily(ranked, count)
    if len(picked) < count and len(ranked) > len(picked):
        packed = _pick_together(ranked, count)
        picked = packed if len(packed) > len(picked) else picked
    return sorted(picked, key=_rank)


def worthwhile(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return windows of one source without (most of) those that hold a better one: `pick_moments` never picks them.

    Wherever such a window could lie the better one could as well, and would be no closer to any other.
    """
    kept: list[Candidate] = []
    left = iter(candidates)
    while batch := list(islice(left, _BATCH)):
        ends: list[Fraction] = []  # of the best windows that begin later, ascending, and
        scores: list[float] = []  # their scores, ascending as well
        for window in sorted(batch, key=lambda window: window.start, reverse=True):
            at = bisect_right(ends, window.end)
            if at and scores[at - 1] > window.score:
                continue
            kept.append(window)
            worse = bisect_right(scores, window.score, lo=at)
            ends[at:worse], scores[at:worse] = [window.end], [window.score]
    return kept


def _pick_greedily(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    picked: list[Candidate] = []
    while len(picked) < count:
        best: Candidate | None = None
        value = 0.0
        for window in ranked:
            if best is not None and window.score <= value:
                break  # the rest is worse even before anything is taken off
            if any(_overlap(window, other) for other in picked):
                continue
            worth = window.score - _closeness(window, picked)
            if best is None or worth > value:
                best, value = window, worth
        if best is None:
            break
        picked.append(best)
    return picked


def _pick_together(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """Return as many windows as fit without overlap, at most `count`, with the highest sum of scores.

    Dynamic programming (weighted interval scheduling): windows are put in order of their ends. `sums[k][n]` is the
    highest sum of k windows among the first n; the n-th is either left out (`sums[k][n - 1]`) or taken, with k - 1 of
    those that end before it begins. Which were taken is then read off from the end.
    """
    ordered = sorted(candidates, key=lambda window: (window.source, window.end, window.start))
    ends = [(window.source, window.end) for window in ordered]
    earlier = [bisect_right(ends, (window.source, window.start)) for window in ordered]  # how many end before it
    sums = [array("d", [0.0] * (len(ordered) + 1))]  # the best sum of so many windows among the first so many
    for _ in range(count):
        row = array("d", [-inf])
        for number, window in enumerate(ordered):
            row.append(max(row[-1], sums[-1][earlier[number]] + window.score))
        if row[-1] == -inf:
            break
        sums.append(row)
    picked: list[Candidate] = []
    stop = len(ordered)
    for row in reversed(sums[1:]):
        while row[stop - 1] == row[stop]:
            stop -= 1
        picked.append(ordered[stop - 1])
        stop = earlier[stop - 1]
    return picked


def pick_reels(terrains: Sequence[SourceFeatures], count: int, lengths: Lengths) -> list[list[Candidate]]:
    """Return up to `count` reels of several moments each, best first; no moment is in two of them.

    lengths: of a whole reel. The moments of a reel are in the order of the sources and of their time.
    """
    piece = piece_seconds(lengths)
    pool = [w for terrain in terrains for w in windows(terrain, Lengths(piece / 2, piece, piece * 3 / 2))]
    pool.sort(key=_rank)
    reels: list[list[Candidate]] = []
    taken: list[Candidate] = []
    for _ in range(count):
        reel = _pick_reel(terrains, pool, taken, lengths, piece)
        if not reel:
            break
        taken.extend(reel)
        reels.append(sorted(reel, key=lambda window: (window.source, window.start)))
    return sorted(reels, key=lambda reel: -reel_score(reel))


def piece_seconds(lengths: Lengths) -> Fraction:
    """Return how long the moments of a reel are at best. lengths: of the whole reel."""
    return min(lengths.best, max(lengths.best / PARAMETERS.pieces, PARAMETERS.shortest_piece))


def reel_lengths(shortest: int, longest: int, *, available: Fraction, count: int | None) -> tuple[Lengths, int]:
    """Return how long reels are to be, and how many there can be, at most three if the number is left open.

    shortest, longest: what was asked for, in seconds. available: seconds of all sources.
    """
    high = min(Fraction(longest), available)
    if count is None:
        least = max(Fraction(shortest), 3 * PARAMETERS.shortest_piece)
        count = max(1, min(automatic_count(available), int(available * PARAMETERS.reel_share / least)))
    best = min(PARAMETERS.reel_seconds, available * PARAMETERS.reel_share / count)
    best = min(high, max(Fraction(shortest), best))
    return Lengths(Fraction(shortest), best, high), count


def _pick_reel(
    terrains: Sequence[SourceFeatures],
    pool: Sequence[Candidate],
    taken: Sequence[Candidate],
    lengths: Lengths,
    piece: Fraction,
) -> list[Candidate]:
    """Return the moments of one reel, in no order; none if the reel would be too short."""
    reel: list[Candidate] = []
    pieces = max(1, round(lengths.best / piece))
    for left in range(pieces, 0, -1):
        total = _total(reel)
        low, high = piece / 2, lengths.longest - total
        if left == 1:
            low = max(low, lengths.shortest - total)
        found = _pick_piece(terrains, pool, [*taken, *reel], low, high)
        if found is None:
            break
        reel.append(found)
    # What is missing yet, where moments turned out shorter than planned.
    while reel and _total(reel) < lengths.shortest:
        low, high = lengths.shortest - _total(reel), lengths.longest - _total(reel)
        found = _pick_piece(terrains, pool, [*taken, *reel], min(low, piece / 2), high)
        if found is None:
            return []
        reel.append(found)
    return reel


def _pick_piece(
    terrains: Sequence[SourceFeatures],
    pool: Sequence[Candidate],
    taken: Sequence[Candidate],
    low: Fraction,
    high: Fraction,
) -> Candidate | None:
    """Return the best moment between `low` and `high` seconds that is not taken. pool: best first."""
    if high <= 0 or high < low:
        return None
    for window in pool:
        if low <= window.duration <= high and not any(_overlap(window, other) for other in taken):
            return window
    best = min(high, max(low, PARAMETERS.shortest_piece))
    free = (windows(_without(terrain, taken), Lengths(low, best, high)) for terrain in terrains)
    return min(chain.from_iterable(free), key=_rank, default=None)


def _total(reel: Iterable[Candidate]) -> Fraction:
    return sum((window.duration for window in reel), start=Fraction(0))


def _without(terrain: SourceFeatures, taken: Iterable[Candidate]) -> SourceFeatures:
    """Return the terrain with the stretches of what is taken left out."""
    stretches = list(terrain.stretches)
    for window in taken:
        if window.source == terrain.source:
            stretches = [
                (left, right)
                for start, end in stretches
                for left, right in ((start, min(end, window.start)), (max(start, window.end), end))
                if right > left
            ]
    return replace(terrain, stretches=tuple(stretches))


def _rank(window: Candidate) -> tuple[float, int, Fraction, Fraction]:
    return (-window.score, window.source, window.start, window.end)


def _closeness(window: Candidate, picked: Iterable[Candidate]) -> float:
    """Return what being near to windows that are picked costs."""
    gaps = (
        float(max(window.start - other.end, other.start - window.end))
        for other in picked
        if other.source == window.source
    )
    return sum(PARAMETERS.closeness * exp(-max(0.0, gap) / PARAMETERS.closeness_seconds) for gap in gaps)


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.source == other.source and one.start < other.end and other.start < one.end
