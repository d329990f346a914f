"""Sizes and shapes: how large a clip's picture is, how often it changes, and which part of the source it shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
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
_USUAL_RATES: Final = tuple(
    sorted(
        (
            *(Fraction(whole * 1000, 1001) for whole in (24, 30, 60)),
            *(Fraction(whole) for whole in (20, 24, 25, 30, 50, 60)),
        )
    )
)
_ROUNDING: Final = Fraction(1, 2000)  # of ffmpeg, which prints rates with two decimals
_NEAR: Final = Fraction(3, 100)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every segment is turned into. rate: frames per second."""

    width_px: int
    height_px: int
    rate: Fraction

    @property
    def aspect(self) -> Fraction:
        """Width by height."""
        return Fraction(self.width_px, self.height_px)


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
    """Return the constant frame rate, 20 to 60, of a clip made from a source of this mean rate.

    grid_rate: the rate without frames left out, 0 if unknown. A rate near a usual one is that one: the frames of a
    phone's film of 30.08 are 1/30 s apart, and at 50 two of three would be repeated. Fast rates are divided and slow
    ones multiplied by a whole number, so that all frames are shown for the same time; a constant odd rate stays.
    Where a varying rate has no usual mean its grid is taken, else the next usual rate.
    """
    rate = mean_rate or grid_rate or _USUAL_RATE
    reduced, grid = _divided(rate), _usual(_divided(grid_rate))
    is_grid_near = abs(grid_rate - rate) <= rate * _NEAR
    is_constant = abs(grid_rate - rate) <= rate * _ROUNDING
    if usual := _usual(reduced):
        return usual
    if grid and (is_grid_near or rate < grid_rate <= rate * 2):
        return grid
    if reduced < _LOWEST_RATE:
        return _multiplied(reduced) if is_constant else _USUAL_RATE
    usual = _usual(reduced, tolerance=_NEAR / 3 if is_constant else _NEAR)
    if usual and not (is_constant and reduced < usual):  # to leave out a frame now and then shows less than repeating
        return usual
    next_usual = next((usual for usual in _USUAL_RATES if usual >= reduced), _USUAL_RATES[-1])
    return min(reduced, _USUAL_RATES[-1]) if is_constant else next_usual


def _divided(rate: Fraction) -> Fraction:
    """Return a rate divided by the smallest whole number that makes it (nearly) 60 or less."""
    return rate / max(1, ceil(rate / (_HIGHEST_RATE * (1 + _NEAR))))


def _multiplied(rate: Fraction) -> Fraction:
    """Return the lowest usual rate that shows each frame equally often, else the first multiple of 20 or more."""
    for usual in _USUAL_RATES:
        if abs(round(usual / rate) * rate - usual) <= usual * _ROUNDING:
            return usual
    return rate * ceil(_LOWEST_RATE / rate)


def _usual(rate: Fraction, *, tolerance: Fraction = _ROUNDING) -> Fraction | None:
    """Return the usual frame rate that this one nearly is, if there is one. tolerance: as a share of it."""
    nearest = min(_USUAL_RATES, key=lambda candidate: abs(candidate - rate))
    return nearest if abs(nearest - rate) <= nearest * tolerance else None


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
