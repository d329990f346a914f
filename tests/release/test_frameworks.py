"""The programs for agent frameworks run as they stand in the docs, each beside the packages that it names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from documents import Block, blocks
from release.host import environment
from release.scratch import Environment

pytestmark = pytest.mark.timeout(600)

OURS = Path(sys.executable).parent  # where the command reka-clips-mcp is


@pytest.mark.parametrize("block", blocks("framework"), ids=lambda block: block.what)
def test_the_program_talks_to_the_server(block: Block, tmp_path: Path, talk: Path) -> None:
    packages = Environment(tmp_path / "packages", *block.what.split())
    (tmp_path / "example.py").write_text(block.text)
    path = environment(path=[packages.bin, OURS])["PATH"]
    # A home of its own: not every framework hands settings on to the servers that it starts.
    ended = packages.run("python", "example.py", folder=tmp_path, PATH=path, HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    if talk.name in block.text:
        assert ".mp4" in ended.stdout, ended.stdout
    else:
        assert "No generations" in ended.stdout, ended.stdout
