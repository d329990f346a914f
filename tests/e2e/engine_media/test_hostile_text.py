"""Text out of a film, however hostile, costs neither time nor memory and describes no stream that is not there."""

from __future__ import annotations

import os
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from clip_making import make_one_clip
from made_films import FFMPEG
from made_films.oddities import run
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, memory_limit

pytestmark = pytest.mark.anyio

FORGED = "  Stream #0:5: Video: h264, yuv420p, 16000x16000, 25 fps"
LINE_ENDS = ("\n", "\r", "\u2028", "\u2029", "\u0085", "\v", "\f")


def write_film(path: Path, metadata: str = "") -> Path:
    """Write three seconds with the tags and chapters of an ffmetadata file."""
    text = path.with_suffix(".ffmeta")
    text.write_text(";FFMETADATA1\n" + metadata, encoding="utf-8")
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=96x54:r=25:d=3", "-f", "ffmetadata", "-i", str(text))
    encode = ("-c:v", "libx264", "-preset", "ultrafast")
    run(FFMPEG, [*inputs, *encode, "-map", "0", "-map_metadata", "1", "-map_chapters", "1", str(path)])
    return path


async def test_a_chapters_tag_does_not_set_its_time_base(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = write_film(
        tmp_path / "bomb.mkv", "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\nTIMEBASE=1e999999999\ntitle=One\n"
    )
    begun = time.perf_counter()

    info = await probe(ffmpeg, film)

    assert time.perf_counter() - begun < 20
    assert [(chapter.start, chapter.end, chapter.title) for chapter in info.chapters] == [(0, Fraction(2), "One")]


@pytest.mark.parametrize("name", ["title", "language", "x\u2028y"])
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
async def test_a_tag_forges_no_stream(ffmpeg: Ffmpeg, tmp_path: Path, name: str, suffix: str) -> None:
    value = "".join(f"{end}{FORGED}{end}[info] {FORGED}" for end in LINE_ENDS).replace("\n", "\\\n").replace("#", "\\#")
    film = write_film(tmp_path / f"forged.{suffix}", f"{name}=x{value}\n[STREAM]\n{name}=y{value}\n")

    info = await probe(ffmpeg, film)

    assert [(stream.index, stream.width_px) for stream in info.videos] == [(0, 96)]


@pytest.mark.skipif(sys.platform == "win32", reason="no line ends in names")
async def test_a_name_forges_no_stream(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    plain = write_film(tmp_path / "plain.mkv")
    film = plain.rename(tmp_path / f"a\n[info]   Duration: 00:00:09.00, start: 0.0\n[info] {FORGED}\n.mkv")

    clip, _ = await make_one_clip(ffmpeg, film)

    info = await probe(ffmpeg, film)
    assert [(stream.index, stream.width_px) for stream in info.videos] == [(0, 96)]
    assert info.duration == pytest.approx(3, abs=0.1)
    assert 1 <= clip.duration_seconds <= 3.1


@pytest.mark.parametrize(
    "content", ["," * 58_000, " (a)" * 10_000, "(" * 58_000, "=" * 58_000], ids=lambda text: text[:4]
)
async def test_a_long_tag_takes_no_time(ffmpeg: Ffmpeg, tmp_path: Path, content: str) -> None:
    escaped = content.replace("=", "\\=")
    stream = f"\u2028  Stream #0:0: Video: h264, {escaped}, 320x180"
    film = write_film(tmp_path / "long.mkv", f"title={escaped}\n[STREAM]\ntitle={stream.replace('#', chr(92) + '#')}\n")
    begun = time.perf_counter()

    info = await probe(ffmpeg, film)

    assert time.perf_counter() - begun < 20
    assert info.video.width_px == 96


async def test_much_metadata_is_refused_and_not_kept(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """80 MB of tags, of which the engine keeps no more than it reads at a time."""
    heavy = write_film(tmp_path / "heavy.mkv", "".join(f"tag{number}={'x' * 1_000_000}\n" for number in range(80)))
    before = _peak_kilobytes()

    with pytest.raises(MediaError, match="more tags and chapters than any film needs"):
        await probe(ffmpeg, heavy)

    assert _peak_kilobytes() - before < 60_000


def test_ffmpeg_may_use_a_share_of_the_memory() -> None:
    if sys.platform == "win32":
        return
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory_limit() <= max(machine / 2, 1536 * 1024**2)


def _peak_kilobytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
