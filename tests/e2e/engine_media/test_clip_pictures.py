"""What clips look like: sizes, shapes, colours, crops and times, measured in their frames."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.engine_media.conftest import Cut, Cutter, Filmer

from made_films import FFMPEG
from made_films.oddities import remake
from pictures import Color, Picture, frame_times, frames, near, samples
from reka_clips.contract.options import ASPECT_RATIOS, RESOLUTIONS
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.ffmpeg.remux import with_index

pytestmark = pytest.mark.anyio

RED, GREEN, BLUE, YELLOW = (230, 30, 30), (30, 200, 30), (30, 30, 230), (230, 230, 30)
WHITE, BLACK, GRAY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
SIZES = {
    "9:16": {240: (240, 426), 360: (360, 640), 480: (480, 854), 720: (720, 1280), 1080: (1080, 1920)},
    "4:5": {240: (240, 300), 360: (360, 450), 480: (480, 600), 720: (720, 900), 1080: (1080, 1350)},
    "1:1": {240: (240, 240), 360: (360, 360), 480: (480, 480), 720: (720, 720), 1080: (1080, 1080)},
    "16:9": {240: (426, 240), 360: (640, 360), 480: (854, 480), 720: (1280, 720), 1080: (1920, 1080)},
}
SIZES["9:16-split"] = SIZES["9:16"]


def box(color: Color, x: int, y: int, width: int, height: int) -> str:
    return f"drawbox={x}:{y}:{width}:{height}:{hexadecimal(color)}:fill"


def hexadecimal(color: Color) -> str:
    return "0x" + "".join(f"{part:02x}" for part in color)


def chart(width: int = 320, height: int = 180, *, seconds: float = 0.4, stretch: float = 1) -> str:
    """A grey picture with a mark in each corner and a white square in the middle, all square on a screen.

    stretch: width of a pixel by its height.
    """
    high = height // 5
    wide = round(high / stretch)
    marks = [
        box(RED, 0, 0, wide, high),
        box(GREEN, width - wide, 0, wide, high),
        box(BLUE, 0, height - high, wide, high),
        box(YELLOW, width - wide, height - high, wide, high),
        box(WHITE, (width - wide) // 2, (height - high) // 2, wide, high),
    ]
    return (
        f"color={hexadecimal(GRAY)}:s={width}x{height}:r=25:d={seconds},format=gbrp,{','.join(marks)},setsar={stretch}"
    )


def first_frame(clip: Cut, size: tuple[int, int] | None = None) -> Picture:
    return frames(FFMPEG, clip.path, size or (clip.rendered.width_px, clip.rendered.height_px))[0]


def assert_upright(picture: Picture) -> None:
    """The corner marks are in their corners, and the square in the middle is a square there."""
    corners = {color: picture.middle(color) for color in (RED, GREEN, BLUE, YELLOW)}
    left, right = corners[RED][0], corners[GREEN][0]
    upper, lower = corners[RED][1], corners[BLUE][1]
    assert left < right
    assert upper < lower
    assert corners[BLUE][0] == pytest.approx(left, abs=0.02)
    assert corners[YELLOW] == pytest.approx((right, lower), abs=0.02)
    assert_square(picture)


def assert_square(picture: Picture) -> None:
    square = picture.bounds(WHITE)
    assert square is not None
    width, height = (square[2] - square[0]) * picture.width, (square[3] - square[1]) * picture.height
    assert width == pytest.approx(height, rel=0.08, abs=2)
    assert (square[0] + square[2]) / 2 == pytest.approx(0.5, abs=0.02)
    assert (square[1] + square[3]) / 2 == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("aspect_ratio", ASPECT_RATIOS)
async def test_every_resolution_has_exactly_its_size(aspect_ratio: str, film: Filmer, cut: Cutter) -> None:
    source = film("testsrc2=s=64x36:r=10:d=0.3")
    for resolution in RESOLUTIONS:
        clip = await cut((source, 0, 0.3), rendering={"aspect_ratio": aspect_ratio, "resolution": resolution})
        assert clip.info.video.upright_size_px == SIZES[aspect_ratio][resolution]
        assert (clip.rendered.width_px, clip.rendered.height_px) == SIZES[aspect_ratio][resolution]


@pytest.mark.parametrize("degrees", [90, -90, 180])
async def test_a_turned_film_stands_upright(degrees: int, film: Filmer, cut: Cutter) -> None:
    turn = {90: "transpose=clock", -90: "transpose=cclock", 180: "hflip,vflip"}[degrees]
    size = (320, 180) if degrees == 180 else (180, 320)
    source = film(f"{chart(*size)},{turn}", "-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv444p", name="film.mp4")
    remake(FFMPEG, source, before=("-display_rotation", str(degrees)))

    clip = await cut((source, 0, 0.4), rendering={"layout": "fit", "resolution": 240})

    assert_upright(first_frame(clip))


@pytest.mark.parametrize("layout", ["ai", "fit"])
@pytest.mark.parametrize("stretch", [4 / 3, 0.75])
async def test_pixels_that_are_not_square_distort_nothing(
    stretch: float, layout: str, film: Filmer, cut: Cutter
) -> None:
    source = film(chart(288, 216, stretch=stretch))

    aspect_ratio = "9:16" if layout == "fit" else "16:9"
    clip = await cut((source, 0, 0.4), rendering={"layout": layout, "resolution": 240, "aspect_ratio": aspect_ratio})

    picture = first_frame(clip)
    square = picture.bounds(WHITE)
    assert square is not None
    width, height = (square[2] - square[0]) * picture.width, (square[3] - square[1]) * picture.height
    assert width == pytest.approx(height, rel=0.08, abs=2)
    if layout == "fit":
        assert_upright(picture)


async def test_a_portrait_film_fills_the_frame(film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(chart(180, 320)), 0, 0.4), rendering={"resolution": 240})

    picture = first_frame(clip)
    assert_upright(picture)
    assert near(picture.at(0.02, 0.02), RED, 40)
    assert near(picture.at(0.98, 0.98), YELLOW, 40)


@pytest.mark.parametrize("layout", ["ai", "fit"])
@pytest.mark.parametrize("bars", ["320:240:0:30", "320:180:96:0"], ids=["letterbox", "pillarbox"])
async def test_black_bars_are_taken_away(layout: str, bars: str, film: Filmer, cut: Cutter) -> None:
    inner = (320, 180) if "240" in bars else (128, 180)
    source = film(f"testsrc2=s={inner[0]}x{inner[1]}:r=25:d=0.4,lutyuv=y='max(val,70)',pad={bars}:black")
    rendering = {"layout": layout, "aspect_ratio": "4:5" if layout == "ai" else "9:16", "resolution": 240}

    picture = first_frame(await cut((source, 0, 0.4), rendering=rendering))

    edges = [picture.at(x, y) for x in (0.004, 0.3, 0.5, 0.7, 0.996) for y in (0.004, 0.3, 0.5, 0.7, 0.996)]
    assert all(max(color) > 50 for color in edges)


async def test_a_dark_scene_is_not_taken_for_bars(film: Filmer, cut: Cutter) -> None:
    """A lamp in the right half of a black picture: the picture is cropped around it, not scaled up to it."""
    source = film(f"color=black:s=320x180:r=25:d=0.4,format=gbrp,{box(WHITE, 230, 60, 30, 30)}")

    clip = await cut((source, 0, 0.4), rendering={"resolution": 240})

    lamp = first_frame(clip).bounds(WHITE)
    assert lamp is not None
    assert (lamp[2] - lamp[0]) * 240 == pytest.approx(30 * 426 / 180, rel=0.08)


async def test_fit_shows_the_whole_picture_on_a_blurred_backdrop(film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(chart()), 0, 0.4), rendering={"layout": "fit", "resolution": 240})

    picture = first_frame(clip)
    assert_upright(picture)
    assert picture.middle(RED)[0] < 0.1
    assert picture.middle(GREEN)[0] > 0.9
    for y in (0.02, 0.98):  # neither black nor sharp
        row = [picture.at(x / 20, y) for x in range(21)]
        assert all(max(color) > 40 for color in row)
        assert all(near(one, other, 60) for one, other in pairwise(row))


async def test_a_split_stacks_the_left_half_on_the_right_half(film: Filmer, cut: Cutter) -> None:
    """Two people who sit side by side: each has a half of the frame, undistorted, once."""
    people = [box(RED, 50, 60, 40, 40), box(BLUE, 230, 60, 40, 40)]
    source = film(f"color={hexadecimal(GRAY)}:s=320x180:r=25:d=0.4,format=gbrp,{','.join(people)}")

    clip = await cut((source, 0, 0.4), rendering={"aspect_ratio": "9:16-split", "resolution": 240})

    picture = first_frame(clip)
    for color, half in ((RED, (0, 0, 1, 0.5)), (BLUE, (0, 0.5, 1, 1))):
        face = picture.bounds(color)
        assert face is not None
        assert half[1] < face[1] < face[3] < half[3]
        assert (face[2] - face[0]) * 240 == pytest.approx((face[3] - face[1]) * 426, rel=0.08)
        assert picture.share(color, within=half) == pytest.approx(2 * picture.share(color), rel=0.02)


async def test_a_split_cuts_nobody_in_the_middle_in_two(film: Filmer, cut: Cutter) -> None:
    source = film(f"color={hexadecimal(GRAY)}:s=320x180:r=25:d=0.4,format=gbrp,{box(RED, 130, 60, 40, 40)}")

    clip = await cut((source, 0, 0.4), rendering={"aspect_ratio": "9:16-split", "resolution": 240})

    picture = first_frame(clip)
    halves = [picture.bounds(RED, within=half) for half in ((0, 0, 1, 0.5), (0, 0.5, 1, 1))]
    assert any(face and 0.02 < face[0] < face[2] < 0.98 for face in halves)


async def test_a_crop_keeps_the_subject_and_stays_put_within_a_shot(film: Filmer, cut: Cutter) -> None:
    """First the subject is on the left, then on the right; it trembles, the picture around it must not."""
    shots = [
        f"color={place}:s=320x180:r=25:d=1,format=gbrp,{box(WHITE, x + 4, 20, 8, 8)}[place{x}];"
        f"color={hexadecimal(RED)}:s=30x50:r=25:d=1[subject{x}];"
        f"[place{x}][subject{x}]overlay=x='{x}+6*sin(t*20)':y=80:format=gbrp[shot{x}]"
        for x, place in ((40, "0x406040"), (250, "0x203850"))
    ]
    source = film(f"{';'.join(shots)};[shot40][shot250]concat")

    clip = await cut((source, 0, 2), cuts=[1], rendering={"resolution": 240})

    pictures = frames(FFMPEG, clip.path, (240, 426))
    assert len(pictures) == 50
    for shot in (pictures[:25], pictures[25:]):
        marks = [picture.bounds(WHITE) for picture in shot]
        assert marks[0] is not None
        assert set(marks) == {marks[0]}
        assert all(picture.share(RED) > 0.5 * (30 * 50) / (101 * 180) for picture in shot)


@pytest.mark.parametrize(
    ("encode", "size"),
    [
        (("-c:v", "ffv1", "-pix_fmt", "yuv420p"), "320x180"),
        (("-c:v", "ffv1", "-pix_fmt", "yuv444p"), "1280x720"),
        (("-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p10le"), "320x180"),
        (("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"), "320x180"),
        (("-c:v", "ffv1", "-pix_fmt", "bgr0"), "320x180"),
        (("-vf", "scale=out_color_matrix=bt2020,format=yuv420p10le", "-c:v", "libx265", "-x265-params",
          "lossless=1:log-level=error:colormatrix=bt2020nc:colorprim=bt709:transfer=bt709"), "320x180"),
    ],
    ids=["SD", "HD", "10-bit", "full-range", "RGB", "BT.2020"],
)  # fmt: skip
async def test_colours_stay_as_they_were(encode: tuple[str, ...], size: str, film: Filmer, cut: Cutter) -> None:
    colors = (WHITE, (200, 60, 60), (60, 160, 60), (60, 60, 200), (20, 20, 20), GRAY)
    width, height = (int(part) for part in size.split("x"))
    patches = [box(color, width * index // 6, 0, width // 6, height) for index, color in enumerate(colors)]
    if size == "1280x720":  # what ffmpeg makes of RGB is BT.601 unless it is told otherwise
        encode = ("-vf", "scale=out_color_matrix=bt709", *encode)
    source = film(f"color=black:s={size}:r=25:d=0.2,format=gbrp,{','.join(patches)}", *encode)

    clip = await cut((source, 0, 0.2), rendering={"aspect_ratio": "16:9", "resolution": 240})

    picture = first_frame(clip)
    for index, color in enumerate(colors):
        assert near(picture.at((index + 0.5) / 6, 0.5), color, 8), color


# Light in cd/m2, and between what values it may lie on an ordinary screen: 203 is the white of paper (BT.2408).
TONES = {0: (0, 14), 26: (85, 150), 203: (200, 245), 1000: (235, 255)}
CURVES = {
    "smpte2084": {0: 0.0, 26: 0.377, 203: 0.581, 1000: 0.752},
    "arib-std-b67": {0: 0.0, 26: 0.379, 203: 0.75, 1000: 1.0},
}


@pytest.mark.parametrize("lacking", [(), ("zscale",)], ids=["zscale", "lookup"])
@pytest.mark.parametrize("transfer", CURVES)
async def test_hdr_is_toned_to_what_an_ordinary_screen_shows(
    transfer: str, lacking: tuple[str, ...], *, film: Filmer, cut: Cutter
) -> None:
    """Greys stay grey and in order, paper is bright, black is black; a red lamp stays red."""
    codes = [round(64 + 876 * CURVES[transfer][light]) for light in TONES]
    lum = "+".join(f"{code}*eq(floor(X/64),{index})" for index, code in enumerate(codes))
    red = "*eq(floor(X/64),4)"
    picture = (
        f"color=black:s=320x180:r=25:d=0.2,format=yuv420p10le,geq=lum='{lum}+330{red}':"
        f"cb='512-100*eq(floor(X/32),4)':cr='512+150*eq(floor(X/32),4)',"
        f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    )
    tags = f"lossless=1:log-level=error:colormatrix=bt2020nc:colorprim=bt2020:transfer={transfer}"
    source = film(picture, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", tags)

    rendering = {"aspect_ratio": "16:9", "resolution": 240}
    clip = await cut((source, 0, 0.2), rendering=rendering, lacking=lacking)

    shown = first_frame(clip)
    greys = [shown.at((index + 0.5) / 5, 0.5) for index in range(4)]
    for grey, (darkest, brightest) in zip(greys, TONES.values(), strict=True):
        assert max(grey) - min(grey) <= 6, grey
        assert darkest <= grey[1] <= brightest, grey
    assert sorted(grey[1] for grey in greys) == [grey[1] for grey in greys]
    lamp = shown.at(0.9, 0.5)
    assert lamp[0] > 1.5 * max(lamp[1:])
    assert (clip.info.video.pixel_format, clip.info.video.color_transfer) == ("yuv420p", "bt709")


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mpg", "film.flv", "film.webm", "film.avi"])
async def test_picture_and_sound_begin_where_they_should(
    name: str, film: Filmer, cut: Cutter, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """A flash and a beep at 4 s of the film are at 1.9 s of a clip that begins at 2.1 s; keyframes are far apart."""
    picture = "color=black:s=160x90:r=25:d=6,geq=lum='if(between(T,4,4.1),235,30+20*T)':cb=128:cr=128"
    beep = "aevalsrc='0.5*sin(2000*t)*between(t,4,4.1)':s=44100:d=6"
    encode = {
        "film.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis"),
        "film.mpg": ("-c:v", "mpeg2video", "-g", "50", "-c:a", "mp2"),
        "film.avi": ("-c:v", "mpeg4", "-g", "50", "-bf", "2", "-c:a", "libmp3lame"),
    }.get(name, ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-sc_threshold", "0", "-c:a", "aac"))
    source = film(picture, *encode, sound=beep, name=name)
    source = await with_index(ffmpeg, source, await probe(ffmpeg, source), tmp_path)

    clip = await cut((source, 2.1, 4.7), rendering={"aspect_ratio": "16:9", "resolution": 240})

    light = [picture.at(0.5, 0.5)[1] for picture in frames(FFMPEG, clip.path, (16, 9))]
    assert len(light) == 65
    assert light[:40] == sorted(light[:40]) and light[0] < light[12] < light[24] < light[36]  # noqa: PT018 - one ramp
    flash = next(index for index, value in enumerate(light) if value > 180) / 25
    sound = next(index for index, value in enumerate(samples(FFMPEG, clip.path)) if abs(value) > 2000) / 8000
    assert flash == pytest.approx(1.9, abs=0.045)
    assert sound == pytest.approx(1.9, abs=0.045)
    assert abs(flash - sound) < 0.05


async def test_a_varying_frame_rate_becomes_constant(film: Filmer, cut: Cutter) -> None:
    keep = "select='not(between(mod(n\\,11)\\,3\\,6))'"
    source = film(
        f"testsrc2=s=160x90:r=30:d=2,{keep}", *("-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast"),
        name="film.mp4",
    )  # fmt: skip

    clip = await cut((source, 0, 2), rendering={"resolution": 240})

    times = frame_times(FFMPEG, clip.path)
    assert len(times) == 60
    assert all(later - earlier == pytest.approx(1 / 30, abs=0.001) for earlier, later in pairwise(times))
    assert clip.info.video.frame_rate == 30


async def test_a_small_film_is_not_blown_up_unless_asked(film: Filmer, cut: Cutter) -> None:
    source = film("testsrc2=s=256x144:r=25:d=0.2")

    small = await cut((source, 0, 0.2))
    asked = await cut((source, 0, 0.2), rendering={"resolution": 720})

    assert (small.rendered.width_px, small.rendered.height_px) == (360, 640)
    assert any("small" in warning and "`resolution`" in warning for warning in small.rendered.warnings)
    assert (asked.rendered.width_px, asked.rendered.warnings) == (720, ())


@pytest.mark.parametrize("is_asked", [True, False])
async def test_the_watermark_is_there_only_when_asked(is_asked: bool, film: Filmer, cut: Cutter) -> None:
    source = film("color=0x202020:s=320x180:r=25:d=0.4")

    clip = await cut((source, 0, 0.4), rendering={"resolution": 480, "show_watermark": is_asked})

    written = first_frame(clip).bounds((160, 160, 160), 60)
    assert (written is not None) is is_asked
    if written is not None:
        assert written[3] < 0.2
        assert written[2] < 0.6


async def test_a_poster_is_small_and_of_the_clips_shape(film: Filmer, cut: Cutter) -> None:
    source = film("testsrc2=s=1280x720:r=25:d=0.4,noise=alls=40")

    clip = await cut((source, 0, 0.4), rendering={"resolution": 720})

    assert clip.poster.stat().st_size <= 40_000
    assert len(frames(FFMPEG, clip.poster, (270, 480))) == 1


async def test_a_clip_whose_preview_picture_cannot_be_made_is_a_clip_all_the_same(
    film: Filmer, cut: Cutter, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *thumbnail=n*) exit 1;; esac\nexec {ffmpeg.path} "$@"\n')
    wrapper.chmod(0o755)

    clip = await cut((film("testsrc2=s=64x36:r=10:d=2"), 0, 2), rendering={"resolution": 240}, path=str(wrapper))

    assert clip.path.is_file()
    assert not clip.poster.exists()
    assert "The clip from 0:00 has no preview picture, as none could be made." in clip.rendered.warnings
