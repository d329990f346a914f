"""`reka-clips-mcp demo` runs the main job for real and finds what it planted."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docs.test_python import write_talk

pytestmark = pytest.mark.timeout(900)


def surroundings(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REKA_")}
    return inherited | {"REKA_CLIPS_DATA_DIR": str(folder / "data")}


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reka_clips", "demo", "--out", str(folder / "clips"), *arguments],
        env=surroundings(folder),
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


def test_ctrl_c_stops_the_demo_and_its_server_and_says_how_to_stop_the_engine(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "reka_clips", "demo", "--out", str(tmp_path / "clips")],
        env=surroundings(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "generation" in line:  # the engine is at work
                break
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes in the foreground
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The demo was stopped" in errors
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert "engine --stop" in errors
    command = [sys.executable, "-m", "reka_clips", "engine", "--stop"]
    ended = subprocess.run(command, env=surroundings(tmp_path), capture_output=True, text=True, check=True, timeout=60)
    assert "has ended" in ended.stdout


def test_the_demo_prints_a_plain_line_for_each_step_of_a_video_of_ones_own(tmp_path: Path) -> None:
    ended = demo(tmp_path, str(write_talk(tmp_path / "my talk.mp4")))
    assert ended.returncode == 0, ended.stderr
    assert "plays to its end" in ended.stdout
    lines = re.findall(r"^ +\d+ s  (\w+)", ended.stdout, re.MULTILINE)
    stages = [stage for stage, _ in itertools.groupby(lines)]
    assert stages[-4:] == ["downloading", "indexing", "preprocessing", "processing"]
    assert "\x1b" not in ended.stdout
    assert "\r" not in ended.stdout
