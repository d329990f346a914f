"""One picture of many moments: a numbered frame of each, for whoever chooses among them."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

SHEET_NAME: Final = "0.jpg"
MAX_BYTES: Final = 120_000
_CELL_PX: Final = (320, 180)
_COLUMNS: Final = 4
_QUALITIES: Final = (5, 10, 18, 31)  # of ffmpeg's MJPEG encoder: 2 is best, 31 smallest
_FONT: Final = "lato-latin-900-normal.ttf"

Frame = tuple["Path", "Fraction"]
"""A film, and the time of a frame in it, in seconds."""


async def make_contact_sheet(ffmpeg: Ffmpeg, frames: Sequence[Frame], directory: Path, scratch: Path) -> bool:
    """Write `0.jpg`, the sheet of 120 kB, and for each frame its own `1.jpg`, `2.jpg`, …; return whether it worked.

    scratch: a folder for the font. Raises DiskFullError.
    """
    with as_file(files("reka_clips.engine.media.captions").joinpath("font_files", _FONT)) as font:
        shutil.copy(font, scratch / "number.ttf")  # a relative name needs no escaping in a filter graph
    try:
        await ffmpeg.run([*_inputs(frames), *_singles(len(frames), directory)], timeout_seconds=300)
        for quality in _QUALITIES:
            await ffmpeg.run(
                _sheet(frames, directory / SHEET_NAME, quality, has_numbers="drawtext" in ffmpeg.features),
                timeout_seconds=300,
                directory=scratch,
            )
            if _size_bytes(directory / SHEET_NAME) <= MAX_BYTES:
                return True
    except DiskFullError:
        raise
    except MediaError:
        return False
    return False


def _inputs(frames: Sequence[Frame]) -> list[str]:
    return [
        argument
        for path, at in frames
        for argument in input_arguments(path, options=["-an", "-sn", "-dn", "-ss", f"{float(at):.3f}"])
    ]


def _singles(count: int, directory: Path) -> list[str]:
    width, height = _CELL_PX
    size = f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1"
    return [
        argument
        for number in range(count)
        for argument in (
            *("-map", f"{number}:v:0", "-vf", f"{size},format=yuvj420p", "-frames:v", "1", "-q:v", "5"),
            *("-map_metadata", "-1", "-f", "image2", "-update", "1", output_argument(directory / f"{number + 1}.jpg")),
        )
    ]


def _sheet(frames: Sequence[Frame], sheet: Path, quality: int, *, has_numbers: bool) -> list[str]:
    width, height = _CELL_PX
    fit = (
        f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,format=yuvj420p,setpts=0"
    )
    cells: list[str] = []
    for number in range(len(frames)):
        label = (
            f",drawtext=fontfile=number.ttf:text={number + 1}:fontsize=36:fontcolor=white:"
            "box=1:boxcolor=black@0.75:boxborderw=8:x=10:y=10"
        )
        cells.append(f"[{number}:v:0]{fit}{label if has_numbers else ''}[c{number}]")
    places = "|".join(f"{n % _COLUMNS * width}_{n // _COLUMNS * height}" for n in range(len(frames)))
    row = "".join(f"[c{number}]" for number in range(len(frames)))
    stack = f"{row}xstack=inputs={len(frames)}:layout={places}:fill=black[out]" if len(frames) > 1 else "[c0]null[out]"
    return [
        *_inputs(frames),
        *("-filter_complex", ";".join([*cells, stack]), "-map", "[out]", "-frames:v", "1", "-q:v", str(quality)),
        *("-map_metadata", "-1", "-f", "image2", "-update", "1", output_argument(sheet)),
    ]


def _size_bytes(path: Path) -> int:
    return path.stat().st_size
