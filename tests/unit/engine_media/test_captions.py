"""Cues become pages that are read at a glance: at most two lines, none too wide, each word in its time."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.media.captions.fonts import is_invisible, typeface
from reka_clips.engine.media.captions.pages import (
    PARAMETERS,
    Page,
    Transform,
    caption_pages,
    clean,
    drawable,
    line_text,
)
from reka_clips.engine.media.plan import Cue, Word

FACE = typeface("RobotoCondensed")
LINE_PX = 864.0

cues = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60), st.text(st.characters(codec="utf-8"), max_size=60)), max_size=6
).map(lambda rows: [Cue(Fraction(start, 10), Fraction(start + length, 10), text) for start, length, text in rows])


def pages_of(
    said: list[Cue], *, seconds: int = 30, size: float = 120, transform: Transform = "uppercase"
) -> tuple[Page, ...]:
    return caption_pages(
        said,
        duration_seconds=Fraction(seconds),
        face=FACE,
        font_size_px=size,
        line_width_px=LINE_PX,
        transform=transform,
    )


def said(text: str, start: int = 0, end: int = 3) -> Cue:
    return Cue(Fraction(start), Fraction(end), text)


@given(cues, st.sampled_from([60.0, 85.0, 120.0]))
def test_pages_are_at_most_two_lines_none_wider_than_allowed(spoken: list[Cue], size: float) -> None:
    for page in pages_of(spoken, size=size):
        assert 1 <= len(page.lines) <= PARAMETERS.max_lines
        for line in page.lines:
            assert FACE.width_em(line_text(line)) * size * page.scale <= LINE_PX + 0.01


@given(cues)
def test_pages_come_in_order_and_never_overlap(spoken: list[Cue]) -> None:
    pages = pages_of(spoken)

    assert all(one.end <= other.start for one, other in pairwise(pages))
    assert all(0 <= page.start <= page.end <= 30 for page in pages)
    for page in pages:
        assert all(one.end <= other.start for one, other in pairwise(page.tokens))


@given(cues)
def test_every_word_within_the_clip_is_shown_once(spoken: list[Cue]) -> None:
    shown = "".join(token.text for page in pages_of(spoken, transform="initial") for token in page.tokens)
    within = [clean(word, "initial") for cue in spoken if cue.start < 30 for word in cue.text.split()]
    visible = [word for word in within if not all(is_invisible(character) for character in word)]

    assert sorted("".join(shown.split())) == sorted("".join("".join(visible).split()))


def test_words_have_their_own_times() -> None:
    words = (Word(Fraction(1), Fraction(2), "one"), Word(Fraction(2), Fraction(5, 2), "two"))
    (page,) = pages_of([Cue(Fraction(1), Fraction(5, 2), "one two", words)])

    assert [(token.start, token.end) for token in page.tokens] == [(1, 2), (2, Fraction(5, 2))]


def test_a_pause_and_the_end_of_a_sentence_end_a_page() -> None:
    texts = [line_text(page.lines[0]) for page in pages_of([said("Yes. No."), said("later", 10, 11)])]

    assert [text.split(".")[0] for text in texts] == ["YES", "NO", "LATER"] or texts == ["YES. NO.", "LATER"]
    assert texts[-1] == "LATER"


def test_a_page_lingers_but_not_into_the_silence() -> None:
    (page,) = pages_of([said("hello", 1, 2)])

    assert page.end == Fraction(5, 2)


def test_text_without_any_letter_makes_no_page() -> None:
    assert pages_of([said(" \u200b\n ")]) == ()
    assert pages_of([]) == ()


def test_a_huge_text_is_paged_in_little_time() -> None:
    pages = pages_of([said("word " * 2000, 0, 30)])

    assert sum(len(page.tokens) for page in pages) == 2000


@pytest.mark.parametrize(
    ("text", "transform", "shown"),
    [
        ("straße", "uppercase", "STRASSE"),
        ("Καλημέρα", "uppercase", "ΚΑΛΗΜΕΡΑ"),
        ("გამარჯობა", "uppercase", "გამარჯობა"),
        ("ÉCOLE", "lowercase", "école"),
        ("As Is", "initial", "As Is"),
        ("e\u0301", "initial", "é"),
        ("a\u202eb\u2066c", "initial", "abc"),
        ("a\x00b\x1b\x85c", "initial", "a b c"),
    ],
)
def test_text_is_cleaned_and_set_in_its_case(text: str, transform: Transform, shown: str) -> None:
    assert clean(text, transform) == shown


def test_chinese_breaks_between_ideographs_and_never_before_a_full_stop() -> None:
    pages = pages_of([said("今日はとても良い天気です。明日も晴れるでしょう。", 0, 8)])

    starts = [line_text(line)[0] for page in pages for line in page.lines]
    assert len(starts) > 1
    assert "。" not in starts


@pytest.mark.parametrize(
    ("word", "missing", "text"),
    [
        ("hello", "", "hello"),
        ("na\u00efve", "\u00ef", "nave"),
        ("\u0926\u0941\u0928\u093f\u092f\u093e,", "\u0926\u0928\u092f\u093f\u093e", ""),
        ("ok\u0926\u0941", "\u0926", "ok"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\U0001f680", ""),
        ("\U0001f44d\U0001f3fd!", "\U0001f44d", ""),
        ("\u2764\ufe0f", "", "\u2764\ufe0f"),
        ("\u2014", "", "\u2014"),
        ("a\u0363b", "\u0363", "ab"),
    ],
)
def test_what_belongs_to_a_letter_goes_with_it(word: str, missing: str, text: str) -> None:
    assert drawable(word, frozenset(missing)) == text
