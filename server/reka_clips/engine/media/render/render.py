"""From a plan to a file: measures what it must, runs one ffmpeg, and leaves a whole clip or none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reka_clips import contract
from reka_clips.engine.media.captions.overlay import write_lettering
from reka_clips.engine.media.concurrency import together
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.probe import probe
from reka_clips.engine.media.ffmpeg.process import output_argument, picture_input
from reka_clips.engine.media.geometry import DEFAULT_RESOLUTION_PX, Frame, choose_resolution, frame_size, output_rate
from reka_clips.engine.media.render import audio, filter_graph
from reka_clips.engine.media.render.color import color_warning
from reka_clips.engine.media.render.filter_graph import Scene
from reka_clips.engine.media.render.poster import make_poster
from reka_clips.engine.media.render.thumbnails import take_preview
from reka_clips.engine.media.text.titles import clock
from reka_clips.files import move

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import ClipPlan

_MEASURING_SHARE: Final = 0.15
_ENCODING_SHARE: Final = 0.97
PRESET: Final = "superfast"
CRF: Final = 21
# The highest rate, in bits for each pixel shown: what holds a noisy source within what phones upload.
_MAX_BITS_PER_PIXEL: Final = 0.35
_KEYFRAME_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Rendered:
    """A clip that was written. `warnings`: plain sentences on what turned out other than asked."""

    width_px: int
    height_px: int
    duration_seconds: float
    warnings: tuple[str, ...] = ()


async def render_clip(
    plan: ClipPlan,
    sources: Sequence[tuple[Path, MediaInfo]],
    rendering: contract.RenderingConfig | None,
    *,
    measurements: Sequence[Measurements],
    ffmpeg: Ffmpeg,
    output: Path,
    poster: Path,
    report: Callable[[float], None],
) -> Rendered:
    """Write the clip to `output` (MP4) and a still of it to `poster` (JPEG), if one can be made; return what it became.

    sources, measurements: one for each source that the plan's segments name by index. report: gets the rising
    share done, 0 to 1. Both files appear whole and together, under their names only when they are finished; after
    an error or a cancellation there is neither. The directory of `output` must exist.
    Raises MediaError, DiskFullError, OSError.
    """
    if plan.duration <= 0:
        raise ValueError("A plan without length cannot be rendered.")
    rendering = rendering or contract.RenderingConfig()
    layout = layout_of(rendering)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".render-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        scenes, parts, mastering = await _measure(
            ffmpeg, plan, sources, measurements, directory, with_thumbnails=layout != "fit"
        )
        report(_MEASURING_SHARE)
        frame, warnings = choose_frame(scenes, rendering)
        warnings += [told for scene in scenes if (told := color_warning(scene.video))]
        letters = await write_lettering(ffmpeg, plan, rendering, frame, directory)
        clip, still = directory / "clip.mp4", directory / "still.jpg"
        await ffmpeg.run(
            render_arguments(
                clip,
                scenes=scenes,
                paths=[sources[segment.source][0] for segment in plan.segments],
                frame=frame,
                layout=layout,
                overlay=letters.filter,
                parts=parts,
                mastering=mastering,
                title=plan.title,
                features=ffmpeg.features,
            ),
            duration_seconds=float(plan.duration),
            on_progress=lambda share: report(_MEASURING_SHARE + share * (_ENCODING_SHARE - _MEASURING_SHARE)),
            directory=directory,
        )
        duration = (await probe(ffmpeg, clip)).duration
        files = [(clip, output)]
        try:
            await make_poster(ffmpeg, clip, still, duration=duration)
            files.insert(0, (still, poster))
        except DiskFullError:
            raise
        except MediaError:
            warnings.append(f"The clip from {_where(plan)} has no preview picture, as none could be made.")
        _publish(files)
    report(1.0)
    warnings += [*letters.warnings, *_shortfall(duration, plan.duration)]
    has_sound = any(info.audio is not None for _, info in (sources[segment.source] for segment in plan.segments))
    if has_sound and (not parts or mastering.is_silent):
        warnings.append(f"The clip from {_where(plan)} has no sound: nothing is heard in that part of the source.")
    return Rendered(frame.width_px, frame.height_px, float(duration), tuple(warnings))


def layout_of(rendering: contract.RenderingConfig) -> str:
    """Return `ai`, `fit` or `split`. A split has its own layout, whatever `layout` says."""
    return "split" if rendering.aspect_ratio == "9:16-split" else rendering.layout or "ai"


def choose_frame(scenes: Sequence[Scene], rendering: contract.RenderingConfig) -> tuple[Frame, list[str]]:
    """Return the picture size and frame rate of a clip, and a sentence if it is smaller than is usual."""
    aspect_ratio = rendering.aspect_ratio or "9:16"
    longest = max(scenes, key=lambda scene: scene.segment.duration)
    rate = output_rate(longest.video.frame_rate, longest.video.grid_rate)
    usual = Frame(*frame_size(aspect_ratio, DEFAULT_RESOLUTION_PX), rate)
    resolution = choose_resolution(
        rendering.resolution, max(_source_px(scene, usual, layout_of(rendering)) for scene in scenes)
    )
    frame = Frame(*frame_size(aspect_ratio, resolution), rate)
    if rendering.resolution is not None or resolution == DEFAULT_RESOLUTION_PX:
        return frame, []
    size, usual_size = f"{frame.width_px}x{frame.height_px}", f"{usual.width_px}x{usual.height_px}"
    told = f"The source's picture is small, so the clip is {size}: {usual_size} would show no more."
    return frame, [f"{told} Set `resolution` to have it larger."]


def render_arguments(
    clip: Path,
    *,
    scenes: Sequence[Scene],
    paths: Sequence[Path],
    frame: Frame,
    layout: str,
    overlay: str | None,
    parts: Sequence[audio.SoundPart],
    mastering: audio.LoudnessGain,
    title: str,
    features: Collection[str],
) -> list[str]:
    """Return ffmpeg's arguments that write a clip. paths: the source of each scene."""
    arguments: list[str] = []
    for path, scene in zip(paths, scenes, strict=True):
        arguments += picture_input(path, scene.segment.start)
    arguments += audio.sound_inputs(parts)
    chains = [
        filter_graph.scene_graph(scene, frame, index=index, layout=layout, features=features)
        for index, scene in enumerate(scenes)
    ]
    chains.append(filter_graph.clip_graph(len(scenes), overlay=overlay))
    arguments += ["-filter_complex", ";".join(chains)]
    if parts:
        arguments += ["-filter_complex", audio.sound_graph(parts, first_input=len(scenes), mastering=mastering)]
    arguments += ["-map", "[picture]", *(["-map", "[sound]"] if parts else [])]
    arguments += [*video_encoding(frame), *(audio.sound_encoding() if parts else [])]
    return [*arguments, *file_arguments(clip, title=title)]


def video_encoding(frame: Frame) -> list[str]:
    """Return the output arguments for the picture."""
    pixels_per_second = frame.width_px * frame.height_px * min(frame.rate, Fraction(60))
    max_kbps = max(300, round(pixels_per_second * Fraction(_MAX_BITS_PER_PIXEL) / 1000))
    return [
        *("-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-profile:v", "high"),
        *("-maxrate", f"{max_kbps}k", "-bufsize", f"{2 * max_kbps}k"),
        *("-g", str(round(frame.rate * _KEYFRAME_SECONDS)), "-r", str(frame.rate)),
    ]


def file_arguments(path: Path, *, title: str) -> list[str]:
    """Return the arguments that write the MP4: its index in front, nothing of the source's own metadata in it."""
    title_arguments = ["-metadata", f"title={title}"] if title else []
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", *title_arguments),
        *("-movflags", "+faststart", "-f", "mp4", output_argument(path)),
    ]


async def _measure(
    ffmpeg: Ffmpeg,
    plan: ClipPlan,
    sources: Sequence[tuple[Path, MediaInfo]],
    measurements: Sequence[Measurements],
    folder: Path,
    *,
    with_thumbnails: bool,
) -> tuple[list[Scene], tuple[audio.SoundPart, ...], audio.LoudnessGain]:
    """Look at the segments, and decode their sound into `folder` to find its loudness, both at once."""
    parts: tuple[audio.SoundPart, ...] = ()
    scenes: list[Scene] = []
    mastering = audio.LoudnessGain()

    async def look() -> None:
        for segment in plan.segments:
            path, info = sources[segment.source]
            glimpse = await take_preview(ffmpeg, path, info, segment, with_thumbnails=with_thumbnails, scratch=folder)
            known = measurements[segment.source] if segment.source < len(measurements) else None
            scenes.append(Scene(segment, info.video, glimpse, known))

    async def listen() -> None:
        nonlocal mastering, parts
        parts = await audio.decode_parts(ffmpeg, audio.sound_parts(plan, sources), folder)
        if parts:
            mastering = await audio.find_mastering(ffmpeg, parts)

    await together([look, listen])
    return scenes, parts, mastering


def _where(plan: ClipPlan) -> str:
    """Return where in its sources a clip begins, for people."""
    return ", ".join(clock(segment.start) for segment in plan.segments)


def _source_px(scene: Scene, usual: Frame, layout: str) -> int:
    """Return how long the clip's shorter side would be if no source pixel were enlarged."""
    panel = filter_graph.main_panel(scene, usual, layout)
    shown_px = panel.crops[0][1].width * max(Fraction(1), scene.video.upright_sample_aspect)
    return round(min(usual.width_px, usual.height_px) * shown_px / panel.width_px)


def _publish(files: Sequence[tuple[Path, Path]]) -> None:
    """Give finished files their names: all of them, or none."""
    published: list[Path] = []
    try:
        for source, target in files:
            move(source, target)
            published.append(target)
    except OSError:
        for path in published:
            path.unlink(missing_ok=True)
        raise


def _shortfall(duration: Fraction, planned: Fraction) -> list[str]:
    if planned - duration <= max(Fraction(1, 2), planned / 20):
        return []
    seconds, planned_seconds = float(duration), float(planned)
    return [f"The source is damaged or ends early: the clip lasts {seconds:.1f} s instead of {planned_seconds:.1f} s."]
