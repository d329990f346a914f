"""How well and how fast cuts are found, beside PySceneDetect in the same run.

On films of scenes that stand, pan, zoom, shake, flash and lie in the dark, with known cuts, from seeds that the
constants were not fitted on, encoded with x264's defaults. A cut counts as found within two frames. The engine looks at
every frame, or at those that others depend on; the time is that of its whole look, which gives motion, edges, brightness
and loudness as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from scenedetect import AdaptiveDetector, ContentDetector, SceneManager, open_video

from benchmarks.engine.speed import make_minute
from benchmarks.table import Row, ratio
from made_films.scenes import RATE, Scene, cuts_of, random_scenes, write_film
from reka_clips.engine.media.analyze import analyze
from reka_clips.engine.media.analyze.analyze import Span
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

SEEDS = (7001, 7002, 7003, 7004, 7005, 7006)
SCENES = 40
TOLERANCE_FRAMES = 2
ROUNDS = 3
ENCODING = ("-c:v", "libx264", "-preset", "medium", "-crf", "24")
TIERS: dict[str, Tier] = {"every frame": "full", "without B-frames": "references"}
DETECTORS: dict[str, Callable[[], Any]] = {"content": ContentDetector, "adaptive": AdaptiveDetector}


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


async def ours(ffmpeg: Ffmpeg, path: Path, scratch: Path, tier: Tier) -> list[int]:
    """Return the frames at which the engine sees a new shot begin."""
    info = await probe(ffmpeg, path)
    look = Span(path, info, Fraction(0), info.duration, scratch)
    measured = await analyze.measure(ffmpeg, look, report=lambda _share: None, tier=tier)
    return [round(cut * RATE) for cut in measured.cuts]


def theirs(path: Path, detector: Any) -> list[int]:
    """Return the frames at which PySceneDetect does."""
    video = open_video(str(path))
    manager = SceneManager()
    manager.add_detector(detector)
    manager.detect_scenes(video)
    return [start.frame_num for start, _ in manager.get_scene_list()[1:]]


async def measure(ffmpeg: Ffmpeg, folder: Path) -> list[Row]:
    """Return the rows of the table."""
    large = make_minute(ffmpeg, folder)
    tallies = {name: Tally() for name in (*TIERS, *DETECTORS)}
    cuts = 0
    for seed in SEEDS:
        scenes: Sequence[Scene] = random_scenes(seed, SCENES)
        path = write_film(ffmpeg.path, folder / f"cuts-{seed}.mp4", scenes, video=ENCODING)
        truth = cuts_of(scenes)
        cuts += len(truth)
        for name, tier in TIERS.items():
            tallies[name].add(await ours(ffmpeg, path, folder, tier), truth)
        for name, detector in DETECTORS.items():
            tallies[name].add(theirs(path, detector()), truth)
    seconds = await _seconds(ffmpeg, folder, large)
    length = float((await probe(ffmpeg, large)).duration)
    peers_f1 = ", ".join(f"{tallies[name].f1:.2f} ({name})" for name in DETECTORS)
    peers_speed = ", ".join(f"{length / median(seconds[name]):.0f} x ({name})" for name in DETECTORS)
    best = max(tallies[name].f1 for name in DETECTORS)
    rows: list[Row] = []
    for tier in TIERS:
        f1 = tallies[tier].f1
        slowest = min(ratio(seconds[name], seconds[tier]) for name in DETECTORS)
        rows += [
            Row(f"F1 of {cuts} known cuts, {tier}", f"{f1:.2f}", f"PySceneDetect {peers_f1}", f1 / best, at_least=1),
            Row(f"Finding cuts in 720p, {tier}", f"{length / median(seconds[tier]):.0f} x realtime",
                f"PySceneDetect {peers_speed}", slowest, at_least=2),
        ]  # fmt: skip
    return rows


async def _seconds(ffmpeg: Ffmpeg, folder: Path, large: Path) -> dict[str, list[float]]:
    """Return how long each takes, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in (*TIERS, *DETECTORS)}
    for _ in range(ROUNDS):
        for name, tier in TIERS.items():
            began = time.perf_counter()
            await ours(ffmpeg, large, folder, tier)
            seconds[name].append(time.perf_counter() - began)
        for name, detector in DETECTORS.items():
            began = time.perf_counter()
            theirs(large, detector())
            seconds[name].append(time.perf_counter() - began)
    return seconds
