"""The pictures that the README shows are made by a command, and stay small."""

from __future__ import annotations

from pathlib import Path

from gallery_host.__main__ import IMAGES, for_docs
from gallery_host.scenes import Set

MAX_BYTES = 150_000


def test_the_command_makes_the_pictures_that_the_readme_shows(stage: Set, tmp_path: Path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for_docs(stage, tmp_path, scratch)
    made = {path.name for path in tmp_path.glob("*.png")}
    readme = (IMAGES.parents[1] / "README.md").read_text(encoding="utf-8")
    assert made == {"gallery-running.png", "gallery-clips.png"}
    for name in made:
        assert f"docs/images/{name}" in readme
        assert (IMAGES / name).stat().st_size < MAX_BYTES
