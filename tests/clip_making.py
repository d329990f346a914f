"""One clip of a stretch of a film, made by the engine as a whole, for tests of what it makes of odd films."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reka_clips.contract import GenerationConfig, RenderingConfig
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.pipeline import make_clips
from reka_clips.engine.media.sources import Source


@dataclass(frozen=True)
class MadeClip:
    """A clip and what the engine says of it."""

    path: Path
    duration_seconds: float
    source_start_seconds: float
    width_px: int
    height_px: int


async def make_one_clip(
    ffmpeg: Ffmpeg, film: Path, start: float = 0, end: float | None = None, **rendering: Any
) -> tuple[MadeClip, tuple[str, ...]]:
    """Return the clip that becomes of a stretch when all of it is to be one, and the warnings."""
    length = {} if end is None else {"min_duration_seconds": int(end - start), "max_duration_seconds": int(end - start)}
    times = {"source_start_time": start, "source_end_time": end}
    directory = Path(tempfile.mkdtemp(dir=film.parent, prefix="clips-"))
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
    assert clip.duration_seconds is not None
    assert clip.source_start_time is not None
    assert clip.width is not None
    assert clip.height is not None
    path = directory / (clip.video_url or "")
    made = MadeClip(path, clip.duration_seconds, clip.source_start_time, clip.width, clip.height)
    return made, outcome.warnings
