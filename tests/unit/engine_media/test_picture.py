"""Sizes, rates and crops: even, exact, inside of the picture."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.media.geometry import Area, choose_resolution, contained_size, crop_area, frame_size, output_rate
from reka_clips.engine.media.render.filter_graph import steps
from reka_clips.engine.media.render.reframe import best_x
from reka_clips.engine.media.render.thumbnails import picture_area

sides = st.integers(16, 4096)
aspects = st.sampled_from([Fraction(9, 16), Fraction(4, 5), Fraction(1), Fraction(16, 9)])
samples = st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(64, 45), Fraction(3, 4), Fraction(2)])


@given(sides, sides, aspects, samples, st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_crop_lies_inside_is_even_and_has_its_shape(
    width: int, height: int, aspect: Fraction, sample_aspect: Fraction, focus: tuple[float, float]
) -> None:
    within = Area(6, 4, width, height)
    area = crop_area(within, aspect=aspect, sample_aspect=sample_aspect, focus=focus)

    assert not any(value % 2 for value in (area.x - within.x, area.y - within.y, area.width, area.height))
    assert within.x <= area.x
    assert within.y <= area.y
    assert area.x + area.width <= within.x + max(2, width)
    assert area.y + area.height <= within.y + max(2, height)
    wanted = aspect / sample_aspect
    assert abs(area.width - area.height * wanted) <= 2 * max(1, wanted) + 1


@given(sides, sides, samples, aspects, st.sampled_from([240, 360, 480, 720, 1080]))
def test_a_fitted_picture_lies_inside_of_the_frame(
    width: int, height: int, sample_aspect: Fraction, aspect: Fraction, resolution: int
) -> None:
    frame = frame_size(
        {Fraction(9, 16): "9:16", Fraction(4, 5): "4:5", Fraction(1): "1:1"}.get(aspect, "16:9"), resolution
    )
    size = contained_size(width, height, sample_aspect, frame)

    assert not any(side % 2 for side in (*size, *frame))
    assert size[0] <= frame[0]
    assert size[1] <= frame[1]
    assert size[0] == frame[0] or size[1] == frame[1]


@pytest.mark.parametrize(
    ("mean", "grid", "rate"),
    [
        ("24000/1001", "24000/1001", "24000/1001"),
        ("29.98", "30", "30000/1001"),
        ("17.98", "25", "25"),
        ("29.6", "30", "30"),
        ("24.8", "60", "25"),
        ("12.5", "25", "25"),
        ("5", "5", "20"),
        ("120", "120", "60"),
        ("0", "0", "30"),
        ("1000", "1000", "1000/17"),
        ("25", "50", "25"),
        *[("30.08", "30", "30"), ("30.13", "30", "30"), ("60.02", "60", "60"), ("24.02", "24", "24")],
        *[("25.02", "25", "25"), ("240.3", "240", "60"), ("120.1", "120", "60"), ("59.7", "60", "60")],
        *[("30.08", "90000", "30"), ("29.5", "1000", "30000/1001"), ("61", "61", "60"), ("30.2", "30.2", "30")],
        *[("75", "75", "37.5"), ("90", "90", "45"), ("144", "144", "48"), ("119.88", "119.88", "60000/1001")],
        *[("0.2", "0.2", "20"), ("0.04", "0.03", "30"), ("1", "1", "20"), ("15", "15", "30"), ("18.3", "1000", "30")],
        *[("100/3", "100/3", "100/3"), ("28", "28", "28"), ("24.5", "24.5", "24.5"), ("0", "25", "25")],
    ],
)
def test_rates_stay_usual_and_become_constant(mean: str, grid: str, rate: str) -> None:
    assert output_rate(Fraction(mean), Fraction(grid)) == Fraction(rate)


@given(st.fractions(0, 2000), st.fractions(0, 2000))
def test_any_rate_becomes_one_that_plays_well(mean: Fraction, grid: Fraction) -> None:
    assert 20 <= output_rate(mean, grid) <= 60


@pytest.mark.parametrize(("asked", "source", "chosen"), [(1080, 100, 1080), (None, 2160, 720), (None, 360, 720), (None, 300, 480), (None, 100, 360)])  # fmt: skip
def test_a_picture_is_enlarged_twice_at_most_unless_asked(asked: int | None, source: int, chosen: int) -> None:
    assert choose_resolution(asked, source) == chosen


@pytest.mark.parametrize(
    ("detected", "area"),
    [
        (None, Area(0, 0, 1920, 1080)),
        (Area(0, 140, 1920, 800), Area(0, 142, 1920, 796)),
        (Area(656, 0, 608, 1080), Area(658, 0, 604, 1080)),
        (Area(0, 140, 1920, 940), Area(0, 0, 1920, 1080)),
        (Area(900, 500, 60, 40), Area(0, 0, 1920, 1080)),
        (Area(0, 0, -4, -4), Area(0, 0, 1920, 1080)),
        (Area(0, 8, 1920, 1064), Area(0, 0, 1920, 1080)),
    ],
    ids=["nothing", "letterbox", "pillarbox", "one bar", "a lamp at night", "all black", "a thin line"],
)
def test_only_pairs_of_bars_are_bars(detected: Area | None, area: Area) -> None:
    assert picture_area(1920, 1080, detected) == area


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 4000)), min_size=1, max_size=40))
def test_the_crop_expression_holds_each_value_from_its_time_on(rows: list[tuple[int, int]]) -> None:
    """Read as ffmpeg reads it: `if(lt(t,a),b,c)`."""
    times, at = [Fraction(0)], 0
    for gap, _ in rows[1:]:
        at += gap
        times.append(Fraction(at, 10))
    values = [value for _, value in rows]
    code = steps(times, values).replace("if(", "choose(").replace("lt(", "less(")
    tools = {"choose": lambda test, one, other: one if test else other, "less": lambda a, b: a < b}
    for time, value in zip(times, values, strict=True):
        assert eval(code, {"__builtins__": {}}, tools | {"t": float(time)}) == value  # noqa: S307 - our own expression


def test_the_subject_is_framed_and_the_middle_wins_where_nothing_stands_out() -> None:
    left = [0.0] * 64
    left[8:12] = [0.25] * 4
    assert best_x(left, share=0.3, bounds=(0, 1)) < 0.25
    assert best_x([1 / 64] * 64, share=0.3, bounds=(0, 1)) == pytest.approx(0.5, abs=0.02)
    assert best_x([], share=0.3, bounds=(0.2, 0.8)) == pytest.approx(0.5)
