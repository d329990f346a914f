"""What is worth watching, from measurements."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from fractions import Fraction
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_footage import cue, footage
from reka_clips.engine.media.select.interest import interest, position_bonus, relevance_bins, robust_z, silences


def mean(curve: Sequence[float], start: int, end: int) -> float:
    return fmean(curve[start * 2 : end * 2])


def test_motion_stands_out() -> None:
    item = footage(100, busy=[(40, 48)])
    curve = interest(item.measured, film_seconds=Fraction(100))
    assert mean(curve, 41, 47) > mean(curve, 0, 35) + 2


def test_a_burst_of_sound_stands_out_and_one_that_lasts_does_not() -> None:
    burst = interest(footage(300, loud=[(140, 148)]).measured, film_seconds=Fraction(100))
    lasting = interest(footage(300, loud=[(100, 300)]).measured, film_seconds=Fraction(100))
    assert mean(burst, 141, 147) > mean(lasting, 200, 290) + 1


def test_fast_cutting_stands_out() -> None:
    item = footage(100, cuts=[10, 50, 51, 52, 53, 54, 90])
    curve = interest(item.measured, film_seconds=Fraction(100))
    assert mean(curve, 50, 54) > mean(curve, 60, 80) + 0.3


def test_a_black_stretch_is_poor_even_where_it_is_loud() -> None:
    item = footage(100, loud=[(40, 50)])
    for name in ("edges", "luma"):
        getattr(item.measured, name)[40 * 4 : 50 * 4] = array("f", [0.0]) * 40
    curve = interest(item.measured, film_seconds=Fraction(100))
    assert mean(curve, 42, 48) < mean(curve, 0, 30)


def test_the_middle_of_a_long_film_is_better_than_its_ends_and_in_a_short_one_all_is_alike() -> None:
    long = interest(footage(600).measured, film_seconds=Fraction(600))
    assert mean(long, 250, 350) > mean(long, 60, 90) > mean(long, 0, 10)
    short = interest(footage(60).measured, film_seconds=Fraction(60))
    assert set(short) == {0.0}


def test_the_place_in_the_film_counts_not_that_in_the_stretch() -> None:
    part = interest(footage(100, start=500, film=1000).measured, film_seconds=Fraction(1000))
    assert part[1001] == position_bonus(0.5005)


@given(st.lists(st.floats(-1000, 1000), max_size=60), st.floats(0.01, 10))
def test_deviations_stay_within_their_bounds_and_keep_the_order(values: list[float], least: float) -> None:
    found = robust_z(values, least_spread=least)
    assert len(found) == len(values)
    assert all(-2 <= value <= 4 for value in found)
    pairs = sorted(zip(values, found, strict=True))
    assert [z for _, z in pairs] == sorted(z for _, z in pairs)


@given(st.floats(0, 1))
def test_the_bonus_of_a_place_is_bounded(share: float) -> None:
    assert -0.6 <= position_bonus(share) <= 0.2 + 1e-9


def test_relevance_lies_where_it_is_said() -> None:
    curve = relevance_bins([cue(1, 2, "a"), cue(3, 4, "b")], [0.5, 1.0], 10)
    assert list(curve) == [0, 0, 0.5, 0.5, 0.5, 0, 1, 1, 1, 0]


def test_pauses_are_found_against_the_usual_level() -> None:
    item = footage(20, loud=[(0, 8), (9, 20)])
    for index in range(80, 90):
        item.measured.loudness_db[index] = -70.0
    assert silences(item.measured) == [(8.0, 9.0)]
    assert silences(footage(20).measured) == []


@pytest.mark.parametrize("loud", [None, []])
def test_a_film_without_anything_in_it_is_judged_without_fault(loud: list[tuple[float, float]] | None) -> None:
    assert len(interest(footage(3, loud=loud).measured, film_seconds=Fraction(3))) >= 6
