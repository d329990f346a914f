"""What ffmpeg's dump tells is understood, in the words of its older and newer versions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips.engine.media.ffmpeg.banner import exact_rate, parse_dump, parse_ffmetadata
from reka_clips.engine.media.ffmpeg.errors import MediaError

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
  Stream #0:1[0x2](eng): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, 5.1(side), fltp, 96 kb/s (default)
  Stream #0:2[0x3](eng): Subtitle: mov_text (tx3g / 0x67337874), 0 kb/s (default)
  Stream #0:3[0x0]: Video: png, rgba(pc), 1000x1000 [SAR 1:1 DAR 1:1], 90k tbr, 90k tbn (attached pic)
At least one output file must be specified
"""


@pytest.mark.parametrize(
    "rotation", ["displaymatrix: rotation", "Display Matrix: rotation"], ids=["ffmpeg 7", "ffmpeg 8"]
)
def test_a_phones_film_is_read_whole(rotation: str) -> None:
    info = parse_dump(PHONE.replace("{rotation}", rotation))

    assert info.duration == Fraction("62.5")
    assert info.video.rotation_degrees == 90
    assert info.video.upright_size_px == (1080, 1920)
    assert (info.video.frame_rate, info.video.grid_rate) == (Fraction(30000, 1001), 30)
    assert info.video.is_hdr
    assert (info.video.color_matrix, info.video.color_primaries) == ("bt2020nc", "bt2020")
    assert info.audio is not None
    assert (info.audio.channels, info.audio.sample_rate_hz, info.audio.language) == (6, 44100, "eng")
    assert [stream.codec for stream in info.subtitles] == ["mov_text"]


def video(details: str) -> str:
    return f"Input #0, matroska,webm, from 'x':\n  Duration: N/A\n  Stream #0:0: Video: {details}\n"


def test_odd_pixels_fields_and_ranges_are_read() -> None:
    line = "mpeg2video (Main), yuv420p(pc, smpte170m, top first), 720x576 [SAR 64:45 DAR 16:9], 25 fps, 25 tbr, 1k tbn"
    info = parse_dump(video(line))

    assert info.duration == 0
    assert info.video.sample_aspect == Fraction(64, 45)
    assert info.video.display_size_px == (1024, 576)
    assert info.video.is_interlaced
    assert info.video.is_full_range


def test_a_sample_aspect_beyond_reason_is_a_mistake() -> None:
    assert parse_dump(video("h264, yuv420p, 640x360 [SAR 99:1 DAR 176:1], 25 fps")).video.sample_aspect == 1


def test_the_largest_moving_picture_is_taken_and_commentary_is_not() -> None:
    info = parse_dump(
        "  Stream #0:0: Video: h264, yuv420p, 320x180, 25 fps (default)\n"
        "  Stream #0:1: Video: h264, yuv420p, 1280x720, 25 fps\n"
        "  Stream #0:2: Audio: aac, 48000 Hz, stereo, fltp (default) (comment)\n"
        "  Stream #0:3: Audio: aac, 48000 Hz, mono, fltp\n"
    )

    assert info.video.index == 1
    assert info.audio is not None
    assert info.audio.index == 3


@pytest.mark.parametrize(
    ("dump", "words"),
    [
        ("", "no video"),
        ("  Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp\n", "no moving picture"),
        ("  Stream #0:0: Video: png, rgb24, 640x480 (attached pic)\n", "still picture"),
        ("  Stream #0:0: Video: none, none, 640x480\n", "no video"),
    ],
)
def test_what_is_no_video_is_told_in_plain_words(dump: str, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        parse_dump(dump)


@given(st.text(max_size=300))
def test_no_dump_whatever_breaks_the_reading(text: str) -> None:
    line = video(text).replace("\r", " ")
    try:
        info = parse_dump(line)
    except MediaError:
        return
    assert info.video.width_px >= 16


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
