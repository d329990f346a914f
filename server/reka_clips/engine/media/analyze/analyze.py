"""One look at a source: a single decode of the picture, and one of the sound beside it.

How closely the picture is looked at depends on what decoding it costs. Decoding dominates: of 10 min of 720p H.264,
relative to playing it, a full decode takes 1/20, one without the frames that no other frame needs 1/38, keyframes
alone 1/218, the sound 1/700 (measured on two cores).
"""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.engine.media.analyze import listening, metrics
from reka_clips.engine.media.analyze.listening import Heard
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.concurrency import default_parallelism, together
from reka_clips.engine.media.ffmpeg.errors import MediaError
from reka_clips.engine.media.ffmpeg.probe import SLOW_RATE, has_frames, picture_end, still_picture
from reka_clips.engine.media.ffmpeg.process import input_arguments, picture_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reka_clips.engine.media.analyze.measurements import Measurements
    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

MAX_DURATION_SECONDS: Final = 12 * 3600

_SHORT_STILL_SECONDS: Final = 1
_END_LEEWAY: Final = Fraction(1, 5)  # by which the sound may outlast the picture

# Seconds of two cores' work up to which a tier is worth it.
_FULL_BUDGET_SECONDS: Final = 12.0
_REFERENCES_BUDGET_SECONDS: Final = 24.0
_FULL_SPEED_PX: Final = 20 * 30 * 1280 * 720  # pixels a second that a full decode gets through, see above
_SPEEDUP: Final[dict[Tier, float]] = {"full": 1.0, "references": 1.9, "keyframes": 10.9}
_CODEC_COST: Final = {"hevc": 1.6, "vp9": 1.3, "av1": 1.6, "vp8": 1.2, "mpeg4": 0.7, "mpeg2video": 0.7}


def expected_seconds(info: MediaInfo, seconds: Fraction, tier: Tier) -> float:
    """Return roughly how long looking at `seconds` of a source takes on two cores."""
    px = info.video.width_px * info.video.height_px * (info.video.frame_rate or 30) * seconds
    full_seconds = float(px) / _FULL_SPEED_PX * _CODEC_COST.get(info.video.codec, 1.0)
    return full_seconds / _SPEEDUP[tier]


def choose_tier(info: MediaInfo, seconds: Fraction) -> Tier:
    """Return how closely to look at `seconds` of a source so that it does not take long."""
    full_seconds = expected_seconds(info, seconds, "full")
    if full_seconds <= _FULL_BUDGET_SECONDS:
        return "full"
    return "references" if full_seconds <= _REFERENCES_BUDGET_SECONDS else "keyframes"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source to look at, in source seconds; `scratch`: a folder for intermediate files."""

    path: Path
    info: MediaInfo
    start: Fraction
    end: Fraction
    scratch: Path

    @property
    def seconds(self) -> float:
        """How long the stretch is."""
        return float(self.end - self.start)

    def input(self, options: Sequence[str]) -> list[str]:
        """Return ffmpeg's arguments that open the stretch, from the first packet after its start on."""
        times = ["-ss", f"{float(self.start):.6f}"] if self.start > 0 else []
        return input_arguments(self.path, options=[*options, *times, "-t", f"{self.seconds:.6f}"])


async def measure(
    ffmpeg: Ffmpeg, look: Span, *, report: Callable[[float], None], tier: Tier | None = None
) -> Measurements:
    """Return what is measured of a stretch, picture and sound.

    report: gets the rising share done, 0 to 1. tier: how closely to look; None chooses. Sound that cannot be decoded
    counts as none. Raises MediaError when the picture cannot be decoded, or is longer than 12 hours; DiskFullError.
    """
    if look.seconds > MAX_DURATION_SECONDS:
        raise MediaError("The video is longer than 12 hours; set source_start_time and source_end_time.")
    tier = tier or choose_tier(look.info, look.end - look.start)
    measured: list[Measurements] = []
    heard: list[Heard] = []

    async def watch() -> None:
        measured.append(await _watch(ffmpeg, look, tier, report))

    async def hear() -> None:
        heard.append(await listening.listen(ffmpeg, look))

    await together([watch, hear])
    return replace(measured[0], loudness_db=array("f", heard[0].loudness_db), audio=heard[0].audio)


async def refine(
    ffmpeg: Ffmpeg, measured: Measurements, looks: Sequence[Span], *, report: Callable[[float], None]
) -> Measurements:
    """Return `measured` with the stretches of `looks` replaced by a full look at them; the sound is kept.

    The activity of what is replaced is brought to the scale of the rest. report: gets the rising share done, 0 to 1.
    Raises MediaError, DiskFullError.
    """
    closer = replace(
        measured,
        activity=measured.activity[:],
        edges=measured.edges[:],
        luma=measured.luma[:],
    )
    done = [0.0] * len(looks)
    total = sum(look.seconds for look in looks)

    async def put(number: int, look: Span) -> range:
        def progressed(share: float) -> None:
            done[number] = share * look.seconds
            report(sum(done) / total)

        return _put(closer, await _watch(ffmpeg, look, "full", progressed))

    puts = [partial(put, number, look) for number, look in enumerate(looks)]
    pictures = await together(puts, limit=default_parallelism())
    coarse = sum(sum(measured.activity[part.start : part.stop]) for part in pictures)
    fine = sum(sum(closer.activity[part.start : part.stop]) for part in pictures)
    scale = coarse / fine if fine > 0 else 1.0
    for index in chain.from_iterable(pictures):
        closer.activity[index] *= scale
    return closer


def _put(whole: Measurements, part: Measurements) -> range:
    """Replace a stretch of `whole` by what was measured of it alone, and return which pictures are in it."""
    pictures = part.picture_range(part.start, part.end)
    metrics.resize(whole, max(whole.pictures, pictures.stop))
    at = slice(pictures.start, pictures.stop)
    whole.activity[at], whole.edges[at], whole.luma[at] = part.activity[at], part.edges[at], part.luma[at]
    whole.strips = tuple(sorted((*whole.strips, *part.strips), key=attrgetter("first")))
    before, after = bisect_left(whole.cuts, part.start), bisect_left(whole.cuts, part.end)
    seen = (cut for cut in part.cuts if part.start <= cut < part.end)
    whole.cuts = (*whole.cuts[:before], *seen, *whole.cuts[after:])
    whole.longest_still_seconds = max(whole.longest_still_seconds, part.longest_still_seconds)
    return pictures


async def _watch(ffmpeg: Ffmpeg, look: Span, tier: Tier, report: Callable[[float], None]) -> Measurements:
    video = look.info.video
    options = metrics.picture_options(tier, video=video, version=ffmpeg.version)
    again = look.input([]) if tier == "keyframes" else []  # the same file, for the sizes of its packets
    with tempfile.TemporaryDirectory(dir=look.scratch, prefix=".analysis-", ignore_cleanup_errors=True) as name:
        await ffmpeg.run(
            [
                *picture_input(look.path, look.start, options=options),
                *again,
                *metrics.picture_arguments(video, tier, seconds=look.seconds),
            ],
            duration_seconds=look.seconds,
            on_progress=report,
            directory=Path(name),
            timeout_seconds=300 + look.seconds * 4,
        )
        frames = await anyio.to_thread.run_sync(metrics.read_frames, Path(name), tier)
        end = await _picture_end(ffmpeg, look, frames, tier)
        read = partial(
            metrics.read_pictures,
            Path(name),
            frames,
            start=look.start,
            end=end,
            tier=tier,
            frame_rate=video.frame_rate,
        )
        return await anyio.to_thread.run_sync(read)


async def _picture_end(ffmpeg: Ffmpeg, look: Span, frames: metrics.Frames, tier: Tier) -> Fraction:
    """Return when the picture of a stretch ends: at the end of the stretch, unless the film ends or breaks off before.

    Raises MediaError when nothing could be decoded, the file holds a single picture, or all of it lies before.
    """
    if not frames.seconds:
        raise MediaError("No picture of this video could be decoded: it is damaged.")
    if frames.count <= 1 and not await has_frames(ffmpeg, look.path, look.info.video):
        raise still_picture(look.info)
    shown = look.start + metrics.exact_seconds(frames.last_shown)
    end = look.start + metrics.exact_seconds(frames.last_end)
    if end >= look.end:
        return look.end
    if look.end - end <= _SHORT_STILL_SECONDS and look.info.video.frame_rate >= SLOW_RATE:
        # No need to ask: a film that goes on shows this frame until its next, another one has ended here.
        return look.end if look.end < look.info.duration - _END_LEEWAY else end
    end = await picture_end(ffmpeg, look.path, look.info, shown=shown, end=look.end, are_all_decoded=tier == "full")
    if end <= look.start:
        raise MediaError(f"source_start_time ({look.start}) is after the end of the picture ({float(end):.1f} s).")
    return end
