"""The shell lines of the docs do what they say: run as they stand, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from command.process import COMMAND, environment
from documents import ROOT, Block, blocks

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]


def surroundings(folder: Path) -> dict[str, str]:
    """Return an environment with our command in the PATH, and a home and data of its own."""
    path = os.pathsep.join([str(Path(COMMAND).parent), os.environ.get("PATH", os.defpath)])
    return environment({"PATH": path, "HOME": str(folder), "REKA_CLIPS_DATA_DIR": str(folder / "data")})


@pytest.mark.parametrize("block", blocks("run"), ids=str)
def test_the_lines_run_and_succeed(block: Block, tmp_path: Path) -> None:
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=tmp_path,
        env=surroundings(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip(), "it says nothing"


@pytest.mark.parametrize("block", blocks("make"), ids=str)
def test_make_knows_the_targets_and_what_they_are_given(block: Block) -> None:
    for line in block.commands:
        command, *words = line.split()
        assert command == "make"
        assert words[0] in TARGETS
        for name in re.findall(r"\b([A-Z]+)=", line):
            assert f"$({name})" in MAKEFILE or f"$(if $({name})" in MAKEFILE
        asked = subprocess.run(
            ["bash", "-c", f"{line} --dry-run"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )
        assert asked.returncode == 0, asked.stderr


def test_ci_runs_what_people_are_told_to_run() -> None:
    run = (ROOT / ".ci" / "run").read_text()
    for target in ("check", "test", "release"):
        assert f"make {target}" in run
