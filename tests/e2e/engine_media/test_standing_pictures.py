"""Slides, still screens and slow cameras: the picture that stands is shown, wherever a clip begins and ends."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest

from clip_making import MadeClip, make_one_clip
from made_films import FFMPEG
from made_films.oddities import run
from pictures import Color, frames, near
from reka_clips.engine.media.analyze.analyze import Span, measure
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

pytestmark = pytest.mark.anyio

SLIDES: tuple[tuple[str, Color], ...] = (
    ("red", (255, 0, 0)),
    ("lime", (0, 255, 0)),
    ("blue", (0, 0, 255)),
    ("yellow", (255, 255, 0)),
)


def write_slides(path: Path, *, each: int, arguments: tuple[str, ...] = ()) -> Path:
    """Write four slides of `each` seconds, one frame each, under a tone that goes on to the end."""
    chains = "".join(f"color={name}:s=64x36:r=2:d={each}[{name}];" for name, _ in SLIDES)
    labels = "".join(f"[{name}]" for name, _ in SLIDES)
    graph = f"{chains}{labels}concat=n={len(SLIDES)},select='not(mod(n\\,{2 * each}))'[out0]"
    tone = f"sine=r=16000:d={each * len(SLIDES)}"
    encode = ("-fps_mode", "vfr", "-c:v", "libx264", "-c:a", "aac", "-b:a", "16k")
    run(FFMPEG, ["-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", tone, *encode, *arguments, str(path)])
    return path


async def wrong_pictures(ffmpeg: Ffmpeg, clip: MadeClip, each: int) -> list[float]:
    """Return when a clip shows another slide than the one that stands in the film then."""
    rate = float((await probe(ffmpeg, clip.path)).video.frame_rate)
    wrong: list[float] = []
    for number, picture in enumerate(frames(FFMPEG, clip.path, (8, 8))):
        slide = int((clip.source_start_seconds + (number + 0.5) / rate) // each)
        if not near(picture.at(0.5, 0.5), SLIDES[min(slide, len(SLIDES) - 1)][1], 24):
            wrong.append(number / rate)
    return wrong


@pytest.mark.parametrize(
    ("name", "each", "start", "end", "layout"),
    [
        ("across.mp4", 5, 3, 12, {}),
        ("across-fitted.mp4", 5, 3, 12, {"layout": "fit"}),
        ("across-split.mp4", 5, 3, 12, {"aspect_ratio": "9:16-split"}),
        ("within.mp4", 30, 37, 47, {}),
        ("to-the-next.mp4", 30, 33, 60, {}),
        ("last.mp4", 30, 100, 120, {}),
        ("last-fitted.mkv", 30, 100, 118, {"layout": "fit"}),
        ("fragmented.mp4", 30, 33, 47, {}),
        ("first.mov", 5, 0, 8, {}),
        ("intra.mkv", 30, 100, 118, {}),
        ("camera.mkv", 1, 1, 4, {}),
        ("camera.ts", 1, 1, 3, {}),
    ],
)
async def test_the_slide_that_stands_is_shown(
    ffmpeg: Ffmpeg, tmp_path: Path, *, name: str, each: int, start: int, end: int, layout: dict[str, str]
) -> None:
    fragments = ("-g", "1", "-movflags", "frag_keyframe+empty_moov") if name == "fragmented.mp4" else ()
    intra = ("-g", "1") if name == "intra.mkv" else ()
    film = write_slides(tmp_path / name, each=each, arguments=(*fragments, *intra))

    clip, warnings = await make_one_clip(ffmpeg, film, start, end, **layout)

    assert clip.duration_seconds == pytest.approx(end - start, abs=0.1)
    assert len(await wrong_pictures(ffmpeg, clip, each)) <= 4  # a slide may come a frame early or late
    assert not any("ends early" in warning for warning in warnings)


async def test_a_screen_on_which_nothing_happens_is_shown_as_it_stands(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """Four seconds that move, then a picture that stands for eight: a recorder writes no frame while nothing moves."""
    film = tmp_path / "screen.mp4"
    moving = "testsrc2=s=160x90:r=30:d=4,format=yuv420p[a];color=red:s=160x90:r=30:d=8,format=yuv420p[b];[a][b]concat"
    graph = f"{moving},select='lt(t\\,4.01)+gte(t\\,11.9)'[out0]"
    tone = ("-f", "lavfi", "-i", "sine=d=12")
    encode = ("-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    run(FFMPEG, ["-f", "lavfi", "-i", graph, *tone, *encode, str(film)])

    info = await probe(ffmpeg, film)
    for tier in get_args(Tier):
        look = Span(film, info, Fraction(5), Fraction(9), tmp_path)
        measured = await measure(ffmpeg, look, report=lambda _share: None, tier=tier)
        assert measured.end == 9, tier
    clip, _ = await make_one_clip(ffmpeg, film, 5, 11)

    assert clip.duration_seconds == pytest.approx(6, abs=0.1)
    assert all(near(picture.at(0.5, 0.5), (255, 0, 0), 24) for picture in frames(FFMPEG, clip.path, (8, 8)))


async def test_the_last_frame_lasts_until_its_film_goes_on(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """30 frames a second that become 10: a stretch of eight seconds is eight seconds long."""
    film = tmp_path / "varying.mp4"
    graph = "testsrc2=s=160x90:r=30:d=9,select='lt(t\\,4)+not(mod(n\\,3))'"
    run(FFMPEG, ["-f", "lavfi", "-i", graph, "-fps_mode", "vfr", "-c:v", "libx264", str(film)])

    clip, _ = await make_one_clip(ffmpeg, film, 0, 8)

    assert clip.duration_seconds == pytest.approx(8, abs=0.05)


async def test_what_is_measured_of_slides_holds_to_the_end(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = write_slides(tmp_path / "slides.mp4", each=5)
    info = await probe(ffmpeg, film)

    measured = await measure(ffmpeg, Span(film, info, Fraction(7), Fraction(20), tmp_path), report=lambda _share: None)

    assert info.duration == pytest.approx(20, abs=0.1)
    assert measured.end == pytest.approx(20, abs=0.1)
    assert [float(cut) for cut in measured.cuts] == pytest.approx([10, 15], abs=0.01)
    assert all(level > 0 for level in measured.luma[7 * 4 : 79])


async def test_a_stretch_after_the_picture_is_told_as_such(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "long-sound.mp4"
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=3", "-f", "lavfi", "-i", "sine=d=12")
    run(FFMPEG, [*inputs, "-c:v", "libx264", "-c:a", "aac", str(film)])

    with pytest.raises(MediaError, match=r"source_start_time \(8\) is after the end of the picture"):
        await make_one_clip(ffmpeg, film, 8)


@pytest.mark.parametrize(
    ("name", "sound", "words"),
    [
        ("one-picture.mp4", True, "holds sound but no moving picture"),
        ("one-png.mov", True, "holds sound but no moving picture"),
        ("one-picture.mkv", False, "too short|still picture"),
    ],
)
async def test_a_single_picture_is_no_film(ffmpeg: Ffmpeg, tmp_path: Path, name: str, sound: bool, words: str) -> None:
    film = tmp_path / name
    codec = "png" if name.endswith("mov") else "libx264"
    tone = ("-f", "lavfi", "-i", "sine=d=9") if sound else ()
    run(FFMPEG, ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=0.04", *tone, "-c:v", codec, str(film)])

    with pytest.raises(MediaError, match=words):
        await make_one_clip(ffmpeg, film)


@pytest.mark.parametrize("extension", ["mp3", "wav", "flac", "ac3", "m4a", "ogg", "aiff", "mka"])
async def test_sound_alone_is_called_sound(ffmpeg: Ffmpeg, tmp_path: Path, extension: str) -> None:
    film = tmp_path / f"podcast.{extension}"
    run(FFMPEG, ["-f", "lavfi", "-i", "sine=d=2", str(film)])

    with pytest.raises(MediaError, match="The file holds sound but no moving picture"):
        await probe(ffmpeg, film)


async def test_a_song_with_a_cover_is_called_sound(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "song.mp3"
    inputs = ("-f", "lavfi", "-i", "sine=d=2", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.04")
    run(FFMPEG, [*inputs, "-c:v", "png", "-disposition:v", "attached_pic", str(film)])

    with pytest.raises(MediaError, match="The file holds sound but no moving picture"):
        await probe(ffmpeg, film)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("png.mov", "png"), ("png.avi", "png"), ("jpegls.avi", "jpegls"), ("mjpeg.avi", "mjpeg"), ("tiff.mkv", "tiff")],
)
async def test_a_film_is_one_whatever_its_codec_is_called(
    ffmpeg: Ffmpeg, tmp_path: Path, name: str, codec: str
) -> None:
    film = tmp_path / name
    pixels = ("-pix_fmt", "rgb24" if codec in {"png", "jpegls", "tiff"} else "yuvj420p")
    run(FFMPEG, ["-f", "lavfi", "-i", "color=red:s=96x54:r=25:d=2", "-c:v", codec, *pixels, str(film)])

    clip, _ = await make_one_clip(ffmpeg, film)

    picture = frames(FFMPEG, clip.path, (8, 8))[5]
    assert near(picture.at(0.5, 0.5), (255, 0, 0), 8)


async def test_a_cover_without_its_mark_is_not_taken_for_the_film(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "cover.mkv"
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=640x640:d=0.04", "-f", "lavfi", "-i", "color=red:s=96x54:r=25:d=2")
    codecs = ("-map", "0", "-map", "1", "-c:v:0", "mjpeg", "-c:v:1", "libx264")
    run(FFMPEG, [*inputs, *codecs, str(film)])

    info = await probe(ffmpeg, film)

    assert (info.video.codec, info.video.width_px) == ("h264", 96)
