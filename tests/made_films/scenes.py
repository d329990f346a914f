"""Films of scenes with known cuts: textures that stand, pan, zoom, shake and flash, drawn by ffmpeg from a seed."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH_PX, HEIGHT_PX = 192, 108
RATE = 24
MARGIN_PX = 48
RESTLESS = ("pan", "zoom", "shake", "object", "scroll")
KINDS = ("still", "grain", "slow", *RESTLESS, "flash", "dark")


@dataclass(frozen=True)
class Scene:
    """One camera shot. look: seeds what it shows, so that two scenes of the same look show the same place."""

    kind: str
    frames: int
    look: int
    rate: int = RATE

    @property
    def chain(self) -> str:
        """The filters that draw exactly `frames` frames."""
        width, height = WIDTH_PX + 2 * MARGIN_PX, HEIGHT_PX + 2 * MARGIN_PX
        still = (
            f"nullsrc=s={width}x{height}:r={self.rate},format=yuv444p,trim=end_frame=1,{_texture(self.look)},"
            f"loop=loop=-1:size=1:start=0,setpts=N/({self.rate}*TB)"
        )
        return (
            f"{still},{_motion(self.kind, self.look, self.rate)},scale={WIDTH_PX}:{HEIGHT_PX},setsar=1,format=yuv420p,"
            f"trim=end_frame={self.frames},setpts=PTS-STARTPTS"
        )


def cuts_of(scenes: Sequence[Scene]) -> list[int]:
    """Return the frames at which a scene begins that shows another place than the one before."""
    starts = list(accumulate(scene.frames for scene in scenes))[:-1]
    return [start for start, one, other in zip(starts, scenes, scenes[1:], strict=False) if one.look != other.look]


def random_scenes(seed: int, count: int) -> list[Scene]:
    """Return scenes of every kind, half a second to four seconds long, no two alike in a row."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [Scene(chance.choice(KINDS), chance.randint(14, 96), seed * 1000 + number) for number in range(count)]


def write_film(
    ffmpeg: str,
    path: Path,
    scenes: Sequence[Scene],
    *,
    sound: str | None = None,
    video: Sequence[str] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"),
    audio: Sequence[str] = ("-c:a", "aac", "-b:a", "64k"),
    tags: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write the scenes one after the other. sound: a filter chain that makes the sound; None for a silent film."""
    graph = [f"{scene.chain}[s{number}]" for number, scene in enumerate(scenes)]
    graph.append("".join(f"[s{number}]" for number in range(len(scenes))) + f"concat=n={len(scenes)}[v]")
    arguments = ["-map", "[v]", *video]
    if sound is not None:
        graph.append(f"{sound}[a]")
        arguments += ["-map", "[a]", *audio]
    for name, value in tags:
        arguments += ["-metadata", f"{name}={value}"]
    seconds = Fraction(sum(scene.frames for scene in scenes), scenes[0].rate)
    command = [
        ffmpeg,
        "-nostdin",
        "-y",
        "-v",
        "error",
        "-filter_complex_threads",
        "1",
        "-filter_complex",
        ";".join(graph),
        *arguments,
    ]
    made = subprocess.run(
        [*command, "-threads", "1", "-t", f"{float(seconds):.3f}", str(path)],
        capture_output=True,
        timeout=600,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(made.stderr.decode(errors="replace")[-1000:])
    return path


def _texture(look: int) -> str:
    """Return the filter that paints a place: waves, blobs and edges of a few colours."""
    chance = random.Random(look)  # noqa: S311 - repeatable, not secret
    bright = chance.choice((60, 90, 120, 150, 180))
    waves = "+".join(
        f"{chance.uniform(10, 30):.1f}*sin({chance.uniform(-0.25, 0.25):.4f}*X+{chance.uniform(-0.25, 0.25):.4f}*Y"
        f"+{chance.uniform(0, 6):.2f})"
        for _ in range(3)
    )
    blobs = "".join(
        f"{chance.choice('+-')}{chance.uniform(30, 80):.1f}"
        f"*lt(hypot(X-{chance.randint(0, 288)}\\,Y-{chance.randint(0, 204)})\\,{chance.randint(12, 60)})"
        for _ in range(3)
    )
    colors = (
        f"{chance.randint(90, 166)}+{chance.uniform(5, 25):.1f}*sin(X/{chance.randint(15, 60)})" for _ in range(2)
    )
    blue, red = colors
    return f"geq=lum='clip({bright}+{waves}{blobs}\\,16\\,235)':cb='{blue}':cr='{red}'"


def _motion(kind: str, look: int, rate: int) -> str:
    """Return the filters that move the camera or the light of a scene."""
    chance = random.Random(look + 7)  # noqa: S311 - repeatable, not secret
    middle = f"crop={WIDTH_PX}:{HEIGHT_PX}:{MARGIN_PX}:{MARGIN_PX}"
    speed = chance.uniform(0.01, 0.035) * chance.choice((-1, 1))
    wobble = f"{MARGIN_PX}+{MARGIN_PX - 8}*sin(n*{chance.uniform(0.2, 0.6):.2f})"
    return {
        "still": middle,
        "grain": f"{middle},noise=alls=14:allf=t",
        "slow": f"scroll=h={speed / 12:.5f},{middle},noise=alls=5:allf=t",
        "pan": f"scroll=h={speed:.4f},{middle}",
        "scroll": f"scroll=h={speed:.4f}:v={speed / 2:.4f},{middle},noise=alls=8:allf=t",
        "zoom": "zoompan=z='min(1+0.02*on\\,3)':d=1:x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':"
        f"s={WIDTH_PX}x{HEIGHT_PX}:fps={rate}",
        "shake": f"crop={WIDTH_PX}:{HEIGHT_PX}:x='{wobble}':y='{wobble.replace('sin', 'cos')}'",
        "object": f"{middle},split[o{look}][p{look}];[p{look}]crop=70:60,negate[q{look}];"
        f"[o{look}][q{look}]overlay=x='mod(n*{chance.randint(4, 11)}\\,{WIDTH_PX})':y=30",
        "flash": f"{middle},eq=brightness='0.6*lt(mod(n+5\\,19)\\,{chance.choice((1, 2))})':eval=frame",
        "dark": f"{middle},eq=brightness=-0.25:contrast=0.45",
    }[kind]
