"""Faces in pictures: found where they are, followed through a shot."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.engine_media.conftest import Cutter

from made_films import FFMPEG, PORTRAIT
from made_films.oddities import run
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.render.faces import (
    PICTURE_BYTES,
    Face,
    FaceDetector,
    is_available,
    square_filter,
    subjects,
)

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not is_available(), reason="the extra captions is not installed")]

# Measured by hand in tests/made_films/portrait.jpg, in shares of its side: middle, width.
FACE_MIDDLE, FACE_WIDTH = (0.485, 0.34), 0.27


async def faces_of(ffmpeg: Ffmpeg, source: list[str], graph: str, *, aspect: float) -> list[list[Face]]:
    output = bytearray()
    await ffmpeg.run(
        [*source, "-filter_complex", f"{graph},{square_filter()}[out]", *("-map", "[out]", "-f", "rawvideo", "pipe:1")],
        on_output=output.extend,
    )
    detector = FaceDetector()
    pictures = [bytes(output[at : at + PICTURE_BYTES]) for at in range(0, len(output), PICTURE_BYTES)]
    return [detector.find(picture, aspect=aspect) for picture in pictures]


@pytest.mark.parametrize("left", [0, 150, 400])
async def test_a_face_is_found_where_it_is(ffmpeg: Ffmpeg, left: int) -> None:
    graph = f"[0:v]pad=640:360:{left}:60:color=0x305070"
    (found,) = await faces_of(ffmpeg, ["-i", str(PORTRAIT)], graph, aspect=640 / 360)
    assert len(found) == 1
    assert found[0].middle_x * 640 == pytest.approx(left + FACE_MIDDLE[0] * 240, abs=14)
    assert (found[0].y + found[0].height / 2) * 360 == pytest.approx(60 + FACE_MIDDLE[1] * 240, abs=14)
    assert found[0].width * 640 == pytest.approx(FACE_WIDTH * 240, rel=0.3)
    assert found[0].y < found[0].eyes_y < found[0].mouth_y < found[0].y + found[0].height + 0.05


async def test_a_picture_without_a_face_has_none(ffmpeg: Ffmpeg) -> None:
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=1:d=3"]
    assert await faces_of(ffmpeg, source, "[0:v]null", aspect=640 / 360) == [[], [], []]


def face(x: float, width: float = 0.1, y: float = 0.2) -> Face:
    return Face(x, y, width, width * 1.6, y + 0.05, y + 0.12)


def test_the_subjects_of_a_shot_are_its_steady_faces_the_largest_first() -> None:
    pictures = [
        [face(0.1), face(0.6, 0.2)],
        [face(0.62, 0.2), face(0.11)],
        [face(0.61, 0.2), face(0.12), face(0.9, 0.3)],
        [face(0.12), face(0.6, 0.2)],
    ]
    assert [round(found.x, 3) for found in subjects(pictures)] == [0.605, 0.115]


def test_a_face_of_the_crowd_is_no_subject_beside_a_large_one() -> None:
    assert [found.x for found in subjects([[face(0.5, 0.3), face(0.1, 0.05)]] * 3)] == [0.5]


def test_a_shot_without_faces_has_no_subject() -> None:
    assert subjects([[], [], [], [face(0.3)]]) == []
    assert subjects([]) == []


def portraits(*places: tuple[int, int, int]) -> list[str]:
    """Return the arguments that draw a busy picture with portraits on it: (left, top, side) of each, in pixels."""
    inputs = [argument for _ in places for argument in ("-loop", "1", "-r", "10", "-t", "3", "-i", str(PORTRAIT))]
    graph, last = "", "0:v"
    for number, (left, top, side) in enumerate(places, 1):
        graph += (
            f"[{number}:v]scale={side}:{side}[p{number}];[{last}][p{number}]overlay={left}:{top}:shortest=1[o{number}];"
        )
        last = f"o{number}"
    film = "mandelbrot=s=640x360:r=10:end_scale=0.3"  # moves and has edges everywhere but in the middle
    return ["-f", "lavfi", "-t", "3", "-i", film, *inputs, "-filter_complex", graph.rstrip(";"), "-map", f"[{last}]"]


async def faces_in(ffmpeg: Ffmpeg, clip: Path, size: tuple[int, int]) -> list[Face]:
    found = await faces_of(ffmpeg, ["-i", str(clip)], "[0:v]trim=end_frame=1", aspect=size[0] / size[1])
    return found[0]


@pytest.mark.parametrize("left", [10, 380])
async def test_a_crop_shows_the_face_whole_wherever_it_is(
    ffmpeg: Ffmpeg, cut: Cutter, tmp_path: Path, left: int
) -> None:
    film = tmp_path / "film.mkv"
    run(FFMPEG, [*portraits((left, 60, 240)), "-c:v", "ffv1", str(film)])
    clip = await cut((film, 0, 3), rendering={"aspect_ratio": "9:16", "subtitles": False})
    (found,) = await faces_in(ffmpeg, clip.path, clip.info.video.upright_size_px)
    assert found.x > 0.02
    assert found.x + found.width < 0.98
    assert found.middle_x == pytest.approx(0.5, abs=0.12)


async def test_the_larger_of_two_faces_is_shown(ffmpeg: Ffmpeg, cut: Cutter, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    run(FFMPEG, [*portraits((10, 100, 160), (380, 60, 240)), "-c:v", "ffv1", str(film)])
    clip = await cut((film, 0, 3), rendering={"aspect_ratio": "9:16", "subtitles": False})
    (found,) = await faces_in(ffmpeg, clip.path, clip.info.video.upright_size_px)
    assert found.width > 0.25  # of 203 px: the larger face is 65 px wide, the smaller 43
    assert found.middle_x == pytest.approx(0.5, abs=0.12)


async def test_a_split_shows_one_of_two_people_in_each_panel(ffmpeg: Ffmpeg, cut: Cutter, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    run(FFMPEG, [*portraits((10, 80, 200), (420, 80, 200)), "-c:v", "ffv1", str(film)])
    clip = await cut((film, 0, 3), rendering={"aspect_ratio": "9:16-split", "subtitles": False})
    found = await faces_in(ffmpeg, clip.path, clip.info.video.upright_size_px)
    assert sorted(face.y + face.height / 2 > 0.5 for face in found) == [False, True]
