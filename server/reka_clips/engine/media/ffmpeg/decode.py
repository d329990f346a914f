"""A stretch of a sound track as PCM, whatever becomes of it on the way: other channels, another rate, damage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from reka_clips.engine.media.ffmpeg.errors import DiskFullError, MediaError
from reka_clips.engine.media.ffmpeg.process import input_arguments, output_argument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

SAMPLE_RATE_HZ: Final = 48_000

# Bits of sound that ffmpeg cannot decode are left out; by default it gives up where most of them are.
TOLERANT: Final = ("-max_error_rate", "1")
# Down to stereo. `<` scales by the channels that are there, so that a film is as loud before and after it changes from
# stereo to 5.1 or mono. The second is ffmpeg's own way, for layouts without names; the third makes stereo of ambisonic
# sound (W and Y), for which ffmpeg has none.
DOWNMIXES: Final = (
    "pan=stereo|FL<FL+0.707*FC+0.5*SL+0.5*BL+0.35*BC+0.5*FLC+DL|FR<FR+0.707*FC+0.5*SR+0.5*BR+0.35*BC+0.5*FRC+DR",
    "aresample",
    "pan=stereo|c0<c0+0.5*c1|c1<c0-0.5*c1",
)
_ENCODERS: Final = {"flt": "pcm_f32le", "s16": "pcm_s16le"}
_MIN_BYTES: Final = 2000  # a file with a header alone is smaller


def downmix_chain(downmix: str, *, rate_hz: int = SAMPLE_RATE_HZ, layout: str = "stereo", sample_format: str) -> str:
    """Return the filters from any sound to one format; each time the sound changes ffmpeg builds them anew."""
    return f"{downmix},aresample={rate_hz},aformat=sample_fmts={sample_format}:channel_layouts={layout}"


async def decode_sound(
    ffmpeg: Ffmpeg,
    path: Path,
    stream: int,
    output: Path,
    *,
    start: Fraction,
    seconds: float,
    rate_hz: int = SAMPLE_RATE_HZ,
    layout: str = "stereo",
    sample_format: Literal["flt", "s16"] = "flt",
) -> bool:
    """Write a stretch of a sound track to `output` as PCM in NUT, and return whether there is any sound in it.

    Time 0 of the file is `start`, in seconds of the source; where the track has holes, the file has them, too. Whoever
    reads it must fill them (`aresample=async=1:first_pts=0`). Raises DiskFullError.

    Decoding apart from what is done with the sound is what keeps it whole: ffmpeg builds a graph of filters anew
    when the sound changes in mid-film (2.0 to 5.1 at a commercial, 48 to 44.1 kHz), and a filter that fills up or
    measures to the end would end there.
    """
    for downmix in DOWNMIXES:
        chain = downmix_chain(downmix, rate_hz=rate_hz, layout=layout, sample_format=sample_format)
        times = ["-vn", "-sn", "-dn", "-ss", f"{float(start):.6f}", "-t", f"{seconds:.6f}"]
        try:
            await ffmpeg.run(
                [
                    *(*TOLERANT, *input_arguments(path, options=times), "-map", f"0:{stream}", "-filter:a", chain),
                    *("-c:a", _ENCODERS[sample_format], "-f", "nut", output_argument(output)),
                ],
                timeout_seconds=300 + seconds,
            )
        except DiskFullError:
            raise
        except MediaError:
            continue
        if _holds_sound(output):
            return True
    return False


async def decode_speech(
    ffmpeg: Ffmpeg, path: Path, streams: Sequence[int], output: Path, *, start: Fraction, seconds: float
) -> bool:
    """Write a stretch of sound, several tracks mixed, as a WAV file for speech recognition: mono, 16 kHz, no holes.

    Returns whether there is any sound in it. Raises DiskFullError, MediaError.
    """
    files: list[Path] = []
    for stream in streams:
        file = output.with_name(f"{output.stem}-{stream}.nut")
        is_heard = await decode_sound(
            ffmpeg, path, stream, file, start=start, seconds=seconds, rate_hz=16_000, layout="mono", sample_format="s16"
        )
        files += [file] if is_heard else []
    if not files:
        return False
    whole = [f"[{number}:a]aresample=16000:async=1:first_pts=0[{number}]" for number in range(len(files))]
    pads = "".join(f"[{number}]" for number in range(len(files)))
    mix = f"{pads}amix=inputs={len(files)}[mix]" if len(files) > 1 else f"{pads}anull[mix]"
    inputs = [argument for file in files for argument in input_arguments(file)]
    graph = ";".join([*whole, mix])
    await ffmpeg.run([*inputs, "-filter_complex", graph, "-map", "[mix]", output_argument(output)])
    return True


def _holds_sound(path: Path) -> bool:
    return path.stat().st_size >= _MIN_BYTES
