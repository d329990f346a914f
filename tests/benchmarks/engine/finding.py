"""How many planted moments the engine finds, beside clips put anywhere and clips spread evenly.

The films are drawn from seeds that no constant was ever tuned on (that was done on seeds below 1000).
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

from benchmarks.table import Row
from made_films.planted import Planted, Recipe, by_chance, draw, evenly
from made_films.searching import search
from reka_clips.engine.media.analyze.metrics import Tier
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

FIRST_SEED = 5000
FILMS = 24
CODECS = ("h264", "h264", "hevc", "vp9", "vp8", "mpeg4")
TIERS: tuple[tuple[Tier, str], ...] = (
    ("full", "every frame"),
    ("references", "without B-frames"),
    ("keyframes", "keyframes and packets, then a closer look"),
)


def recipes() -> list[Recipe]:
    """Return the films: every fourth is found by its words only, every third is silent, six codecs, 2 to 10 min."""
    made: list[Recipe] = []
    for number in range(FILMS):
        chance = random.Random(FIRST_SEED + number)  # noqa: S311 - repeatable, not secret
        kind: Literal["action", "topic"] = "topic" if number % 4 == 3 else "action"
        made.append(
            Recipe(
                FIRST_SEED + number,
                minutes=chance.choice((2, 2.5, 3, 4, 5, 7, 10)),
                kind=kind,
                codec=CODECS[number % len(CODECS)],
                has_sound=number % 3 != 2,
                rate=chance.choice((12, 15, 24, 25)),
            )
        )
    return made


def draw_all(ffmpeg: Ffmpeg, folder: Path) -> list[Planted]:
    """Draw the films, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(partial(draw, ffmpeg.path, folder), recipes()))


async def measure(ffmpeg: Ffmpeg, folder: Path) -> list[Row]:
    """Return the rows of the table."""
    films = draw_all(ffmpeg, folder)
    rows: list[Row] = []
    planted = sum(len(film.moments) for film in films)
    for tier, words in TIERS:
        found, chance, even = 0, 0.0, 0
        for film in films:
            clips = await search(ffmpeg, film, folder, tier=tier)
            lengths = [end - start for start, end in clips]
            hit = film.found_by(clips)
            found, chance, even = found + hit, chance + by_chance(film, lengths), even + evenly(film, lengths)
            if hit < len(film.moments):
                print(f"    {tier}: {hit} of {len(film.moments)} in {film.recipe}", flush=True)
        beside = f"anywhere {chance / planted:.0%}, evenly spread {even / planted:.0%}"
        share = 100 * found / planted
        rows.append(
            Row(f"Planted moments found, {words}", f"{found} of {planted}", beside, share, at_least=95, unit=" %")
        )
    return rows
