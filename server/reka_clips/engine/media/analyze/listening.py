"""What is heard of a film: how loud it is from moment to moment, and on which of its tracks there is anything."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Final

from reka_clips.engine.media.analyze.measurements import LOUDNESS_PER_SECOND, SILENCE_DB
from reka_clips.engine.media.ffmpeg.decode import DOWNMIXES, TOLERANT, downmix_chain
from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.media_info import usable_audios
from reka_clips.engine.media.languages import base_language, language_tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reka_clips.engine.media.analyze.analyze import Span
    from reka_clips.engine.media.ffmpeg.media_info import AudioStream, MediaInfo
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

_AUDIBLE_DB: Final = -60.0  # what never gets louder counts as silence
_MAX_TRACKS: Final = 8
_RATE_HZ: Final = 16_000
_LONGEST_GAP_SECONDS: Final = 3600  # a jump beyond that is a broken time stamp, not a pause
_MAX_LINE_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Heard:
    """What is heard. audio: the track, or tracks, to use; None if none can be decoded.

    loudness_db: RMS level in dBFS every tenth of a second from time 0, -90 and up; empty without sound.
    """

    audio: AudioStream | None = None
    loudness_db: Sequence[float] = ()


async def listen(ffmpeg: Ffmpeg, look: Span) -> Heard:
    """Listen to the best track on which there is anything to hear.

    Several mono tracks in one language are microphones of one recording, and are heard together. Raises DiskFullError.
    """
    silent = Heard()
    for tracks in _candidates(look.info):
        heard = [(track, levels) for track in tracks if (levels := await _levels(ffmpeg, look, track.index))]
        audible = [(track, levels) for track, levels in heard if max(levels) > _AUDIBLE_DB]
        if audible:
            (first, loudness), *others = audible
            for _, levels in others:
                loudness = _louder(loudness, levels)
            return Heard(replace(first, mixed_with=tuple(track.index for track, _ in others)), loudness)
        if heard and silent.audio is None:
            silent = Heard(*heard[0])
    return silent


def choice_told(name: str, info: MediaInfo, heard: Heard) -> str | None:
    """Return a sentence on the sound of a film that is not what one expects; None where there is nothing to say."""
    if not info.audios:
        return None
    if heard.audio is None:
        codecs = ", ".join(dict.fromkeys(stream.codec for stream in info.audios))
        return f"The sound of {name} ({codecs}) could not be decoded, so its clips have no sound."
    if max(heard.loudness_db, default=SILENCE_DB) <= _AUDIBLE_DB:
        return f"The sound track of {name} is silent." if len(info.audios) > 1 else None
    usual = usable_audios(info.audios)
    if usual and heard.audio.index != usual[0].index:
        number = 1 + [stream.index for stream in info.audios].index(heard.audio.index)
        return f"Nothing is heard on the main sound track of {name}, so track {number} was used."
    return None


def _candidates(info: MediaInfo) -> list[list[AudioStream]]:
    """Return the tracks to try, in order, each time one or several that belong together."""
    usable = usable_audios(info.audios)[:_MAX_TRACKS]
    if not usable:
        return []
    best = usable[0]
    language = base_language(language_tag(best.language))
    together = [
        stream
        for stream in usable
        if stream.channels == 1
        and not stream.dispositions - {"default", "original"}
        and base_language(language_tag(stream.language)) == language
    ]
    if best in together and len(together) > 1:
        together.sort(key=lambda stream: stream.index)
        return [together, *([stream] for stream in usable if stream not in together)]
    return [[stream] for stream in usable]


async def _levels(ffmpeg: Ffmpeg, look: Span, stream: int) -> array[float]:
    """Return the level of a track every tenth of a second from time 0; empty when it cannot be decoded."""
    samples = _RATE_HZ // LOUDNESS_PER_SECOND
    level = "lavfi.astats.Overall.RMS_level"
    for downmix in DOWNMIXES:
        reader = _LevelReader(round(look.start * LOUDNESS_PER_SECOND))
        chain = (
            f"{downmix_chain(downmix, rate_hz=_RATE_HZ, layout='mono', sample_format='fltp')},"
            f"asetnsamples=n={samples}:p=0,astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level,"
            f"ametadata=mode=print:key={level}:file=-"
        )
        try:
            await ffmpeg.run(
                [
                    *(*TOLERANT, *look.input(["-vn", "-sn", "-dn"])),
                    *("-map", f"0:{stream}", "-filter:a", chain, "-f", "null", "-"),
                ],
                on_output=reader.read,
                timeout_seconds=300 + look.seconds,
            )
        except DiskFullError:
            raise
        except MediaError:
            continue
        if reader.levels:
            return reader.levels
    return array("f")


class _LevelReader:
    """Reads what `ametadata` prints, as it comes: the graph that prints is built anew when the sound changes."""

    def __init__(self, offset: int) -> None:
        self.levels: array[float] = array("f")
        self._offset = offset
        self._index = 0
        self._rest = b""

    def read(self, chunk: bytes) -> None:
        """Take the next bytes: `frame:0 pts:0 pts_time:0`, then `lavfi.astats.Overall.RMS_level=-16.6`."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:_MAX_LINE_BYTES]
        for line in lines:
            _, time, seconds = line.partition(b"pts_time:")
            _, level, value = line.partition(b"RMS_level=")
            try:
                if time:
                    self._index = self._offset + round(float(seconds) * LOUDNESS_PER_SECOND)
                elif level:
                    self._put(float(value))
            except (ValueError, OverflowError):
                continue

    def _put(self, value: float) -> None:
        index, known = self._index, len(self.levels)
        if known <= index <= known + LOUDNESS_PER_SECOND * _LONGEST_GAP_SECONDS + self._offset:
            self.levels.extend(repeat(SILENCE_DB, index - known))
            self.levels.append(max(SILENCE_DB, min(0.0, value)) if value == value else SILENCE_DB)  # noqa: PLR0124 - NaN


def _louder(one: Sequence[float], other: Sequence[float]) -> array[float]:
    """Return the louder of two levels at each moment: what is heard of both together, but for 3 dB."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return array("f", (*map(max, longer, shorter), *longer[len(shorter) :]))
