"""Films in which somebody stands somewhere in each shot: where is known, so that a crop can be judged."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from made_films.oddities import run
from made_films.scenes import HEIGHT_PX, RATE, WIDTH_PX, Scene

if TYPE_CHECKING:
    from pathlib import Path

# What the camera does meanwhile. Motion of the whole picture is what misleads a search for what moves.
CAMERAS = ("still", "grain", "slow", "pan", "scroll", "shake")
CLOTHES = ("0xc03028", "0x2850b0", "0xe0c040", "0x308040", "0xd0d0d0", "0x181818", "0x904090")
SKINS = ("0xe0b090", "0xa06a48", "0x6a4028")
BODY_WIDTH_PX, BODY_HEIGHT_PX, HEAD_PX = 26, 52, 16
SWAY_PX = 5


@dataclass(frozen=True)
class Shot:
    """One shot with somebody in it. middle: of the subject, 0 to 1 of the width; camera: see `CAMERAS`."""

    camera: str
    middle: float
    frames: int
    look: int

    def chain(self, number: int) -> str:
        """The filters that draw exactly `frames` frames, to the pad `[shot<number>]`."""
        chance = random.Random(self.look)  # noqa: S311 - repeatable, not secret
        place = Scene(self.camera, self.frames, self.look)
        left = f"{self.middle * WIDTH_PX:.1f}-w/2+{SWAY_PX}*sin({chance.uniform(2, 5):.2f}*t)"
        top = HEIGHT_PX - BODY_HEIGHT_PX - chance.randint(0, 12)
        seconds = self.frames / RATE
        body = f"color={chance.choice(CLOTHES)}:s={BODY_WIDTH_PX}x{BODY_HEIGHT_PX}:r={RATE}:d={seconds}"
        head = f"color={chance.choice(SKINS)}:s={HEAD_PX}x{HEAD_PX}:r={RATE}:d={seconds}"
        return (
            f"{place.chain}[place{number}];{body}[body{number}];{head}[head{number}];"
            f"[place{number}][body{number}]overlay=x='{left}':y={top}[bodied{number}];"
            f"[bodied{number}][head{number}]overlay=x='{left}':y={top - HEAD_PX + 2},"
            f"trim=end_frame={self.frames},setpts=PTS-STARTPTS[shot{number}]"
        )


def random_shots(seed: int, count: int) -> list[Shot]:
    """Return shots of one to three seconds; people stand near the middle more often than not, as cameras have it."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [
        Shot(
            chance.choice(CAMERAS),
            min(0.88, max(0.12, chance.gauss(0.5, 0.22))),
            chance.randint(RATE, 3 * RATE),
            seed * 1000 + number,
        )
        for number in range(count)
    ]


def middles_of(shots: list[Shot]) -> list[tuple[float, float]]:
    """Return the second halfway through each shot, and where its subject is, 0 to 1 of the width."""
    ends = list(accumulate(shot.frames for shot in shots))
    return [((end - shot.frames / 2) / RATE, shot.middle) for end, shot in zip(ends, shots, strict=True)]


def write_subjects(ffmpeg: str, path: Path, shots: list[Shot]) -> Path:
    """Write the film, 192x108."""
    graph = [shot.chain(number) for number, shot in enumerate(shots)]
    pads = "".join(f"[shot{number}]" for number in range(len(shots)))
    graph.append(f"{pads}concat=n={len(shots)},format=yuv420p[film]")
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
    run(ffmpeg, ["-filter_complex", ";".join(graph), "-map", "[film]", *encode, str(path)])
    return path
