"""What the engine finds in a film, without rendering it."""

from __future__ import annotations

from pathlib import Path

from made_films.planted import Planted
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.ffmpeg.process import Ffmpeg
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import Source
from reka_clips.engine.media.text.tracks import find_sidecars


async def search(
    ffmpeg: Ffmpeg, planted: Planted, scratch: Path, *, longest: int = 20, tier: Tier | None = None
) -> list[tuple[float, float]]:
    """Return where the clips are, in seconds, best first: as many as moments were planted, of up to `longest` seconds.

    tier: how closely to look at first; None as the engine chooses.
    """
    wish = SelectionOptions(count=len(planted.moments), longest=longest, prompt=planted.recipe.prompt or "")
    scout = MomentFinder(ffmpeg, wish, None, scratch, Progress(lambda _stage, _share: None), tier=tier)
    source = Source(planted.path, planted.path.as_uri(), tuple(find_sidecars(planted.path)))
    chosen, _ = await scout.choose(await scout.gather([source]))
    return [(float(window.start), float(window.end)) for clip in chosen for window in clip]
