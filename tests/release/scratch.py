"""Empty environments to install into, and the wheel and sdist that are installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.host import environment

ROOT: Final = Path(__file__).resolve().parents[2]
DIST: Final = ROOT / "dist"
UV: Final = str(Path(sys.executable).with_name("uv"))


def build() -> tuple[Path, Path]:
    """Build wheel and sdist into dist/, as `make build` does; return them."""
    for old in [*DIST.glob("*.whl"), *DIST.glob("*.tar.gz")]:
        old.unlink()
    run(UV, "build", "--quiet", "--out-dir", str(DIST), folder=ROOT)
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


class Environment:
    """A virtual environment of its own, with these requirements installed."""

    def __init__(self, folder: Path, *requirements: str) -> None:
        self.folder = folder
        self.bin = folder / ("Scripts" if sys.platform == "win32" else "bin")
        run(UV, "venv", "--quiet", "--seed", "--python", sys.executable, str(folder), folder=folder.parent)
        if requirements:
            self.install(*requirements)

    def install(self, *requirements: str) -> None:
        run(UV, "pip", "install", "--quiet", "--python", str(self.bin / "python"), *requirements, folder=self.folder)

    def run(self, *command: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment, with no setting of ours but these; nothing is checked."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=folder,
            env=environment(settings, path=[self.bin]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def run(*command: str, folder: Path, extra: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a program; return what it printed. Raises AssertionError with what it said where it fails."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environment(extra or {}),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout
