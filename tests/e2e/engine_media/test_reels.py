"""A compilation, from the film to the file: moments in order, within the lengths asked for, joined without a seam."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from made_films import FFMPEG
from made_films.oddities import run
from pictures import frame_times, frames, samples
from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.sources import Source

pytestmark = pytest.mark.anyio

SECONDS = 100
BURSTS = ((22, 28), (51, 57), (80, 86))
RATE_HZ = 48_000
LOWEST_HZ, RISE_HZ = 200, 5  # the film's tone rises by so much each second: it tells when a sound was recorded
SHORTEST, LONGEST = 20, 28


@dataclass(frozen=True)
class Reel:
    path: Path
    duration_seconds: float
    source_seconds: tuple[float, float]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw a film that grows lighter all the time, and whose tone rises; three times, much happens in its middle."""
    path = tmp_path_factory.mktemp("reels") / "film.mp4"
    lit = f"color=0x101010:s=192x108:r=24:d={SECONDS},format=yuv420p,lutyuv=y=128,eq=brightness='t/{SECONDS}*0.7-0.35'"
    busy = "+".join(f"between(t,{start},{end})" for start, end in BURSTS)
    picture = (
        f"{lit}:eval=frame[calm];testsrc2=s=96x64:r=24:d={SECONDS},hue='h=700*t'[dance];"
        f"[calm][dance]overlay=x='48+40*sin(9*t)':y='34+16*cos(7*t)':enable='{busy}',format=yuv420p[v]"
    )
    tone = f"aevalsrc='0.2*sin(2*PI*({LOWEST_HZ}*t+{RISE_HZ / 2}*t*t))':s={RATE_HZ}:d={SECONDS}[a]"
    encoding = ("-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-c:a", "aac", "-b:a", "128k")
    run(FFMPEG, ["-filter_complex", f"{picture};{tone}", "-map", "[v]", "-map", "[a]", *encoding, str(path)])
    return path


@pytest.fixture(scope="module")
def reels(ffmpeg: Ffmpeg, film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reel, ...]:
    folder = tmp_path_factory.mktemp("made")

    async def make() -> tuple[Reel, ...]:
        outcome = await make_clips(
            [Source(film, film.as_uri())],
            prompt=None,
            generation=GenerationConfig(
                template="compilation", num_generations=1, min_duration_seconds=SHORTEST, max_duration_seconds=LONGEST
            ),
            rendering=RenderingConfig(aspect_ratio="16:9", resolution=240),
            directory=folder,
            ffmpeg=ffmpeg,
            report=lambda _stage, _share: None,
        )
        return tuple(
            Reel(
                folder / str(clip.video_url),
                clip.duration_seconds or 0.0,
                (clip.source_start_time or 0.0, clip.source_end_time or 0.0),
            )
            for clip in outcome.clips
        )

    return anyio.run(make)


def heard_at(sound: list[int], time: float) -> float:
    """Return which second of the film is heard a quarter of a second after `time` of a reel."""
    stretch = sound[int(time * RATE_HZ) : int((time + 0.5) * RATE_HZ)]
    crossings = [at for at, (a, b) in enumerate(pairwise(stretch)) if a < 0 <= b]
    hertz = (len(crossings) - 1) * RATE_HZ / (crossings[-1] - crossings[0])
    return (hertz - LOWEST_HZ) / RISE_HZ


async def test_a_reel_tells_its_moments_in_the_order_of_the_film(reels: tuple[Reel, ...]) -> None:
    (reel,) = reels
    assert SHORTEST <= reel.duration_seconds <= LONGEST
    sound = samples(FFMPEG, reel.path, RATE_HZ)
    told = [heard_at(sound, second / 4) for second in range(1, int(reel.duration_seconds * 4) - 3)]
    assert all(later > earlier - 0.5 for earlier, later in pairwise(told))
    assert sum(1 for earlier, later in pairwise(told) if later - earlier > 2) >= 2, "moments lie apart"
    assert all(any(start < time < end for time in told) for start, end in BURSTS)
    assert (told[0], told[-1]) == pytest.approx(reel.source_seconds, abs=1.5)


async def test_what_is_seen_in_a_reel_is_what_is_heard(film: Path, reels: tuple[Reel, ...]) -> None:
    (reel,) = reels
    film_light = [picture.at(0.5, 0)[0] for picture in frames(FFMPEG, film, (16, 9), every=24)]
    sound = samples(FFMPEG, reel.path, RATE_HZ)
    seen = [picture.at(0.5, 0)[0] for picture in frames(FFMPEG, reel.path, (16, 9), every=6)]
    for second in range(1, int(reel.duration_seconds) - 1):
        heard = [heard_at(sound, second + off) for off in (-0.5, 0)]
        if abs(heard[1] - heard[0]) < 1:  # not at a join
            assert seen[4 * second] == pytest.approx(film_light[round(heard[1])], abs=5)


async def test_a_reels_joins_neither_click_nor_fall_silent_nor_jump_in_loudness(reels: tuple[Reel, ...]) -> None:
    (reel,) = reels
    sound = samples(FFMPEG, reel.path, RATE_HZ)
    inner = sound[RATE_HZ // 10 : -RATE_HZ // 10]
    loudest = max(map(abs, inner))
    steepest = loudest * 2 * 3.1416 * (LOWEST_HZ + RISE_HZ * SECONDS) / RATE_HZ
    assert max(abs(b - a) for a, b in pairwise(sound)) < 1.5 * steepest
    window = RATE_HZ // 50
    levels = [
        (sum(value * value for value in inner[at : at + window]) / window) ** 0.5
        for at in range(0, len(inner) - window, window)
    ]
    usual = sorted(levels)[len(levels) // 2]
    assert min(levels) > usual * 0.5
    assert max(levels) < usual * 1.5


async def test_a_reels_picture_lasts_as_long_as_its_sound(ffmpeg: Ffmpeg, reels: tuple[Reel, ...]) -> None:
    (reel,) = reels
    sound_seconds = len(samples(FFMPEG, reel.path)) / 8000
    times = frame_times(FFMPEG, reel.path)
    picture_seconds = times[-1] + times[1] - times[0]
    assert picture_seconds == pytest.approx(sound_seconds, abs=0.05)
    assert float((await probe(ffmpeg, reel.path)).duration) == pytest.approx(picture_seconds, abs=0.05)
    assert all(later - earlier == pytest.approx(1 / 24, abs=0.001) for earlier, later in pairwise(times))
