"""How long the engine takes for long films, beside ffmpeg decoding the same film, and how much memory its Python side.

The films are one minute of 720p, repeated without being encoded again.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import anyio

from benchmarks.machine import peak_bytes
from benchmarks.table import Row
from made_films.scenes import random_scenes, write_film
from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, find_ffmpeg
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import Source

SOUND = "anoisesrc=c=pink:r=48000,volume='pow(abs(sin(12.6*t)),4)':eval=frame,aformat=channel_layouts=stereo"


def make_minute(ffmpeg: Ffmpeg, folder: Path) -> Path:
    """Write a minute of 720p with cuts, motion, grain and sound, encoded as films on the net usually are."""
    small = write_film(ffmpeg.path, folder / "small.mp4", random_scenes(8001, 28))
    path = folder / "minute.mp4"
    arguments = ["-filter:v", "scale=1280:720:flags=bicubic,noise=alls=3:allf=t,fps=30", "-t", "60"]
    arguments += [
        "-c:v",
        "libx264",
        "-preset",
        "medium",
        "-crf",
        "24",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "128k",
    ]
    _run(ffmpeg, ["-stream_loop", "-1", "-i", str(small), "-f", "lavfi", "-i", SOUND, *arguments, str(path)])
    return path


def repeat(ffmpeg: Ffmpeg, path: Path, seconds: int) -> Path:
    """Write the film again and again, `seconds` long, without decoding it."""
    longer = path.with_name(f"{path.stem}-{seconds}.mp4")
    _run(ffmpeg, ["-stream_loop", "-1", "-i", str(path), "-c", "copy", "-t", str(seconds), str(longer)])
    return longer


def decode_seconds(ffmpeg: Ffmpeg, path: Path) -> float:
    """Return how long ffmpeg takes to decode a film's picture and do nothing with it."""
    began = time.perf_counter()
    _run(ffmpeg, ["-i", str(path), "-map", "0:v:0", "-f", "null", "-"])
    return time.perf_counter() - began


@dataclass(frozen=True)
class Cost:
    """What a job took. cpu_seconds: of Python and of all ffmpegs; peak_mb: of the Python process alone."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def cost_of(job: str, path: Path) -> Cost:
    """Run a job in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.engine.speed", job, str(path)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True, timeout=3000)
    return Cost(**json.loads(ended.stdout.splitlines()[-1]))


async def measure(ffmpeg: Ffmpeg, folder: Path) -> list[Row]:
    """Return the rows of the table."""
    minute = make_minute(ffmpeg, folder)
    small = write_film(ffmpeg.path, folder / "day.mp4", random_scenes(8002, 28), sound=SOUND)
    ten, hour, day = repeat(ffmpeg, minute, 600), repeat(ffmpeg, minute, 3600), repeat(ffmpeg, small, 12 * 3600 - 60)
    decoded = decode_seconds(ffmpeg, ten)
    clips, looked, long = cost_of("clips", ten), cost_of("look", hour), cost_of("look", day)
    peaks = f"{clips.peak_mb:.0f} MB (10 min), {looked.peak_mb:.0f} MB (1 h), {long.peak_mb:.0f} MB (12 h)"
    return [
        Row("10 min of 720p to three 30 s 9:16 720p clips", f"{clips.seconds:.0f} s ({clips.cpu_seconds:.0f} s of CPU)",
            f"ffmpeg decodes it in {decoded:.0f} s", clips.seconds, at_most=40, unit=" s"),
        Row("1 h of 720p searched, the best places closely", f"{looked.seconds:.0f} s ({looked.cpu_seconds:.0f} s of CPU)",
            f"ffmpeg would decode it in {6 * decoded:.0f} s", looked.seconds, at_most=60, unit=" s"),
        Row("Memory of the Python side, at most", peaks, "", max(clips.peak_mb, looked.peak_mb, long.peak_mb),
            at_most=120, unit=" MB"),
    ]  # fmt: skip


def _run(ffmpeg: Ffmpeg, arguments: list[str]) -> None:
    subprocess.run([ffmpeg.path, "-v", "error", "-y", "-nostdin", *arguments], check=True, timeout=1800)


async def _clips(path: Path, folder: Path) -> None:
    made = await make_clips(
        [Source(path, path.as_uri())],
        prompt=None,
        generation=GenerationConfig(num_generations=3, min_duration_seconds=28, max_duration_seconds=30),
        rendering=RenderingConfig(aspect_ratio="9:16", resolution=720),
        directory=folder,
        ffmpeg=find_ffmpeg(),
        report=lambda _stage, _share: None,
    )
    if [(clip.width, clip.height) for clip in made.clips] != [(720, 1280)] * 3:
        raise RuntimeError(f"other clips than asked for: {made}")


async def _look(path: Path, folder: Path) -> None:
    scout = MomentFinder(
        find_ffmpeg(), SelectionOptions(longest=60), None, folder, Progress(lambda _stage, _share: None)
    )
    await scout.choose(await scout.gather([Source(path, path.as_uri())]))


def main(job: str, path: str) -> None:
    """Do one job, in this process, and print what it cost."""
    import reka_clips.engine.http.app  # noqa: F401 - the engine's process holds all of it

    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        anyio.run({"clips": _clips, "look": _look}[job], Path(path), Path(name))
        seconds = time.perf_counter() - began
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_bytes() / 2**20}))


if __name__ == "__main__":
    main(*sys.argv[1:])
