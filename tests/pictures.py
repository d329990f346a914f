"""Clips looked at and listened to: frames as pixels, sound as samples and as what ffmpeg's meters say."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Color = tuple[int, int, int]
Box = tuple[float, float, float, float]
WHOLE: Box = (0, 0, 1, 1)


@dataclass(frozen=True)
class Picture:
    """A frame as RGB bytes. Places are shares of its width and height; a box is left, top, right, bottom."""

    width: int
    height: int
    rgb: bytes

    def at(self, x: float, y: float) -> Color:
        offset = 3 * (int(y * (self.height - 1)) * self.width + int(x * (self.width - 1)))
        return self.rgb[offset], self.rgb[offset + 1], self.rgb[offset + 2]

    def places(self, color: Color, tolerance: int = 48, within: Box = WHOLE) -> Iterator[tuple[int, int]]:
        """Yield x and y, in pixels, of what has the colour."""
        left, top, right, bottom = within
        red, green, blue = color
        for y in range(int(top * self.height), int(bottom * self.height)):
            row = self.rgb[3 * y * self.width : 3 * (y + 1) * self.width]
            for x in range(int(left * self.width), int(right * self.width)):
                if (
                    abs(row[3 * x] - red) <= tolerance
                    and abs(row[3 * x + 1] - green) <= tolerance
                    and abs(row[3 * x + 2] - blue) <= tolerance
                ):
                    yield x, y

    def share(self, color: Color, tolerance: int = 48, within: Box = WHOLE) -> float:
        """Return how much of the box has the colour."""
        area = (within[2] - within[0]) * self.width * (within[3] - within[1]) * self.height
        return sum(1 for _ in self.places(color, tolerance, within)) / area

    def bounds(self, color: Color, tolerance: int = 48, within: Box = WHOLE) -> Box | None:
        """Return the smallest box around all that has the colour; None where nothing has."""
        found = list(self.places(color, tolerance, within))
        if not found:
            return None
        xs, ys = [x for x, _ in found], [y for _, y in found]
        return min(xs) / self.width, min(ys) / self.height, (max(xs) + 1) / self.width, (max(ys) + 1) / self.height

    def middle(self, color: Color, tolerance: int = 48) -> tuple[float, float]:
        """Return the centre of all that has the colour."""
        box = self.bounds(color, tolerance)
        assert box is not None, f"there is no {color}"
        return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2

    def difference(self, other: Picture) -> float:
        """Return the mean difference of all bytes, 0 to 255."""
        return sum(abs(a - b) for a, b in zip(self.rgb, other.rgb, strict=True)) / len(self.rgb)


def near(one: Color, other: Color, tolerance: int = 16) -> bool:
    """Whether two colours look alike."""
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def frames(ffmpeg: str, clip: Path, size: tuple[int, int], *, every: int = 1) -> list[Picture]:
    """Return each frame of a clip, or each `every`th, at the given size, which is to be the clip's own or smaller."""
    chain = f"select='not(mod(n\\,{every}))',scale={size[0]}:{size[1]}:flags=area,format=rgb24"
    raw = _output(ffmpeg, [*("-i", str(clip)), *("-vf", chain, "-fps_mode", "passthrough", "-f", "rawvideo", "-")])
    length = 3 * size[0] * size[1]
    return [Picture(*size, raw[at : at + length]) for at in range(0, len(raw), length)]


def frame_times(ffmpeg: str, clip: Path) -> list[float]:
    """Return when each frame of a clip is shown, in seconds."""
    arguments = [*("-i", str(clip), "-map", "0:v:0"), *("-vf", "showinfo", "-f", "null", "-")]
    return [float(time) for time in re.findall(r"pts_time:([\d.]+)", _log(ffmpeg, arguments))]


def samples(ffmpeg: str, clip: Path, rate_hz: int = 8000) -> list[int]:
    """Return a clip's sound in mono, -32768 to 32767."""
    raw = _output(ffmpeg, ["-i", str(clip), *("-vn", "-ac", "1", "-ar", str(rate_hz), "-f", "s16le", "-")])
    return list(struct.unpack(f"<{len(raw) // 2}h", raw))


def loudness(ffmpeg: str, clip: Path) -> tuple[float, float]:
    """Return a clip's integrated loudness in LUFS and its true peak in dBTP, by EBU R 128."""
    log = _log(ffmpeg, ["-i", str(clip), *("-map", "0:a:0", "-af", "ebur128=peak=true", "-f", "null", "-")])
    summary = log.rpartition("Summary:")[2]
    lufs = re.search(r"I:\s+(-?[\d.]+|-inf) LUFS", summary)
    peak = re.search(r"True peak:\s+Peak:\s+(-?[\d.]+|-inf) dBFS", summary)
    assert lufs is not None, log[-2000:]
    assert peak is not None, log[-2000:]
    return float(lufs[1]), float(peak[1])


def _output(ffmpeg: str, arguments: Sequence[str]) -> bytes:
    command = [ffmpeg, "-nostdin", "-v", "error", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout


def _log(ffmpeg: str, arguments: Sequence[str]) -> str:
    command = [ffmpeg, "-nostdin", "-hide_banner", "-nostats", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stderr.decode(errors="replace")
