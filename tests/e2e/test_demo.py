"""`reka-clips-mcp demo` runs the main job for real and finds what it planted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(900)


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKA_")}
    return subprocess.run(
        [sys.executable, "-m", "reka_clips", "demo", "--out", str(folder / "clips"), *arguments],
        env=inherited | {"REKA_CLIPS_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
    )


def test_the_demo_finds_all_three_planted_moments_and_leaves_playable_files(tmp_path: Path) -> None:
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": found") == 3
    assert ended.stdout.count("plays to its end") == 3
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 4  # the film and three clips


def test_the_demo_tells_of_a_file_that_is_not_there_in_one_sentence(tmp_path: Path) -> None:
    ended = demo(tmp_path, str(tmp_path / "none.mp4"))
    assert ended.returncode == 1
    assert "there is no file" in ended.stderr
    assert "Traceback" not in ended.stderr
