"""What the engine finds in a film, without rendering it."""

from __future__ import annotations

from pathlib import Path

from made_films.planted import Planted
from reka_clips.engine.media.ffmpeg import Ffmpeg
from reka_clips.engine.media.footage import Source
from reka_clips.engine.media.moments import Wish
from reka_clips.engine.media.progress import Progress
from reka_clips.engine.media.readings import Tier
from reka_clips.engine.media.scouting import Scout
from reka_clips.engine.media.subtitles import find_sidecars


async def search(
    ffmpeg: Ffmpeg, planted: Planted, scratch: Path, *, longest: int = 20, tier: Tier | None = None
) -> list[tuple[float, float]]:
    """Return where the clips are, in seconds, best first: as many as moments were planted, of up to `longest` seconds.

    tier: how closely to look at first; None as the engine chooses.
    """
    wish = Wish(count=len(planted.moments), longest=longest, prompt=planted.recipe.prompt or "")
    scout = Scout(ffmpeg, wish, None, scratch, Progress(lambda _stage, _share: None), tier=tier)
    source = Source(planted.path, planted.path.as_uri(), tuple(find_sidecars(planted.path)))
    chosen, _ = await scout.choose(await scout.gather([source]))
    return [(float(window.start), float(window.end)) for clip in chosen for window in clip]
