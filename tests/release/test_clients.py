"""Real clients take our command lines, store what we meant, and find the server they then start.

Claude Code and Gemini CLI start what was added, over `uvx`, and say whether it answers; Codex says what it stored.
Nothing here asks a model anything or has an account.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.test_clients import COMMAND, NAME, added, install_table
from documents import blocks
from release.scratch import ROOT, UV

pytestmark = pytest.mark.timeout(600)

PROGRAMS = ROOT / "tests" / "release" / "clients" / "node_modules" / ".bin"
CLIENTS = ("claude", "codex", "gemini")
STORED: dict[str, Callable[[Path], Any]] = {
    "claude": lambda home: json.loads((home / ".claude.json").read_text())["mcpServers"],
    "codex": lambda home: tomllib.loads((home / ".codex" / "config.toml").read_text())["mcp_servers"],
    "gemini": lambda home: json.loads((home / ".gemini" / "settings.json").read_text())["mcpServers"],
}
INHERITED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "NO_PROXY")


def lines(client: str) -> list[str]:
    """Return the command lines that the README and the page of clients have for a client."""
    table = [code for codes, _ in install_table().values() for code in codes]
    page = [line for block in blocks("client") if block.language == "sh" for line in block.commands]
    return [line for line in [*table, *page] if line.startswith(f"{client} mcp add") and added(line)]


def inherited() -> dict[str, str]:
    """Return what of this environment leads to the network; clients do not all hand it on to servers."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


@pytest.fixture
def home(tmp_path: Path, wheel: Path) -> Path:
    """Return an empty home, with a `uvx` in its PATH that finds the wheel, as if it were published."""
    assert PROGRAMS.is_dir(), "run by `make release`, which installs the clients"
    (tmp_path / ".codex").mkdir()
    (tmp_path / "bin").mkdir()
    uvx = tmp_path / "bin" / "uvx"
    cache = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    real = Path(UV).with_name("uvx")
    settings = {"UV_FIND_LINKS": wheel.parent, "UV_CACHE_DIR": cache} | inherited()
    exports = "".join(f'export {name}="{value}"\n' for name, value in settings.items())
    uvx.write_text(f'#!/bin/sh\n{exports}exec "{real}" "$@"\n')
    uvx.chmod(0o755)
    return tmp_path


def run(home: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a client's command line in that home and nothing else of this environment; it must succeed."""
    node = Path(shutil.which("node") or "/usr/bin/node").parent
    environment = inherited() | {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), str(PROGRAMS), str(node), "/usr/bin", "/bin"]),
        "REKA_CLIPS_DATA_DIR": str(home / "data"),
        "GEMINI_CLI_TRUST_WORKSPACE": "true",  # as a person would on opening the folder
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    ended = subprocess.run(
        ["bash", "-c", line],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, f"{line}:\n{ended.stdout}{ended.stderr}"
    return ended


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_takes_each_line_and_stores_the_command_and_the_key(client: str, home: Path) -> None:
    found = lines(client)
    assert len(found) >= 2, "one in the README, one with a key"
    for line in found:
        run(home, line)
        stored = STORED[client](home)[NAME]
        assert [stored["command"], *stored["args"]] == COMMAND
        expected = {"REKA_API_KEY": "YOUR_KEY"} if "YOUR_KEY" in line else {}
        assert (stored.get("env") or {}) == expected
        if "--timeout" in line:
            assert stored["timeout"] == 600_000
        run(home, f"{client} mcp remove {NAME}" + (" --scope user" if client != "codex" else ""))


@pytest.mark.parametrize(("client", "question"), [("claude", f"mcp get {NAME}"), ("gemini", "mcp list")])
def test_a_client_connects_to_the_server_that_the_readme_has_it_start(client: str, question: str, home: Path) -> None:
    run(home, "uvx 'reka-clips-mcp[local]' --version")  # the first start installs it, which clients do not wait for
    run(home, lines(client)[0])
    answer = run(home, f"{client} {question}")
    said = answer.stdout + answer.stderr
    assert "Connected" in said, said
    assert "Failed" not in said
    assert "Disconnected" not in said


def test_codex_would_start_the_server_with_the_time_outs_that_its_file_has(home: Path) -> None:
    (block,) = [block for block in blocks("client") if block.language == "toml"]
    (home / ".codex" / "config.toml").write_text(block.text)
    said = json.loads(run(home, f"codex mcp get --json {NAME}").stdout)
    assert said["enabled"] is True
    assert (said["startup_timeout_sec"], said["tool_timeout_sec"]) == (120, 300)
    assert [said["transport"]["command"], *said["transport"]["args"]] == COMMAND
