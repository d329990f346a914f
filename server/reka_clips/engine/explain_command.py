"""`reka-clips-mcp engine explain FILE`: which moments the engine would choose, and why. Renders nothing."""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from reka_clips.errors import RekaClipsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from reka_clips.engine.media.select.candidates import Candidate
    from reka_clips.engine.media.select.planning import SelectionOptions
    from reka_clips.engine.media.sources import AnalyzedSource, Source
    from reka_clips.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Explain the choice for a file: two CSV files and a table. Return the exit code: 0 fine, 1 it failed."""
    from reka_clips.engine.media.select import explanation
    from reka_clips.engine.media.select.planning import SelectionOptions
    from reka_clips.engine.media.sources import Source
    from reka_clips.engine.media.text.tracks import find_sidecars

    video: Path = arguments.file
    folder: Path = arguments.out
    wish = SelectionOptions(
        template="compilation" if arguments.reel else "moments",
        count=arguments.clips,
        shortest=arguments.min_seconds,
        longest=arguments.max_seconds,
        prompt=arguments.prompt or "",
    )
    try:
        if not video.is_file():
            print(f"reka-clips-mcp: there is no file {video}", file=sys.stderr)
            return 1
        source = Source(video.absolute(), video.absolute().as_uri(), tuple(find_sidecars(video)))
        clips, footage, warnings = anyio.run(_choose, source, wish, settings)
        folder.mkdir(parents=True, exist_ok=True)
        measured, chosen = folder / f"{video.stem}.measured.csv", folder / f"{video.stem}.chosen.csv"
        _write(measured, explanation.MEASURED_COLUMNS, explanation.measured_rows(footage[0], wish, clips))
        _write(chosen, explanation.CHOSEN_COLUMNS, explanation.chosen_rows(footage, wish, clips))
    except (RekaClipsError, OSError) as error:
        print(f"reka-clips-mcp: {error}", file=sys.stderr)
        return 1
    print(explanation.table(footage, wish, clips))
    for warning in warnings:
        print(f"\nNote: {warning}")
    print(f"\nEvery half second: {measured}\nThe chosen moments: {chosen}")
    return 0


async def _choose(
    source: Source, wish: SelectionOptions, settings: Settings
) -> tuple[list[list[Candidate]], list[AnalyzedSource], list[str]]:
    """Return the clips as windows, what was measured, and warnings."""
    from reka_clips.engine.media.ffmpeg.process import find_ffmpeg
    from reka_clips.engine.media.find_moments import MomentFinder
    from reka_clips.engine.media.progress import Progress

    ffmpeg = find_ffmpeg(settings.ffmpeg)
    with tempfile.TemporaryDirectory(prefix="reka-clips-explain-") as scratch:
        finder = MomentFinder(ffmpeg, wish, None, Path(scratch), Progress(lambda _stage, _share: None))
        clips, footage = await finder.choose(await finder.gather([source]))
    return clips, footage, finder.warnings


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
