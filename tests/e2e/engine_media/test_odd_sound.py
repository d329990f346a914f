"""Sound as films have it: silent, broken, split and changing tracks. Levels in dB and tones in Hz are measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from made_films import FFMPEG
from made_films.oddities import run
from pictures import samples
from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.decode import decode_speech
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.sources import Source

pytestmark = pytest.mark.anyio

RATE_HZ = 8000
PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=8")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p")
Heard = tuple[list[int], str]
Listener = Callable[..., Coroutine[Any, Any, Heard]]


def tone(hertz: int, seconds: int = 8, rate: int = 48_000, layout: str = "mono") -> tuple[str, ...]:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    wave = f"0.2*sin(2*PI*{hertz}*t)"
    return "-f", "lavfi", "-i", f"aevalsrc={'|'.join([wave] * channels)}:c={layout}:s={rate}:d={seconds}"


def silence(layout: str = "stereo") -> tuple[str, ...]:
    return "-f", "lavfi", "-t", "8", "-i", f"anullsrc=r=48000:cl={layout}"


@pytest.fixture
def listen(ffmpeg: Ffmpeg, tmp_path: Path) -> Listener:
    """Return a function that cuts all of a film, and returns its sound at 8 kHz and the warnings in one text."""

    async def cut(film: Path, **generation: Any) -> Heard:
        lengths = {"num_generations": 1, "min_duration_seconds": 6, "max_duration_seconds": 8} | generation
        directory = tmp_path / "clips"
        directory.mkdir()
        outcome = await make_clips(
            [Source(film, film.as_uri())],
            prompt=None,
            generation=GenerationConfig(**lengths),
            rendering=RenderingConfig(aspect_ratio="16:9", resolution=240, subtitles=False),
            directory=directory,
            ffmpeg=ffmpeg,
            report=lambda _stage, _share: None,
        )
        (clip,) = outcome.clips
        video = directory / (clip.video_url or "")
        has_sound = (await probe(ffmpeg, video)).audio is not None
        return samples(FFMPEG, video, RATE_HZ) if has_sound else [], " ".join(outcome.warnings)

    return cut


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *arguments: str, picture: Sequence[str] = H264) -> Path:
        path = tmp_path / name
        run(FFMPEG, [*PICTURE, *arguments, *picture, str(path)])
        return path

    return write


def level_db(heard: list[int], start: float, end: float) -> float:
    stretch = heard[int(start * RATE_HZ) : int(end * RATE_HZ)]
    mean = sum(value * value for value in stretch) / max(1, len(stretch))
    return 10 * math.log10(mean / 32768**2) if mean else -120.0


def part_of(heard: list[int], hertz: float, start: float, end: float) -> float:
    """Return how much of the sound, 0 to 1, is a tone of this frequency."""
    stretch = heard[int(start * RATE_HZ) : int(end * RATE_HZ)]
    angle = 2 * math.pi * hertz / RATE_HZ
    real = sum(value * math.cos(angle * n) for n, value in enumerate(stretch))
    imaginary = sum(value * math.sin(angle * n) for n, value in enumerate(stretch))
    energy = sum(value * value for value in stretch)
    return 2 * (real**2 + imaginary**2) / (len(stretch) * energy) if energy else 0.0


async def test_the_track_that_can_be_heard_is_taken_when_the_first_is_silent(
    film: Callable[..., Path], listen: Listener
) -> None:
    source = film(
        "two.mp4", *silence(), *tone(440, layout="stereo"), "-map", "0", "-map", "1", "-map", "2", "-c:a", "aac"
    )
    heard, warnings = await listen(source)
    assert part_of(heard, 440, 1, 2) > 0.9
    assert "Nothing is heard on the main sound track of two, so track 2 was used." in warnings


@pytest.mark.parametrize("name", ["mono.mov", "mono.mxf"])
async def test_several_mono_tracks_are_heard_together(name: str, film: Callable[..., Path], listen: Listener) -> None:
    tracks = [*tone(300), *tone(1000), *silence("mono")]
    maps = ["-map", "0", "-map", "1", "-map", "2", "-map", "3"]
    encode = ["-c:a", "pcm_s16le"]
    if name.endswith("mxf"):
        encode += ["-r", "25"]
    heard, _ = await listen(film(name, *tracks, *maps, *encode))
    assert part_of(heard, 300, 1, 2) == pytest.approx(0.5, abs=0.1)
    assert part_of(heard, 1000, 1, 2) == pytest.approx(0.5, abs=0.1)


async def test_mono_tracks_in_two_languages_are_not_mixed(film: Callable[..., Path], listen: Listener) -> None:
    languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"]
    source = film("dub.mkv", *tone(300), *tone(1000), "-map", "0", "-map", "1", "-map", "2", *languages, "-c:a", "flac")
    heard, _ = await listen(source)
    assert part_of(heard, 300, 1, 2) > 0.9


def undecodable(path: Path) -> Path:
    """Make the first AAC track of an MP4 one of a codec that nothing decodes."""
    content = path.read_bytes()
    at = content.index(b"mp4a", content.index(b"moov"))
    path.write_bytes(content[:at] + content[at:].replace(b"mp4a", b"ac-4", 1).replace(b"esds", b"free", 1))
    return path


async def test_a_track_that_nothing_can_decode_leaves_the_other_to_be_heard(
    film: Callable[..., Path], listen: Listener
) -> None:
    source = film("phone.mp4", *tone(440), *tone(1000), "-map", "0", "-map", "1", "-map", "2", "-c:a", "aac")
    heard, warnings = await listen(undecodable(source))
    assert part_of(heard, 1000, 1, 2) > 0.9
    assert "Invalid" not in warnings


async def test_without_a_track_that_can_be_decoded_the_clip_is_silent_and_says_so(
    film: Callable[..., Path], listen: Listener
) -> None:
    source = film("phone.mp4", *tone(440), "-map", "0", "-map", "1", "-c:a", "aac")
    heard, warnings = await listen(undecodable(source))
    assert heard == []
    assert "could not be decoded, so its clips have no sound" in warnings


async def test_sound_that_is_damaged_throughout_does_not_end_the_job(
    film: Callable[..., Path], listen: Listener, tmp_path: Path
) -> None:
    source = film("whole.mp4", *tone(440), "-map", "0", "-map", "1", "-c:a", "aac")
    damaged = tmp_path / "damaged.mp4"
    run(FFMPEG, ["-i", str(source), "-c", "copy", "-bsf:a", "noise=amount=1", str(damaged)])
    heard, warnings = await listen(damaged)
    assert heard == []
    assert "could not be decoded" in warnings


async def test_ambisonic_sound_is_heard(film: Callable[..., Path], listen: Listener) -> None:
    sound = ("-f", "lavfi", "-i", "aevalsrc='0.2*sin(2*PI*440*t)|0|0|0':c=ambisonic 1:s=48000:d=8")
    source = film("vr.mkv", *sound, "-map", "0", "-map", "1", "-c:a", "libopus", "-mapping_family", "2")
    heard, _ = await listen(source)
    assert part_of(heard, 440, 1, 2) > 0.9


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("stereo", 48_000), ("5.1", 48_000)),
        (("5.1", 48_000), ("stereo", 48_000)),
        (("mono", 48_000), ("stereo", 48_000)),
        (("stereo", 48_000), ("stereo", 44_100)),
        (("mono", 44_100), ("5.1", 48_000)),
    ],
    ids=["to-5.1", "from-5.1", "from-mono", "to-44.1", "both"],
)
@pytest.mark.parametrize("codec", ["aac", "ac3"])
async def test_sound_that_changes_in_mid_film_keeps_level_pitch_and_sync(
    before: tuple[str, int], after: tuple[str, int], codec: str, *, tmp_path: Path, listen: Listener
) -> None:
    """Four seconds of one kind, four of another, as at a commercial. At 6.5 s the tone changes."""
    pieces: list[bytes] = []
    for number, (layout, rate) in enumerate((before, after)):
        channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
        wave = "0.2*sin(2*PI*1000*t)" if number == 0 else "0.2*sin(2*PI*if(lt(t,2.5),1000,500)*t)"
        sound = f"aevalsrc='{'|'.join([wave] * channels)}':c={layout}:s={rate}:d=4"
        picture = "testsrc2=s=64x36:r=10:d=4"
        path = tmp_path / f"{number}.ts"
        encode = [*H264, "-c:a", codec, "-b:a", "256k", "-output_ts_offset", str(4 * number), "-muxdelay", "0"]
        run(FFMPEG, ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *encode, str(path)])
        pieces.append(path.read_bytes())
    source = tmp_path / "splice.ts"
    source.write_bytes(b"".join(pieces))

    heard, warnings = await listen(source, min_duration_seconds=7)

    assert "sound" not in warnings
    assert part_of(heard, 1000, 1, 2) > 0.9
    assert part_of(heard, 1000, 4.5, 5.5) > 0.9
    assert part_of(heard, 1000, 6.2, 6.4) > 0.8
    assert part_of(heard, 500, 6.7, 6.9) > 0.8
    assert level_db(heard, 4.6, 5.6) == pytest.approx(level_db(heard, 1, 2), abs=3)


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("camera.m2ts", ("-c:a", "pcm_bluray")),
        ("disc.vob", ("-c:a", "pcm_dvd", "-f", "vob")),
        ("tape.mxf", ("-c:a", "pcm_s16le", "-r", "25")),
        ("phone.3gp", ("-c:a", "aac", "-ar", "16000")),
        ("old.avi", ("-c:a", "pcm_s16le")),
    ],
)
async def test_sound_of_cameras_and_discs_keeps_its_time(
    name: str, encode: tuple[str, ...], film: Callable[..., Path], listen: Listener
) -> None:
    """Each second has a tone of its own, 300 Hz in the first, 100 Hz more in each that follows."""
    steps = "0.2*sin(2*PI*(300+100*floor(t))*t)"
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{steps}|{steps}':s=48000:d=8")
    picture = ("-c:v", "mpeg2video", "-s", "352x240", "-r", "25") if name.endswith("vob") else H264
    heard, _ = await listen(film(name, *sound, "-map", "0", "-map", "1", *encode, picture=picture))
    tones = [
        max(range(300, 1200, 100), key=lambda hertz: part_of(heard, hertz, second + 0.4, second + 0.6))
        for second in range(int(len(heard) / RATE_HZ))
    ]
    assert len(tones) >= 6
    assert tones == list(range(tones[0], tones[0] + 100 * len(tones), 100))


async def test_a_clip_from_a_silent_stretch_says_so(film: Callable[..., Path], listen: Listener) -> None:
    sound = ("-f", "lavfi", "-i", "sine=f=440:d=8,volume='if(lt(t,2),1,0)':eval=frame")
    source = film("late.mp4", *sound, "-map", "0", "-map", "1", "-c:a", "aac")
    _, warnings = await listen(source, source_start_time=3, min_duration_seconds=4)
    assert "no sound" in warnings or "silent" in warnings


async def test_speech_is_recognised_in_one_whole_file_whatever_the_tracks_are(
    film: Callable[..., Path], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = film("mono.mov", *tone(300), *tone(1000), "-map", "0", "-map", "1", "-map", "2", "-c:a", "pcm_s16le")
    sound = tmp_path / "speech.wav"
    assert await decode_speech(ffmpeg, source, (1, 2), sound, start=Fraction(2), seconds=4)
    heard = samples(FFMPEG, sound, RATE_HZ)
    assert len(heard) / RATE_HZ == pytest.approx(4, abs=0.05)
    assert part_of(heard, 300, 1, 3) == pytest.approx(0.5, abs=0.1)
    assert part_of(heard, 1000, 1, 3) == pytest.approx(0.5, abs=0.1)
    assert not await decode_speech(ffmpeg, source, (0,), sound, start=Fraction(0), seconds=4)
