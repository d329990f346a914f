"""What ffmpeg is asked to measure, and how the files it answers with are read. No processes are run here."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise, repeat
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from reka_clips.engine.media.analyze.measurements import (
    COLUMNS,
    PICTURES_PER_SECOND,
    Measurements,
    Strip,
)
from reka_clips.engine.media.analyze.motion import Packets, frame_activity, read_packets, sampled_activity
from reka_clips.engine.media.analyze.shots import cut_frames, keyframe_cuts
from reka_clips.engine.media.ffmpeg.process import known_matrix, steady_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import VideoStream

Tier = Literal["full", "references", "keyframes"]

_CHANGES, _PACKETS = "changes.txt", "packets.txt"
_MOTION, _COLUMNS = "motion.gray", "columns.gray"
_SKIP: Final[dict[Tier, list[str]]] = {
    "full": [],
    "references": ["-skip_frame", "bidir"],
    "keyframes": ["-skip_frame", "nokey"],
}
_MICROSECONDS: Final = 1_000_000
_NOISE: Final = 8  # of 255: changes below are grain and compression
_STEP_FRAMES: Final = 10_000  # enough to tell how long a frame is shown
_SAMPLE_FRAMES: Final = 4.5  # after each keyframe: a frame that is no B-frame comes sooner, as encoders are usually set
_USUAL_RATE: Final = 30
_KEYFRAME_SECONDS: Final = 1.0  # keyframes closer to the one before are left out
_HALF_FRAME: Final = Fraction(1, 48)  # of the slowest usual rate
_MAX_LINE_CHARACTERS: Final = 200


def picture_options(tier: Tier, *, video: VideoStream, version: tuple[int, ...]) -> list[str]:
    """Return the input options for looking at the picture. The deblocking filter is not worth its time here.

    version: ffmpeg's, which from 7.1 on can leave out packets before they
    are decoded.
    """
    options = ["-skip_loop_filter", "all"]
    skip = dict(_SKIP)
    if video.codec == "hevc":  # its B-frames refer to each other: without all of them hardly a picture is left
        skip["references"] = ["-skip_frame", "noref"]
    if tier == "keyframes" and version >= (7, 1):
        return [*options, *skip["references"], "-bsf:v", f"noise=drop='{_drop_expression(video.frame_rate)}'"]
    return [*options, *skip[tier]]


def _drop_expression(frame_rate: Fraction) -> str:
    """Return the expression that drops all packets but keyframes, and what is shown within a moment after each.

    So two frames of a group of pictures are decoded: enough to see how much moves. Variables: 0 the time of the last
    keyframe that was kept, 1 whether there was one, 2 the packet's time.
    """
    time = "st(2,if(eq(pts,nopts),dts,pts)*tb)"
    is_next = f"key*(not(ld(1))+gte(ld(2)-ld(0),{_KEYFRAME_SECONDS}))"
    keep = f"st(0,if({is_next},st(1,1)*0+ld(2),ld(0)))"
    return f"{time};{keep};not(ld(1))+lt(ld(2),ld(0))+gt(ld(2),ld(0)+{_sample_seconds(frame_rate):.3f})"


def _sample_seconds(frame_rate: Fraction) -> float:
    return min(0.9 * _KEYFRAME_SECONDS, _SAMPLE_FRAMES / float(frame_rate or _USUAL_RATE))


def picture_arguments(video: VideoStream, tier: Tier, *, seconds: float) -> list[str]:
    """Return the output arguments for looking at `seconds` of the picture; the files land where ffmpeg runs.

    Every decoded frame is compared with the one before, at 32x18: what moves about changes a coarse picture less than
    a fine one, a new shot changes both. Four pictures a second (or each keyframe) are shrunk to 160x90 and then to
    one line: of their edges, their brightness, and in full of the change since the picture before. For keyframes the
    sizes of all packets are listed as well, of a second input that is the same file.
    """
    pictures = ceil(seconds * PICTURES_PER_SECOND) + 1
    steady = f"{steady_rate(video, PICTURES_PER_SECOND)},trim=end_frame={pictures}"
    rate = "null" if tier == "keyframes" else steady
    line = f"scale={COLUMNS}:1:flags=area"
    shrink = "scale=32:18:flags=area"
    graph = [
        f"[0:{video.index}]settb=1/{_MICROSECONDS},{known_matrix(video)}trim=end={seconds:.6f},scale=160:90:flags=fast_bilinear,format=gray,split=2[every][some]",
        f"[every]{shrink},scdet=threshold=100:sc_pass=0,metadata=mode=print:key=lavfi.scd.mafd:file={_CHANGES}[changes]",
        f"[some]{rate},split={'3[a]' if tier == 'full' else '2'}[b][c]",
        f"[b]sobel,{line}[edges]",
        f"[c]{line}[luma]",
        "[edges][luma]vstack=2[columns]",
    ]
    outputs = [("changes", ["null", "-"]), ("columns", ["rawvideo", _COLUMNS])]
    if tier == "full":
        graph.append(f"[a]tblend=all_mode=difference,lut=y='if(lt(val,{_NOISE}),0,val)',{line}[motion]")
        outputs.append(("motion", ["rawvideo", _MOTION]))
    # Pictures this small are not worth sharing out among threads, which wait for each other on a busy machine.
    arguments = ["-max_error_rate", "1", "-filter_complex_threads", "1", "-filter_complex", ";".join(graph)]
    for label, output in outputs:
        arguments += ["-map", f"[{label}]", "-fps_mode", "passthrough", "-f", *output]
    if tier == "keyframes":
        arguments += ["-map", f"1:{video.index}", "-c", "copy", "-f", "framecrc", _PACKETS]
    return arguments


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames that were decoded of a stretch, in seconds from its start, and how much each differs from the last.

    The first may have been shown before: it stands at the start, and counts as shown then. standing_since: when it was.
    skipped: how many frames before it were decoded and are not listed. packets: of the stretch, for keyframes only.
    """

    seconds: array[float]
    changes: array[float]
    standing_since: float = 0.0
    skipped: int = 0
    packets: Packets = field(default_factory=Packets)

    @property
    def count(self) -> int:
        """How many frames the stretch has at least, decoded or not."""
        return max(len(self.seconds), self.packets.frames)

    @property
    def last_shown(self) -> float:
        """When the last frame that was decoded is shown."""
        return self.seconds[-1] if len(self.seconds) > 1 else self.standing_since

    @property
    def last_end(self) -> float:
        """When the last frame has been shown, if it is shown for as long as the others."""
        steps = [later - earlier for earlier, later in pairwise(self.seconds[-_STEP_FRAMES:])]
        return self.packets.end_seconds or self.last_shown + (median(steps) if steps else 0)

    @property
    def longest_still(self) -> float:
        """The longest time between two frames, in seconds."""
        times = [self.standing_since, *self.seconds[1:]]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def read_frames(directory: Path, tier: Tier) -> Frames:
    """Return the frames that the files of `picture_arguments` tell of; times that go back are left out."""
    seconds, changes = array("d"), array("f")
    standing, skipped = 0, 0
    for tick, value in _read_metadata(directory / _CHANGES):
        if tick <= 0:
            skipped += len(seconds)
            seconds, changes, standing = array("d", [0.0]), array("f", [value]), tick
        elif not seconds or tick > seconds[-1] * _MICROSECONDS + 0.5:
            seconds.append(tick / _MICROSECONDS)
            changes.append(value)
    packets = read_packets(directory / _PACKETS) if tier == "keyframes" else Packets()
    return Frames(seconds, changes, standing / _MICROSECONDS, skipped, packets)


def read_pictures(
    directory: Path, frames: Frames, *, start: Fraction, end: Fraction, tier: Tier, frame_rate: Fraction
) -> Measurements:
    """Return what the files that `picture_arguments` made tell, without the sound. end: when the picture ends."""
    seconds, changes, packets = frames.seconds, frames.changes, frames.packets
    measured = Measurements(start=start, end=end, is_exact=tier == "full")
    measured.longest_still_seconds = max(frames.longest_still, float(end - start) - frames.last_shown)
    resize(measured, _index(measured.end) + 1)
    first = _index(start)
    lines = _read_lines(directory / _COLUMNS, skip=frames.skipped if tier == "keyframes" else 0)
    if tier == "keyframes":
        keyframes = _keyframes(seconds, _sample_seconds(frame_rate))
        found = keyframe_cuts([changes[index] for index in keyframes], [seconds[index] for index in keyframes])
        cuts = [keyframes[index] for index in found]
        _hold_means(measured, lines, array("q", (_index(start + exact_seconds(time)) for time in seconds)))
        moving = sampled_activity(changes, seconds, keyframes, packets, measured.pictures - first)
    else:
        cuts = cut_frames(changes, seconds)
        _hold_means(measured, lines, range(first, measured.pictures))
        moving = frame_activity(changes, seconds, set(cuts), measured.pictures - first)
    measured.cuts = tuple(start + exact_seconds(seconds[index]) for index in cuts)
    measured.activity[first:] = array("f", moving)
    if tier == "full":
        measured.strips = (_strip(measured, directory),)
    return measured


def resize(measured: Measurements, pictures: int) -> None:
    """Make room for `pictures` pictures, or cut down to them."""
    for values in (measured.edges, measured.luma, measured.activity):
        del values[pictures:]
        values.extend(repeat(0.0, pictures - len(values)))


def _index(time: Fraction) -> int:
    return int(time * PICTURES_PER_SECOND)


def exact_seconds(seconds: float) -> Fraction:
    """Return a time as an exact number of microseconds, in seconds."""
    return Fraction(round(seconds * _MICROSECONDS), _MICROSECONDS)


def _keyframes(seconds: Sequence[float], sample_seconds: float) -> list[int]:
    """Return the indices of the keyframes among frames of which the others follow one right away."""
    found: list[int] = []
    for index, time in enumerate(seconds):
        if not found or time - seconds[found[-1]] > sample_seconds + 0.001:
            found.append(index)
    return found


def _read_lines(path: Path, *, skip: int = 0) -> Iterator[bytes]:
    """Yield the columns of each picture but the first `skip`: 64 bytes for its edges, 64 for its brightness."""
    with path.open("rb") as file:
        file.seek(skip * 2 * COLUMNS)
        while len(line := file.read(2 * COLUMNS)) == 2 * COLUMNS:
            yield line


def _hold_means(measured: Measurements, lines: Iterable[bytes], places: Sequence[int]) -> None:
    """Fill in the edges and the brightness of pictures. places: where each line goes; it holds until the next one's."""
    done, edges, luma = measured.pictures, 0.0, 0.0
    for number, (line, place) in enumerate(zip(lines, places, strict=False)):
        done = places[number + 1] if number + 1 < len(places) else measured.pictures
        edges, luma = sum(line[:COLUMNS]) / COLUMNS, sum(line[COLUMNS:]) / COLUMNS
        for index in range(max(0, place), min(done, measured.pictures)):
            measured.edges[index], measured.luma[index] = edges, luma
    for index in range(done, measured.pictures):  # the last picture stands
        measured.edges[index], measured.luma[index] = edges, luma


def _strip(measured: Measurements, directory: Path) -> Strip:
    """Return the columns of all pictures that were measured."""
    first = _index(measured.start)
    size = (measured.pictures - first) * COLUMNS
    motion, edges = bytearray(size), bytearray(size)
    line = b""
    for place, line in zip(range(0, size, COLUMNS), _read_lines(directory / _COLUMNS), strict=False):
        edges[place : place + COLUMNS] = line[:COLUMNS]
    for place in range((directory / _COLUMNS).stat().st_size // 2, size if line else 0, COLUMNS):
        edges[place : place + COLUMNS] = line[:COLUMNS]  # the last picture stands
    with (directory / _MOTION).open("rb") as file:
        file.readinto(memoryview(motion)[COLUMNS:])  # the first picture has nothing before it to differ from
    for index in cut_pictures(measured):  # what comes after a cut differs from another shot
        place = (index - first) * COLUMNS
        motion[place : place + COLUMNS] = bytes(COLUMNS)
    return Strip(first, motion, edges)


def cut_pictures(measured: Measurements) -> set[int]:
    """Return the indices of the pictures that show another shot than the one before.

    The picture of a quarter of a second is the frame nearest to it, so for a cut about halfway both may be.
    """
    found: set[int] = set()
    for cut in measured.cuts:
        for place in (cut - _HALF_FRAME, cut + _HALF_FRAME):
            found.add(min(measured.pictures - 1, int(place * PICTURES_PER_SECOND + Fraction(1, 2))))
    return found


_FRAME = re.compile(r"frame:\s*\d+\s+pts:\s*(-?\d+)\s")


def _read_metadata(path: Path) -> Iterator[tuple[int, float]]:
    """Yield the time stamp and the value of each frame that a `metadata=print` filter wrote."""
    tick: int | None = None
    with path.open(encoding="ascii", errors="replace") as lines:
        while line := lines.readline(_MAX_LINE_CHARACTERS):
            if found := _FRAME.match(line):
                tick = int(found[1])
            elif tick is not None and "=" in line:
                try:
                    value = float(line.partition("=")[2])
                except ValueError:
                    continue
                yield tick, value
                tick = None
