"""A clip's sound: one stereo track at 48 kHz, evenly loud (-14 LUFS), never clipped, without clicks at the joins."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.ffmpeg.decode import SAMPLE_RATE_HZ, decode_sound
from reka_clips.engine.media.ffmpeg.process import input_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.media_info import MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import ClipPlan

TARGET_LUFS: Final = -14.0
MAX_TRUE_PEAK_DB: Final = -1.5
# The limiter works at 96 kHz, where what lies between the samples is mostly seen; AAC adds up to half a decibel.
_LIMIT_DB: Final = -2.6
_MAX_GAIN_DB: Final = 24.0  # more would only raise noise
_MAX_SECOND_GAIN_DB: Final = 4.0
_SILENCE_LUFS: Final = -60.0
_CROSSFADE_SECONDS: Final = Fraction(3, 25)
_RUN_UP_SECONDS: Final = Fraction(1, 2)
_FADE_IN_SECONDS: Final = Fraction(1, 100)
_FADE_OUT_SECONDS: Final = Fraction(3, 100)
_ENCODING: Final = ("-c:a", "aac", "-b:a", "160k", "-ar", str(SAMPLE_RATE_HZ), "-ac", "2")


@dataclass(frozen=True, slots=True)
class SoundPart:
    """A stretch of one source's sound. Times in seconds of the source; `streams` is empty for a silent source.

    streams: the tracks that are heard together. lead: silence before `start`, where the crossfade would begin before
    the source does. overlap: how long the part is crossfaded with the one before it. files: the decoded tracks, each
    from `run_up` before `start` on; empty as long as they are not decoded, and when there is nothing in them.
    """

    path: Path
    streams: tuple[int, ...]
    start: Fraction
    duration: Fraction
    lead: Fraction = Fraction(0)
    overlap: Fraction = Fraction(0)
    files: tuple[Path, ...] = ()

    @property
    def run_up(self) -> Fraction:
        """How long before `start` reading begins: seeking goes by the picture and may skip a little of the sound."""
        return min(self.start, _RUN_UP_SECONDS)


@dataclass(frozen=True, slots=True)
class Loudness:
    """What was measured. integrated_lufs: -inf for silence (EBU R 128). peak_db: highest sample, dBFS."""

    integrated_lufs: float
    peak_db: float


@dataclass(frozen=True, slots=True)
class LoudnessGain:
    """How a clip's sound is brought to its loudness: first the gain, then the limiter if there is need.

    is_silent: whether there was nothing to measure.
    """

    gain_db: float = 0.0
    is_limited: bool = False
    is_silent: bool = False


def sound_parts(plan: ClipPlan, sources: Sequence[tuple[Path, MediaInfo]]) -> tuple[SoundPart, ...]:
    """Return the stretches of sound that a clip is made of, not decoded yet; empty when no source has sound.

    At a join each part is longer by half a crossfade, so that picture and sound stay together.
    """
    parts: list[SoundPart] = []
    for index, segment in enumerate(plan.segments):
        path, info = sources[segment.source]
        overlap = _crossfade(plan, index)
        begin = segment.start - overlap / 2
        start = max(Fraction(0), begin)
        duration = overlap / 2 + segment.duration + _crossfade(plan, index + 1) / 2
        streams = () if info.audio is None else info.audio.indices
        parts.append(SoundPart(path, streams, start, duration, lead=start - begin, overlap=overlap))
    return tuple(parts) if any(part.streams for part in parts) else ()


async def decode_parts(ffmpeg: Ffmpeg, parts: Sequence[SoundPart], folder: Path) -> tuple[SoundPart, ...]:
    """Return the parts with their sound decoded into files in `folder`; empty when none of them can be decoded.

    Raises DiskFullError.
    """
    decoded: list[SoundPart] = []
    for number, part in enumerate(parts):
        begin, seconds = part.start - part.run_up, float(part.run_up + part.duration)
        files: list[Path] = []
        for stream in part.streams:
            file = folder / f"sound-{number}-{stream}.nut"
            if await decode_sound(ffmpeg, part.path, stream, file, start=begin, seconds=seconds):
                files.append(file)
        decoded.append(replace(part, files=tuple(files)))
    return tuple(decoded) if any(part.files for part in decoded) else ()


def sound_inputs(parts: Sequence[SoundPart]) -> list[str]:
    """Return the input arguments of the decoded files, in order."""
    return [argument for part in parts for file in part.files for argument in input_arguments(file)]


def sound_graph(parts: Sequence[SoundPart], *, first_input: int, mastering: LoudnessGain | None) -> str:
    """Return the filter graph from the decoded files, the first of which is input `first_input`, to the pad `[sound]`.

    mastering: None leaves the loudness as it is (to measure it), and fades nothing.
    """
    chains: list[str] = []
    input_index = first_input
    for index, part in enumerate(parts):
        seconds = f"{float(part.duration):.6f}"
        tracks: list[str] = []
        for _ in part.files:
            # async and first_pts fill holes in the track with silence, so that sound and picture stay together.
            chains.append(f"[{input_index}:a]aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0[track{input_index}]")
            tracks.append(f"[track{input_index}]")
            input_index += 1
        if not tracks:
            chain = f"anullsrc=r={SAMPLE_RATE_HZ}:cl=stereo,"
        else:
            mix = f"amix=inputs={len(tracks)}:normalize=0," if len(tracks) > 1 else ""
            chain = f"{''.join(tracks)}{mix}atrim=start={float(part.run_up):.6f},asetpts=PTS-STARTPTS,"
        chain += "aformat=sample_fmts=fltp:channel_layouts=stereo,"
        if part.lead > 0:
            chain += f"adelay=delays={round(part.lead * 1000)}:all=1,"
        chains.append(f"{chain}apad=whole_dur={seconds},atrim=duration={seconds}[part{index}]")
    joined = "part0"
    total = parts[0].duration
    for index in range(1, len(parts)):
        overlap = parts[index].overlap
        curves = f"acrossfade=d={float(overlap):.6f}:c1=qsin:c2=qsin"
        chains.append(f"[{joined}][part{index}]{curves}[joined{index}]")
        joined = f"joined{index}"
        total += parts[index].duration - overlap
    last = "anull" if mastering is None else _master(mastering, total)
    return ";".join([*chains, f"[{joined}]{last}[sound]"])


def sound_encoding() -> list[str]:
    """Return the output arguments for the sound track."""
    return list(_ENCODING)


def first_mastering(measured: Loudness) -> LoudnessGain:
    """Return the gain that reaches the target, and whether a limiter must hold the peaks."""
    if measured.integrated_lufs < _SILENCE_LUFS:
        return LoudnessGain(is_silent=True)
    gain_db = min(_MAX_GAIN_DB, TARGET_LUFS - measured.integrated_lufs)
    return LoudnessGain(gain_db, is_limited=measured.peak_db + gain_db > _LIMIT_DB)


def second_mastering(first: LoudnessGain, measured: Loudness) -> LoudnessGain:
    """Return the mastering corrected by what was measured behind the first: limiting makes sound less loud."""
    lacking_db = TARGET_LUFS - measured.integrated_lufs
    extra_db = max(-_MAX_SECOND_GAIN_DB, min(_MAX_SECOND_GAIN_DB, lacking_db))
    return LoudnessGain(min(_MAX_GAIN_DB, first.gain_db + extra_db), is_limited=True)


async def find_mastering(ffmpeg: Ffmpeg, parts: Sequence[SoundPart]) -> LoudnessGain:
    """Measure a clip's sound and return how to bring it to -14 LUFS with true peaks of at most -1.5 dB.

    Sound that needs no limiter is measured once, other sound twice. Raises MediaError.
    """
    first = first_mastering(await _measure(ffmpeg, parts, None))
    return second_mastering(first, await _measure(ffmpeg, parts, first)) if first.is_limited else first


async def _measure(ffmpeg: Ffmpeg, parts: Sequence[SoundPart], mastering: LoudnessGain | None) -> Loudness:
    graph = sound_graph(parts, first_input=0, mastering=mastering) + ";[sound]ebur128=peak=sample:framelog=verbose[out]"
    arguments = [*sound_inputs(parts), "-filter_complex", graph, "-map", "[out]", "-f", "null", "-"]
    return parse_loudness(await ffmpeg.run(arguments, log_level="info"))


def parse_loudness(log: str) -> Loudness:
    """Return what the summary of ffmpeg's ebur128 filter says; silence when there is none."""
    summary = log.rpartition("Summary:")[2]
    loudness = re.search(r"I:\s+(-?[\d.]+|-inf|nan) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf|nan) dBFS", summary)
    values = [float(found[1]) if found else -math.inf for found in (loudness, peak)]
    return Loudness(*(-math.inf if math.isnan(value) else value for value in values))


def _master(mastering: LoudnessGain, total: Fraction) -> str:
    filters: list[str] = []
    if mastering.gain_db:
        filters.append(f"volume={mastering.gain_db:.2f}dB")
    if mastering.is_limited:
        limit = 10 ** (_LIMIT_DB / 20)
        filters += [
            "aresample=96000",
            f"alimiter=limit={limit:.4f}:attack=2:release=80:level=0:latency=1",
            f"aresample={SAMPLE_RATE_HZ}",
        ]
    fade_out_start = max(Fraction(0), total - _FADE_OUT_SECONDS)
    filters += [
        f"afade=t=in:d={float(_FADE_IN_SECONDS)}",
        f"afade=t=out:st={float(fade_out_start):.6f}:d={float(_FADE_OUT_SECONDS)}",
        f"atrim=duration={float(total):.6f}",
    ]
    return ",".join(filters)


def _crossfade(plan: ClipPlan, join: int) -> Fraction:
    """Return how long the crossfade before segment `join` lasts: at most a quarter of its neighbours; 0 at the ends."""
    if not 0 < join < len(plan.segments):
        return Fraction(0)
    shortest = min(plan.segments[join - 1].duration, plan.segments[join].duration)
    return min(_CROSSFADE_SECONDS, shortest / 4)
