"""The engine's crops keep more subjects than a crop of the middle; how many is measured by the benchmark."""

from __future__ import annotations

import pytest

from benchmarks.engine.reframing import judge_made_films
from reka_clips.engine.media.ffmpeg.process import Ffmpeg

pytestmark = pytest.mark.anyio


async def test_far_more_subjects_are_kept_than_in_a_crop_of_the_middle(ffmpeg: Ffmpeg) -> None:
    kept = await judge_made_films(ffmpeg, "9:16", seeds=(11,), shots=16)

    assert kept.subjects == 16
    assert kept.engine >= 10
    assert kept.engine >= 2 * kept.middle
