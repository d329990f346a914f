"""Why these moments: what was measured, and what each score is made of. Pure; for `engine explain`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from reka_clips.engine.media.select import planning
from reka_clips.engine.media.select.candidates import SCORE_TERMS, CutPoint, Lengths, Scorer, edges
from reka_clips.engine.media.select.interest import BINS_PER_SECOND, interest_parts
from reka_clips.engine.media.select.pick import ai_score, piece_seconds, reel_lengths
from reka_clips.engine.media.text.titles import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reka_clips.engine.media.select.candidates import Candidate, SourceFeatures
    from reka_clips.engine.media.select.planning import SelectionOptions
    from reka_clips.engine.media.sources import AnalyzedSource

MEASURED_COLUMNS = (
    *("seconds", "interest", "motion", "cuts", "contrast", "onset", "loudness", "blank", "position", "relevance"),
    *("clip", "said"),
)
CHOSEN_COLUMNS = ("clip", "start", "end", "seconds", "score", "ai_score", *SCORE_TERMS, "begins_at", "ends_at", "said")


def measured_rows(
    item: AnalyzedSource, wish: SelectionOptions, clips: Sequence[Sequence[Candidate]], *, source: int = 0
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each half second of a source, in the order of `MEASURED_COLUMNS`.

    What each feature adds to the interest is in robust standard deviations; empty where there is no sound. relevance:
    0 to 1. clip: the number of the clip that the half second is in, from 1. said: the sentence that begins then.
    """
    parts = interest_parts(item.measured, film_seconds=item.info.duration)
    known = planning.features(source, item, wish)
    beginning = {int(cue.start * BINS_PER_SECOND): cue.text for cue in known.spoken}
    for index in range(int(item.measured.start * BINS_PER_SECOND), len(known.interest)):
        at = Fraction(index, BINS_PER_SECOND)
        inside = [
            str(number)
            for number, clip in enumerate(clips, 1)
            if any(window.source == source and window.start <= at < window.end for window in clip)
        ]
        yield (
            f"{float(at):.1f}",
            f"{known.interest[index]:.3f}",
            *(f"{parts[name][index]:.3f}" if name in parts else "" for name in MEASURED_COLUMNS[2:9]),
            f"{known.relevance[index]:.3f}",
            " ".join(inside),
            beginning.get(index, ""),
        )


def chosen_rows(
    footage: Sequence[AnalyzedSource], wish: SelectionOptions, clips: Sequence[Sequence[Candidate]]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each window of each clip, best first, in the order of `CHOSEN_COLUMNS`.

    The terms add up to the score, see `ScoreParameters`. begins_at, ends_at: what kind of place it is.
    """
    available = sum((item.seconds for item in footage), start=Fraction(0))
    known = [planning.features(index, item, wish) for index, item in enumerate(footage)]
    for number, clip in enumerate(clips, 1):
        for window in clip:
            features = known[window.source]
            lengths = _lengths(footage[window.source], wish, available)
            begin, end = (
                _place(features, time, begins=begins) for time, begins in ((window.start, True), (window.end, False))
            )
            terms = Scorer(features, lengths).terms(begin, end)
            said = [cue.text for cue in features.spoken if window.start <= cue.start and cue.end <= window.end]
            yield (
                str(number),
                f"{float(window.start):.3f}",
                f"{float(window.end):.3f}",
                f"{float(window.duration):.3f}",
                f"{sum(terms):.3f}",
                str(ai_score(window.score)),
                *(f"{term:.3f}" for term in terms),
                _kind(features, window.start, begin),
                _kind(features, window.end, end),
                " ".join(said),
            )


def table(footage: Sequence[AnalyzedSource], wish: SelectionOptions, clips: Sequence[Sequence[Candidate]]) -> str:
    """Return the chosen moments as a table for people, with a line on each column."""
    heads = ("clip", "from", "to", "length", "score", *SCORE_TERMS, "begins at", "ends at")
    rows: list[tuple[str, ...]] = []
    for row in chosen_rows(footage, wish, clips):
        start, end = (clock(Fraction(text)) for text in row[1:3])
        rows.append((row[0], start, end, f"{float(row[3]):.1f} s", row[4], *row[6:-1]))
    widths = [max(len(line[column]) for line in [heads, *rows]) for column in range(len(heads))]
    lines = ["  ".join(map(str.rjust, line, widths)) for line in [heads, *rows]]
    return "\n".join(
        [
            *lines,
            "",
            "score: the sum of the terms, 0 for a stretch like the rest of the film. mean, peak, hook: how much",
            "happens on the whole, at its best, in the first 3 s. edge: clean ends. length: distance from the",
            "best length. sliver: flashes of other shots at the ends. match: what is said fits the prompt.",
        ]
    )


def _lengths(item: AnalyzedSource, wish: SelectionOptions, available: Fraction) -> Lengths:
    if wish.template != "compilation":
        return planning.moment_lengths(item, wish, available)
    reel, _ = reel_lengths(wish.shortest, wish.longest, available=available, count=wish.count)
    piece = piece_seconds(reel)
    return Lengths(piece / 2, piece, piece * 3 / 2)


def _place(features: SourceFeatures, time: Fraction, *, begins: bool) -> CutPoint:
    for stretch in features.stretches:
        if stretch[0] <= time <= stretch[1]:
            places = edges(features, stretch, time, time)[0 if begins else 1]
            return max(places, key=lambda place: place.strength, default=CutPoint(time, 0.0))
    return CutPoint(time, 0.0)


def _kind(features: SourceFeatures, time: Fraction, place: CutPoint) -> str:
    if any(cut == time for cut in features.cuts):
        return "cut"
    if any(time in stretch for stretch in features.stretches):
        return "end of the film"
    if any(left <= time <= right for left, right in features.pauses):
        return "pause"
    return "sentence" if place.strength > 0 else "anywhere"
