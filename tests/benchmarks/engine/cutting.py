"""How well and how fast cuts are found, beside PySceneDetect in the same run.

On films of scenes that stand, pan, zoom, shake, flash and lie in the dark, with known cuts, from seeds that the
constants were not fitted on. A cut counts as found within two frames. The time is that of the engine's whole look at the
picture, which gives motion, edges and brightness as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from scenedetect import AdaptiveDetector, ContentDetector, SceneManager, open_video

from made_films.scenes import RATE, Scene, cuts_of, random_scenes, write_film
from reka_clips.engine.media.analyse import Look, measure
from reka_clips.engine.media.ffmpeg import Ffmpeg
from reka_clips.engine.media.probe import probe

SEEDS = (7001, 7002, 7003, 7004, 7005, 7006)
SCENES = 40
TOLERANCE_FRAMES = 2
ROUNDS = 3


@dataclass
class Tally:
    """Cuts found, found in vain, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, found: Iterable[int], truth: Iterable[int]) -> None:
        left = list(truth)
        for frame in found:
            near = min(left, key=lambda cut: abs(cut - frame), default=None)
            if near is not None and abs(near - frame) <= TOLERANCE_FRAMES:
                left.remove(near)
                self.right += 1
            else:
                self.wrong += 1
        self.missed += len(left)

    @property
    def f1(self) -> float:
        return 2 * self.right / (2 * self.right + self.wrong + self.missed)


async def ours(ffmpeg: Ffmpeg, path: Path, scratch: Path) -> list[int]:
    """Return the frames at which the engine sees a new shot begin."""
    info = await probe(ffmpeg, path)
    look = Look(path, info, Fraction(0), info.duration, scratch)
    measured = await measure(ffmpeg, look, report=lambda _share: None, tier="full")
    return [round(cut * RATE) for cut in measured.cuts]


def theirs(path: Path, detector: Any) -> list[int]:
    """Return the frames at which PySceneDetect does."""
    video = open_video(str(path))
    manager = SceneManager()
    manager.add_detector(detector)
    manager.detect_scenes(video)
    return [start.frame_num for start, _ in manager.get_scene_list()[1:]]


async def lines(ffmpeg: Ffmpeg, folder: Path, large: Path) -> list[tuple[str, ...]]:
    """Return the rows of the table. large: the film to measure the speed on."""
    tallies = {"ours": Tally(), "content": Tally(), "adaptive": Tally()}
    for seed in SEEDS:
        scenes: Sequence[Scene] = random_scenes(seed, SCENES)
        path = write_film(ffmpeg.path, folder / f"cuts-{seed}.mp4", scenes)
        truth = cuts_of(scenes)
        tallies["ours"].add(await ours(ffmpeg, path, folder), truth)
        tallies["content"].add(theirs(path, ContentDetector()), truth)
        tallies["adaptive"].add(theirs(path, AdaptiveDetector()), truth)
    seconds: dict[str, list[float]] = {name: [] for name in tallies}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ours(ffmpeg, large, folder)
        seconds["ours"].append(time.perf_counter() - began)
        for name, detector in (("content", ContentDetector()), ("adaptive", AdaptiveDetector())):
            began = time.perf_counter()
            theirs(large, detector)
            seconds[name].append(time.perf_counter() - began)
    length = float((await probe(ffmpeg, large)).duration)
    speed = {name: length / median(times) for name, times in seconds.items()}
    ratios = {
        name: median(other / own for own, other in zip(seconds["ours"], seconds[name], strict=True))
        for name in ("content", "adaptive")
    }
    cuts = sum(len(cuts_of(random_scenes(seed, SCENES))) for seed in SEEDS)
    return [
        (
            f"F1 of {cuts} known cuts",
            f"{tallies['ours'].f1:.2f}",
            f"PySceneDetect {tallies['content'].f1:.2f} (content), {tallies['adaptive'].f1:.2f} (adaptive)",
            f"{tallies['ours'].f1 / max(tallies['content'].f1, tallies['adaptive'].f1):.2f} x the better",
            "≥ 1 x",
        ),
        (
            "Finding cuts in 720p",
            f"{speed['ours']:.0f} x realtime",
            f"PySceneDetect {speed['content']:.0f} x (content), {speed['adaptive']:.0f} x (adaptive)",
            f"{ratios['content']:.1f} x and {ratios['adaptive']:.1f} x as fast",
            "≥ 2 x",
        ),
    ]
