"""Where one shot ends and the next begins."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.media.analyze.shots import MIN_SHOT_SECONDS, cut_frames, keyframe_cuts

RATE = 25


def times(count: int) -> list[float]:
    return [index / RATE for index in range(count)]


def test_one_large_change_among_small_ones_is_a_cut() -> None:
    changes = [0.5] * 60
    changes[30] = 20.0
    assert cut_frames(changes, times(60)) == [30]


def test_the_first_frame_is_no_cut_although_nothing_is_before_it() -> None:
    assert cut_frames([90.0, 0.2, 0.2, 0.2], times(4)) == []


def test_steady_fast_motion_is_no_cut() -> None:
    chance = random.Random(5)  # noqa: S311 - repeatable, not secret
    assert cut_frames([chance.uniform(11, 14) for _ in range(200)], times(200)) == []


def test_a_cut_between_dark_shots_is_found_where_a_fixed_threshold_would_miss_it() -> None:
    changes = [0.1] * 60
    changes[30] = 5.5
    assert cut_frames(changes, times(60)) == [30]


def test_a_flash_that_comes_and_goes_is_no_cut() -> None:
    changes = [0.5] * 60
    changes[30] = changes[32] = 25.0
    assert cut_frames(changes, times(60)) == []


def test_of_two_cuts_closer_than_a_shot_the_larger_one_stays() -> None:
    changes = [0.5] * 80
    changes[30], changes[37] = 14.0, 30.0
    assert cut_frames(changes, times(80)) == [37]


def test_keyframes_that_look_like_the_one_before_are_no_cuts() -> None:
    assert keyframe_cuts([0.0, 3.0, 40.0, 2.0, 30.0], [0.0, 2.0, 3.1, 5.0, 5.2]) == [2, 4]


@given(st.lists(st.floats(0, 100, width=32), max_size=150))
def test_cuts_ascend_and_are_never_closer_than_the_shortest_shot(changes: list[float]) -> None:
    found = cut_frames(changes, times(len(changes)))
    assert found == sorted(set(found))
    assert all((later - earlier) / RATE >= MIN_SHOT_SECONDS - 1e-9 for earlier, later in itertools.pairwise(found))
    assert 0 not in found
