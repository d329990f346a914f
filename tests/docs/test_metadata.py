"""What directories and registries are told is true: tools, prompts, versions, settings, names."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from documents import ROOT
from reka_clips import __version__
from reka_clips.mcp_server.app import build_server
from reka_clips.mcp_server.context import AppContext
from reka_clips.settings import KNOWN_VARIABLES, Settings

MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text())
REGISTRY: dict[str, Any] = json.loads((ROOT / "server.json").read_text())
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = PYPROJECT["project"]
README = (ROOT / "README.md").read_text()


def registry_complaints(entry: dict[str, Any], folder: Path) -> list[str]:
    """Return what skillsaw, which brings the registry's published schemas, says against an entry."""
    folder.mkdir()
    (folder / "server.json").write_text(json.dumps(entry))
    command = [str(Path(sys.executable).with_name("skillsaw")), "lint", "--strict", "--format", "json", "--no-progress"]
    ended = subprocess.run(
        [*command, "--type", "mcp-registry", str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    said = json.loads(ended.stdout)
    assert "mcp-registry" in json.dumps(said), "it did not look at the entry"
    return [str(found) for found in said["violations"]]


@pytest.fixture(scope="module")
def offered() -> dict[str, dict[str, list[str]]]:
    """Return what the server offers: tools and prompts, by name, with the names of their arguments."""

    async def ask() -> dict[str, dict[str, list[str]]]:
        async with Client(build_server(AppContext(Settings(api_key="key")))) as client:
            tools = (await client.list_tools()).tools
            prompts = (await client.list_prompts()).prompts
            return {
                "tools": {tool.name: [*tool.input_schema["properties"]] for tool in tools},
                "prompts": {prompt.name: [a.name for a in prompt.arguments or []] for prompt in prompts},
            }

    return anyio.run(ask)


def test_the_manifest_lists_the_tools_and_prompts_that_the_server_offers(offered: dict[str, Any]) -> None:
    assert [tool["name"] for tool in MANIFEST["tools"]] == [*offered["tools"]]
    assert {prompt["name"]: prompt["arguments"] for prompt in MANIFEST["prompts"]} == offered["prompts"]
    for prompt in MANIFEST["prompts"]:
        assert re.findall(r"\$\{arguments\.(\w+)\}", prompt["text"]) == prompt["arguments"]
    for entry in [*MANIFEST["tools"], *MANIFEST["prompts"]]:
        assert entry["description"].endswith(".")


def test_the_manifest_passes_on_every_answer_and_asks_for_nothing_else() -> None:
    passed = MANIFEST["server"]["mcp_config"]["env"]
    assert set(passed) <= KNOWN_VARIABLES
    assert {f"${{user_config.{name}}}" for name in MANIFEST["user_config"]} == set(passed.values())
    assert MANIFEST["user_config"]["api_key"]["sensitive"] is True
    assert not any(field["required"] for field in MANIFEST["user_config"].values()), "the engine needs no answer"


def test_the_manifest_has_what_a_directory_asks_for() -> None:
    for field in ("display_name", "long_description", "author", "repository", "documentation", "support", "keywords"):
        assert MANIFEST[field]
    assert any(policy.endswith("#privacy-policy") for policy in MANIFEST["privacy_policies"])
    assert "\n## Privacy Policy\n" in README
    assert MANIFEST["license"] == PROJECT["license"]


def test_the_version_is_the_same_everywhere() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    told = {
        "manifest.json": MANIFEST["version"],
        "server.json": REGISTRY["version"],
        **{f"server.json, {package['registryType']}": package["version"] for package in REGISTRY["packages"]},
        "README.md": re.findall(r"reka-clips-mcp-([\d.]+)\.mcpb", README)[0],
        "CHANGELOG.md": re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0],
    }
    assert set(told.values()) == {__version__}, told


def test_the_registry_entry_is_valid_against_the_published_schema(tmp_path: Path) -> None:
    assert registry_complaints(REGISTRY, tmp_path / "entry") == []
    wrong = REGISTRY | {"description": "x" * 101}
    assert registry_complaints(wrong, tmp_path / "wrong") != [], "it would not see a mistake"


def test_the_registry_entry_names_the_package_and_settings_that_exist() -> None:
    (package,) = REGISTRY["packages"]
    assert package["identifier"] == PROJECT["name"] == MANIFEST["name"]
    assert {variable["name"] for variable in package["environmentVariables"]} <= KNOWN_VARIABLES
    assert [v["name"] for v in package["environmentVariables"] if v.get("isSecret")] == ["REKA_API_KEY"]
    brought = [argument["value"] for argument in package["runtimeArguments"]]
    assert brought == PROJECT["optional-dependencies"]["local"]


def test_uv_run_brings_an_ffmpeg_without_being_told_to() -> None:
    """A host may start server/main.py with `uv run` and nothing else."""
    groups = PYPROJECT["tool"]["uv"]["default-groups"]
    assert [line for group in groups for line in PYPROJECT["dependency-groups"][group]] == PROJECT[
        "optional-dependencies"
    ]["local"]
    config = MANIFEST["server"]["mcp_config"]
    assert config["args"] == ["run", "--directory", "${__dirname}", MANIFEST["server"]["entry_point"]]


def test_the_readme_carries_the_mark_by_which_the_registry_knows_its_owner() -> None:
    assert f"<!-- mcp-name: {REGISTRY['name']} -->" in README.splitlines()


def test_the_icon_is_a_square_of_the_size_that_is_told() -> None:
    data = (ROOT / "icon.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    (icon,) = MANIFEST["icons"]
    assert icon["size"] == f"{width}x{height}" == "512x512"
    assert REGISTRY["icons"][0]["sizes"] == [icon["size"]]
    assert len(data) < 100_000
