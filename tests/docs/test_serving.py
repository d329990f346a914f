"""The servers of the docs start as told, and answer what the lines after them ask."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command.process import CommandProcess, free_port
from docs.test_commands import surroundings
from documents import Block, blocks


def talks() -> list[tuple[Block, list[Block]]]:
    """Return each server with the blocks that ask it, those after it on its page."""
    found: list[tuple[Block, list[Block]]] = []
    for block in blocks("serve", "ask"):
        if block.kind == "serve":
            found.append((block, []))
        else:
            assert found[-1][0].path == block.path, f"{block}: no server before it on this page"
            found[-1][1].append(block)
    return found


@pytest.mark.parametrize(("server", "asking"), talks(), ids=lambda one: str(one) if isinstance(one, Block) else "")
def test_the_server_starts_and_answers(server: Block, asking: list[Block], tmp_path: Path) -> None:
    port = free_port()
    assert "--port 8000" in server.text
    with served(server.text.replace("--port 8000", f"--port {port}"), tmp_path) as inherited:
        for block in asking:
            assert "127.0.0.1:8000" in block.text
            lines = block.text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            ended = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", lines],
                cwd=tmp_path,
                env=inherited,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert ended.returncode == 0, ended.stdout + ended.stderr
            assert ended.stdout.strip()


def test_each_server_of_the_docs_is_asked_something() -> None:
    assert all(asking for _, asking in talks())


@contextmanager
def served(script: str, folder: Path) -> Iterator[dict[str, str]]:
    """Run all lines but the last, serve with the last; yield the environment that the first ones left."""
    *before, last = [line for line in script.replace("\\\n", " ").splitlines() if line.strip()]
    asked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*before, "env -0"])],
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        check=True,
        timeout=60,
    )
    inherited = dict(line.split("=", 1) for line in asked.stdout.decode().split("\0") if "=" in line)
    settings = {name: value for name, value in inherited.items() if name not in os.environ or name in ("PATH", "HOME")}
    with CommandProcess(program=("bash", "-c", f"exec {last}"), **settings) as process:
        try:
            process.said(re.compile(r"listening on http|Application startup complete"))
            yield inherited
        finally:
            os.killpg(process.process.pid, signal.SIGTERM)  # uvicorn's workers, too
            process.wait(20)
