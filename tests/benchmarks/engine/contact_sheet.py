"""Pictures of what the engine makes of a video: frames of each clip, under what the source showed at that moment.

python tests/benchmarks/engine/contact_sheet.py talk.mp4 sheet.jpg --layout ai --aspect-ratio 9:16
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import anyio

from reka_clips.contract import ClipOutput, GenerationConfig, RenderingConfig
from reka_clips.contract.options import AspectRatio, FontFamily, Layout
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, find_ffmpeg, input_arguments, output_argument
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.sources import Source
from reka_clips.engine.media.text.tracks import find_sidecars

MAX_BYTES = 280_000
TILE_PX = 180
GAP_PX = 6
BACKGROUND = "0x14141a"


async def make_sheet(source: Source, sheet: Path, options: argparse.Namespace) -> None:
    """Cut clips of the source and write the sheet, a JPEG of less than 280 KB."""
    ffmpeg = find_ffmpeg()
    generation = GenerationConfig(
        num_generations=options.clips,
        min_duration_seconds=min(10, options.seconds),
        max_duration_seconds=options.seconds,
    )
    rendering = RenderingConfig.model_validate(
        {
            "resolution": 480,
            "aspect_ratio": options.aspect_ratio,
            "layout": options.layout,
            "caption_style": {"font_family": options.font},
        }
    )
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        outcome = await make_clips(
            [source],
            prompt=options.prompt,
            generation=generation,
            rendering=rendering,
            directory=directory,
            ffmpeg=ffmpeg,
            report=lambda _stage, _share: None,
        )
        for warning in outcome.warnings:
            print(warning)
        rows: list[Path] = []
        for number, clip in enumerate(outcome.clips, 1):
            print(f"clip {number}: {clip.source_start_time:.1f}-{clip.source_end_time:.1f} s, score {clip.ai_score}")
            rows.append(await _row(ffmpeg, source.path, clip, directory / f"row-{number}.png", options.columns))
        await _stack(ffmpeg, rows, sheet)


async def _row(ffmpeg: Ffmpeg, video: Path, clip: ClipOutput, row: Path, columns: int) -> Path:
    """Write one row: moments spread over a clip, each with the source's picture above it."""
    seconds, start = clip.duration_seconds or 0.0, clip.source_start_time or 0.0
    times = [seconds * (2 * column + 1) / (2 * columns) for column in range(columns)]
    arguments: list[str] = []
    for time in times:
        arguments += input_arguments(video, options=["-ss", f"{start + time:.3f}"])
        arguments += input_arguments(row.with_name(str(clip.video_url)), options=["-ss", f"{time:.3f}"])
    graph = [f"[{i}:v]scale={TILE_PX}:-2,setsar=1,trim=end_frame=1,setpts=0[t{i}]" for i in range(2 * columns)]
    for column in range(columns):
        above, below = f"[t{2 * column}]", f"[t{2 * column + 1}]"
        border = f"pad=iw+{GAP_PX}:ih+{GAP_PX}:0:0:{BACKGROUND}"
        graph.append(f"{above}{border}[a{column}];{below}{border}[b{column}];[a{column}][b{column}]vstack[c{column}]")
    graph.append("".join(f"[c{column}]" for column in range(columns)) + f"hstack=inputs={columns}[row]")
    still = ["-map", "[row]", "-frames:v", "1", "-update", "1"]
    await ffmpeg.run([*arguments, "-filter_complex", ";".join(graph), *still, output_argument(row)])
    return row


async def _stack(ffmpeg: Ffmpeg, rows: Sequence[Path], sheet: Path) -> None:
    """Write the rows below each other, as sharp as the size allows."""
    inputs = [argument for row in rows for argument in ("-i", str(row))]
    pads = "".join(f"[{index}:v]" for index in range(len(rows)))
    stack = f"vstack=inputs={len(rows)}," if len(rows) > 1 else ""
    graph = f"{pads}{stack}pad=iw+{GAP_PX}:ih+{GAP_PX}:{GAP_PX}:{GAP_PX}:{BACKGROUND}"
    for quality in (3, 5, 8, 12, 20):
        still = ["-frames:v", "1", "-update", "1", "-q:v", str(quality), "-map_metadata", "-1"]
        await ffmpeg.run([*inputs, "-filter_complex", graph, *still, output_argument(sheet)])
        if sheet.stat().st_size <= MAX_BYTES:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a sheet as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("sheet", type=Path, help="the JPEG to write")
    parser.add_argument("--clips", type=int, default=1, choices=(1, 2, 3))
    parser.add_argument("--columns", type=int, default=5, help="moments shown of each clip")
    parser.add_argument("--seconds", type=int, default=15, help="the longest that a clip may be")
    parser.add_argument("--aspect-ratio", default="9:16", choices=get_args(AspectRatio))
    parser.add_argument("--layout", default="ai", choices=get_args(Layout))
    parser.add_argument("--font", default="CaptionFont", choices=get_args(FontFamily))
    parser.add_argument("--prompt")
    options = parser.parse_args(arguments)
    video: Path = options.video.resolve()
    source = Source(video, video.as_uri(), tuple(find_sidecars(video)))
    anyio.run(make_sheet, source, options.sheet, options)


if __name__ == "__main__":
    main()
