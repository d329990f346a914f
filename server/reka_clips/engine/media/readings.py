"""What ffmpeg is asked to measure, and how the files it answers with are read. No processes are run here."""

from __future__ import annotations

import re
from array import array
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from reka_clips.engine.media.cuts import cut_frames, keyframe_cuts
from reka_clips.engine.media.errors import MediaError
from reka_clips.engine.media.measurements import (
    COLUMNS,
    LOUDNESS_PER_SECOND,
    PICTURES_PER_SECOND,
    SILENCE_DB,
    Measurements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

Tier = Literal["full", "references", "keyframes"]

_CHANGES, _PACKETS, SOUND = "changes.txt", "packets.txt", "sound.txt"
_MOTION, _COLUMNS = "motion.gray", "columns.gray"
_SKIP: Final[dict[Tier, list[str]]] = {
    "full": [],
    "references": ["-skip_frame", "bidir"],
    "keyframes": ["-skip_frame", "nokey"],
}
_MICROSECONDS: Final = 1_000_000
_SOUND_RATE_HZ: Final = 16_000
_NOISE: Final = 8  # of 255: changes below are grain and compression
_MIN_FRAMES: Final = 3
_HALF_FRAME: Final = Fraction(1, 48)  # of the slowest usual rate
_MAX_LINE_CHARACTERS: Final = 200


def picture_options(tier: Tier) -> list[str]:
    """Return the input options for looking at the picture. The deblocking filter is not worth its time here."""
    return ["-an", "-sn", "-dn", "-skip_loop_filter", "all", "-reinit_filter", "0", *_SKIP[tier]]


def picture_arguments(video_index: int, tier: Tier) -> list[str]:
    """Return the output arguments for looking at the picture; the files land in the folder where ffmpeg runs.

    Every decoded frame is compared with the one before, at 32x18: what moves about changes a coarse picture less than
    a fine one, a new shot changes both. Four pictures a second (or each keyframe) are shrunk to 160x90 and then to
    one line: of their edges, their brightness, and of the change since the picture before.
    """
    rate = "null" if tier == "keyframes" else f"fps={PICTURES_PER_SECOND}:start_time=0"
    line = f"scale={COLUMNS}:1:flags=area"
    shrink = "scale=32:18:flags=area"
    graph = [
        f"[0:{video_index}]settb=1/{_MICROSECONDS},scale=160:90:flags=fast_bilinear,format=gray,split=2[every][some]",
        f"[every]{shrink},scdet=threshold=100:sc_pass=0,metadata=mode=print:key=lavfi.scd.mafd:file={_CHANGES}[changes]",
        f"[some]{rate},split=3[a][b][c]",
        f"[a]tblend=all_mode=difference,lut=y='if(lt(val,{_NOISE}),0,val)',{line}[motion]",
        f"[b]sobel,{line}[edges]",
        f"[c]{line}[luma]",
        "[edges][luma]vstack=2[columns]",
    ]
    # Pictures this small are not worth sharing out among threads, which wait for each other on a busy machine.
    arguments = ["-max_error_rate", "1", "-filter_complex_threads", "1", "-filter_complex", ";".join(graph)]
    for label, output in (
        ("changes", ["null", "-"]),
        ("motion", ["rawvideo", _MOTION]),
        ("columns", ["rawvideo", _COLUMNS]),
    ):
        arguments += ["-map", f"[{label}]", "-fps_mode", "passthrough", "-f", *output]
    if tier == "keyframes":
        arguments += ["-map", f"0:{video_index}", "-c", "copy", "-f", "framecrc", _PACKETS]
    return arguments


def sound_arguments(audio_index: int) -> list[str]:
    """Return the output arguments for listening to the sound: its level every tenth of a second."""
    samples = _SOUND_RATE_HZ // LOUDNESS_PER_SECOND
    level = "lavfi.astats.Overall.RMS_level"
    chain = (
        f"aresample={_SOUND_RATE_HZ},aformat=channel_layouts=mono,asetnsamples=n={samples}:p=0,"
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level,"
        f"ametadata=mode=print:key={level}:file={SOUND}"
    )
    return ["-max_error_rate", "1", "-map", f"0:{audio_index}", "-filter:a", chain, "-f", "null", "-"]


def read_pictures(directory: Path, *, start: Fraction, end: Fraction, tier: Tier) -> Measurements:
    """Return what the files that `picture_arguments` made tell, without the sound.

    Raises MediaError when (almost) no picture was decoded.
    """
    ticks, changes = _read_changes(directory / _CHANGES)
    if tier == "keyframes":
        packets = _read_packets(directory / _PACKETS)
        last = max((time + length for time, length, _, _ in packets), default=0.0)
        frames = len(packets)
    else:
        step = median(b - a for a, b in pairwise(ticks)) if len(ticks) > 1 else 0
        packets = []
        last = ((ticks[-1] + step) if ticks else 0) / _MICROSECONDS
        frames = len(ticks)
    if frames < _MIN_FRAMES:
        raise MediaError("No moving picture could be decoded: the video is damaged, or is a still.")
    measured = Measurements(
        start=start,
        end=min(end, start + Fraction(round(last * _MICROSECONDS), _MICROSECONDS)),
        is_exact=tier == "full",
    )
    resize(measured, _index(measured.end) + 1)
    motion, columns = (directory / _MOTION).read_bytes(), (directory / _COLUMNS).read_bytes()
    if tier == "keyframes":
        seconds = [tick / _MICROSECONDS for tick in ticks]
        measured.cuts = tuple(start + Fraction(ticks[i], _MICROSECONDS) for i in keyframe_cuts(changes, seconds))
        _hold_columns(measured, columns, [start + Fraction(tick, _MICROSECONDS) for tick in ticks])
        _set_activity(measured, packet_activity(packets, measured.pictures - _index(start)))
    else:
        seconds = [tick / _MICROSECONDS for tick in ticks]
        measured.cuts = tuple(start + Fraction(ticks[i], _MICROSECONDS) for i in cut_frames(changes, seconds))
        _set_columns(measured, motion, columns)
    return measured


def read_loudness(path: Path, *, start: Fraction) -> array[float]:
    """Return the levels that `sound_arguments` made ffmpeg write, every tenth of a second from time 0, in dBFS."""
    levels: array[float] = array("f")
    offset = round(start * LOUDNESS_PER_SECOND)
    for tick, value in _read_metadata(path):
        index = offset + round(tick * LOUDNESS_PER_SECOND / _SOUND_RATE_HZ)
        if index < len(levels) or index > len(levels) + LOUDNESS_PER_SECOND * 3600 + offset:
            continue  # a jump of an hour and more is a broken time stamp, not a pause
        levels.extend([SILENCE_DB] * (index - len(levels)))
        levels.append(max(SILENCE_DB, min(0.0, value)) if value == value else SILENCE_DB)  # noqa: PLR0124 - NaN
    return levels


def resize(measured: Measurements, pictures: int) -> None:
    """Make room for `pictures` pictures, or cut down to them."""
    for columns in (measured.motion, measured.edges, measured.luma):
        del columns[pictures * COLUMNS :]
        columns.extend(bytes(pictures * COLUMNS - len(columns)))
    del measured.activity[pictures:]
    measured.activity.extend([0.0] * (pictures - len(measured.activity)))


def packet_activity(packets: Sequence[tuple[float, float, int, bool]], pictures: int) -> list[float]:
    """Return how many bytes each quarter of a second's frames take, apart from keyframes.

    What moves costs bytes (correlation .75 with measured motion); a keyframe costs them anyway, so it counts as
    much as the other frames around it. packets: (time, length in seconds, bytes, is a keyframe).
    """
    sums = [0.0] * pictures
    counts = [0] * pictures
    for time, _, size_bytes, is_key in packets:
        index = int(time * PICTURES_PER_SECOND)
        if not is_key and 0 <= index < pictures:
            sums[index] += size_bytes
            counts[index] += 1
    means = [total / count if count else -1.0 for total, count in zip(sums, counts, strict=True)]
    known = [mean for mean in means if mean >= 0]
    last = median(known) if known else 0.0
    for index, mean in enumerate(means):
        last = mean if mean >= 0 else last
        means[index] = last
    return means


def _index(time: Fraction) -> int:
    return int(time * PICTURES_PER_SECOND)


def _set_activity(measured: Measurements, values: Iterable[float]) -> None:
    first = _index(measured.start)
    for index, value in enumerate(values, first):
        if index < measured.pictures:
            measured.activity[index] = value


def _set_columns(measured: Measurements, motion: bytes, columns: bytes) -> None:
    """Fill in the pictures taken every quarter of a second. The first has nothing before it to differ from."""
    first = _index(measured.start)
    count = min(len(columns) // (2 * COLUMNS), measured.pictures - first)
    for number in range(count):
        at = slice((first + number) * COLUMNS, (first + number + 1) * COLUMNS)
        row = number * 2 * COLUMNS
        measured.edges[at] = columns[row : row + COLUMNS]
        measured.luma[at] = columns[row + COLUMNS : row + 2 * COLUMNS]
    moved = motion[: max(0, count - 1) * COLUMNS]
    begin = (first + 1) * COLUMNS
    measured.motion[begin : begin + len(moved)] = moved
    for index in cut_pictures(measured):
        measured.motion[index * COLUMNS : (index + 1) * COLUMNS] = bytes(COLUMNS)
    _set_activity(measured, moving_activity(measured, range(first, first + count)))


def cut_pictures(measured: Measurements) -> set[int]:
    """Return the indices of the pictures that show another shot than the one before.

    The picture of a quarter of a second is the frame nearest to it, so for a cut about halfway both may be.
    """
    found: set[int] = set()
    for cut in measured.cuts:
        for place in (cut - _HALF_FRAME, cut + _HALF_FRAME):
            found.add(min(measured.pictures - 1, int(place * PICTURES_PER_SECOND + Fraction(1, 2))))
    return found


def moving_activity(measured: Measurements, pictures: range) -> list[float]:
    """Return the mean of each picture's motion; a cut tells nothing of motion, so there the one before holds."""
    skipped = cut_pictures(measured)
    values: list[float] = []
    for index in pictures:
        if index in skipped and values:
            values.append(values[-1])
        else:
            values.append(sum(measured.columns(measured.motion, index)) / COLUMNS)
    return values


def _hold_columns(measured: Measurements, columns: bytes, times: Sequence[Fraction]) -> None:
    """Fill in the pictures from keyframes: each holds until the next."""
    count = min(len(times), len(columns) // (2 * COLUMNS))
    for number in range(count):
        begin = max(0, _index(times[number]))
        stop = _index(times[number + 1]) if number + 1 < count else measured.pictures
        stop = min(max(stop, begin), measured.pictures)
        row = number * 2 * COLUMNS
        at = slice(begin * COLUMNS, stop * COLUMNS)
        measured.edges[at] = columns[row : row + COLUMNS] * (stop - begin)
        measured.luma[at] = columns[row + COLUMNS : row + 2 * COLUMNS] * (stop - begin)


def _read_changes(path: Path) -> tuple[list[int], list[float]]:
    """Return the time in microseconds and the change of each frame; times that go back are left out."""
    ticks: list[int] = []
    changes: list[float] = []
    for tick, value in _read_metadata(path):
        if not ticks or tick > ticks[-1]:
            ticks.append(tick)
            changes.append(value)
    return ticks, changes


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


def _read_packets(path: Path) -> list[tuple[float, float, int, bool]]:
    """Return (time, length in seconds, bytes, is a keyframe) of each packet that framecrc listed."""
    base = Fraction(1, _MICROSECONDS)
    packets: list[tuple[float, float, int, bool]] = []
    with path.open(encoding="ascii", errors="replace") as lines:
        while line := lines.readline(_MAX_LINE_CHARACTERS):
            if line.startswith("#tb 0: "):
                base = Fraction(line.removeprefix("#tb 0: ").strip())
            fields = line.split(",")
            if line.startswith("#") or len(fields) < 6:  # noqa: PLR2004 - stream, dts, pts, duration, size, sum
                continue
            is_key = not any(field.strip().startswith("F=") for field in fields[6:])
            try:
                pts, length, size_bytes = int(fields[2]), int(fields[3]), int(fields[4])
            except ValueError:
                continue
            packets.append((float(pts * base), float(length * base), size_bytes, is_key))
    return packets
