"""How much a stretch of film is worth watching, from what was measured of it.

Source of the features: a lab's comparison with the labels of TVSum (Song et al., 2015). What stands out there is
motion, a rise of loudness against its surroundings and its onsets (not loudness itself, which misleads on speech),
and fast cutting; interest peaks in the middle of a film and is poor in its first fifth and last tenth.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, repeat
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.analyze.measurements import LOUDNESS_PER_SECOND, PICTURES_PER_SECOND, SILENCE_DB

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.plan import Cue

BINS_PER_SECOND: Final = 2


@dataclass(frozen=True, slots=True)
class InterestParameters:
    """What counts how much. Weights are relative to each other; deviations are robust standard deviations.

    motion, contrast, onset, loudness, cuts: the weights of what moves, of being louder than the minute around, of
    sudden sounds, of being loud at all, of fast cutting. lowest, highest: where a feature is cut off, as it would
    outvote all others. blank_penalty: what a black or plain picture costs, in deviations; blank_luma, blank_edges:
    below what brightness and edge strength (0 to 255) it is one. surroundings_seconds: on either side, for contrast.
    cuts_seconds: on either side, within which cuts are counted. position: (share of the film, bonus in deviations);
    position_matters_seconds: shorter films have no opening and no credits.
    """

    motion: float = 1.0
    contrast: float = 0.7
    onset: float = 0.3
    loudness: float = 0.2
    cuts: float = 0.4
    lowest: float = -2.0
    highest: float = 4.0
    blank_penalty: float = 2.0
    blank_luma: int = 24
    blank_edges: int = 3
    surroundings_seconds: int = 30
    cuts_seconds: int = 4
    position: tuple[tuple[float, float], ...] = (
        (0.0, -0.5),
        (0.2, -0.1),
        (0.3, 0.2),
        (0.65, 0.2),
        (0.9, -0.2),
        (1.0, -0.6),
    )
    position_matters_seconds: int = 120


DEFAULTS: Final = InterestParameters()


def interest(
    measured: Measurements, *, film_seconds: Fraction, parameters: InterestParameters = DEFAULTS
) -> array[float]:
    """Return how interesting each half second is, from time 0, about 0 for what is usual in this film.

    Values stand for robust standard deviations, -2 to 4, weighed over all features. film_seconds: the length of the
    whole film, of which only a part may have been measured; outside of that part the values mean nothing.
    """
    parts = interest_parts(measured, film_seconds=film_seconds, parameters=parameters)
    return array("d", map(sum, zip(*parts.values(), strict=True)))


def interest_parts(
    measured: Measurements, *, film_seconds: Fraction, parameters: InterestParameters = DEFAULTS
) -> dict[str, array[float]]:
    """Return what each feature adds to the interest of each half second, from time 0; their sum is the interest.

    Keys: motion, cuts, and, where there is sound, contrast, onset, loudness; blank, position.
    """
    first = int(measured.start * BINS_PER_SECOND)
    bins = max(first + 1, -int(-measured.end * BINS_PER_SECOND // 1))
    activity = _binned(measured.activity, PICTURES_PER_SECOND // BINS_PER_SECOND, bins)
    # Weight, values, and what counts as one deviation at least, in the feature's own unit.
    features = {
        "motion": (parameters.motion, _smooth(activity[first:], 1), 0.3),
        "cuts": (parameters.cuts, _cut_density(measured, bins, parameters.cuts_seconds)[first:], 0.5),
    }
    if measured.has_sound:
        levels = _binned(measured.loudness_db, LOUDNESS_PER_SECOND // BINS_PER_SECOND, bins, empty=SILENCE_DB)[first:]
        onsets = _binned(_onsets(measured.loudness_db), LOUDNESS_PER_SECOND // BINS_PER_SECOND, bins)[first:]
        contrast = _smooth(_contrast(levels, parameters.surroundings_seconds), 1)
        features |= {
            "contrast": (parameters.contrast, contrast, 2.0),
            "onset": (parameters.onset, _smooth(onsets, 2), 1.0),
            "loudness": (parameters.loudness, _smooth(levels, 2), 3.0),
        }
    total = sum(weight for weight, _, _ in features.values())
    parts: dict[str, array[float]] = {}
    for name, (weight, values, least_spread) in features.items():
        deviations = robust_z(values, least_spread=least_spread, limits=(parameters.lowest, parameters.highest))
        parts[name] = array("d", [0.0]) * first + array("d", (weight / total * value for value in deviations))
    parts["blank"] = array("d", [0.0]) * bins
    for index in _blank_bins(measured, bins, parameters):
        parts["blank"][index] = -parameters.blank_penalty
    parts["position"] = array("d", [0.0]) * bins
    if film_seconds >= parameters.position_matters_seconds:
        for index in range(first, bins):
            share = index / BINS_PER_SECOND / float(film_seconds)
            parts["position"][index] = position_bonus(share, parameters.position)
    return parts


def robust_z(
    values: Sequence[float], *, least_spread: float, limits: tuple[float, float] = (DEFAULTS.lowest, DEFAULTS.highest)
) -> array[float]:
    """Return how far each value is from the median, in robust standard deviations, cut off at the limits.

    least_spread: what counts as one deviation at least, so that noise around a constant is not blown up; for
    units unknown beforehand a twentieth of the median counts too.
    """
    if not values:
        return array("d")
    middle = median(values)
    deviations = array("d", (abs(value - middle) for value in values))
    # Where more than half is alike the median deviation says nothing; then the mean one, which outliers raise.
    spread = max(1.4826 * median(deviations), 0.5 * fmean(deviations), least_spread, abs(middle) / 20)
    lowest, highest = limits
    return array("d", (min(highest, max(lowest, (value - middle) / spread)) for value in values))


def position_bonus(share: float, position: Sequence[tuple[float, float]] = DEFAULTS.position) -> float:
    """Return what being at `share` (0 to 1) of a film adds to the interest: between two points, what lies between."""
    for (left, low), (right, high) in pairwise(position):
        if share <= right:
            return low + (high - low) * (share - left) / (right - left)
    return position[-1][1]


def relevance_bins(passages: Sequence[Cue], relevance: Sequence[float], bins: int) -> array[float]:
    """Return for each half second the relevance, 0 to 1, of what is said then."""
    curve = array("d", [0.0]) * bins
    for cue, value in zip(passages, relevance, strict=True):
        for index in range(int(cue.start * BINS_PER_SECOND), min(bins, int(cue.end * BINS_PER_SECOND) + 1)):
            curve[index] = max(curve[index], value)
    return curve


def silences(measured: Measurements, *, min_seconds: float = 0.3) -> list[tuple[float, float]]:
    """Return the pauses in the sound, as (start, end) in seconds: well below the usual level, for a while."""
    levels = measured.loudness_db
    if not levels:
        return []
    usual = _usual_level(levels)
    threshold = max(usual - 22, -65.0)
    found: list[tuple[float, float]] = []
    begin: int | None = None
    for index, level in enumerate(chain(levels, [0.0])):
        if level < threshold:
            begin = index if begin is None else begin
        elif begin is not None:
            if index - begin >= min_seconds * LOUDNESS_PER_SECOND:
                found.append((begin / LOUDNESS_PER_SECOND, index / LOUDNESS_PER_SECOND))
            begin = None
    return found


def _usual_level(levels: Sequence[float]) -> float:
    """Return the level that 7 of 10 levels are below, among those at which anything is heard."""
    whole = Counter(int(level) for level in levels if level > SILENCE_DB)  # sorting all of them would take more memory
    rank = whole.total() * 7 // 10
    for decibels in sorted(whole):
        if rank < whole[decibels]:
            return sorted(level for level in levels if level > SILENCE_DB and int(level) == decibels)[rank]
        rank -= whole[decibels]
    return SILENCE_DB


class Sums:
    """Sums over stretches of a curve, each in constant time."""

    def __init__(self, values: Iterable[float]) -> None:
        self._sums = array("d", accumulate(values, initial=0.0))

    def mean(self, first: int, stop: int) -> float:
        """Return the mean of the values `first` to `stop` (exclusive) that exist; 0 when there are none."""
        first, stop = max(0, first), min(stop, len(self._sums) - 1)
        return (self._sums[stop] - self._sums[first]) / (stop - first) if stop > first else 0.0


def _binned(values: Sequence[float], per_bin: int, bins: int, *, empty: float = 0.0) -> array[float]:
    """Return the mean of every `per_bin` values; what is missing at the end is `empty`."""
    starts = range(0, min(len(values), bins * per_bin), per_bin)
    means = array("d", (fmean(values[index : index + per_bin]) for index in starts))
    means.extend(repeat(empty, bins - len(means)))
    return means


def _smooth(values: Sequence[float], reach: int) -> array[float]:
    """Return the mean of each value and its `reach` neighbours on either side."""
    sums = Sums(values)
    return array("d", (sums.mean(index - reach, index + reach + 1) for index in range(len(values))))


def _contrast(levels: Sequence[float], surroundings_seconds: int) -> array[float]:
    """Return by how many dB each half second is above the median of so many seconds before and after it."""
    reach = surroundings_seconds * BINS_PER_SECOND
    step = BINS_PER_SECOND * 5  # the surroundings change slowly: look anew every five seconds
    usual = [median(levels[max(0, index - reach) : index + reach + 1]) for index in range(0, len(levels), step)]
    return array("d", (max(-20.0, level - max(usual[index // step], -60.0)) for index, level in enumerate(levels)))


def _onsets(levels: Sequence[float]) -> array[float]:
    """Return by how many dB each tenth of a second is louder than the mean of the second before, 0 if it is not."""
    sums = Sums(levels)
    rises = (level - max(sums.mean(index - 10, index), -60.0) for index, level in enumerate(levels))
    return array("d", (max(0.0, rise - 3.0) if index else 0.0 for index, rise in enumerate(rises)))


def _cut_density(measured: Measurements, bins: int, seconds: int) -> array[float]:
    """Return how many cuts there are within so many seconds of each half second."""
    cuts = array("d", (float(cut) for cut in measured.cuts))
    return array(
        "d",
        (
            bisect_left(cuts, index / BINS_PER_SECOND + seconds) - bisect_left(cuts, index / BINS_PER_SECOND - seconds)
            for index in range(bins)
        ),
    )


def _blank_bins(measured: Measurements, bins: int, parameters: InterestParameters) -> list[int]:
    """Return the half seconds in which the picture is black, or one plain colour."""
    per_bin = PICTURES_PER_SECOND // BINS_PER_SECOND
    blank: list[int] = []
    for index in range(int(measured.start * BINS_PER_SECOND), min(bins, measured.pictures // per_bin)):
        at = slice(index * per_bin, (index + 1) * per_bin)
        edges, luma = fmean(measured.edges[at]), fmean(measured.luma[at])
        if edges < parameters.blank_edges and (luma < parameters.blank_luma or edges < 1):
            blank.append(index)
    return blank
