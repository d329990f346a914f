"""What clips sound like: how loud they are, where they are silent, and that nothing clicks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.e2e.engine_media.conftest import Cutter, Filmer

from made_films import FFMPEG
from pictures import loudness, samples
from reka_clips.engine.media.render.audio import MAX_TRUE_PEAK_DB, TARGET_LUFS

pytestmark = pytest.mark.anyio

SMALL = {"aspect_ratio": "16:9", "resolution": 240}
PICTURE = "testsrc2=s=64x36:r=10:d=6"
NOISE = "anoisesrc=c=pink:r=48000:d=6:seed=7"
# Syllables four times a second, peaks far above the mean: what speech is like.
SPEECH = f"{NOISE},volume='pow(abs(sin(12.6*t)),6)':eval=frame"


@pytest.mark.parametrize(
    "sound",
    [
        f"{NOISE}:a=0.07",
        f"{NOISE}:a=0.9",
        f"{SPEECH},volume=0.2",
        f"{SPEECH},volume=6,alimiter=limit=1:level=0",
        "sine=f=1000:r=44100:d=6,volume=0.25",
        "aevalsrc='0.9*sin(2*PI*11025*t+PI/4)':s=44100:d=6",
        f"{NOISE}:a=0.4,aformat=channel_layouts=mono",
        f"{NOISE}:a=0.3,pan=5.1|FC=c0|FL=0.5*c0|FR=0.5*c0|LFE=c0|BL=0.3*c0|BR=0.3*c0",
        f"{NOISE}:a=0.3,aformat=sample_rates=8000:channel_layouts=mono",
    ],
    ids=["faint", "loud", "speech", "clipped", "tone", "peaks-between-samples", "mono", "5.1", "telephone"],
)
async def test_every_clip_is_as_loud_as_the_next(sound: str, film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(PICTURE, sound=sound), 0, 6), rendering=SMALL)

    lufs, peak_db = loudness(FFMPEG, clip.path)
    assert lufs == pytest.approx(TARGET_LUFS, abs=1)
    assert peak_db <= MAX_TRUE_PEAK_DB
    assert clip.info.audio is not None
    assert (clip.info.audio.channels, clip.info.audio.sample_rate_hz) == (2, 48_000)


async def test_what_is_hardly_heard_is_not_blown_up_to_a_roar(film: Filmer, cut: Cutter) -> None:
    """The hum of a room that is recorded as silence gains 24 dB at most."""
    clip = await cut((film(PICTURE, sound=f"{NOISE}:a=0.01"), 0, 6), rendering=SMALL)

    assert loudness(FFMPEG, clip.path)[0] == pytest.approx(-52 + 24, abs=1.5)


async def test_a_silent_film_makes_a_clip_without_a_sound_track(film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(PICTURE), 0, 2), rendering=SMALL)

    assert clip.info.audio is None
    assert clip.rendered.duration_seconds == pytest.approx(2, abs=0.05)


async def test_a_track_that_is_silent_stays_silent(film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(PICTURE, sound="anullsrc=r=48000,atrim=duration=6"), 0, 2), rendering=SMALL)

    assert clip.info.audio is not None
    assert max(map(abs, samples(FFMPEG, clip.path))) <= 2


async def test_a_clip_begins_and_ends_without_a_click(film: Filmer, cut: Cutter) -> None:
    clip = await cut((film(PICTURE, sound="sine=f=200:r=48000:d=6"), 1.003, 3.004), rendering=SMALL)

    heard = samples(FFMPEG, clip.path, 48_000)
    assert max(map(abs, heard[:48])) < 0.2 * max(map(abs, heard))
    assert max(map(abs, heard[len(heard) - 96 :])) < 0.2 * max(map(abs, heard))
    assert_no_click(heard, hertz=200)


def assert_no_click(heard: list[int], *, hertz: int) -> None:
    """No step between samples is larger than a tone of this frequency makes at its loudest (and AAC's noise)."""
    steepest = max(map(abs, heard)) * 2 * 3.1416 * hertz / 48_000
    assert max(abs(b - a) for a, b in pairwise(heard)) < 1.5 * steepest


async def test_moments_of_several_films_are_crossfaded(film: Filmer, cut: Cutter) -> None:
    """A reel of three moments: the sound neither clicks nor falls silent at the joins, and stays with the picture."""
    films = [
        film(PICTURE, sound=f"sine=f={hertz}:r=48000:d=6,volume={volume}", name=f"{hertz}.mkv")
        for hertz, volume in ((180, 1), (240, 4), (300, 2))
    ]

    clip = await cut(*[(path, 1.2, 3.2) for path in films], rendering=SMALL)

    assert clip.rendered.duration_seconds == pytest.approx(6, abs=0.06)
    assert clip.info.audio is not None
    heard = samples(FFMPEG, clip.path, 48_000)
    assert len(heard) / 48_000 == pytest.approx(6, abs=0.05)
    assert_no_click(heard, hertz=300)
    for join in (2, 4):
        around = heard[int((join - 0.1) * 48_000) : int((join + 0.1) * 48_000)]
        assert min(max(map(abs, around[at : at + 480])) for at in range(0, len(around) - 480, 480)) > 300
    tones = [crossings(heard, second - 0.5) for second in (1.5, 3.5, 5.5)]
    assert tones == [pytest.approx(hertz, rel=0.03) for hertz in (180, 240, 300)]


def crossings(heard: list[int], start: float) -> float:
    """Return the frequency of a tone, by how often it changes its sign within half a second."""
    stretch = heard[int(start * 48_000) : int((start + 0.5) * 48_000)]
    return sum(1 for a, b in pairwise(stretch) if (a < 0) != (b < 0))


async def test_a_reel_with_one_silent_film_keeps_time(film: Filmer, cut: Cutter) -> None:
    silent = film(PICTURE, name="silent.mkv")
    loud = film(PICTURE, sound="sine=f=300:r=44100:d=6", name="loud.mkv")

    clip = await cut((silent, 0, 2), (loud, 0, 2), rendering=SMALL)

    heard = samples(FFMPEG, clip.path)
    assert max(map(abs, heard[: int(1.9 * 8000)])) < 50
    assert min(max(map(abs, heard[at : at + 80])) for at in range(int(2.1 * 8000), int(3.9 * 8000), 80)) > 1000


async def test_sound_that_begins_late_or_ends_early_is_silence_there(film: Filmer, cut: Cutter) -> None:
    source = film(PICTURE, *("-c:v", "ffv1", "-c:a", "pcm_s16le"), sound="sine=f=300:r=48000:d=1.5")

    clip = await cut((source, 1, 3), rendering=SMALL)

    heard = samples(FFMPEG, clip.path)
    assert len(heard) / 8000 == pytest.approx(2, abs=0.05)
    assert max(map(abs, heard[int(0.1 * 8000) : int(0.4 * 8000)])) > 1000
    assert max(map(abs, heard[int(0.7 * 8000) :])) < 50
