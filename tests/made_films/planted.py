"""Films of a calm talk with a few moments planted in it, drawn by ffmpeg from a seed: what ought to be found is known.

Two kinds. In an *action* film something happens: the picture moves or is cut fast, and where there is sound it bursts
out. In a *topic* film nothing shows: what is asked for is only told, in subtitles. Both hold decoys: cuts between
cameras, a stretch that is loud but calm, a black one.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from made_films.scenes import RESTLESS, Scene, write_film

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALM = ("still", "grain", "slow")
LIVELY = tuple(kind for kind in RESTLESS if kind != "object")
PROMPT = "everything about the volcano and its lava"

_CODECS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "h264": (".mp4", ("-c:v", "libx264", "-preset", "veryfast", "-crf", "25"), ("-c:a", "aac", "-b:a", "64k")),
    "hevc": (
        ".mp4",
        ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "28", "-x265-params", "log-level=error:pools=1"),
        ("-c:a", "aac", "-b:a", "64k"),
    ),
    "vp9": (
        ".webm",
        ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k"),
        ("-c:a", "libopus", "-b:a", "48k"),
    ),
    "vp8": (".webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "400k"), ("-c:a", "libvorbis")),
    "mpeg4": (".mkv", ("-c:v", "mpeg4", "-q:v", "5"), ("-c:a", "libmp3lame", "-b:a", "64k")),
}
_TOPICS = (
    ("harbour", "The harbour fills with small boats.", "Each boat brings its nets back to the harbour."),
    ("bread", "The baker kneads the dough for his bread.", "Bread needs flour, water and a warm oven."),
    ("library", "Our library keeps old maps and letters.", "The maps were drawn by sailors long ago."),
    ("bees", "A beekeeper walks between her hives.", "The honey of spring is lighter than that of autumn."),
    ("clock", "The tower's clock was built by two brothers.", "They wind its heavy weights once a week."),
    ("school", "Children learn to read in the little school.", "Their teacher came here thirty years ago."),
)
_WANTED = ("At night the volcano woke and shook the island.", "Red lava ran down the volcano into the sea.")


@dataclass(frozen=True)
class Recipe:
    """What makes a film. minutes: its length; moments: how many are planted."""

    seed: int
    minutes: float
    kind: Literal["action", "topic"] = "action"
    codec: str = "h264"
    has_sound: bool = True
    rate: int = 24
    moments: int = 3

    @property
    def prompt(self) -> str | None:
        """What to ask for."""
        return PROMPT if self.kind == "topic" else None

    def __str__(self) -> str:
        sound = "sound" if self.has_sound else "silent"
        return f"{self.kind}, {self.codec}, {self.minutes:g} min, {self.rate} fps, {sound}, seed {self.seed}"


@dataclass(frozen=True)
class Planted:
    """A film that was drawn, and the stretches of it that ought to be found, in seconds."""

    recipe: Recipe
    path: Path
    moments: tuple[tuple[float, float], ...]
    seconds: float

    def found_by(self, clips: Sequence[tuple[float, float]]) -> int:
        """Return how many of the moments are at least half in one of the clips."""
        return sum(any(_shared(moment, clip) * 2 >= moment[1] - moment[0] for clip in clips) for moment in self.moments)


def draw(ffmpeg: str, folder: Path, recipe: Recipe) -> Planted:
    """Write the film, and a topic film's subtitles beside it."""
    chance = random.Random(recipe.seed)  # noqa: S311 - repeatable, not secret
    places = _places(chance, recipe)
    scenes = _scenes(chance, recipe, places if recipe.kind == "action" else [])
    suffix, video, audio = _CODECS[recipe.codec]
    path = folder / f"{recipe.kind}-{recipe.seed}{suffix}"
    sound = _sound(chance, recipe, places if recipe.kind == "action" else []) if recipe.has_sound else None
    keyframes = ("-g", str(recipe.rate * chance.choice((2, 5, 10))))
    write_film(ffmpeg, path, scenes, sound=sound, video=(*video, *keyframes), audio=audio)
    if recipe.kind == "topic":
        path.with_suffix(".srt").write_text(_subtitles(chance, recipe, places), encoding="utf-8")
    seconds = float(sum((Fraction(scene.frames, scene.rate) for scene in scenes), start=Fraction(0)))
    return Planted(recipe, path, tuple((float(start), float(end)) for start, end in places), seconds)


def by_chance(planted: Planted, lengths: Sequence[float], *, tries: int = 400) -> float:
    """Return how many moments clips of these lengths find on average when they are put anywhere, without overlap."""
    chance = random.Random(planted.recipe.seed)  # noqa: S311 - repeatable, not secret
    total = 0
    for _ in range(tries):
        free = planted.seconds - sum(lengths)
        gaps = sorted(chance.uniform(0, free) for _ in lengths)
        shuffled = chance.sample(list(lengths), len(lengths))
        starts = [gap + sum(shuffled[:index]) for index, gap in enumerate(gaps)]
        total += planted.found_by([(start, start + length) for start, length in zip(starts, shuffled, strict=True)])
    return total / tries


def evenly(planted: Planted, lengths: Sequence[float]) -> int:
    """Return how many moments clips of these lengths find when their middles are spread evenly over the film."""
    middles = [planted.seconds * (2 * index + 1) / (2 * len(lengths)) for index in range(len(lengths))]
    return planted.found_by(
        [(middle - length / 2, middle + length / 2) for middle, length in zip(middles, lengths, strict=True)]
    )


def _shared(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _places(chance: random.Random, recipe: Recipe) -> list[tuple[int, int]]:
    """Return where the moments are, in whole seconds, ascending: anywhere but in the first and last twentieth."""
    seconds = round(recipe.minutes * 60)
    while True:
        lengths = [chance.randint(6, 10) for _ in range(recipe.moments)]
        starts = sorted(chance.randint(seconds // 20, seconds * 19 // 20 - 10) for _ in lengths)
        places = [(start, start + length) for start, length in zip(starts, lengths, strict=True)]
        if all(later[0] - earlier[1] >= 15 for earlier, later in itertools.pairwise(places)):
            return places


def _scenes(chance: random.Random, recipe: Recipe, places: Sequence[tuple[int, int]]) -> list[Scene]:
    """Return the camera shots: two or three calm cameras that take turns, and what happens in between."""
    scenes: list[Scene] = []
    cameras = [recipe.seed * 100_000 + number for number in range(chance.randint(2, 3))]
    kinds = [chance.choice(CALM) for _ in cameras]
    look = recipe.seed * 100_000 + 100

    def calm(seconds: float) -> None:
        left = round(seconds * recipe.rate)
        while left > 0:
            frames = min(left, round(chance.uniform(5, 25) * recipe.rate))
            frames = left if left - frames < 2 * recipe.rate else frames
            camera = chance.randrange(len(cameras))
            scenes.append(Scene(kinds[camera], frames, cameras[camera], recipe.rate))
            left -= frames

    at = 0
    for start, end in places:
        calm(start - at)
        shots = chance.choice((1, 1, 2, 5))
        edges = [(end - start) * recipe.rate * number // shots for number in range(shots + 1)]
        for first, stop in itertools.pairwise(edges):
            look += 1
            scenes.append(Scene(chance.choice(LIVELY), stop - first, look, recipe.rate))
        at = end
    calm(recipe.minutes * 60 - at)
    return scenes


def _sound(chance: random.Random, recipe: Recipe, places: Sequence[tuple[int, int]]) -> str:
    """Return the filter chain of the sound: a murmur in phrases; applause at the moments; once it is loud for nothing."""
    seconds = round(recipe.minutes * 60)
    phrase = chance.uniform(2.5, 6)
    inside = "+".join(f"between(t\\,{start}\\,{end})" for start, end in places) or "0"
    while True:
        loud = chance.randint(10, seconds - 20)
        if all(loud + 12 < start or loud > end + 3 for start, end in places):
            break
    voice = f"(0.05+0.05*between(t\\,{loud}\\,{loud + 8}))*gt(sin(2*PI*t/{phrase:.2f})\\,-0.7)*(0.4+0.6*abs(sin(2*PI*2.1*t)))"
    tone = f"(sin(2*PI*{chance.randint(110, 220)}*t)+0.5*sin(2*PI*{chance.randint(300, 500)}*t))"
    crowd = f"({inside})*0.5*(random(0)-0.5)*(0.4+0.6*exp(-6*mod(t\\,{chance.uniform(0.3, 0.8):.2f})))"
    return f"aevalsrc='{voice}*{tone}+{crowd}+0.002*random(1)':s=16000:d={seconds}"


def _subtitles(chance: random.Random, recipe: Recipe, places: Sequence[tuple[int, int]]) -> str:
    """Return SubRip text: the topics in turn, and at the planted places what the prompt asks for."""
    blocks: list[str] = []

    def say(start: float, end: float, text: str) -> None:
        blocks.append(f"{len(blocks) + 1}\n{_time(start)} --> {_time(end)}\n{text}\n")

    def chat(start: float, end: float) -> None:
        at = start
        while end - at > 5:
            _, *lines = chance.choice(_TOPICS)
            for line in lines:
                length = chance.uniform(2.2, 4.0)
                if at + length > end - 0.3:
                    return
                say(at, at + length, line)
                at += length + chance.uniform(0.1, 1.2)

    at = 0.0
    for start, end in places:
        chat(at + 0.5, start - 0.5)
        middle = (start + end) / 2
        say(start, middle - 0.1, _WANTED[0])
        say(middle, end, _WANTED[1])
        at = end
    chat(at + 0.5, recipe.minutes * 60 - 1)
    return "\n".join(blocks)


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return (
        f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds // 1000 % 60:02},"
        f"{milliseconds % 1000:03}"
    )
