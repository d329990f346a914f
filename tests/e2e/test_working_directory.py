"""Nothing is imported or run from the folder that a command is started in: it may be a stranger's project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from command import MODERN
from command.process import COMMAND, environment
from made_films.plain import write_plain_film

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

NAMES = (
    *("uvicorn", "http", "queue", "secrets", "calendar", "argparse", "json", "reka_clips", "mcp", "anyio", "starlette"),
    *("imageio_ffmpeg", "faster_whisper", "filelock", "sqlite3", "site", "sitecustomize", "usercustomize", "hashlib"),
)
STARTS = (
    pytest.param((COMMAND,), {}, id="the command"),
    pytest.param((sys.executable, "-m", "reka_clips"), {}, id="python -m"),
    pytest.param((COMMAND,), {"PYTHONPATH": os.pathsep.join(["lib", "", "/nonexistent"])}, id="relative PYTHONPATH"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which everything that Python or ffmpeg could take for its own leaves a mark when it is used."""
    folder = tmp_path / "a stranger's project"
    for place in (folder, folder / "lib"):
        place.mkdir()
        for name in NAMES:
            (place / f"{name}.py").write_text(f"open({str(tmp_path / 'marks')!r}, 'a').write('{name}\\n')\n")
        program = place / "ffmpeg"
        program.write_text(f"#!/bin/sh\necho ffmpeg >> '{tmp_path}/marks'\n")
        program.chmod(0o755)
    return folder


def marks(project: Path) -> set[str]:
    """Return what was run of the folder."""
    path = project.parent / "marks"
    return set(path.read_text().split()) if path.exists() else set()


def surroundings(project: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([".", "lib", os.environ["PATH"]])
    data = {"REKA_CLIPS_DATA_DIR": str(project.parent / "data"), "REKA_CLIPS_SAVE_DIR": str(project.parent / "saved")}
    return environment(data | {"PATH": path, "REKA_CLIPS_BACKEND": "local"} | more)


def ran(project: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=project,
        env=surroundings(project, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
        stdin=subprocess.DEVNULL,
    )


def keep_to_what_can_be_helped(project: Path, start: Sequence[str], more: dict[str, str]) -> None:
    """Remove from the project what Python runs before it comes to us."""
    names = ["reka_clips"] if "-m" in start or more else []
    names += ["site", "sitecustomize", "usercustomize"] if more else []
    for name in names:
        for place in (project, project / "lib"):
            (place / f"{name}.py").unlink()


@pytest.mark.parametrize(("start", "more"), STARTS)
async def test_a_server_that_makes_clips_uses_nothing_of_the_folder(
    project: Path, start: tuple[str, ...], more: dict[str, str]
) -> None:
    keep_to_what_can_be_helped(project, start, more)
    film = write_plain_film(project.parent / "film.mp4", seconds=6)
    server = StdioServerParameters(
        command=start[0], args=list(start[1:]), cwd=project, env=surroundings(project, **more)
    )
    arguments = {
        "video_urls": [film.as_uri()],
        "generation_config": {"num_generations": 1, "min_duration_seconds": 2, "max_duration_seconds": 4},
        "rendering_config": {"resolution": 480, "layout": "fit"},
        "wait_seconds": 200,
    }
    async with Client(stdio_client(server), mode=MODERN, read_timeout_seconds=250) as client:
        result = await client.call_tool("create_clips", arguments)
    assert not result.is_error, result.content
    assert (result.structured_content or {})["status"] == "completed"
    assert marks(project) == set()


@pytest.mark.parametrize("arguments", [("doctor",), ("engine", "--status")], ids=" ".join)
@pytest.mark.parametrize(("start", "more"), STARTS)
def test_other_commands_use_nothing_of_the_folder(
    project: Path, start: tuple[str, ...], more: dict[str, str], arguments: tuple[str, ...]
) -> None:
    keep_to_what_can_be_helped(project, start, more)
    ended = ran(project, *start, *arguments, **more)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert marks(project) == set()


def test_the_demo_and_the_bundles_entry_use_nothing_of_the_folder(project: Path) -> None:
    film = write_plain_film(project.parent / "film.mp4", seconds=40, size="320x180")
    ended = ran(project, COMMAND, "demo", str(film), "--out", str(project.parent / "clips"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    bundled = Path(__file__).resolve().parents[2] / "server" / "main.py"
    ended = ran(project, sys.executable, str(bundled), "engine", "--status")
    assert ended.returncode == 0, ended.stderr
    assert marks(project) == set()
