"""Which moments become clips: limits, sentences, overlap, number, sources, reels."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_footage import cue, footage
from reka_clips.engine.media.select.candidates import Candidate, SourceFeatures, edges
from reka_clips.engine.media.select.pick import ai_score, automatic_count, pick_moments
from reka_clips.engine.media.select.planning import (
    SelectionOptions,
    choose,
    expected_count,
    make_plans,
    spoken_in,
    stretches_around,
)
from reka_clips.engine.media.sources import AnalyzedSource


@dataclass(frozen=True)
class Case:
    items: list[AnalyzedSource]
    wish: SelectionOptions


@st.composite
def cases(draw: st.DrawFn, *, template: str = "moments") -> Case:
    """Draw footage of one or two sources, with or without words, and a wish that may or may not fit it."""
    items: list[AnalyzedSource] = []
    for number in range(draw(st.integers(1, 2))):
        length = draw(st.integers(2, 150))
        start = draw(st.sampled_from([0, 0, 3, 40]))
        times = sorted(draw(st.lists(st.integers(0, length * 10), max_size=40)))
        cues, at = [], float(start)
        while draw(st.booleans()) and at < start + length - 2:
            end = at + draw(st.integers(5, 60)) / 10
            if end > start + length:
                break
            cues.append(cue(round(at, 1), round(end, 1), draw(st.sampled_from(["so it is.", "and then", "lava!"]))))
            at = end + draw(st.integers(0, 20)) / 10
        items.append(
            footage(
                length,
                start=start,
                busy=[(start + time / 10, start + time / 10 + 4) for time in times[::5]],
                loud=draw(st.sampled_from([None, [(start + 1, start + 3)]])),
                cuts=sorted({start + time / 10 for time in times if time}),
                cues=cues,
                url=f"file:///films/{number}.mp4",
            )
        )
    shortest = draw(st.sampled_from([0, 0, 1, 5, 15, 30]))
    longest = draw(st.integers(max(1, shortest), 90))
    count = draw(st.sampled_from([None, 1, 2, 3]))
    prompt = draw(st.sampled_from(["", "the lava"]))
    return Case(
        items,
        SelectionOptions("compilation" if template == "compilation" else "moments", count, shortest, longest, prompt),
    )


def holds(case: Case, clips: list[list[Candidate]]) -> None:
    """Assert what holds for any choice."""
    taken = [window for clip in clips for window in clip]
    for clip in clips:
        total = sum((window.duration for window in clip), start=Fraction(0))
        assert case.wish.shortest <= total <= case.wish.longest
    for number, window in enumerate(taken):
        measured = case.items[window.source].measured
        assert measured.start <= window.start < window.end <= measured.end
        for other in taken[:number]:
            assert other.source != window.source or other.end <= window.start or window.end <= other.start


def breaks(case: Case, clips: list[list[Candidate]]) -> list[Candidate]:
    """Return the windows that begin or end inside of a sentence."""
    spoken = [spoken_in(item, Fraction(case.wish.longest)) for item in case.items]
    return [
        window
        for clip in clips
        for window in clip
        if any(said.start < time < said.end for said in spoken[window.source] for time in (window.start, window.end))
    ]


@settings(max_examples=25)
@given(cases())
def test_clips_keep_to_every_limit_and_never_overlap_and_are_the_same_each_time(case: Case) -> None:
    clips = choose(case.items, case.wish)
    holds(case, clips)
    assert len(clips) <= expected_count(case.wish, sum((item.seconds for item in case.items), start=Fraction(0)))
    assert clips == choose(case.items, case.wish)
    plans = make_plans(clips, case.items, case.wish)
    assert [plan.duration for plan in plans] == [clip[0].duration for clip in clips]
    for plan in plans:
        assert all(0 <= said.start < said.end <= plan.duration for said in plan.cues)
        assert 0 <= plan.ai_score <= 100
        assert plan.title


@settings(max_examples=15)
@given(cases(template="compilation"))
def test_reels_keep_to_every_limit_and_no_moment_is_in_two_of_them(case: Case) -> None:
    clips = choose(case.items, case.wish)
    holds(case, clips)
    for clip in clips:
        assert clip == sorted(clip, key=lambda window: (window.source, window.start))
    assert clips == choose(case.items, case.wish)


@settings(max_examples=25)
@given(cases())
def test_a_clip_never_begins_or_ends_within_a_sentence_unless_there_is_no_other_place(case: Case) -> None:
    broken = breaks(case, choose(case.items, case.wish))
    for window in broken:  # then no window at all can be had in this source without breaking one
        spoken = spoken_in(case.items[window.source], Fraction(case.wish.longest))
        measured = case.items[window.source].measured
        gaps = [measured.start, *(said.end for said in spoken), measured.end]
        starts = [measured.start, *(said.start for said in spoken)]
        rooms = [
            stop - begin
            for begin in starts
            for stop in gaps
            if stop - begin >= max(1, case.wish.shortest) + Fraction(1, 2)
        ]
        assert not rooms or min(rooms) > case.wish.longest - Fraction(1, 2)


def test_a_wish_that_cannot_be_met_gives_nothing() -> None:
    assert choose([footage(20)], SelectionOptions(shortest=30, longest=60)) == []
    assert choose([footage(20)], SelectionOptions("compilation", shortest=30, longest=60)) == []


@pytest.mark.parametrize(
    ("minutes", "count"), [(0.5, 3), (44, 3), (45, 3), (45.1, 4), (60, 4), (61, 5), (165, 11), (180, 12), (720, 12)]
)
def test_the_automatic_number_of_clips(minutes: float, count: int) -> None:
    assert automatic_count(Fraction(str(minutes)) * 60) == count


@pytest.mark.parametrize(("length", "count"), [(8, 1), (19, 1), (25, 2), (31, 3)])
def test_a_short_source_gives_fewer_clips_than_three_when_the_number_is_left_open(length: int, count: int) -> None:
    clips = choose([footage(length)], SelectionOptions())
    assert len(clips) == count
    assert all(clip[0].duration >= 5 for clip in clips)


@pytest.mark.parametrize(
    ("sentence", "stands_alone"),
    [
        ("The whale dives.", True),
        ("Android whales dive.", True),
        ("And the whale dives.", False),
        ("\u201cIt\u2019s a whale.\u201d", False),
        ("But, as I said, it dives.", False),
    ],
)
def test_a_clip_rather_begins_with_a_sentence_that_needs_none_before_it(sentence: str, stands_alone: bool) -> None:
    said = [cue(5, 9, "This is the sea."), cue(10, 14, sentence), cue(15, 19, "A diver follows.")]
    terrain = SourceFeatures(0, ((Fraction(0), Fraction(30)),), [0.0] * 60, [], (), spoken=said)
    begins, _ = edges(terrain, (Fraction(0), Fraction(30)), Fraction(0), Fraction(30))
    (strength,) = [edge.strength for edge in begins if 9 < edge.time < 10]
    others = [edge.strength for edge in begins if 14 < edge.time < 15]
    assert (strength == max(others)) == stands_alone


def test_a_source_shorter_than_a_clip_may_be_gives_all_of_it() -> None:
    (clip,) = choose([footage(8)], SelectionOptions())
    assert (clip[0].start, clip[0].end) == (0, 8)


def test_as_many_clips_as_asked_for_are_made_also_where_the_best_one_would_leave_no_room() -> None:
    item = footage(46, busy=[(20, 26)])
    clips = choose([item], SelectionOptions(count=3, shortest=15, longest=40))
    assert len(clips) == 3


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30), st.floats(-3, 5)), max_size=25), st.integers(1, 4))
def test_as_many_windows_as_fit_are_picked(entries: list[tuple[int, int, float]], count: int) -> None:
    pool = [Candidate(0, Fraction(start), Fraction(start + length), score) for start, length, score in entries]
    picked = pick_moments(pool, count)
    most, at = 0, Fraction(-1)
    for window in sorted(pool, key=lambda window: window.end):  # the classic greedy answer to how many fit
        if window.start >= at:
            most, at = most + 1, window.end
    assert len(picked) == min(count, most)
    assert [w.score for w in picked] == sorted((w.score for w in picked), reverse=True)


def test_the_clips_cover_what_happens() -> None:
    happenings = [(70, 78), (200, 208), (340, 348)]
    clips = choose([footage(420, busy=happenings, loud=happenings)], SelectionOptions(count=3, longest=20))
    for start, end in happenings:
        assert any(clip[0].start <= start + 1 and clip[0].end >= end - 1 for clip in clips)


def test_several_sources_are_all_used_when_all_have_something_to_show() -> None:
    items = [footage(200, busy=[(80, 90)], url=f"file:///films/{name}.mp4") for name in "abc"]
    clips = choose(items, SelectionOptions(count=3))
    assert {clip[0].source for clip in clips} == {0, 1, 2}


def test_a_reel_takes_moments_of_all_sources_in_their_order() -> None:
    items = [footage(200, busy=[(50, 60), (120, 130)], url=f"file:///films/{name}.mp4") for name in "ab"]
    reels = choose(items, SelectionOptions("compilation", count=2, shortest=20, longest=40))
    assert len(reels) == 2
    assert all(len(reel) > 1 for reel in reels)
    assert {window.source for window in reels[0]} == {0, 1}


def test_the_prompt_decides_where_words_match_it() -> None:
    chatter = [cue(4 * i, 4 * i + 3.5, "They talk about boats and bread.") for i in range(75)]
    chatter[60] = cue(240, 243.5, "Suddenly the volcano throws lava.")
    item = footage(300, busy=[(100, 120)], cues=chatter)
    (asked,) = choose([item], SelectionOptions(count=1, longest=20, prompt="the volcano erupting"))
    (unasked,) = choose([item], SelectionOptions(count=1, longest=20))
    assert asked[0].start <= 240
    assert asked[0].end >= 243.5
    assert asked[0].match > 0.5
    assert unasked[0].start < 120


def test_a_clip_begins_right_before_what_happens_so_that_its_first_seconds_show_it() -> None:
    (clip,) = choose([footage(300, busy=[(150, 170)], cuts=[150, 170])], SelectionOptions(count=1, longest=20))
    assert clip[0].start == 150


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_the_score_of_a_clip_is_whole_and_rises_with_its_worth(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= ai_score(low) <= ai_score(high) <= 100
    assert ai_score(0) == 50


def test_scores_of_clips_spread() -> None:
    item = footage(600, busy=[(200, 212), (400, 403)], loud=[(200, 212)])
    scores = [
        plan.ai_score
        for plan in make_plans(choose([item], SelectionOptions(count=3)), [item], SelectionOptions(count=3))
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - scores[-1] >= 15


def test_stretches_around_clips_are_joined_where_they_touch() -> None:
    item = footage(100)
    clips = [[Candidate(0, Fraction(start), Fraction(start + 10), 0.0)] for start in (50, 62, 0)]
    assert stretches_around(clips, 0, item.measured, seconds=Fraction(2)) == ((0, 12), (48, 74))
    assert stretches_around(clips, 1, item.measured, seconds=Fraction(2)) == ()


@pytest.mark.parametrize(
    ("seconds", "longest", "least"), [(15, 90, 7.9), (40, 10, 7.9), (40, 5, 4.4), (8, 90, 6.3), (300, 90, 7.9)]
)
def test_clips_are_long_enough_to_be_posted_when_no_shortest_length_is_asked_for(
    seconds: int, longest: int, least: float
) -> None:
    item = footage(seconds, busy=[(3, 4)], cuts=[2, 5, 5.5], cues=[cue(3, 5, "so it is.")])
    clips = choose([item], SelectionOptions(longest=longest))
    assert clips
    assert all(least <= window.duration <= longest for clip in clips for window in clip)


def test_a_number_that_is_asked_for_is_kept_though_clips_are_short() -> None:
    assert len(choose([footage(15)], SelectionOptions(count=3))) == 3
