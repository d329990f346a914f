"""A film of which nothing need be known but that it is one: a moving test picture without sound."""

from __future__ import annotations

import subprocess
from pathlib import Path

from made_films import FFMPEG


def write_plain_film(path: Path, *, seconds: int, size: str = "320x180", rate: int = 15, noise: int = 0) -> Path:
    """Write an H.264 film and return its path. noise: 0 to 100; much of it makes a large file."""
    picture = f"testsrc2=size={size}:rate={rate}:duration={seconds},noise=alls={noise}:allf=t"
    encoding = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p")
    subprocess.run([FFMPEG, "-v", "error", "-f", "lavfi", "-i", picture, *encoding, path], check=True)
    return path
