"""From sources to finished clips: look, read, choose, look again where it matters, render."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reka_clips.contract import ClipOutput
from reka_clips.contract.requests import DEFAULT_MAX_DURATION_SECONDS
from reka_clips.engine.media.concurrency import default_parallelism, together
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.progress import Progress, Stage
from reka_clips.engine.media.render.render import render_clip
from reka_clips.engine.media.select import planning
from reka_clips.engine.media.select.planning import SelectionOptions
from reka_clips.engine.media.sources import AnalyzedSource, Source
from reka_clips.engine.media.text.titles import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reka_clips.contract import GenerationConfig, RenderingConfig
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import ClipPlan
    from reka_clips.engine.media.render.render import Rendered
    from reka_clips.engine.media.text.speech import Recognizer

logger = logging.getLogger(__name__)

__all__ = ["Outcome", "Source", "make_clips"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The finished clips, best first; their links are the names of their files, `1.mp4` and `1.jpg`.

    warnings: plain sentences on what turned out other than asked.
    """

    clips: tuple[ClipOutput, ...]
    warnings: tuple[str, ...] = ()


async def make_clips(
    sources: Sequence[Source],
    *,
    prompt: str | None,
    generation: GenerationConfig | None,
    rendering: RenderingConfig | None,
    directory: Path,
    ffmpeg: Ffmpeg,
    report: Callable[[Stage, float], None],
    speech: Recognizer | None = None,
    detail: Callable[[str | None], None] = lambda _words: None,
) -> Outcome:
    """Make the clips of one generation and put them into `directory`, which must exist and be empty.

    report: gets the stage (`indexing`, `preprocessing`, `processing`, in this order) and the rising share done of
    all the work, 0 to 1. After an error, or when cancelled, some clips may be there: they are whole, and no result.
    A source that cannot be used is left out, with a warning, as long as another one can.
    speech: hears what is said where there are no subtitles. detail: gets what is fetched for it, then None.
    Raises MediaError when no clip can be made, DiskFullError, OSError.
    """
    if not sources:
        raise ValueError("There is no source to make clips of.")
    with tempfile.TemporaryDirectory(dir=directory, prefix=".making-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        progress = Progress(report)
        wish = _wish(prompt, generation)
        scout = MomentFinder(
            ffmpeg, wish, generation, scratch, progress, rendering=rendering, speech=speech, detail=detail
        )
        clips, footage = await scout.choose(await scout.gather(sources))
        plans = planning.make_plans(clips, footage, wish)
        rendered = await _render(
            plans,
            footage,
            rendering,
            ffmpeg=ffmpeg,
            directory=directory,
            report=progress.part("processing", until=1.0),
        )
        plans, rendered, failures = _whole(plans, rendered, directory)
    finished = tuple(
        _finished(number, plan, result, footage, directory)
        for number, (plan, result) in enumerate(zip(plans, rendered, strict=True), 1)
    )
    wordless = scout.why_wordless(footage, wants_captions=rendering is None or rendering.subtitles is not False)
    warnings = [*scout.warnings, *failures, *([wordless] if wordless else [])]
    warnings += [warning for one in rendered for warning in one.warnings]
    return Outcome(finished, tuple(dict.fromkeys(warnings)))


def _wish(prompt: str | None, generation: GenerationConfig | None) -> SelectionOptions:
    if generation is None:
        return SelectionOptions(prompt=prompt or "")
    return SelectionOptions(
        template="compilation" if generation.template == "compilation" else "moments",
        count=generation.num_generations,
        shortest=generation.min_duration_seconds or 0,
        longest=generation.max_duration_seconds or DEFAULT_MAX_DURATION_SECONDS,
        prompt=prompt or "",
    )


async def _render(
    plans: Sequence[ClipPlan],
    footage: Sequence[AnalyzedSource],
    rendering: RenderingConfig | None,
    *,
    ffmpeg: Ffmpeg,
    directory: Path,
    report: Callable[[float], None],
) -> list[Rendered | MediaError]:
    """Render the clips into a folder; return what each became. report: gets the share done of all of them."""
    total = float(sum((plan.duration for plan in plans), start=Fraction(0)))
    done = [0.0] * len(plans)
    files = [(item.opened.source.path, item.info) for item in footage]
    measurements = [item.measured for item in footage]

    def renderer(index: int) -> Callable[[], Awaitable[Rendered | MediaError]]:
        def progressed(share: float) -> None:
            done[index] = share * float(plans[index].duration)
            report(sum(done) / total)

        async def render() -> Rendered | MediaError:
            clip, poster = _names(index + 1)
            try:
                return await render_clip(
                    plans[index],
                    files,
                    rendering,
                    measurements=measurements,
                    ffmpeg=ffmpeg,
                    output=directory / clip,
                    poster=directory / poster,
                    report=progressed,
                )
            except DiskFullError:
                raise
            except MediaError as error:
                logger.warning("A clip could not be rendered: %s %s", error, error.detail)
                return error

        return render

    return await together([renderer(index) for index in range(len(plans))], limit=default_parallelism())


def _whole(
    plans: Sequence[ClipPlan], rendered: Sequence[Rendered | MediaError], folder: Path
) -> tuple[list[ClipPlan], list[Rendered], list[str]]:
    """Return the plans and clips without those that failed, numbered anew, and warnings about the others.

    Raises the MediaError of the first when all failed.
    """
    kept: list[tuple[ClipPlan, Rendered]] = []
    warnings: list[str] = []
    errors: list[MediaError] = []
    for number, (plan, result) in enumerate(zip(plans, rendered, strict=True), 1):
        if isinstance(result, MediaError):
            errors.append(result)
            warnings.append(f"The clip from {clock(plan.segments[0].start)} could not be made: {result}")
            continue
        kept.append((plan, result))
        for old, new in zip(_names(number), _names(len(kept)), strict=True):
            if (folder / old).is_file():
                (folder / old).rename(folder / new)
    if not kept:
        raise errors[0]
    return [plan for plan, _ in kept], [result for _, result in kept], warnings


def _names(number: int) -> tuple[str, str]:
    """Return the file names of a clip and of its poster."""
    return f"{number}.mp4", f"{number}.jpg"


def _finished(
    number: int, plan: ClipPlan, rendered: Rendered, footage: Sequence[AnalyzedSource], directory: Path
) -> ClipOutput:
    """Return a clip as it is kept and told of; for a reel, with where its first source was used."""
    video, poster = _names(number)
    first = plan.segments[0]
    same = [segment for segment in plan.segments if segment.source == first.source]
    return ClipOutput(
        title=plan.title,
        video_url=video,
        caption=plan.caption,
        hashtags=plan.hashtags,
        ai_score=plan.ai_score,
        duration_seconds=round(rendered.duration_seconds, 3),
        width=rendered.width_px,
        height=rendered.height_px,
        size_bytes=(directory / video).stat().st_size,
        poster_url=poster if (directory / poster).is_file() else None,
        source_url=footage[first.source].opened.source.url,
        source_start_time=float(first.start),
        source_end_time=float(same[-1].end),
    )
