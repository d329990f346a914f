"""One clip of a stretch of a film, made by the engine as a whole, for tests of what it makes of odd films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio_ffmpeg

from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.pipeline import Clip, make_clips
from reka_clips.engine.media.sources import Source


def package_ffmpeg() -> str:
    """Return the ffmpeg that draws the films, whichever one cuts them."""
    (path,) = (Path(imageio_ffmpeg.__file__).parent / "binaries").glob("ffmpeg-*")
    return str(path)


async def make_one_clip(
    ffmpeg: Ffmpeg, film: Path, start: float = 0, end: float | None = None, **rendering: Any
) -> tuple[Clip, tuple[str, ...]]:
    """Return the clip that becomes of a stretch when all of it is to be one, and the warnings."""
    length = {} if end is None else {"min_duration_seconds": int(end - start), "max_duration_seconds": int(end - start)}
    times = {"source_start_time": start, "source_end_time": end}
    directory = film.parent / f"clips-of-{film.stem}"
    directory.mkdir(exist_ok=True)
    outcome = await make_clips(
        [Source(film, film.as_uri())],
        prompt=None,
        generation=GenerationConfig.model_validate({"num_generations": 1, **length, **times}),
        rendering=RenderingConfig.model_validate({"resolution": 240, "subtitles": False, **rendering}),
        directory=directory,
        ffmpeg=ffmpeg,
        report=lambda _stage, _share: None,
    )
    (clip,) = outcome.clips
    return clip, outcome.warnings
