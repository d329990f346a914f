"""Faces in pictures, found by BlazeFace (full range) on onnxruntime, which the extra `captions` brings.

The model takes one picture of 192x192 and gives, for each of 48x48 cells of four pixels, how sure it is that a face has
its middle there, the face's box, and six points of it. Source: V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural
Face Detection on Mobile GPUs", 2019; `tests/release/face_model.py` converts the published weights.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

MODEL: Final = Path(__file__).resolve().parent / "face_model" / "blazeface_full_range.onnx"
SIDE_PX: Final = 192
PICTURE_BYTES: Final = SIDE_PX * SIDE_PX * 3
_CELLS: Final = 48
_FACES_SHARE: Final = 0.9  # of a crop that several faces may take, so that none touches its edge
_EYES_ABOVE_MIDDLE: Final = 0.08  # of a crop's height


@dataclass(frozen=True, slots=True)
class FaceParameters:
    """How sure is sure enough. Shares are 0 to 1.

    min_score: how sure the model must be. max_overlap: two boxes that overlap by more (intersection over union) are one
    face. min_presence: a track is a subject if it is in this share of a shot's pictures. max_step: how far a face may
    move from one picture to the next, in its own widths, and still be the same. min_area_ratio: a second subject must
    have at least this share of the first one's area.
    """

    min_score: float = 0.55
    max_overlap: float = 0.3
    min_presence: float = 0.34
    max_step: float = 0.8
    min_area_ratio: float = 0.25


@dataclass(frozen=True, slots=True)
class Face:
    """A face: its box and the height of its eyes and mouth, all 0 to 1 of the picture from its top left."""

    x: float
    y: float
    width: float
    height: float
    eyes_y: float
    mouth_y: float
    score: float = 1.0

    @property
    def middle_x(self) -> float:
        return self.x + self.width / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Face) -> float:
        """Return the area that both cover as a share of the area that either covers."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)


def is_available() -> bool:
    """Whether faces can be found here; nothing is imported to find out."""
    return importlib.util.find_spec("onnxruntime") is not None


def square_filter() -> str:
    """Return the filters that turn a picture of any shape into what `FaceDetector.find` takes, as rgb24."""
    return (
        f"scale={SIDE_PX}:{SIDE_PX}:force_original_aspect_ratio=decrease:flags=area,"
        f"pad={SIDE_PX}:{SIDE_PX}:(ow-iw)/2:(oh-ih)/2,format=rgb24"
    )


class FaceDetector:
    """Finds faces. Loading takes some 50 ms, a picture about 20 ms of one core. Several threads may use one."""

    def __init__(self, parameters: FaceParameters | None = None) -> None:
        import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

        self._parameters = parameters or FaceParameters()
        onnx = cast("Any", onnxruntime)
        options = onnx.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3  # errors alone
        self._session: Any = onnx.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])

    def find(self, picture: bytes, *, aspect: float) -> list[Face]:
        """Return the faces of a picture, the surest first.

        picture: 192x192 pixels, three bytes each, made by `square_filter`. aspect: width through height of the picture
        that lies in the square. Faces are relative to that picture, without the square's borders.
        """
        import numpy as numpy_module  # noqa: ICN001 - untyped below

        np = cast("Any", numpy_module)
        pixels = np.frombuffer(picture, np.uint8).reshape(SIDE_PX, SIDE_PX, 3)
        image = (pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        boxes, logits = self._session.run(["boxes", "scores"], {"image": image})
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        sure = [int(cell) for cell in np.argsort(-scores) if scores[cell] >= self._parameters.min_score]
        faces: list[Face] = []
        for cell in sure:
            face = _face([float(value) for value in boxes[0, cell]], cell, float(scores[cell]), aspect)
            if all(face.overlap(known) <= self._parameters.max_overlap for known in faces):
                faces.append(face)
        return faces


@cache
def detector() -> FaceDetector:
    """Return the detector of this process."""
    return FaceDetector()


def _face(box: Sequence[float], cell: int, score: float, aspect: float) -> Face:
    """Return a face of the picture in the square. box: of the model, in pixels from the middle of the cell."""
    cell_x, cell_y = (cell % _CELLS + 0.5) / _CELLS, (cell // _CELLS + 0.5) / _CELLS
    share_x, share_y = min(1.0, aspect), min(1.0, 1 / aspect)  # of the square that the picture takes

    def across(pixels: float) -> float:
        return (cell_x + pixels / SIDE_PX - 0.5) / share_x + 0.5

    def down(pixels: float) -> float:
        return (cell_y + pixels / SIDE_PX - 0.5) / share_y + 0.5

    width, height = box[2] / SIDE_PX / share_x, box[3] / SIDE_PX / share_y
    return Face(
        x=across(box[0]) - width / 2,
        y=down(box[1]) - height / 2,
        width=width,
        height=height,
        eyes_y=(down(box[5]) + down(box[7])) / 2,
        mouth_y=down(box[11]),
        score=score,
    )


def subjects(pictures: Sequence[Sequence[Face]], parameters: FaceParameters | None = None) -> list[Face]:
    """Return the faces that a shot shows steadily, the largest first, each where it is in the middle of its places.

    pictures: the faces of each picture of the shot, in their order. Faces are followed from picture to picture by their
    place. Empty where no face is there long enough.
    """
    limits = parameters or FaceParameters()
    tracks: list[list[Face]] = []
    for faces in pictures:
        free = list(tracks)
        for face in faces:
            near = min(free, key=lambda track: _distance(track[-1], face), default=None)
            if near is not None and _distance(near[-1], face) <= limits.max_step:
                near.append(face)
                free.remove(near)
            else:
                tracks.append([face])
    steady = [_typical(track) for track in tracks if len(track) >= limits.min_presence * len(pictures)]
    steady.sort(key=lambda face: -face.area)
    return [face for face in steady if face.area >= limits.min_area_ratio * steady[0].area]


def _distance(one: Face, other: Face) -> float:
    """Return how far apart two faces are, in widths of the larger one."""
    size = max(one.width, other.width) or 1.0
    down = (one.y + one.height / 2) - (other.y + other.height / 2)
    return ((one.middle_x - other.middle_x) ** 2 + down**2) ** 0.5 / size


def _typical(track: Sequence[Face]) -> Face:
    return Face(*(median(getattr(face, name) for face in track) for name in Face.__slots__))


def framed_faces(faces: Sequence[Face], *, width: float, height: float) -> tuple[float, float]:
    """Return the middle of a crop that shows the first face, and of the others as many as fit into it beside it.

    faces: the most important first. width, height: of the crop. All are shares of the whole picture. The faces are in
    the middle of the crop from left to right, and their eyes a bit above the middle, where portraits have them.
    """
    left, right = faces[0].x, faces[0].x + faces[0].width
    top, bottom = faces[0].y, faces[0].y + faces[0].height
    for face in faces[1:]:
        wider = min(left, face.x), max(right, face.x + face.width)
        higher = min(top, face.y), max(bottom, face.y + face.height)
        if wider[1] - wider[0] <= width * _FACES_SHARE and higher[1] - higher[0] <= height * _FACES_SHARE:
            left, right, top, bottom = *wider, *higher
    return (left + right) / 2, (top + bottom) / 2 + _EYES_ABOVE_MIDDLE * height
