"""From sources to finished clips: look, read, choose, look again where it matters, render."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reka_clips.contract import ClipOutput, ClipPart
from reka_clips.contract.requests import DEFAULT_MAX_DURATION_SECONDS
from reka_clips.engine.media.concurrency import default_parallelism, together
from reka_clips.engine.media.contact_sheet import make_contact_sheet
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.find_moments import MomentFinder
from reka_clips.engine.media.geometry import ASPECTS
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
    from reka_clips.engine.media.plan import ClipPlan, Segment
    from reka_clips.engine.media.render.render import Rendered
    from reka_clips.engine.media.select.candidates import Candidate
    from reka_clips.engine.media.text.speech import Recognizer

_NARROW_SHARE: Final = 0.3  # of a picture's width in its crop: 16:9 gives 32 % to 9:16, a film of 2.4:1 gives 23 %
_LIVELY_SCORE: Final = 1.0

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
    video_urls: Sequence[str] = (),
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
        if generation is not None and generation.segments:
            clips, footage = await scout.exact(sources, video_urls)
        else:
            clips, footage = await scout.choose(await scout.gather(sources))
        plans = planning.make_plans(clips, footage, scout.wish)
        if generation is not None and generation.plan_only:
            frames = [(footage[clip[0].source].opened.source.path, middle(clip[0])) for clip in clips]
            await make_contact_sheet(ffmpeg, frames, directory, scratch)
            found = tuple(
                _candidate(number, window, plan, footage, directory)
                for number, ([window, *_], plan) in enumerate(zip(clips, plans, strict=True), 1)
            )
            return Outcome(found, _warnings(scout, footage, wants_captions=False))
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
    wants_captions = rendering is None or rendering.subtitles is not False
    known = _warnings(scout, footage, wants_captions=wants_captions)
    warnings = [*known, *failures, *narrow_crops(plans, footage, rendering)]
    return Outcome(finished, tuple(dict.fromkeys([*warnings, *(w for one in rendered for w in one.warnings)])))


def _warnings(scout: MomentFinder, footage: Sequence[AnalyzedSource], *, wants_captions: bool) -> tuple[str, ...]:
    wordless = scout.why_wordless(footage, wants_captions=wants_captions)
    return tuple(dict.fromkeys([*scout.warnings, *([wordless] if wordless else [])]))


def middle(window: Candidate) -> Fraction:
    """Return the time in the middle of a moment."""
    return (window.start + window.end) / 2


def narrow_crops(
    plans: Sequence[ClipPlan], footage: Sequence[AnalyzedSource], rendering: RenderingConfig | None
) -> list[str]:
    """Return a warning where the crop shows so little of a film's width that most of what happens is lost."""
    aspect = (rendering and rendering.aspect_ratio) or "9:16"
    if aspect == "9:16-split" or (rendering is not None and rendering.layout == "fit"):
        return []
    shares: list[float] = []
    for index in {segment.source for plan in plans for segment in plan.segments}:
        video = footage[index].info.video
        width, height = video.upright_size_px
        sideways = video.rotation_degrees in (90, 270)
        picture = Fraction(width, height) * (1 / video.sample_aspect if sideways else video.sample_aspect)
        shares.append(float(ASPECTS[aspect] / picture))
    share = min(shares, default=1.0)
    if share >= _NARROW_SHARE:
        return []
    shows = f"The {aspect} crop shows {share:.0%} of the picture's width."
    return [f"{shows} layout fit shows all of it on a blurred copy; 4:5, 1:1 or 16:9 show more."]


def _candidate(
    number: int, window: Candidate, plan: ClipPlan, footage: Sequence[AnalyzedSource], directory: Path
) -> ClipOutput:
    """Return a moment that was found and not rendered; its picture is the name of a file."""
    item = footage[window.source]
    picture = f"{number}.jpg"
    return ClipOutput(
        title=plan.title,
        caption=plan.caption,
        hashtags=plan.hashtags,
        ai_score=plan.ai_score,
        duration_seconds=round(float(window.duration), 3),
        poster_url=picture if (directory / picture).is_file() else None,
        source_url=item.opened.source.url,
        source_start_time=round(float(window.start), 3),
        source_end_time=round(float(window.end), 3),
        source_duration_seconds=round(float(item.info.duration), 3),
        reasons=_reasons(window, plan),
        transcript_from=item.text_from,
        subtitles_srt=source_srt(plan, footage),
    )


def _reasons(window: Candidate, plan: ClipPlan) -> tuple[str, ...]:
    words = sum(len(cue.text.split()) for cue in plan.cues)
    told = [
        f"its words match the prompt ({window.match:.0%})" if window.match > 0 else "",
        "much more happens in picture and sound than elsewhere" if window.score > _LIVELY_SCORE else "",
        "more happens in picture and sound than elsewhere" if 0 < window.score <= _LIVELY_SCORE else "",
        f"{words} words are said" if words else "",
    ]
    return tuple(reason for reason in told if reason) or ("the calmest part that still fits",)


def source_srt(plan: ClipPlan, footage: Sequence[AnalyzedSource]) -> str | None:
    """Return what is said in a clip as SubRip text, in seconds of its (first) source; None where nothing is."""
    url = footage[plan.segments[0].source].opened.source.url
    cues: dict[tuple[Fraction, Fraction], str] = {}
    for segment in plan.segments:
        item = footage[segment.source]
        for cue in item.cues if item.opened.source.url == url else ():
            start, end = max(cue.start, segment.start), min(cue.end, segment.end)
            if start < end:
                cues[start, end] = cue.text
    blocks = [
        f"{number}\n{_srt_time(start)} --> {_srt_time(end)}\n{text}\n"
        for number, ((start, end), text) in enumerate(sorted(cues.items()), 1)
    ]
    return "\n".join(blocks) or None


def _srt_time(seconds: Fraction) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{thousandths:03d}"


def _wish(prompt: str | None, generation: GenerationConfig | None) -> SelectionOptions:
    if generation is None:
        return SelectionOptions(prompt=prompt or "")
    return SelectionOptions(
        template="compilation" if generation.template == "compilation" else "moments",
        count=generation.num_generations,
        is_search=bool(generation.plan_only),
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
    url = footage[first.source].opened.source.url
    same = [segment for segment in plan.segments if footage[segment.source].opened.source.url == url]
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
        source_url=url,
        source_start_time=round(float(first.start), 3),
        source_end_time=round(float(same[-1].end), 3),
        source_duration_seconds=round(float(footage[first.source].info.duration), 3),
        parts=tuple(_part(segment, footage) for segment in plan.segments) if len(plan.segments) > 1 else (),
        transcript_from=footage[first.source].text_from,
        subtitles_srt=source_srt(plan, footage),
    )


def _part(segment: Segment, footage: Sequence[AnalyzedSource]) -> ClipPart:
    return ClipPart(
        source_url=footage[segment.source].opened.source.url,
        source_start_time=round(float(segment.start), 3),
        source_end_time=round(float(segment.end), 3),
    )
