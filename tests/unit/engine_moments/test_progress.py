"""How far a job is told to be."""

from __future__ import annotations

from reka_clips.engine.media.progress import Progress


def test_each_part_takes_its_share_and_the_whole_only_rises() -> None:
    told: list[tuple[str, float]] = []
    progress = Progress(lambda stage, share: told.append((stage, round(share, 3))))
    looking = progress.part("indexing", until=0.2)
    looking(0.5)
    looking(0.25)  # less than before
    looking(2.0)  # more than all
    progress.part("preprocessing", until=0.1)(1.0)  # less than is done already
    progress.part("processing", until=1.0)(1.0)
    assert told == [
        ("indexing", 0.0),
        ("indexing", 0.1),
        ("indexing", 0.2),
        ("preprocessing", 0.2),
        ("processing", 0.2),
        ("processing", 1.0),
    ]
