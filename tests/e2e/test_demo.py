"""`reka-clips-mcp demo` runs the main job for real and finds what it planted."""

from __future__ import annotations

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


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are those of POSIX")
def test_on_a_terminal_it_draws_a_bar_that_moves_to_its_end(tmp_path: Path) -> None:
    """Without a terminal it prints a line per stage: the other tests of this file read those."""
    import pty

    film = write_talk(tmp_path / "my talk.mp4")
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "reka_clips", "demo", str(film), "--out", str(tmp_path / "clips")],
        env=surroundings(tmp_path) | {"COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(follower)
        shown = drained(leader).decode()
    assert process.returncode == 0
    shares = [int(share) for share in re.findall(r"[█░]{24}\] +(\d+)%", shown)]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    drawn = [line for line in re.split(r"\r\x1b\[K|\r\n", shown) if "█" in line]
    assert all(len(line) < 100 for line in drawn), "a line that wraps cannot be drawn over"
    assert "plays to its end" in shown


def drained(terminal: int) -> bytes:
    """Return all that is written to a terminal until the last process lets go of it."""
    found = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody is left at the other end
            some = b""
        if not some:
            os.close(terminal)
            return found
        found += some
