"""Films with colours and sound, as clips to look at."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from made_films import FFMPEG

# Dawn, sea, meadow, dusk: pictures that differ at a glance and are calm to look at.
_PALETTES = (
    "c0=0x24243e:c1=0xe96443:c2=0xffd194",
    "c0=0x0b486b:c1=0x3b8d99:c2=0xf5f2d0",
    "c0=0x134e5e:c1=0x71b280:c2=0xe8f5c8",
    "c0=0x2b1055:c1=0x7597de:c2=0xf7b2ad",
)
_VIDEO = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart")


def make_films(folder: Path) -> dict[str, Path]:
    """Write short upright films and a still of each into a folder; return `1.mp4`, `1.jpg`, … by name."""
    made: dict[str, Path] = {}
    for number in range(1, len(_PALETTES) + 1):
        film = make_film(folder / f"{number}.mp4", seconds=2, size="360x640", palette=number)
        still = folder / f"{number}.jpg"
        _ffmpeg("-i", film, "-frames:v", "1", still)
        made |= {film.name: film, still.name: still}
    return made


def cut_films(video: Path, folder: Path, *, at_seconds: Sequence[float]) -> dict[str, Path]:
    """Cut upright films of two seconds out of a video and write them, and a still of each; return them by name."""
    made: dict[str, Path] = {}
    for number, start in enumerate(at_seconds, start=1):
        film, still = folder / f"{number}.mp4", folder / f"{number}.jpg"
        _ffmpeg("-ss", str(start), "-i", video, "-t", "2", "-vf", "crop=trunc(ih*9/32)*2:ih", *_VIDEO, film)
        _ffmpeg("-i", film, "-frames:v", "1", "-q:v", "3", still)
        made |= {film.name: film, still.name: still}
    return made


def make_film(film: Path, *, seconds: int, size: str, palette: int = 1) -> Path:
    """Write a film. palette: 1 to 4."""
    colours = f"{_PALETTES[palette - 1]}:nb_colors=3:speed=0.02:seed={palette}:type=linear"
    picture = f"gradients=s={size}:r=25:d={seconds}:{colours}"
    sound = f"sine=f={220 * palette}:d={seconds},volume=0.1"
    _ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *_VIDEO, "-shortest", film)
    return film


def with_palette(picture: Path, to: Path) -> None:
    """Write a PNG with 256 colours: a third of the size, and the eye sees no difference."""
    _ffmpeg(
        "-i", picture, "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=sierra2_4a", "-frames:v", "1", to
    )


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([FFMPEG, "-v", "error", "-y", *arguments], check=True)
