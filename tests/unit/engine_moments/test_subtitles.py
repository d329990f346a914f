"""Subtitles as they are found in the wild, and as somebody hostile would write them."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from made_footage import cue
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.text.encodings import decode
from reka_clips.engine.media.text.sentences import cut_out, sentences, spread
from reka_clips.engine.media.text.subtitles import parse_subtitles
from reka_clips.engine.media.text.tracks import find_sidecars, read_subtitles


def texts(content: str) -> list[str]:
    return [found.text for found in parse_subtitles(content)]


def times(content: str) -> list[tuple[float, float]]:
    return [(float(found.start), float(found.end)) for found in parse_subtitles(content)]


SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nGoodbye.\n"


def test_subrip_is_read() -> None:
    assert texts(SRT) == ["Hello there.", "Goodbye."]
    assert times(SRT) == [(1.0, 2.5), (3.0, 4.0)]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_lines_end_as_on_any_system(ending: str) -> None:
    assert texts(SRT.replace("\n", ending)) == ["Hello there.", "Goodbye."]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found_out(encoding: str) -> None:
    assert texts(decode(SRT.replace("Hello", "Olé").encode(encoding)).text)[0] == "Olé there."


def test_webvtt_with_header_notes_styles_and_settings_is_read() -> None:
    content = (
        "WEBVTT - a talk\n\nNOTE\nnot 00:00 --> said\n\nSTYLE\n::cue { color: red }\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start position:10%\n<v Ann><i>Hi</i> &amp; welcome\n\n01:00:00.000 --> 01:00:01.000\nLate\n"
    )
    assert texts(content) == ["Hi & welcome", "Late"]
    assert times(content) == [(1.0, 2.0), (3600.0, 3601.0)]


def test_times_within_a_webvtt_cue_time_its_words() -> None:
    (found,) = parse_subtitles(
        "WEBVTT\n\n00:00.000 --> 00:03.000\none <00:00:01.000><c>two</c> <00:00:02.500><c>three</c>\n"
    )
    assert [(word.text, float(word.start), float(word.end)) for word in found.words] == [
        ("one", 0, 1),
        ("two", 1, 2.5),
        ("three", 2.5, 3),
    ]


def test_ass_is_read_without_its_codes_comments_and_drawings() -> None:
    content = (
        "[Script Info]\nTitle: x\n\n[V4+ Styles]\nStyle: Default,Arial,20\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:03.50,Default,,0,0,0,,{\\i1}Hello{\\i0}, world,\\Nagain\n"
        "Comment: 0,0:00:01.00,0:00:03.50,Default,,0,0,0,,not said\n"
        "Dialogue: 0,0:00:04.00,0:00:05.50,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}\n"
    )
    assert texts(content) == ["Hello, world, again"]
    assert times(content) == [(1.0, 3.5)]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("<font color=red>Red</font> words", "Red words"),
        ("{\\an8}On top", "On top"),
        ("[applause] Thank you", "Thank you"),
        ("♪ la la ♪", "la la"),
        ("(MUSIC)", None),
        (">> A new speaker", "A new speaker"),
        ("- Yes.", "Yes."),
        ("-5 degrees, and falling", "-5 degrees, and falling"),
        ("[music\nplaying] Hello", "Hello"),
        ("(soft music\nplays)", None),
        ("(LAUGHING) No, not me.", "No, not me."),
        ("It is (as ever) late.", "It is (as ever) late."),
        ("The agency\n(NASA) said so.", "The agency (NASA) said so."),
        ("NAR: This is the telescope.", "This is the telescope."),
        ("<i>DR. O'NEIL:</i> It is.", "It is."),
        (">> JOHN: Hello.", "Hello."),
        (">> JOHN: HELLO.", "HELLO."),
        ("- MAN #2: Who?\n- WOMAN: Me.", "Who? Me."),
        ("[MUSIC]\nNARRATOR:\nOnce upon a time", "Once upon a time"),
        ("[JOHN]: Hello.", "Hello."),
        ("REMEMBER: NO RUNNING", "REMEMBER: NO RUNNING"),
        ("Remember: no running", "Remember: no running"),
        ("At 10:30 we go", "At 10:30 we go"),
        ("OK, SO WHAT IS: this", "OK, SO WHAT IS: this"),
        ("see HTTP://example.org", "see HTTP://example.org"),
        ("a\x00b\x1b[0m", "a b [0m"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("Hello there,<br />my friend", "Hello there, my friend"),
        ("one<BR>two<br/>three", "one two three"),
        ("a MyValue<String> of it", "a MyValue<String> of it"),
        ("write to <bob@example.com>", "write to <bob@example.com>"),
        ("<c.yellow.bg>Red</c> <v.loud Ann>words</v> <i>too</i>", "Red words too"),
        ("<ruby>漢<rt>かん</rt></ruby>", "漢かん"),
    ],
)
def test_what_is_not_said_is_dropped(line: str, text: str | None) -> None:
    assert texts(f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n") == ([] if text is None else [text])


def test_missing_empty_lines_numbers_and_leading_zeros_do_no_harm() -> None:
    content = "0:0:1,0 --> 0:0:2,5\nOne\n7\n0:00:03.000-->0:00:04.000\nTwo\n"
    assert texts(content) == ["One", "Two"]
    assert times(content) == [(1.0, 2.5), (3.0, 4.0)]


def test_cues_out_of_order_are_put_in_order_and_overlaps_end_where_the_next_begins() -> None:
    content = "00:05.000 --> 00:07.000\nb\n\n00:01.000 --> 00:06.000\na\n"
    assert texts(content) == ["a", "b"]
    assert times(content) == [(1.0, 5.0), (5.0, 7.0)]


def test_rolling_captions_say_each_line_once() -> None:
    content = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\nfirst line\n\n00:02.000 --> 00:04.000\nfirst line\nsecond line\n\n"
        "00:04.000 --> 00:06.000\nsecond line\nthird line\n"
    )
    assert texts(content) == ["first line", "second line", "third line"]


# The first row of a paragraph is a single space.
YOUTUBE = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.550 align:start position:0%
{blank}
this<00:00:00.558><c> is</c><00:00:00.957><c> first</c>

00:00:02.550 --> 00:00:02.560 align:start position:0%
this is first
{blank}

00:00:02.560 --> 00:00:04.470 align:start position:0%
this is first
that<00:00:02.878><c> comes</c><00:00:03.197><c> next</c>

00:00:04.470 --> 00:00:04.480 align:start position:0%
that comes next
{blank}

00:00:04.480 --> 00:00:10.000 align:start position:0%
that comes next
[Music]
""".replace("{blank}", " ")


def test_automatic_captions_of_a_video_site_are_shown_when_they_are_spoken() -> None:
    found = parse_subtitles(YOUTUBE)
    assert [(float(one.start), float(one.end), one.text) for one in found] == [
        (0.16, 2.55, "this is first"),
        (2.56, 4.47, "that comes next"),
    ]
    assert [[(float(word.start), word.text) for word in one.words] for one in found] == [
        [(0.16, "this"), (0.558, "is"), (0.957, "first")],
        [(2.56, "that"), (2.878, "comes"), (3.197, "next")],
    ]


def test_a_line_that_still_stands_is_not_shown_again_and_one_that_is_said_again_is() -> None:
    rolled = "00:01.000 --> 00:02.000\nbut after\n\n00:02.000 --> 00:02.010\nbut after\n \n\n00:02.010 --> 00:07.000\nbut after\n[Music]\n"
    assert times(rolled) == [(1.0, 2.0)]
    again = "00:01.000 --> 00:02.000\nNo.\n\n00:02.200 --> 00:03.000\nNo.\n"
    assert times(again) == [(1.0, 2.0), (2.2, 3.0)]


def test_captions_that_roll_up_over_three_rows_say_each_once() -> None:
    rows = [f"line {number}" for number in range(8)]
    cues = [f"00:0{at}.000 --> 00:0{at + 1}.000\n" + "\n".join(rows[max(0, at - 2) : at + 1]) for at in range(8)]
    assert texts("WEBVTT\n\n" + "\n\n".join(cues)) == rows


@pytest.mark.parametrize("ending", ["\r\r\n", "\n\n", "\r\n\r\n", "\r\r\r\n"])
def test_doubled_line_ends_change_nothing(ending: str) -> None:
    assert texts(SRT.replace("\n", ending)) == ["Hello there.", "Goodbye."]
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello there.\n\nsecond\n00:03.000 --> 00:04.000\nGoodbye.\n"
    assert texts(vtt.replace("\n", ending)) == ["Hello there.", "Goodbye."]


def test_an_empty_line_inside_a_cue_does_not_end_it() -> None:
    content = "1\n00:01,000 --> 00:02,000\nFirst half\n\nsecond half.\n\n2\n00:03,000 --> 00:04,000\n\n42\n\n3\n00:05,000 --> 00:06,000\nEnd"
    assert texts(content) == ["First half second half.", "42", "End"]
    assert texts("00:01.000 --> 00:02.000\na\n\n42\n\n00:03.000 --> 00:04.000\nb\n") == ["a 42", "b"]


def test_a_cue_that_ends_before_it_begins_is_passed_over() -> None:
    assert texts(
        "00:05.000 --> 00:04.000\nback\n\n00:06.000 --> 00:06.000\nnever\n\n00:07.000 --> 00:08.000\nyes\n"
    ) == ["yes"]


_LINES = st.sampled_from(
    ["", "1", "00:00:01,000 --> 00:00:02,000", "00:01.5 --> 00:09.999 align:left", "99:99:99,9 --> 0:0:1,1", "WEBVTT",
     "{\\", "<", "<00:00:01.500>", "[[[[", "Dialogue: 0,0:00:01.00,0:00:03.50,D,,0,0,0,,x", "a b", "\u202eabc", "-->"]
)  # fmt: skip


@given(st.lists(_LINES | st.text(max_size=30), max_size=40).map("\n".join))
@example("00:01.000 --> 00:02.000\n<00:00:09.000>x")
@example("00:01.000 --> 00:02.000\n<00:00:01.500>lost<00:00:01.500>x")
def test_any_text_gives_cues_in_order_with_words_inside_of_them(content: str) -> None:
    found = parse_subtitles(content)
    for number, one in enumerate(found):
        assert one.start < one.end
        assert one.text.isprintable()
        assert one.text == one.text.strip() != ""
        assert number == 0 or found[number - 1].end <= one.start
        (whole,) = cut_out([one], one.start, one.end, at=one.start)
        assert all(one.start <= word.start < word.end <= one.end for word in whole.words)
        assert [word.text for word in whole.words] == one.text.split()


@pytest.mark.parametrize(
    "content",
    [
        "<" * 2_000_000,
        "00:01.000 --> 00:02.000\n" + "{\\" * 1_000_000,
        "00:01.000 --> 00:02.000\n" + "[(" * 1_000_000,
        "00:01.000 --> 00:02.000\nx\n" * 60_000,
        "Dialogue:" + ",0:00:01.00" * 200_000,
        " " * 2_000_000 + "-->",
        "1:" * 1_000_000,
        "".join(
            f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}.000 --> 99:00:00.000\n" + "AB:\n" * 480
            for at in range(1500)
        ),
        ("00:01.000 --> 00:02.000\n" + "\n" * 2000) * 1000,
        ("00:01.000 --> 00:02.000\n" + "(\n" * 1000) * 1000,
        "\r" * 5_000_000,
        "00:01.000 --> 00:02.000\n" * 800_000,
    ],
    ids=[
        "tags",
        "codes",
        "notes",
        "cues",
        "dialogue",
        "spaces",
        "times",
        "labels",
        "empty",
        "brackets",
        "returns",
        "arrows",
    ],
)
def test_a_file_made_to_be_slow_is_read_in_seconds(content: str) -> None:
    began = time.process_time()
    parse_subtitles(content)
    assert time.process_time() - began < 5


def test_an_ordinary_film_of_twelve_hours_is_read_in_a_second_or_two() -> None:
    cues = [
        f"{at + 1}\n{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02},000 --> 99:00:00,000\nAnd it was all fine, {at}.\n\n"
        for at in range(43_000)
    ]
    began = time.process_time()
    assert len(parse_subtitles("".join(cues))) == 43_000
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no subtitles"),
        (b"\x00\xff" * 500, "holds no subtitles"),
        (b"x" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
    ],
    ids=["empty", "binary", "too large"],
)
def test_a_file_that_is_none_is_refused_in_plain_words(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "talk.srt"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=reason):
        read_subtitles(path)


def test_the_subtitles_beside_a_video_are_those_of_its_name(tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.srt", "talk.en.vtt", "talk.ASS", "talk2.srt", "other.srt", "talk.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "talk.de.srt").mkdir()
    assert [path.name for path in find_sidecars(tmp_path / "talk.mp4")] == ["talk.ASS", "talk.srt", "talk.en.vtt"]


def test_sentences_go_over_cues_until_a_full_stop_or_a_pause() -> None:
    cues = [cue(0, 2, "This goes"), cue(2.2, 4, "on here."), cue(4.1, 6, "Next one"), cue(8, 9, "after a pause")]
    assert [found.text for found in sentences(cues, max_seconds=Fraction(20))] == [
        "This goes on here.",
        "Next one",
        "after a pause",
    ]


@given(st.integers(1, 60), st.integers(2, 30))
def test_a_speaker_without_full_stops_is_split_into_sentences_of_bounded_length(count: int, longest: int) -> None:
    cues = [cue(2 * number, 2 * number + 1.5, "and so on") for number in range(count)]
    found = sentences(cues, max_seconds=Fraction(longest))
    assert all(one.end - one.start <= longest for one in found)
    assert " ".join(one.text for one in found) == " ".join(one.text for one in cues)


def test_cutting_out_moves_cues_and_drops_the_words_outside() -> None:
    words = spread("one two three four", Fraction(10), Fraction(14))
    whole = [parse_subtitles("00:10.000 --> 00:14.000\none two three four\n")[0]]
    (found,) = cut_out(whole, Fraction(12), Fraction(20), at=Fraction(5))
    assert (found.start, found.end) == (5, 7)
    assert found.text == " ".join(word.text for word in words if word.end > 12)


def test_a_speakers_name_takes_no_time_from_words_that_have_their_own() -> None:
    content = (
        "WEBVTT\n\n00:01.000 --> 00:04.000\n"
        ">> NAR:<00:00:01.500><c> This</c><00:00:02.000><c> [music]</c><00:00:03.000><c> is it</c>\n"
    )
    (cue,) = parse_subtitles(content)
    assert cue.text == "This is it"
    assert [(float(word.start), word.text) for word in cue.words] == [(1.5, "This"), (3.0, "is"), (3.5, "it")]
