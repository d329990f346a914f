"""The program in the README makes clips: with the SDK's client, the installed command and the embedded engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.test_commands import surroundings
from documents import Block, blocks
from made_films import FFMPEG
from made_films.scenes import Scene, write_film


def write_talk(path: Path) -> Path:
    """Write the video that the examples name: 24 s, with something going on in its middle."""
    scenes = [Scene("still", 192, 3), Scene("shake", 192, 4), Scene("slow", 192, 5)]
    return write_film(FFMPEG, path, scenes, sound="sine=frequency=220")


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_the_program_runs_as_it_stands_and_prints_its_clips(block: Block, tmp_path: Path) -> None:
    write_talk(tmp_path / "talk.mp4")
    (tmp_path / "example.py").write_text(block.text)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        env=surroundings(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert ended.returncode == 0, ended.stderr
    assert ".mp4" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
