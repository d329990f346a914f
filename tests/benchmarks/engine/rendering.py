"""How fast a 9:16 clip is cut out of a 16:9 film, beside moviepy doing the same in the same run.

Both crop 30 s to 720x1280 with the same encoder settings. The engine does more meanwhile: it looks for the subject in
each shot, measures the loudness and brings it to -14 LUFS, takes a still.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import anyio
import anyio.to_thread

from benchmarks.table import Row, ratio
from reka_clips.contract import RenderingConfig
from reka_clips.engine.media.concurrency import default_parallelism, together
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, input_arguments, output_argument
from reka_clips.engine.media.plan import ClipPlan, Segment, Shot
from reka_clips.engine.media.render.render import CRF, PRESET, render_clip

SECONDS = 30
ROUNDS = 3
WIDTH_PX, HEIGHT_PX = 720, 1280
# A film of 720p that costs what real ones do: motion everywhere, detail, a cut every few seconds, speech-like sound.
PICTURE = (
    f"mandelbrot=s=640x360:r=30:start_scale=2.5:end_scale=0.05:end_pts=900,hue='h=40*floor(t/4)',"
    f"scale=1280:720,noise=alls=2:allf=t,trim=duration={SECONDS + 4}"
)
SOUND = f"anoisesrc=c=pink:r=48000:d={SECONDS + 4},volume='pow(abs(sin(12.6*t)),4)':eval=frame,aformat=channel_layouts=stereo"


async def make_film(ffmpeg: Ffmpeg, path: Path) -> None:
    """Write the film."""
    sources = ["-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND]
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    await ffmpeg.run([*sources, *encode, output_argument(path)])


async def render_ours(ffmpeg: Ffmpeg, film: Path, output: Path, start: int) -> None:
    """Render one clip with the engine."""
    times = [
        Fraction(start),
        *(Fraction(time) for time in range(start + 4, start + SECONDS, 4)),
        Fraction(start + SECONDS),
    ]
    shots = tuple(Shot(one, other) for one, other in pairwise(times))
    plan = ClipPlan((Segment(0, times[0], times[-1], shots),), (), "", "", (), 0)
    await render_clip(
        plan,
        [(film, await probe(ffmpeg, film))],
        RenderingConfig(resolution=720),
        measurements=[],
        ffmpeg=ffmpeg,
        output=output,
        poster=output.with_suffix(".jpg"),
        report=lambda _share: None,
    )


def render_moviepy(film: Path, output: Path, start: int) -> None:
    """Render the same with moviepy: the middle of the picture, cropped, scaled, encoded the same way."""
    from moviepy import VideoFileClip
    from moviepy.video.fx import Crop, Resize

    with VideoFileClip(str(film)) as source:
        width = HEIGHT_PX * WIDTH_PX // HEIGHT_PX * source.h // HEIGHT_PX
        clip = source.subclipped(start, start + SECONDS).with_effects(
            [
                Crop(x_center=source.w / 2, width=width, height=source.h, y_center=source.h / 2),
                Resize((WIDTH_PX, HEIGHT_PX)),
            ]
        )
        clip.write_videofile(
            str(output), preset=PRESET, audio_codec="aac", ffmpeg_params=["-crf", str(CRF)], logger=None
        )


async def check(ffmpeg: Ffmpeg, clip: Path) -> None:
    """Raise ValueError unless the clip is what was asked for."""
    info = await probe(ffmpeg, clip)
    if info.video.upright_size_px != (WIDTH_PX, HEIGHT_PX) or abs(info.duration - SECONDS) > 1 or info.audio is None:
        raise ValueError(
            f"{clip.name} is not what was asked for: {info.video.upright_size_px}, {float(info.duration)} s"
        )
    await ffmpeg.run([*input_arguments(clip), "-f", "null", "-"])


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long it takes, in seconds."""
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


async def measure(ffmpeg: Ffmpeg, folder: Path) -> list[Row]:
    """Return the rows of the table."""
    ours: list[float] = []
    pairs: list[float] = []
    theirs: list[float] = []
    film = folder / "film.mp4"
    await make_film(ffmpeg, film)
    for number in range(ROUNDS):
        one, two, other = (folder / f"{kind}-{number}.mp4" for kind in ("one", "two", "other"))
        render = partial(render_ours, ffmpeg, film)
        ours.append(await timed(partial(render, one, 2)))
        theirs.append(await timed(partial(anyio.to_thread.run_sync, render_moviepy, film, other, 2)))
        both = [partial(render, path, 2) for path in (one, two)]
        pairs.append(await timed(partial(together, both, limit=default_parallelism())))
        for clip in (one, two, other):
            await check(ffmpeg, clip)
    beside = f"moviepy, {median(theirs):.1f} s each"
    return [
        Row(f"{SECONDS} s of 720p to one 720x1280 clip", f"{median(ours):.1f} s", beside, ratio(theirs, ours),
            at_least=2),
        Row("the same, two clips at once", f"{median(pairs):.1f} s", beside, 2 * ratio(theirs, pairs), at_least=2),
    ]  # fmt: skip
