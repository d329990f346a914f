"""Recordings that begin late, containers without times, rates between the usual ones, fields: picture n at its time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from clip_making import make_one_clip
from made_films import FFMPEG
from made_films.oddities import run
from pictures import frames
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

pytestmark = pytest.mark.anyio

# A bar that grows by a tenth of the width each second tells which second a frame is of.
CLOCK = "color=black:s=160x90:r=25:d={seconds},geq=lum='if(lt(X,16*(floor(T)+0.5)),235,16)':cb=128:cr=128"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50")


def write_clock(path: Path, *encode: str, seconds: int = 8, sound: bool = True) -> Path:
    tone = ("-f", "lavfi", "-i", f"sine=d={seconds}:r=44100") if sound else ()
    run(FFMPEG, ["-f", "lavfi", "-i", CLOCK.format(seconds=seconds), *tone, *encode, str(path)])
    return path


def seconds_shown(clip: Path) -> list[int]:
    """Return which second of the film each frame of a clip shows."""
    found: list[int] = []
    for picture in frames(FFMPEG, clip, (160, 90)):
        row = [picture.at((x + 0.5) / 160, 0.5)[0] for x in range(160)]
        found.append(round(sum(value > 128 for value in row) / 16 - 0.5))
    return found


async def assert_in_time(ffmpeg: Ffmpeg, film: Path, start: int, end: int, *, late_frames: int = 2) -> None:
    """Assert that the clip of a stretch shows each second when it is."""
    clip, _ = await make_one_clip(ffmpeg, film, start, end, aspect_ratio="16:9", layout="fit")
    rate = float((await probe(ffmpeg, clip.path)).video.frame_rate)
    shown = seconds_shown(clip.path)
    expected = [int(clip.source_start_seconds + (number + 0.5) / rate) for number in range(len(shown))]
    wrong = [number for number, pair in enumerate(zip(shown, expected, strict=True)) if pair[0] != pair[1]]
    assert len(wrong) <= late_frames * (end - start), (wrong, shown)
    assert clip.duration_seconds == pytest.approx(end - start, abs=0.15)


@pytest.mark.parametrize("hours", [1, 13])
@pytest.mark.parametrize("name", ["late.mkv", "late.nut", "late.webm", "late.mp4", "late.ts", "late.flv"])
async def test_a_recording_that_begins_at_hours_is_as_long_as_it_is(
    ffmpeg: Ffmpeg, tmp_path: Path, name: str, hours: int
) -> None:
    codecs = (
        ("-c:v", "libvpx", "-g", "50", "-deadline", "realtime", "-c:a", "libopus") if name.endswith("webm") else X264
    )
    film = write_clock(tmp_path / name, *codecs, "-output_ts_offset", str(hours * 3600))

    info = await probe(ffmpeg, film)

    assert info.duration == pytest.approx(8, abs=0.15)
    await assert_in_time(ffmpeg, film, 3, 6)


async def test_a_fragmented_recording_that_begins_late_is_as_long_as_it_is(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = write_clock(tmp_path / "live.mp4", *X264, "-bf", "0", "-movflags", "frag_keyframe+empty_moov+default_base_moof", sound=False)  # fmt: skip
    content = film.read_bytes()
    late = bytearray(content)
    place = 0
    while (place := content.find(b"tfdt", place + 1)) > 0:  # the time of each fragment, in 1/12800 s
        wide = content[place + 4] == 1
        size = 8 if wide else 4
        time = int.from_bytes(content[place + 8 : place + 8 + size], "big") + 13 * 3600 * 12800
        late[place + 8 : place + 8 + size] = time.to_bytes(size, "big")
    film.write_bytes(late)

    assert (await probe(ffmpeg, film)).duration == pytest.approx(8, abs=0.15)
    await assert_in_time(ffmpeg, film, 3, 6)


async def test_a_live_recording_without_a_length_gets_one(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = write_clock(tmp_path / "live.mkv", *X264, "-live", "1", "-output_ts_offset", "3600")

    assert (await probe(ffmpeg, film)).duration == pytest.approx(8, abs=0.15)


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("raw.h264", ("-c:v", "libx264", "-g", "50", "-f", "h264")),
        ("raw.hevc", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-f", "hevc")),
        ("raw.m2v", ("-c:v", "mpeg2video", "-bf", "2", "-f", "mpeg2video")),
        ("raw.m4v", ("-c:v", "mpeg4", "-f", "m4v")),
        ("raw.mjpeg", ("-c:v", "mjpeg", "-q:v", "3", "-f", "mjpeg")),
        ("plain.ivf", ("-c:v", "libvpx", "-deadline", "realtime")),
    ],
)
async def test_a_raw_stream_is_cut_in_time(ffmpeg: Ffmpeg, tmp_path: Path, name: str, encode: tuple[str, ...]) -> None:
    film = write_clock(tmp_path / name, *encode, sound=False)

    await assert_in_time(ffmpeg, film, 3, 6)


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("camcorder.m2ts", (*X264, "-c:a", "pcm_bluray", "-ar", "48000")),
        ("broadcast.ts", (*X264, "-c:a", "s302m", "-ar", "48000", "-strict", "-2")),
        ("dvd.vob", ("-c:v", "mpeg2video", "-g", "50", "-c:a", "pcm_dvd", "-ar", "48000")),
    ],
)
async def test_a_film_whose_sound_matroska_cannot_hold_is_cut_in_time(
    ffmpeg: Ffmpeg, tmp_path: Path, name: str, encode: tuple[str, ...]
) -> None:
    film = write_clock(tmp_path / name, *encode, "-ac", "2")

    await assert_in_time(ffmpeg, film, 3, 6)


@pytest.mark.parametrize(
    ("factor", "rate"), [(30 / 30.08, "30"), (30 / 30.13, "30"), (60 / 60.02, "60"), (24 / 24.02, "24"), (25 / 25.02, "25"), (240 / 240.3, "60")]
)  # fmt: skip
async def test_a_rate_near_a_usual_one_shows_no_frame_twice(
    ffmpeg: Ffmpeg, tmp_path: Path, factor: float, rate: str
) -> None:
    """Phones write times on a grid, and the mean of a short film is above it, as its last frame is shown for less."""
    film = tmp_path / "phone.mp4"
    source = 240 if rate == "60" and factor * 240.3 == pytest.approx(240) else int(rate)
    picture = f"testsrc2=s=96x54:r={source}:d=2,settb=1/90000,setpts=PTS*{factor:.6f}"
    run(
        FFMPEG,
        ["-f", "lavfi", "-i", picture, "-fps_mode", "vfr", "-video_track_timescale", "90000", *X264, str(film)],
    )

    clip, _ = await make_one_clip(ffmpeg, film, aspect_ratio="16:9")

    assert (await probe(ffmpeg, clip.path)).video.frame_rate == int(rate)
    pictures = frames(FFMPEG, clip.path, (48, 26))
    same = sum(one.difference(other) < 0.02 for one, other in pairwise(pictures))
    assert same <= 1


def comb(picture_row: list[list[int]]) -> float:
    """Return how much more neighbouring lines differ than every other one: above 1.5 for fields that do not fit."""
    near = far = 0
    for y in range(1, len(picture_row) - 1):
        above, here, below = picture_row[y - 1], picture_row[y], picture_row[y + 1]
        near += sum(abs(a - b) for a, b in zip(above, here, strict=True))
        far += sum(abs(a - b) for a, b in zip(above, below, strict=True))
    return near / max(1, far)


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("h264.mp4", ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "tff=1")),
        ("untold.mkv", ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264-params", "tff=1", "-field_order", "progressive")),
        ("prores.mov", ("-c:v", "prores_ks", "-flags", "+ildct+ilme", "-profile:v", "0")),
        ("tape.avi", ("-c:v", "dvvideo", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p")),
        ("dvd.mpg", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2")),
    ],
)  # fmt: skip
async def test_fields_are_never_shown_side_by_side(
    ffmpeg: Ffmpeg, tmp_path: Path, name: str, encode: tuple[str, ...]
) -> None:
    film = tmp_path / name
    moving = "color=black:s=720x576:r=50:d=1.6,geq=lum='if(between(mod(X-12*N,240),0,60),235,16)':cb=128:cr=128,interlace=lowpass=0"
    run(FFMPEG, ["-f", "lavfi", "-i", moving, *encode, "-aspect", "4:3", str(film)])

    clip, _ = await make_one_clip(ffmpeg, film, aspect_ratio="16:9", layout="fit", resolution=1080)

    picture = frames(FFMPEG, clip.path, (clip.width_px, clip.height_px))[12]
    lines = [
        [picture.rgb[3 * (y * picture.width + x)] for x in range(picture.width // 4, 3 * picture.width // 4, 2)]
        for y in range(300, 500)
    ]
    assert comb(lines) < 1.2
