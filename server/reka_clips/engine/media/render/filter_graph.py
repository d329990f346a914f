"""The filter graph of a clip's picture: crop or fit each segment, join them, draw what is written on top.

Pure: from a plan and what was measured to the text of a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.process import known_matrix, steady_rate
from reka_clips.engine.media.geometry import Area, Frame, contained_size, crop_area
from reka_clips.engine.media.plan import Shot
from reka_clips.engine.media.render import color
from reka_clips.engine.media.render.faces import Face, framed_faces
from reka_clips.engine.media.render.reframe import best_pair_x, best_x, best_y, interest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.ffmpeg.media_info import VideoStream
    from reka_clips.engine.media.plan import Segment
    from reka_clips.engine.media.render.thumbnails import SegmentPreview

_ALIKE: Final = Fraction(97, 100)  # a picture that fills this much of the frame is scaled to fill all of it
_MAX_FREEZE_SECONDS: Final = 1
_BACKDROP_SHRINK: Final = 10
_SCALER: Final = "bicubic"


Crops = tuple[tuple[Fraction, Area], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture within the frame: its size, and what part of the source it shows from which second on.

    crops: (seconds from the start of the segment, area), ascending, the first at 0; all areas have one size.
    """

    width_px: int
    height_px: int
    crops: Crops


@dataclass(frozen=True, slots=True)
class Scene:
    """A segment with all that is needed to draw it. measurements: of its source, where there are any."""

    segment: Segment
    video: VideoStream
    glimpse: SegmentPreview
    measurements: Measurements | None = None


def scene_graph(scene: Scene, frame: Frame, *, index: int, layout: str, features: Collection[str]) -> str:
    """Return the filter chains from input `index` to the pad `[scene<index>]`.

    layout: `ai` fills the frame, `fit` shows all of the picture on a blurred backdrop, `split` stacks two crops.
    features: what this ffmpeg can do.
    """
    head = f"[{index}:{scene.video.index}]{','.join(_prepare(scene, frame))}"
    tail = f"trim=end_frame={max(1, round(scene.segment.duration * frame.rate))}[scene{index}]"
    to_panel = _panel_filters(scene, frame, features)
    if layout == "split":
        upper, lower = split_panels(scene, frame)
        return (
            f"{head},split[s{index}a][s{index}b];[s{index}a]{to_panel(upper)}[s{index}u];"
            f"[s{index}b]{to_panel(lower)}[s{index}l];[s{index}u][s{index}l]vstack,{tail}"
        )
    if layout == "fit" and (inner := fitted_panel(scene, frame)):
        backdrop = fill_panel(scene, frame)
        small = Panel(
            max(16, frame.width_px // _BACKDROP_SHRINK // 2 * 2),
            max(16, frame.height_px // _BACKDROP_SHRINK // 2 * 2),
            backdrop.crops[:1],
        )
        blur = (
            f"gblur=sigma=4,eq=brightness=-0.08:saturation=0.85,scale={frame.width_px}:{frame.height_px}:flags=bicubic"
        )
        return (
            f"{head},split[s{index}a][s{index}b];[s{index}a]{to_panel(small)},{blur},setsar=1[s{index}u];"
            f"[s{index}b]{to_panel(inner)}[s{index}l];[s{index}u][s{index}l]overlay=(W-w)/2:(H-h)/2:format=yuv420,{tail}"
        )
    return f"{head},{to_panel(fill_panel(scene, frame))},{tail}"


def clip_graph(scenes: int, *, overlay: str | None) -> str:
    """Return the chains that join the pads `[scene0]`… and end in `[picture]`. overlay: the filter that draws text."""
    pads = "".join(f"[scene{index}]" for index in range(scenes))
    joined = f"{pads}concat=n={scenes}:v=1:a=0," if scenes > 1 else pads
    filters = [*([overlay] if overlay else []), "format=yuv420p", color.TAGS]
    return f"{joined}{','.join(filters)}[picture]"


def main_panel(scene: Scene, frame: Frame, layout: str) -> Panel:
    """Return the panel by which a clip's sharpness is judged."""
    if layout == "split":
        return split_panels(scene, frame)[0]
    return (fitted_panel(scene, frame) if layout == "fit" else None) or fill_panel(scene, frame)


def fill_panel(scene: Scene, frame: Frame) -> Panel:
    """Return the panel that fills the frame, with one crop for each shot."""
    return Panel(frame.width_px, frame.height_px, _crops(scene, frame.aspect))


def fitted_panel(scene: Scene, frame: Frame) -> Panel | None:
    """Return the panel that shows all of the picture inside of the frame; None where that (nearly) fills the frame."""
    picture = scene.glimpse.picture
    size = contained_size(
        picture.width, picture.height, scene.video.upright_sample_aspect, (frame.width_px, frame.height_px)
    )
    if min(Fraction(size[0], frame.width_px), Fraction(size[1], frame.height_px)) >= _ALIKE:
        return None
    return Panel(*size, ((Fraction(0), picture),))


def split_panels(scene: Scene, frame: Frame) -> tuple[Panel, Panel]:
    """Return an upper and a lower panel. Of each shot of a wide picture they show two parts, the left one above.

    These are the best half and the best of what it leaves out: two people who sit side by side, a person and what
    they point at. A tall picture is halved across.
    """
    upper_height = frame.height_px // 4 * 2
    heights = (upper_height, frame.height_px - upper_height)
    picture = scene.glimpse.picture
    display = Fraction(picture.width, picture.height) * scene.video.upright_sample_aspect
    aspects = [Fraction(frame.width_px, height) for height in heights]
    if display > aspects[0]:
        half = replace(picture, width=picture.width // 4 * 2)
        crops = [_half_crops(scene, aspect, half, side) for side, aspect in enumerate(aspects)]
    else:
        half = replace(picture, height=picture.height // 4 * 2)
        lower = replace(half, y=picture.y + picture.height - half.height)
        crops = [_crops(scene, aspect, part) for aspect, part in zip(aspects, (half, lower), strict=True)]
    upper, lower = (Panel(frame.width_px, *panel) for panel in zip(heights, crops, strict=True))
    return upper, lower


def _crops(scene: Scene, aspect: Fraction, within: Area | None = None) -> Crops:
    """Return what is shown of each shot, from its first moment in the segment on."""
    within = within or scene.glimpse.picture
    shape = partial(crop_area, within, aspect=aspect, sample_aspect=scene.video.upright_sample_aspect)
    size = shape(focus=(0.5, 0.5))
    return _by_shot(scene, lambda shot: shape(focus=_focus(scene, shot, size, within)) if size != within else within)


def _half_crops(scene: Scene, aspect: Fraction, half: Area, side: int) -> Crops:
    """Return what is shown of each shot in one of two panels, at most as wide as `half`. side: 0 left, 1 right."""
    picture, full = scene.glimpse.picture, scene.video.upright_size_px
    bounds = (picture.x / full[0], (picture.x + picture.width) / full[0])
    shape = partial(crop_area, aspect=aspect, sample_aspect=scene.video.upright_sample_aspect)

    def place(shot: Shot) -> Area:
        middle = _pair_middle(scene, shot, half.width / full[0], bounds, side)
        left = round((middle * full[0] - half.width / 2 - picture.x) / 2) * 2
        within = replace(half, x=picture.x + max(0, min(left, picture.width - half.width)))
        return shape(within, focus=_focus(scene, shot, shape(within, focus=(0.5, 0.5)), within))

    return _by_shot(scene, place)


def _by_shot(scene: Scene, place: Callable[[Shot], Area]) -> Crops:
    crops: list[tuple[Fraction, Area]] = []
    for shot in _true_shots(scene):
        area = place(shot)
        if not crops or crops[-1][1] != area:
            crops.append((shot.start - scene.segment.start if crops else Fraction(0), area))
    return tuple(crops)


def _true_shots(scene: Scene) -> list[Shot]:
    """Return the shots within the segment, where a cut that changed nothing (a flash, say) is none."""
    segment = scene.segment
    shots: list[Shot] = []
    for shot in segment.shots:
        start, end = max(shot.start, segment.start), min(shot.end, segment.end)
        if start >= end:
            continue
        if shots and not scene.glimpse.is_cut(start - segment.start):
            shots[-1] = replace(shots[-1], end=end)
        else:
            shots.append(replace(shot, start=start, end=end))
    return shots or [Shot(segment.start, segment.end)]


def _interest(scene: Scene, shot: Shot) -> tuple[list[float], list[float]]:
    full = scene.video.upright_size_px
    return interest(scene.glimpse, scene.measurements, shot.start, shot.end, since=scene.segment.start, size_px=full)


def _subjects(scene: Scene, shot: Shot) -> list[Face]:
    """Return the faces that a shot shows steadily, the largest first, as shares of the whole source picture."""
    return scene.glimpse.subjects(shot.start - scene.segment.start, shot.end - scene.segment.start)


def _pair_middle(scene: Scene, shot: Shot, share: float, bounds: tuple[float, float], side: int) -> float:
    """Return the middle of the left (side 0) or right part that a split shows of a shot: its two faces if any."""
    pair = sorted(face.middle_x for face in _subjects(scene, shot)[:2])
    if len(pair) == 2:  # noqa: PLR2004 - a pair
        return pair[side]
    interest_x, _ = _interest(scene, shot)
    return best_pair_x(interest_x, share=share, bounds=bounds)[side]


def _focus(scene: Scene, shot: Shot, size: Area, within: Area) -> tuple[float, float]:
    """Return the middle of what is shown of a shot, 0 to 1 of `within`."""
    full = scene.video.upright_size_px
    seen = [
        face
        for face in _subjects(scene, shot)
        if within.x <= face.middle_x * full[0] <= within.x + within.width
        and within.y <= (face.y + face.height / 2) * full[1] <= within.y + within.height
    ]
    if seen:
        x, y = framed_faces(seen, width=size.width / full[0], height=size.height / full[1])
        return (x * full[0] - within.x) / within.width, (y * full[1] - within.y) / within.height
    interest_x, interest_y = _interest(scene, shot)
    x = best_x(interest_x, share=size.width / full[0], bounds=(within.x / full[0], (within.x + within.width) / full[0]))
    y = best_y(
        interest_y, share=size.height / full[1], bounds=(within.y / full[1], (within.y + within.height) / full[1])
    )
    return (x * full[0] - within.x) / within.width, (y * full[1] - within.y) / within.height


def _prepare(scene: Scene, frame: Frame) -> list[str]:
    """Return the filters that give every source the same kind of pictures: whole frames, constant in rate and size."""
    width, height = scene.video.upright_size_px
    # The scaling costs nothing until a source changes its size on the way, and then keeps the crops right. Frames say
    # for themselves whether they are interlaced, which containers often do not; others pass bwdif unchanged and for
    # nothing (720p: no time that could be measured).
    deinterlacing = [] if color.is_rgb(scene.video) else ["bwdif=deint=interlaced"]
    return [f"{known_matrix(scene.video)}scale={width}:{height}", *deinterlacing, _steady(scene, frame.rate)]


def _panel_filters(scene: Scene, frame: Frame, features: Collection[str]) -> Callable[[Panel], str]:
    def filters(panel: Panel) -> str:
        video = scene.video
        options, toning = color.conversion(video, features)
        steps = [f"scale={panel.width_px}:{panel.height_px}:flags={_SCALER}{options}", *toning]
        return ",".join([*_crop(scene, panel, frame.rate), *steps, "format=yuv420p", "setsar=1"])

    return filters


def _crop(scene: Scene, panel: Panel, rate: Fraction) -> list[str]:
    """Return the crop filter; none where the whole picture is shown."""
    areas = [area for _, area in panel.crops]
    width, height = areas[0].width, areas[0].height
    if (width, height) == scene.video.upright_size_px:
        return []
    times = [time - Fraction(1, 2) / rate for time, _ in panel.crops]
    x = steps(times, [area.x for area in areas])
    y = steps(times, [area.y for area in areas])
    return [f"crop={width}:{height}:'{x}':'{y}'"]


def steps(times: Sequence[Fraction], values: Sequence[int]) -> str:
    """Return an ffmpeg expression that is `values[n]` from `times[n]` seconds on; the first holds from the start."""
    if len(set(values)) == 1:
        return str(values[0])
    middle = len(values) // 2
    before, after = steps(times[:middle], values[:middle]), steps(times[middle:], values[middle:])
    return f"if(lt(t,{float(times[middle]):.6f}),{before},{after})"


def _steady(scene: Scene, rate: Fraction) -> str:
    """Return the filters that give a segment the clip's rate.

    A picture that ends early is held, but no longer than is known to happen in this film: more is damage.
    """
    still_seconds = scene.measurements.longest_still_seconds if scene.measurements else 0
    if scene.video.frame_rate:
        still_seconds = max(still_seconds, float(1 / scene.video.frame_rate))
    return steady_rate(scene.video, rate, hold_seconds=still_seconds + _MAX_FREEZE_SECONDS)
