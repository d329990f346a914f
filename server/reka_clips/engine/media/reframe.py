"""Where a shot is worth looking at, from how its columns move and what edges they have.

A clip narrower than its source shows one part of each shot. That part stays put for the whole shot: a crop that
follows what moves also follows every mistake, and looks like a nervous camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.measurements import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from reka_clips.engine.media.measurements import Measurements

# Cameras and their operators put what matters into the middle. Measured by hand on 29 shots: the middle alone keeps
# 73 % of the subjects, motion and edges alone 50 %, both with a prior of this weight 79 %.
CENTER_WEIGHT: Final = 1.5
_EDGE_WEIGHT: Final = 0.5


def focus_x(
    measurements: Measurements, start: Fraction, end: Fraction, *, share: float, bounds: tuple[float, float] = (0, 1)
) -> float:
    """Return the horizontal middle of the most interesting part of a shot, 0 to 1 of the whole picture.

    share: how wide that part is, 0 to 1 of the whole picture. bounds: where the picture is, without its bars, and
    so where the part must lie. The middle of the bounds when nothing was measured.
    """
    middle = (bounds[0] + bounds[1]) / 2
    interest = interest_columns(measurements, start, end)
    if not interest:
        return middle
    reach = max(0.0, (bounds[1] - bounds[0] - share) / 2)
    candidates = [middle + reach * step / COLUMNS for step in range(-COLUMNS, COLUMNS + 1)]
    scores = [
        _window(interest, x - share / 2, x + share / 2) + CENTER_WEIGHT * (1 - abs(x - middle) / (reach or 1))
        for x in candidates
    ]
    return max(zip(scores, candidates, strict=True), key=lambda pair: (pair[0], -abs(pair[1] - middle)))[1]


def interest_columns(measurements: Measurements, start: Fraction, end: Fraction) -> list[float]:
    """Return the interest of each of the 64 columns, 1 in all; empty when nothing was measured in the shot."""
    pictures = measurements.picture_range(start, end)
    motion = _mean_columns(measurements, measurements.motion, pictures)
    edges = _mean_columns(measurements, measurements.edges, pictures)
    if not edges:
        return []
    mixed = [(1 - _EDGE_WEIGHT) * m + _EDGE_WEIGHT * e for m, e in zip(_shares(motion), _shares(edges), strict=True)]
    return _shares(mixed)


def _mean_columns(measurements: Measurements, which: bytearray, pictures: range) -> list[float]:
    if not pictures:
        return []
    rows = [measurements.columns(which, index) for index in pictures]
    return [sum(row[column] for row in rows) / len(rows) for column in range(COLUMNS)]


def _shares(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values] if total > 0 else [1 / COLUMNS] * COLUMNS


def _window(columns: Sequence[float], left: float, right: float) -> float:
    """Return the sum of the columns between two places, 0 to 1, counting parts of columns."""
    total = 0.0
    for index, value in enumerate(columns):
        overlap = min(right * COLUMNS, index + 1) - max(left * COLUMNS, index)
        total += value * max(0.0, min(1.0, overlap))
    return total
