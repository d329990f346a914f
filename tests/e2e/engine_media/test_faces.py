"""Faces in pictures: found where they are, followed through a shot."""

from __future__ import annotations

import pytest

from made_films import PORTRAIT
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
