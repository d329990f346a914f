"""Where one camera shot ends and the next begins."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_SHOT_SECONDS: Final = 0.4
_MIN_CHANGE: Final = 4.5  # of 100; below, even a change between two dark shots does not show
_USUAL_FRAMES: Final = 12  # frames on either side whose median tells how much changes anyway
_USUAL_SECONDS: Final = 2.0  # frames farther away say nothing
_USUAL_RATIO: Final = 1.5
_USUAL_BASE: Final = 1.6
_NEAR_FRAMES: Final = 4  # a flash of light changes the picture and, within so many frames, changes it back
_NEAR_RATIO: Final = 1.15
_MIN_KEYFRAME_CHANGE: Final = 12.0  # between pictures seconds apart, so that camera motion does not count


def cut_frames(changes: Sequence[float], times_seconds: Sequence[float]) -> list[int]:
    """Return the indices of the frames at which a new shot starts, ascending.

    changes: the mean absolute difference of each frame to the one before, 0 to 100 (scdet's `mafd`), of pictures
    shrunk to 32x18. times_seconds: when each frame is shown. A frame starts a shot when its change stands out from
    what changes around it anyway: a fixed threshold takes fast motion for cuts, and misses cuts between dark shots.
    Source: the constants are the best of a search over four films with 74 known cuts, two of them real and marked by
    eye; they were fitted to these films and not tried on others.
    """
    found: list[int] = []
    for index, change in enumerate(changes):
        if index == 0 or change < _MIN_CHANGE or not _stands_out(changes, times_seconds, index):
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


def _stands_out(changes: Sequence[float], times_seconds: Sequence[float], index: int) -> bool:
    """Whether much more changes at `index` than usual around it, and more than right before and after."""
    near = _around(changes, times_seconds, index, _NEAR_FRAMES)
    if changes[index] < _NEAR_RATIO * max(near, default=0.0):
        return False
    around = _around(changes, times_seconds, index, _USUAL_FRAMES)
    return changes[index] >= _USUAL_RATIO * ((median(around) if around else 0.0) + _USUAL_BASE)


def _around(changes: Sequence[float], times_seconds: Sequence[float], index: int, reach: int) -> list[float]:
    """Return the changes of the frames next to `index` in time: slides are each a shot of its own.

    The first frame's says nothing.
    """
    time = times_seconds[index]
    nearby = (*range(max(1, index - reach), index), *range(index + 1, min(len(changes), index + 1 + reach)))
    return [changes[other] for other in nearby if abs(times_seconds[other] - time) <= _USUAL_SECONDS]
