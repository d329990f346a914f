"""Sizes and shapes: how large a clip's picture is, how often it changes, and which part of the source it shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

ASPECTS: Final = MappingProxyType(
    {
        "9:16": Fraction(9, 16),
        "9:16-split": Fraction(9, 16),
        "4:5": Fraction(4, 5),
        "1:1": Fraction(1),
        "16:9": Fraction(16, 9),
    }
)
DEFAULT_RESOLUTION_PX: Final = 720
_MODEST_RESOLUTIONS_PX: Final = (480, 360)
_MAX_ENLARGEMENT: Final = 2
_LOWEST_RATE: Final = 20
_HIGHEST_RATE: Final = 60
_USUAL_RATE: Final = Fraction(30)
_USUAL_RATES: Final = (
    *(Fraction(whole * 1000, 1001) for whole in (24, 30, 60)),
    *(Fraction(whole) for whole in (20, 24, 25, 30, 50, 60)),
)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of whole, even pixels of the decoded picture (turned upright, sample aspect not applied)."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """The centre, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2


def nearest_even(value: Fraction | float) -> int:
    """Return the even number next to a positive value, at least 2."""
    return max(2, round(value / 2) * 2)


def frame_size(aspect_ratio: str, resolution_px: int) -> tuple[int, int]:
    """Return a clip's width and height. resolution_px: the shorter side; the longer is the nearest even number.

    480 at 9:16 is 480x854. Raises KeyError for an aspect ratio that the API does not have.
    """
    aspect = ASPECTS[aspect_ratio]
    if aspect <= 1:
        return resolution_px, nearest_even(resolution_px / aspect)
    return nearest_even(resolution_px * aspect), resolution_px


def choose_resolution(asked_px: int | None, source_px: int) -> int:
    """Return a clip's shorter side in pixels: what was asked for; else 720, or less where that adds nothing.

    source_px: the shorter side of what is shown, in source pixels. A small source is enlarged at most twice when
    nobody asked for more: beyond that a clip only grows, and captions are sharp enough at 360.
    """
    if asked_px is not None:
        return asked_px
    if source_px * _MAX_ENLARGEMENT >= DEFAULT_RESOLUTION_PX:
        return DEFAULT_RESOLUTION_PX
    fitting = (size for size in _MODEST_RESOLUTIONS_PX if size <= source_px * _MAX_ENLARGEMENT)
    return next(fitting, _MODEST_RESOLUTIONS_PX[-1])


def output_rate(mean_rate: Fraction, grid_rate: Fraction = Fraction(0)) -> Fraction:
    """Return the constant frame rate of a clip made from a source of this mean rate.

    grid_rate: the rate without frames left out, 0 if unknown. Usual rates stay exactly as they are (23.976 is
    24000/1001). Slow ones are multiplied, so that captions move in time; fast ones are divided. Where a varying rate
    has no usual mean, its grid is taken, else the next usual rate.
    """
    rate = mean_rate if mean_rate > 0 else _USUAL_RATE
    if _usual(rate) is None and rate < grid_rate <= rate * 2 and (grid := _usual(grid_rate)):
        return grid
    while rate > _HIGHEST_RATE:
        rate /= 2
    while rate < _LOWEST_RATE:
        rate *= 2
    if usual := _usual(rate):
        return usual
    if rate.denominator == 1 or rate * 1001 % 1000 == 0:
        return rate
    return next((Fraction(n) for n in (24, 25, 30, 50, 60) if n >= rate), Fraction(_HIGHEST_RATE))


def _usual(rate: Fraction) -> Fraction | None:
    """Return the usual frame rate that this one is but for rounding, if there is one."""
    nearest = min(_USUAL_RATES, key=lambda candidate: abs(candidate - rate))
    return nearest if abs(nearest - rate) <= rate / 2000 else None


def crop_area(within: Area, *, aspect: Fraction, sample_aspect: Fraction, focus: tuple[float, float]) -> Area:
    """Return the largest area inside of `within` that has the shape `aspect` on screen, as near `focus` as it can be.

    aspect: width by height as displayed. sample_aspect: width of a source pixel by its height. focus: the point to
    be in the middle, 0 to 1 of `within`. The shape is met to within two pixels.
    """
    stored_aspect = aspect / sample_aspect
    if Fraction(within.width, within.height) > stored_aspect:
        width, height = min(within.width, nearest_even(within.height * stored_aspect)), within.height
    else:
        width, height = within.width, min(within.height, nearest_even(within.width / stored_aspect))
    width, height = max(2, width - width % 2), max(2, height - height % 2)
    x = _place(focus[0], width, within.width)
    y = _place(focus[1], height, within.height)
    return Area(within.x + x, within.y + y, width, height)


def contained_size(width: int, height: int, sample_aspect: Fraction, frame: tuple[int, int]) -> tuple[int, int]:
    """Return the largest even size inside of `frame` that shows a whole source picture undistorted."""
    display_aspect = Fraction(width, height) * sample_aspect
    if display_aspect > Fraction(*frame):
        return frame[0], min(frame[1], nearest_even(frame[0] / display_aspect))
    return min(frame[0], nearest_even(frame[1] * display_aspect)), frame[1]


def _place(focus: float, length: int, room: int) -> int:
    """Return the even offset that brings the middle of `length` as near to `focus` of `room` as it can be."""
    offset = round((focus * room - length / 2) / 2) * 2
    return max(0, min(offset, (room - length) // 2 * 2))
