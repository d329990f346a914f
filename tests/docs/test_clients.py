"""What each client is told to start is our command, to the letter: buttons, one-liners and configuration files."""

from __future__ import annotations

import base64
import json
import re
import shlex
import tomllib
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import yaml
from markdown_it.token import Token

from documents import ROOT, Block, blocks, tokens

NAME = "reka-clips"
COMMAND = ["uvx", "reka-clips-mcp[local]"]
PLACES = {
    "any": ["mcpServers", NAME],
    "cursor": ["mcpServers", NAME],
    "gemini": ["mcpServers", NAME],
    "vscode": ["servers", NAME],
    "zed": ["context_servers", NAME],
    "codex": ["mcp_servers", NAME],
    "goose": ["extensions", NAME],
}
READERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
KEYS = ("YOUR_KEY", "${input:reka_api_key}")


@pytest.mark.parametrize("block", [block for block in blocks("client") if block.language in READERS], ids=str)
def test_a_configuration_file_starts_the_server_with_a_key_at_most(block: Block) -> None:
    found: Any = READERS[block.language](block.text)
    for step in PLACES[block.what]:
        found = found[step]
    assert [found.get("command") or found["cmd"], *found["args"]] == COMMAND
    environment = found.get("env") or found.get("envs") or {}
    assert set(environment) <= {"REKA_API_KEY"}
    assert set(environment.values()) <= set(KEYS)


@pytest.mark.parametrize("block", [block for block in blocks("client") if block.language == "sh"], ids=str)
def test_a_command_line_adds_the_server(block: Block) -> None:
    for line in block.commands:
        assert added(line) == (NAME, COMMAND)


def test_every_client_has_its_one_step_and_it_starts_the_server() -> None:
    steps = install_table()
    names = ("Claude Desktop", "Claude Code", "Cursor", "VS Code", "Codex", "Gemini CLI", "Goose", "Zed")
    for name in names:
        assert any(name in client for client in steps), f"no step for {name}"
    for client, (codes, links) in steps.items():
        found = [added(code) for code in codes if added(code)] + [linked(link) for link in links if linked(link)]
        if client not in ("Claude Desktop", "Zed, and all others"):
            assert found, f"the step for {client} starts nothing"
        assert all(one == (NAME, COMMAND) for one in found), f"{client}: {found}"


def test_the_button_of_claude_desktop_names_the_bundle_that_is_released() -> None:
    version = json.loads((ROOT / "manifest.json").read_text())["version"]
    codes, links = install_table()["Claude Desktop"]
    assert codes == [f"reka-clips-mcp-{version}.mcpb"]
    assert links[0].endswith("/releases")


def added(line: str) -> tuple[str, list[str]] | None:
    """Return what a client's command adds, name and command line; None for what is no such command."""
    words = shlex.split(line) if "://" not in line else [line]
    if words[:2] == ["code", "--add-mcp"]:
        said = json.loads(words[2])
        return said["name"], [said["command"], *said["args"]]
    if words[1:3] != ["mcp", "add"] or "…" in words:
        return linked(words[0])
    rest = words[3:]
    if "--" in rest:
        before, after = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
        return _without_options(before)[0], after
    name, *command = _without_options(rest)
    return name, command


def linked(link: str) -> tuple[str, list[str]] | None:
    """Return what an install link adds; None for a link that installs nothing."""
    parts, query = urlsplit(link), parse_qs(urlsplit(link).query)
    if parts.scheme == "goose":
        pairs = parse_qsl(parts.query)
        asked = dict(pairs)
        assert asked["name"]
        assert asked["description"]
        return asked["id"], [asked["cmd"], *[value for name, value in pairs if name == "arg"]]
    if "config" not in query:
        return None
    config = query["config"][0]
    said = json.loads(config if config.startswith("{") else base64.b64decode(config, validate=True))
    return query["name"][0], [said["command"], *said["args"]]


def install_table() -> dict[str, tuple[list[str], list[str]]]:
    """Return the README's table of clients: name to the code and the links of its step."""
    every = tokens(ROOT / "README.md")
    at = next(n for n, token in enumerate(every) if token.type == "heading_open" and every[n + 1].content == "Install")
    cells = [token for token in every[at + 3 :] if token.type == "inline"]
    texts = [token.content for token in cells]
    first = texts.index("One step") + 1
    last = next(n for n, text in enumerate(texts) if text.startswith("**Zed, and all others**")) + 2
    rows = zip(cells[first:last:2], cells[first + 1 : last : 2], strict=True)
    return {re.sub(r"\*", "", client.content): _codes_and_links(step) for client, step in rows}


def _codes_and_links(cell: Token) -> tuple[list[str], list[str]]:
    children = cell.children or []
    codes = [child.content for child in children if child.type == "code_inline"]
    return codes, [str(child.attrs["href"]) for child in children if child.type == "link_open"]


def _without_options(words: list[str]) -> list[str]:
    """Drop `--option value` pairs."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and not word.startswith("--"):
            kept.append(word)
        skip = word.startswith("--") and not skip
    return kept
