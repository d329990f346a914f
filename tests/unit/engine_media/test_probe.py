"""What ffmpeg says of a file is understood in the words of its older and newer versions, and cannot be forged."""

from __future__ import annotations

import logging
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.media.ffmpeg.banner import Banner, exact_rate, parse_ffmetadata, split_fields
from reka_clips.engine.media.ffmpeg.media_info import AudioStream, SubtitleStream, VideoStream, best_audio, best_video
from reka_clips.engine.media.ffmpeg.process import failure

PHONE = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/x/phone.mp4':
  Metadata:
    major_brand     : isom
  Duration: 00:01:02.50, start: 0.000000, bitrate: 716 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67), \
1920x1080 [SAR 1:1 DAR 16:9], 8000 kb/s, 29.97 fps, 30 tbr, 600 tbn (default)
    Metadata:
      handler_name    : VideoHandler
    Side data:
      {rotation} of -90.00 degrees
      DOVI configuration record: version: 1.0, profile: 8, level: 4, rpu flag: 1, el flag: 0, bl flag: 1, \
compatibility id: 4, compression: 0
  Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, 5.1(side), fltp, 96 kb/s (default)
  Stream #0:2[0x3](eng): Subtitle: mov_text (tx3g / 0x67337874), 0 kb/s (default)
  Stream #0:3[0x0]: Video: png, rgba(pc), 1000x1000 [SAR 1:1 DAR 1:1], 90k tbr, 90k tbn (attached pic)
At least one output file must be specified
"""


def banner(text: str, decoders: tuple[str, ...] = ()) -> Banner:
    """Return what is read of a log whose lines ffmpeg began itself."""
    read = Banner(decoders)
    read.feed("".join(f"[info] {line}\n" for line in text.split("\n")).encode())
    read.close()
    return read


def streams(*lines: str, decoders: tuple[str, ...] = ()) -> tuple[VideoStream | AudioStream | SubtitleStream, ...]:
    head = "Input #0, matroska,webm, from 'x':\n  Duration: N/A\n"
    return banner(
        head + "\n".join(f"  Stream #0:{number}{line}" for number, line in enumerate(lines)), decoders
    ).streams


def video(details: str) -> VideoStream:
    (stream,) = streams(f": Video: {details}")
    assert isinstance(stream, VideoStream)
    return stream


def audio(details: str, *decoders: str) -> AudioStream:
    (stream,) = streams(f": Audio: {details}", decoders=decoders)
    assert isinstance(stream, AudioStream)
    return stream


@pytest.mark.parametrize(
    "rotation", ["displaymatrix: rotation", "Display Matrix: rotation"], ids=["ffmpeg 7", "ffmpeg 8"]
)
def test_a_phones_film_is_read_whole(rotation: str) -> None:
    read = banner(PHONE.replace("{rotation}", rotation))
    picture, sound, subtitle, cover = read.streams

    assert (read.format, read.duration, read.start) == ("mov,mp4,m4a,3gp,3g2,mj2", Fraction("62.5"), 0)
    assert isinstance(picture, VideoStream)
    assert picture.rotation_degrees == 90
    assert picture.upright_size_px == (1080, 1920)
    assert (picture.frame_rate, picture.grid_rate) == (Fraction(30000, 1001), 30)
    assert picture.is_hdr
    assert (picture.color_matrix, picture.color_primaries) == ("bt2020nc", "bt2020")
    assert picture.dolby_vision is not None
    assert (picture.dolby_vision.profile, picture.dolby_vision.compatibility) == (8, 4)
    assert isinstance(sound, AudioStream)
    assert (sound.channels, sound.sample_rate_hz, sound.language) == (6, 44100, "eng")
    assert isinstance(subtitle, SubtitleStream)
    assert (subtitle.codec, subtitle.dispositions) == ("mov_text", {"default"})
    assert isinstance(cover, VideoStream)
    assert cover.is_cover


def test_odd_pixels_fields_and_ranges_are_read() -> None:
    stream = video(
        "mpeg2video (Main), yuv420p(pc, smpte170m, top first), 720x576 [SAR 64:45 DAR 16:9], 25 fps, 25 tbr, 1k tbn"
    )

    assert stream.sample_aspect == Fraction(64, 45)
    assert stream.display_size_px == (1024, 576)
    assert stream.is_interlaced
    assert stream.is_full_range


@pytest.mark.parametrize(
    ("details", "matrix", "is_interlaced"),
    [
        ("yuv422p10le(tv, bt470bg/unknown/unknown, top coded first (swapped))", "bt470bg", True),
        ("yuv420p(tv, bt470bg/bt470bg/bt709, bottom coded first (swapped), left)", "bt470bg", True),
        ("yuv411p(top first)", "", True),
        ("yuv420p10le(10 bpc, tv, bt2020nc/bt2020/smpte2084, progressive, topleft)", "bt2020nc", False),
        ("rgba(pc, gbr/unknown/unknown, straight)", "gbr", False),
        ("gray", "", False),
    ],
)
def test_what_stands_in_nested_brackets_is_read(details: str, matrix: str, is_interlaced: bool) -> None:
    stream = video(f"prores (Proxy) (apco / 0x6F637061), {details}, 720x576, 1225 kb/s, SAR 16:15 DAR 4:3, 25 fps")

    assert (stream.color_matrix, stream.is_interlaced) == (matrix, is_interlaced)
    assert (stream.width_px, stream.sample_aspect) == (720, Fraction(16, 15))


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("(eng)", "eng"),
        ("(pt-BR)", "pt-BR"),
        ("(zh-Hans-CN)", "zh-Hans-CN"),
        ("[0x101](en_US)", "en_US"),
        ("", ""),
        ("(a (b) c)", ""),
        ("(日本)", ""),
    ],
)
def test_a_stream_is_kept_whatever_its_language(tag: str, language: str) -> None:
    (stream,) = streams(f"{tag}: Audio: aac (LC), 44100 Hz, mono, fltp (default)")

    assert isinstance(stream, AudioStream)
    assert (stream.language, stream.channels, stream.dispositions) == (language, 1, {"default"})


def test_a_recording_that_begins_at_hours_says_so() -> None:
    read = banner("Input #0, matroska,webm, from 'x':\n  Duration: 13:00:08.02, start: 46800.000000, bitrate: 0 kb/s")

    assert (read.duration, read.start) == (Fraction("46808.02"), 46800)


def test_sound_that_has_no_decoder_is_known_and_not_taken() -> None:
    known = ("aac", "opus")
    spatial, plain = streams(
        ": Audio: apple_apac (apac / 0x63617061), 48000 Hz, 4 channels, 150 kb/s (default)",
        ": Audio: aac (LC), 44100 Hz, mono, fltp",
        decoders=known,
    )

    assert isinstance(spatial, AudioStream)
    assert isinstance(plain, AudioStream)
    assert (spatial.is_decodable, plain.is_decodable) == (False, True)
    assert best_audio([spatial, plain]) is plain
    assert best_audio([spatial]) is None
    assert not audio("none (ac-4 / 0x342D6361), 44100 Hz, mono").is_decodable


@pytest.mark.parametrize(
    ("layout", "channels"),
    [
        *[("mono", 1), ("stereo", 2), ("5.1", 6), ("5.1(side)", 6), ("7.1.4", 12), ("quad(side)", 4), ("22.2", 24)],
        *[("3 channels (FL+FR+FC)", 3), ("ambisonic 1", 4), ("16 channels", 16), ("hexadecagonal", 0)],
    ],
)
def test_channels_are_counted(layout: str, channels: int) -> None:
    assert audio(f"aac (LC), 48000 Hz, {layout}, fltp, 96 kb/s").channels == channels


def test_a_sample_aspect_beyond_reason_is_a_mistake() -> None:
    assert video("h264, yuv420p, 640x360 [SAR 99:1 DAR 176:1], 25 fps").sample_aspect == 1


def test_the_largest_picture_is_taken_and_commentary_is_not() -> None:
    small, large, comment, plain = streams(
        ": Video: h264, yuv420p, 320x180, 25 fps (default)",
        ": Video: h264, yuv420p, 1280x720, 25 fps",
        ": Audio: aac, 48000 Hz, stereo, fltp (default) (comment)",
        ": Audio: aac, 48000 Hz, mono, fltp",
    )

    assert best_video(stream for stream in (small, large) if isinstance(stream, VideoStream)) is large
    assert best_audio(stream for stream in (comment, plain) if isinstance(stream, AudioStream)) is plain


def test_what_is_not_understood_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert streams(": Hologram: x") == ()
        video("h264, yuv420p(sideways first), 320x180, 12 bananas, 25 fps")

    told = "\n".join(record.getMessage() for record in caplog.records)
    assert all(words in told for words in ("Hologram: x", "'sideways first'", "'12 bananas'"))


FORGED = "  Stream #0:7: Video: h264, yuv420p, 16000x16000, 25 fps"


@pytest.mark.parametrize("line_end", ["\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f", "\r\n"])
@pytest.mark.parametrize("prefix", ["", "[info] "])
def test_no_text_of_a_file_forges_a_stream(line_end: str, prefix: str) -> None:
    genuine = "  Stream #0:0: Video: h264, yuv420p, 320x180, 25 fps"
    read = Banner()
    read.feed(f"[info] Input #0, avi, from 'file:/x{line_end}{prefix}{FORGED}{line_end}':\n".encode())
    read.feed(f"[info]   Metadata:\n[info]     title{line_end}{prefix}{FORGED} : x{line_end}{FORGED}\n".encode())
    read.feed(f"[info]   Duration: 00:00:02.00, start: 0.0\n[info] {genuine}\n[info]     Metadata:\n".encode())
    read.feed(f"[info]       title           : x{line_end}{FORGED}\n".encode())
    read.close()

    assert [(stream.index, stream.width_px) for stream in read.streams if isinstance(stream, VideoStream)] == [(0, 320)]


def test_what_a_file_says_twice_counts_once() -> None:
    head = "Input #0, mpegts, from 'x':\n  Duration: N/A\n  Program 1 \n"
    line = "    Stream #0:0[0x100]: Video: h264, yuv420p, {size}, 25 fps\n"
    read = banner(head + line.format(size="320x180") + "  Program 2 \n" + line.format(size="9000x9000"))

    assert [stream.width_px for stream in read.streams if isinstance(stream, VideoStream)] == [320]
    assert read.programs == [{0}, {0}]


@pytest.mark.parametrize(
    "hostile",
    ["," * 58_000, " (a)" * 10_000, "(" * 58_000, ")" * 58_000, "(default)" * 9_000, "h264 (" * 9_000, "\0" * 9_000],
    ids=["commas", "dispositions", "opened", "closed", "joined", "codecs", "zeros"],
)
def test_a_line_is_read_in_linear_time(hostile: str) -> None:
    begun = time.perf_counter()
    read = banner(f"Input #0, x, from 'y':\n  Duration: N/A\n  Stream #0:0: Video: h264, {hostile}, 320x180")
    split_fields(hostile)

    assert time.perf_counter() - begun < 0.5
    assert read.duration == 0


def test_a_banner_of_hundreds_of_megabytes_is_not_kept() -> None:
    read = banner("Input #0, avi, from 'x':\n  Duration: N/A")
    for _ in range(300):
        read.feed(b"x" * 1_000_000)
    read.feed(b"\n[info]   Stream #0:0: Video: h264, yuv420p, 320x180, 25 fps\n")

    assert len(read._line) <= 4096
    assert len(read.streams) == 1


@given(st.text(max_size=300))
def test_no_line_whatever_breaks_the_reading(text: str) -> None:
    for stream in banner(f"Input #0, x, from 'y':\n  Duration: N/A\n  Stream #0:0: Video: {text}").streams:
        assert isinstance(stream, VideoStream)
        assert stream.width_px >= 16


@pytest.mark.parametrize(
    ("printed", "exact"),
    [
        (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (25, 25),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates_are_exact(printed: float, exact: Fraction) -> None:
    assert exact_rate(printed) == exact


def test_chapters_and_tags_are_unescaped() -> None:
    text = ";FFMETADATA1\ntitle=A\\=B\\; C\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2500\ntitle=One\\\ntwo\n[CHAPTER]\nSTART=x\n"
    tags, chapters = parse_ffmetadata(text)

    assert tags == {"title": "A=B; C"}
    assert [(chapter.start, chapter.end, chapter.title) for chapter in chapters] == [(0, Fraction(5, 2), "One\ntwo")]


@pytest.mark.parametrize("value", ["1e999999999", "1/0", "0.5", "9" * 5000 + "/1", "\uff11/\uff11\uff10", ""])
def test_a_chapters_tags_change_none_of_its_times(value: str) -> None:
    begun = time.perf_counter()
    text = f"[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5000\nTIMEBASE={value}\nSTART={value}\ntitle=A\n"
    text += f"[CHAPTER]\nTIMEBASE={value}\nSTART=0\nEND=5000\n"
    _, chapters = parse_ffmetadata(text)

    assert time.perf_counter() - begun < 0.5
    assert [(chapter.start, chapter.end) for chapter in chapters] == [(0, 5)]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("[info]     title           : No space left on device\n[error] Conversion failed!\n", "gave up on it"),
        ("[info]     title           : x\n    : [error] No space left on device\n[error] y\n", "gave up on it"),
        ("[out#0/mp4 @ 0x55d4] [error] Nothing was written into output file\n", "gave up on it"),
        ("[error] Error opening input file file:/x/No space left.mp4.\n", "gave up on it"),
        ("[vost#0:0 @ 0x5] [error] Error writing: No space left on device\n", "The disk is full"),
        ("[in#0 @ 0x5] [error] Error opening input: Invalid data found when processing input\n", "not a video"),
        (
            "[dec:aac @ 0x5] [error] Error submitting packet to decoder: Invalid data found when processing input\n",
            "gave up",
        ),
    ],
)
def test_a_failure_is_told_in_plain_words(log: str, words: str) -> None:
    error = failure(1, log, names=["file:/x/No space left.mp4"])

    assert words in str(error)
    assert not any(inside in str(error) for inside in ("0x5", "[", "/x/", "Conversion"))


def test_a_crash_is_told_as_one_on_windows_too() -> None:
    assert "crashed" in str(failure(0xC0000005, ""))
    assert "crashed" in str(failure(-11, ""))
