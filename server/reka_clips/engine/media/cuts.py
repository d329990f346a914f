"""Where one camera shot ends and the next begins."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SHOT_SECONDS: Final = 0.4
_MIN_CHANGE: Final = 4.0  # of 100; below, even a change between two dark shots does not show
_MIN_RATIO: Final = 3.0
_NEIGHBOURS: Final = 12  # frames on either side whose median tells how much changes anyway
_FLASH_FRAMES: Final = 4  # a flash of light changes the picture and, this many frames later at most, changes it back
_FLASH_LIKENESS: Final = 0.6
_MIN_KEYFRAME_CHANGE: Final = 12.0  # between pictures seconds apart, so that camera motion does not count


def cut_frames(changes: Sequence[float], times_seconds: Sequence[float]) -> list[int]:
    """Return the indices of the frames at which a new shot starts, ascending.

    changes: the mean absolute difference of each frame to the one before, 0 to 100 (scdet's `mafd`).
    times_seconds: when each frame is shown. A frame starts a shot when its change stands out from what changes
    around it anyway: a fixed threshold takes fast motion for cuts, and misses cuts between dark shots.
    Source: measured on films with known cuts, see tests/benchmarks/engine.
    """
    found: list[int] = []
    for index, change in enumerate(changes):
        if index == 0 or change < _MIN_CHANGE or change < _threshold(changes, index):
            continue
        if _is_flash(changes, index):
            continue
        if found and times_seconds[index] - times_seconds[found[-1]] < MIN_SHOT_SECONDS:
            if change > changes[found[-1]]:
                found[-1] = index
            continue
        found.append(index)
    return found


def keyframe_cuts(changes: Sequence[float], times_seconds: Sequence[float]) -> list[int]:
    """Return the indices of the keyframes before which there was probably a cut, not long ago.

    Encoders put a keyframe where a new shot starts; others come at regular distances. changes: the difference of
    each keyframe to the keyframe before.
    """
    found: list[int] = []
    for index, change in enumerate(changes):
        is_new = not found or times_seconds[index] - times_seconds[found[-1]] >= MIN_SHOT_SECONDS
        if index and change >= _MIN_KEYFRAME_CHANGE and is_new:
            found.append(index)
    return found


def _threshold(changes: Sequence[float], index: int) -> float:
    """Return how much must change at `index`, given what changes around it."""
    around = [*changes[max(1, index - _NEIGHBOURS) : index], *changes[index + 1 : index + 1 + _NEIGHBOURS]]
    usual = median(around) if around else 0.0
    return _MIN_RATIO * (usual + 1.0)


def _is_flash(changes: Sequence[float], index: int) -> bool:
    """Whether the change at `index` is one half of a pair: there and back."""
    change = changes[index]
    near = [*changes[max(1, index - _FLASH_FRAMES) : index], *changes[index + 1 : index + 1 + _FLASH_FRAMES]]
    return any(other >= _FLASH_LIKENESS * change for other in near)
