"""How often the subject stays in the frame when 16:9 becomes 9:16 or 4:5, beside a crop of the middle.

On films drawn here, where it is known where somebody stands in each shot, and on the sample videos, if they are there,
with the subjects' places marked by eye.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import anyio

from benchmarks.table import Row
from made_films.scenes import WIDTH_PX
from made_films.subjects import BODY_WIDTH_PX, middles_of, random_shots, write_subjects
from reka_clips.engine.media.analyze import analyze
from reka_clips.engine.media.analyze.analyze import Span
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.geometry import Frame, frame_size
from reka_clips.engine.media.plan import Segment, Shot
from reka_clips.engine.media.render.filter_graph import Scene, fill_panel
from reka_clips.engine.media.render.thumbnails import take_preview

ASPECT_RATIOS = ("9:16", "4:5")
SEEDS = (11, 12, 13, 14)  # 1 to 6 were used to choose the constants
SHOTS = 24
MARK_WIDTH = 0.06  # of the picture: how much around a marked place must be seen

# Second, and the subject's place, 0 to 1 of the width, looked up in frames with a grid laid over them.
MARKS: dict[str, tuple[tuple[float, float], ...]] = {
    "bbb_480p_30s.mp4": (
        *((4.5, 0.66), (9.0, 0.66), (16.5, 0.50), (18.0, 0.45), (19.5, 0.46), (21.0, 0.49), (22.5, 0.52), (24.0, 0.52)),
        *((25.5, 0.51), (27.0, 0.51)),
    ),
    "tos_battle.webm": (
        *((0.0, 0.39), (2.0, 0.57), (4.0, 0.54), (6.0, 0.31), (8.0, 0.39), (12.0, 0.41), (14.0, 0.47), (16.0, 0.50)),
        *((18.0, 0.34), (20.0, 0.30), (22.0, 0.31), (24.0, 0.31), (26.0, 0.40), (28.0, 0.22), (34.0, 0.68)),
        *((36.0, 0.28), (46.0, 0.39), (50.0, 0.51), (52.0, 0.66), (56.0, 0.63), (58.0, 0.76), (60.0, 0.32)),
        *((64.0, 0.60), (66.0, 0.48)),
    ),
    "nasa_13013.mp4": ((0.0, 0.59), (2.0, 0.58), (4.0, 0.58), (6.0, 0.44), (8.0, 0.66), (10.0, 0.65), (12.0, 0.66)),
}


@dataclass(frozen=True)
class Kept:
    """How many of the subjects stay in the frame: with the engine's crop, and with a crop of the middle."""

    subjects: int = 0
    engine: int = 0
    middle: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.subjects + other.subjects, self.engine + other.engine, self.middle + other.middle)


async def judge(
    ffmpeg: Ffmpeg, film: Path, marks: Sequence[tuple[float, float]], width: float, aspect_ratio: str
) -> Kept:
    """Return how many of the marked subjects, `width` of the picture wide, are seen whole."""
    info = await probe(ffmpeg, film)
    with tempfile.TemporaryDirectory() as scratch:
        look = Span(film, info, Fraction(0), info.duration, Path(scratch))
        measured = await analyze.measure(ffmpeg, look, report=lambda _share: None, tier="full")
        times = [Fraction(0), *measured.cuts, measured.end]
        shots = tuple(Shot(one, other) for one, other in pairwise(times))
        segment = Segment(0, times[0], times[-1], shots)
        glimpse = await take_preview(ffmpeg, film, info, segment, with_thumbnails=True, scratch=Path(scratch))
    frame = Frame(*frame_size(aspect_ratio, 720), Fraction(25))
    crops = fill_panel(Scene(segment, info.video, glimpse, measured), frame).crops
    full = info.video.upright_size_px[0]
    kept = Kept()
    for second, middle in marks:
        area = [area for begin, area in crops if begin <= second + 0.02][-1]
        share = area.width / full
        left = area.x / full
        kept += Kept(1, _holds(left, share, middle, width), _holds((1 - share) / 2, share, middle, width))
    return kept


def _holds(left: float, share: float, middle: float, width: float) -> bool:
    return left <= middle - width / 2 and middle + width / 2 <= left + share


async def judge_made_films(ffmpeg: Ffmpeg, aspect_ratio: str, seeds: Sequence[int] = SEEDS, shots: int = SHOTS) -> Kept:
    """Return the share for films drawn from seeds."""
    kept = Kept()
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            scenes = random_shots(seed, shots)
            film = write_subjects(ffmpeg.path, Path(name) / f"{seed}.mp4", scenes)
            kept += await judge(ffmpeg, film, middles_of(scenes), BODY_WIDTH_PX / WIDTH_PX, aspect_ratio)
    return kept


async def judge_samples(ffmpeg: Ffmpeg, aspect_ratio: str, samples: Path) -> Kept:
    """Return the share for the samples that are in the folder."""
    kept = Kept()
    for name, marks in MARKS.items():
        if await anyio.Path(samples / name).is_file():
            kept += await judge(ffmpeg, samples / name, marks, MARK_WIDTH, aspect_ratio)
    return kept


async def measure(ffmpeg: Ffmpeg, folder: Path, *, samples: Path | None = None) -> list[Row]:  # noqa: ARG001 - as the other parts
    """Return the rows of the table. samples: the folder of the sample videos, if they are to be judged as well."""
    rows: list[Row] = []
    for aspect_ratio in ASPECT_RATIOS:
        judged = {"of drawn films": await judge_made_films(ffmpeg, aspect_ratio)}
        if samples is not None:
            judged["of the samples"] = await judge_samples(ffmpeg, aspect_ratio, samples)
        for what, kept in judged.items():
            engine, middle = (count / kept.subjects for count in (kept.engine, kept.middle))
            told = f"{engine:.0%} of {kept.subjects}"
            beside = f"a crop of the middle, {middle:.0%}"
            rows.append(Row(f"Subjects {what} whole in {aspect_ratio}", told, beside, engine / middle, at_least=1))
    return rows
