r"""The script that libass draws: what is hostile stays text, what is asked for stands in the style."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.contract import CaptionStyle
from reka_clips.engine.media.captions.ass import Canvas, color, escape, question, resolve_look, script, timestamp
from reka_clips.engine.media.captions.pages import Page, caption_pages
from reka_clips.engine.media.plan import Cue

CANVAS = Canvas(720, 1280)
LOOK = resolve_look(None)


def pages_of(text: str, seconds: int = 3) -> tuple[Page, ...]:
    return caption_pages(
        [Cue(Fraction(0), Fraction(seconds), text)],
        duration_seconds=Fraction(seconds),
        face=LOOK.face,
        font_size_px=LOOK.font_size_px,
        line_width_px=CANVAS.line_width,
        transform="initial",
    )


def texts(written: str) -> list[str]:
    return [line.split(",", 9)[9] for line in written.splitlines() if line.startswith("Dialogue:")]


def without_our_tags(text: str) -> str:
    return re.sub(r"\{\\c&H[0-9A-F]{6}&\}|\{\\fs[\d.]+\}", "", text)


@given(st.text(max_size=80))
def test_no_text_whatever_starts_a_command_or_breaks_a_line(text: str) -> None:
    written = script(pages_of(text), LOOK, CANVAS)

    for line in texts(written):
        bare = without_our_tags(line)
        assert bare.count("\\N") <= 1
        for brace in re.finditer(r"[{}]", bare):
            assert bare[brace.start() - 1] == "\\"
        assert not re.search(r"\\[nh]", bare.replace("\\N", ""))
    head, _, _ = written.partition("[Events]")
    assert head == script((), LOOK, CANVAS).partition("[Events]")[0]
    assert all(line.startswith(("Dialogue: ", "Format: ")) for line in written.partition("[Events]\n")[2].splitlines())


@pytest.mark.parametrize(
    "text",
    [
        r"{\pos(0,0)}x",
        r"a\Nb",
        r"a\nb",
        r"a\hb",
        "{",
        "}",
        "\\",
        r"\{",
        "\\" * 20,
        "a\nDialogue: 0,0,0,x",
        "{\\p1}m 0 0",
    ],
)
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    """As libass reads it: `\\{` is a brace, a backslash before a word joiner is a backslash."""
    drawn = re.sub(r"\\([{}])", r"\1", escape(text)).replace("\u2060", "")

    assert drawn == " ".join(text.split())
    assert not re.search(r"\\[Nnh]", escape(text))
    assert not re.search(r"(?<!\\)[{}]", escape(text))


def test_a_style_says_all_that_was_asked_for() -> None:
    style = CaptionStyle(
        desired_font_size=90,
        text_transform="lowercase",
        text_color="#112233",
        highlight_color="#445566",
        stroke_color="#778899",
        position="top",
        font_family="Bangers",
    )
    look = resolve_look(style)
    written = script(pages_of("Hello there"), look, CANVAS)

    (named,) = [line for line in written.splitlines() if line.startswith("Style: caption,")]
    fields = named.removeprefix("Style: ").split(",")
    assert fields[1] == "Bangers"
    assert float(fields[2]) == pytest.approx(90 * look.face.line_height_em, abs=0.01)
    assert fields[3] == "&H00332211"
    assert fields[5] == "&H00998877"
    assert fields[18] == "8"
    assert "{\\c&H665544&}" in written
    assert look.transform == "lowercase"


def test_without_a_style_the_engine_has_one_of_its_own() -> None:
    assert (LOOK.font_size_px, LOOK.transform, LOOK.position) == (120, "uppercase", "bottom")
    assert LOOK.face.name == "Roboto Condensed"


@pytest.mark.parametrize(("text", "written"), [("#FFD60A", "&H000AD6FF"), ("#abcdef", "&H00EFCDAB")])
def test_colours_are_written_from_blue_to_red(text: str, written: str) -> None:
    assert color(text) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [("0", "0:00:00.00"), ("59.999", "0:01:00.00"), ("3661.236", "1:01:01.24")]
)
def test_times_are_rounded_to_hundredths(seconds: str, written: str) -> None:
    assert timestamp(Fraction(seconds)) == written


@pytest.mark.parametrize("size", [(720, 1280), (240, 426), (1080, 1080), (1280, 720), (1080, 1350)])
def test_the_shorter_side_is_1080_design_pixels_and_lines_are_narrower_than_the_picture(size: tuple[int, int]) -> None:
    canvas = Canvas(*size)

    assert min(canvas.size) == 1080
    assert canvas.line_width <= 0.8 * canvas.size[0]
    assert 0 < canvas.vertical_margin("top") < canvas.size[1] / 3
    assert canvas.vertical_margin("middle") == 0


def test_events_follow_each_other_without_overlap() -> None:
    times = [line.split(",")[1:3] for line in script(pages_of("one two three four"), LOOK, CANVAS).splitlines()
             if line.startswith("Dialogue:")]  # fmt: skip

    assert [start for start, _ in times][1:] == [end for _, end in times][:-1]
    assert all(start < end for start, end in times)


def test_a_watermark_is_drawn_for_as_long_as_the_clip_lasts() -> None:
    written = script((), LOOK, CANVAS, watermark_seconds=Fraction(12))

    assert "Dialogue: 0,0:00:00.00,0:00:12.00,watermark,,0,0,0,,reka-clips-mcp" in written


def test_a_question_holds_every_character() -> None:
    (text,) = texts(question("äж字", LOOK))

    assert all(character in text for character in "äж字")
