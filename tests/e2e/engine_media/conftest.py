"""A film drawn by ffmpeg, cut by the engine: what the tests of clips' pictures, captions and sound share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from made_films import FFMPEG
from made_films.oddities import run
from reka_clips.contract import RenderingConfig
from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, find_ffmpeg
from reka_clips.engine.media.plan import ClipPlan, Cue, Segment, Shot
from reka_clips.engine.media.render.render import Rendered, render_clip
from reka_clips.settings import Settings


@dataclass(frozen=True)
class Cut:
    """A rendered clip: its files, what the engine said of it, and what a look into it tells."""

    path: Path
    poster: Path
    rendered: Rendered
    info: MediaInfo


Stretch = tuple[Path, float, float]
Cutter = Callable[..., Coroutine[Any, Any, Cut]]
Filmer = Callable[..., Path]


@pytest.fixture(scope="session")
def ffmpeg() -> Ffmpeg:
    """The engine's ffmpeg: the package's, or the one that REKA_CLIPS_FFMPEG names."""
    return find_ffmpeg(Settings.from_environment().ffmpeg)


@pytest.fixture
def film(tmp_path: Path) -> Filmer:
    """Return a function that draws a film from lavfi chains for its picture and its sound."""

    def draw(picture: str, *encode: str, sound: str | None = None, name: str = "film.mkv") -> Path:
        path = tmp_path / name
        inputs = [argument for chain in (picture, sound) if chain for argument in ("-f", "lavfi", "-i", chain)]
        run(FFMPEG, [*inputs, *(encode or ("-c:v", "ffv1", "-c:a", "pcm_s16le")), str(path)])
        return path

    return draw


@pytest.fixture
def cut(ffmpeg: Ffmpeg, tmp_path: Path) -> Cutter:
    """Return a function that renders one clip of stretches of films, without choosing: (film, start, end).

    cuts: when shots begin in each of them. lacking: what its ffmpeg is said not to have. path: where it is.
    """
    count = 0

    async def render(
        *stretches: Stretch,
        rendering: dict[str, Any] | None = None,
        cues: Sequence[Cue] = (),
        cuts: Sequence[float] = (),
        lacking: Collection[str] = (),
        path: str = ffmpeg.path,
    ) -> Cut:
        nonlocal count
        count += 1
        segments: list[Segment] = []
        for source, (_, start, end) in enumerate(stretches):
            times = [Fraction(str(time)) for time in (start, *cuts, end)]
            shots = tuple(Shot(one, other) for one, other in pairwise(times))
            segments.append(Segment(source, times[0], times[-1], shots))
        plan = ClipPlan(tuple(segments), tuple(cues), "Title", "Caption", (), 50)
        output = tmp_path / f"clip-{count}.mp4"
        rendered = await render_clip(
            plan,
            [(source, await probe(ffmpeg, source)) for source, _, _ in stretches],
            RenderingConfig.model_validate(rendering or {}),
            measurements=[],
            ffmpeg=replace(ffmpeg, path=path, features=ffmpeg.features.difference(lacking)),
            output=output,
            poster=output.with_suffix(".jpg"),
            report=lambda _share: None,
        )
        return Cut(output, output.with_suffix(".jpg"), rendered, await probe(ffmpeg, output))

    return render
