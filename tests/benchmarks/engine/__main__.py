"""All figures on how the engine finds moments, printed and written into the documentation: `make bench-engine`."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import anyio

from benchmarks.engine import cutting, finding, speed
from reka_clips.engine.media.ffmpeg import find_ffmpeg

HEAD = ("What", "The engine", "Beside, in the same run", "Compared", "Aim")
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "engine-measurements.md"
BEGIN, END = "<!-- engine:begin -->", "<!-- engine:end -->"


async def measure(folder: Path) -> list[tuple[str, ...]]:
    """Return the rows of the whole table."""
    ffmpeg = find_ffmpeg()
    told("drawing films with planted moments")
    films = finding.draw_all(ffmpeg, folder)
    told("searching them")
    rows = await finding.lines(ffmpeg, films, folder)
    told("cuts")
    minute = speed.make_minute(ffmpeg, folder)
    rows += await cutting.lines(ffmpeg, folder, minute)
    told("speed and memory")
    return rows + speed.lines(ffmpeg, minute, films[0].path)


def told(words: str) -> None:
    """Say what is done next."""
    print(f"{time.strftime('%H:%M:%S')} {words} …", flush=True)


def main() -> None:
    """Measure, print, and replace the table in the document."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        rows = anyio.run(measure, Path(name))
    lines = [HEAD, ("---",) * len(HEAD), *rows]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    version = ".".join(str(number) for number in find_ffmpeg().version)
    facts = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {load:.1f} at the start, {platform.system()}, "
        f"Python {platform.python_version()}, ffmpeg {version}."
    )
    text = f"{BEGIN}\n\n{table}\n\nMeasured on {facts}\n\n{END}"
    print(f"\n{table}\n\n{facts}")
    document = DOCUMENT.read_text("utf-8")
    before, _, rest = document.partition(BEGIN)
    DOCUMENT.write_text(before + text + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    sys.exit(main())
