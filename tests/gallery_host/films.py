"""Short upright films with colours and sound, as clips to look at."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reka_clips.engine.media.ffmpeg import find_ffmpeg

# Dawn, sea, meadow, dusk: pictures that differ at a glance and are calm to look at.
_PALETTES = (
    "c0=0x24243e:c1=0xe96443:c2=0xffd194",
    "c0=0x0b486b:c1=0x3b8d99:c2=0xf5f2d0",
    "c0=0x134e5e:c1=0x71b280:c2=0xe8f5c8",
    "c0=0x2b1055:c1=0x7597de:c2=0xf7b2ad",
)


def make_films(folder: Path, *, seconds: int = 2, size: str = "360x640") -> dict[str, Path]:
    """Write `1.mp4`, `1.jpg`, … into a folder and return them by name."""
    ffmpeg = str(find_ffmpeg().path)
    made: dict[str, Path] = {}
    for number, palette in enumerate(_PALETTES, start=1):
        picture = f"gradients=s={size}:r=25:d={seconds}:{palette}:nb_colors=3:speed=0.02:seed={number}:type=linear"
        sound = f"sine=f={220 * number}:d={seconds},volume=0.1"
        film, still = folder / f"{number}.mp4", folder / f"{number}.jpg"
        common = [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", picture]
        video = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"]
        subprocess.run([*common, "-f", "lavfi", "-i", sound, *video, "-shortest", film], check=True)
        subprocess.run([*common, "-frames:v", "1", still], check=True)
        made |= {film.name: film, still.name: still}
    return made
