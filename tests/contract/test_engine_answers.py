"""Whatever a film does to the process that works on it, the engine answers everybody else within a second."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from contract.test_engine_http import served
from made_films.plain import write_plain_film
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

WATCHED_SECONDS = 6.0
WORDS = " ".join("".join(letters) for letters in itertools.islice(itertools.product("abcdefgh", repeat=5), 400))


def chapter_that_counts_for_ever(film: Path) -> None:
    """Give a film a chapter whose tags overrule its time base with a number of a billion digits."""
    tags = film.with_suffix(".txt")
    tags.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5000\nTIMEBASE=1e999999999\n")
    changed = film.with_name("changed.mkv")
    inputs = ["-i", str(film), "-f", "ffmetadata", "-i", str(tags)]
    maps = ["-map", "0", "-map_metadata", "1", "-map_chapters", "1", "-c", "copy", str(changed)]
    subprocess.run([find_ffmpeg().path, "-v", "error", "-y", *inputs, *maps], check=True)
    changed.replace(film)


def cues_of_speakers_only(film: Path) -> None:
    """Put 3 MB of subtitles beside a film, of which each cue is hundreds of speakers' names."""
    cue = "AB:\n" * 480
    film.with_suffix(".srt").write_text(
        "".join(f"{n}\n00:00:0{n % 5},000 --> 00:00:0{n % 5 + 1},000\n{cue}\n" for n in range(1500))
    )


def cues_of_a_whole_day(film: Path) -> None:
    """Put 80,000 cues beside a film, over twelve hours."""
    lines: list[str] = []
    for n in range(80_000):
        hours, rest = divmod(n * 540, 3_600_000)
        minutes, milliseconds = divmod(rest, 60_000)
        start = f"{hours:02}:{minutes:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"
        lines.append(f"{n}\n{start} --> {start[:-3]}999\n{WORDS[n % 300 : n % 300 + 60]}\n")
    film.with_suffix(".srt").write_text("\n".join(lines))


@pytest.mark.parametrize("spoil", [chapter_that_counts_for_ever, cues_of_speakers_only, cues_of_a_whole_day])
async def test_everybody_is_answered_while_it_works_on_a_hostile_film(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    film = write_plain_film(tmp_path / "film.mkv", seconds=6)
    spoil(film)
    body: dict[str, Any] = {
        "video_urls": [film.as_uri()],
        "prompt": WORDS,
        "generation_config": {"num_generations": 1, "min_duration_seconds": 2, "max_duration_seconds": 4},
        "rendering_config": {"resolution": 480},
    }
    async with served(tmp_path / "data", trust_local_users=True) as http:
        created = (await http.post("/v1/clips", json=body)).json()
        worst_seconds, until = 0.0, time.monotonic() + WATCHED_SECONDS
        while time.monotonic() < until:
            for path in ("/healthz", "/v1/clips", f"/v1/clips/{created['id']}"):
                began = time.monotonic()
                assert (await http.get(path)).status_code == 200
                worst_seconds = max(worst_seconds, time.monotonic() - began)
            await anyio.sleep(0.05)
        with anyio.fail_after(5):
            assert (await http.delete(f"/v1/clips/{created['id']}")).status_code == 200
    assert worst_seconds < 1
