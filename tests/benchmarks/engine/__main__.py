"""Measure the engine beside its peers and write the table into docs/benchmarks.md. Run by `make bench-engine`.

Arguments: the parts to measure (finding, cutting, speed, rendering, reframing); none: all. Only a whole run is written
down. `--samples FOLDER`: the sample videos, for what can be judged on them alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio

from benchmarks.engine import cutting, finding, reframing, rendering, speed
from benchmarks.machine import facts
from benchmarks.table import Row, markdown, write_section
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "benchmarks.md"
PACKAGES = ("scenedetect", "moviepy", "opencv-python-headless")


def main() -> None:
    """Measure, print, and replace the table in the document."""
    ffmpeg = find_ffmpeg()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--samples", type=Path, help="folder of the sample videos")
    asked = parser.parse_args()
    measures: dict[str, Callable[[Path], Awaitable[list[Row]]]] = {
        "finding": partial(finding.measure, ffmpeg),
        "cutting": partial(cutting.measure, ffmpeg),
        "speed": partial(speed.measure, ffmpeg),
        "rendering": partial(rendering.measure, ffmpeg),
        "reframing": partial(reframing.measure, ffmpeg, samples=asked.samples),
    }
    unknown = ", ".join(set(asked.parts) - set(measures))
    if unknown:
        parser.error(f"there is no part {unknown}; there are {', '.join(measures)}")
    machine = f"{facts(PACKAGES)}; ffmpeg {'.'.join(map(str, ffmpeg.version))}"
    print(machine, flush=True)
    rows: list[Row] = []
    for part in asked.parts or measures:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = anyio.run(measures[part], Path(folder))
        rows += found
        print(f"\n{part}, {time.monotonic() - begun:.0f} s\n\n{markdown(found)}", flush=True)
    if not asked.parts:
        write_section(DOCUMENT, "engine", f"{markdown(rows)}\n\n{machine}")


if __name__ == "__main__":
    main()
