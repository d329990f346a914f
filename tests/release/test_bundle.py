"""The desktop bundle, packed by the official tool, runs out of its unpacked folder as a host would run it."""

from __future__ import annotations

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import anyio
import pytest
from packaging.requirements import Requirement

from docs.test_metadata import MANIFEST, PROJECT, registry_complaints
from release.bundle import CONTENTS, DIST, contents, cut, first_bytes, pack, unpack, write_registry_entry
from release.host import ask
from release.resolution import PLATFORMS

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def bundle() -> Path:
    return pack(DIST)


def test_it_holds_what_it_needs_and_nothing_that_lay_around(bundle: Path) -> None:
    names = contents(bundle)
    for needed in ("manifest.json", "icon.png", "LICENSE", "pyproject.toml", "server/main.py"):
        assert needed in names
    assert {name.partition("/")[0] for name in names} == {*CONTENTS, "pyproject.toml"}
    assert not any("__pycache__" in name for name in names)
    assert {Path(name).suffix for name in names} <= {
        ".json",
        ".png",
        ".md",
        ".onnx",
        ".toml",
        ".py",
        ".typed",
        ".ttf",
        ".txt",
        ".js",
        ".css",
        ".html",
        "",
    }
    assert bundle.stat().st_size < 2_000_000


def test_its_project_has_exact_versions_names_no_host_and_builds_nothing(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        text = archive.read("pyproject.toml").decode()
    assert "://" not in text
    written = tomllib.loads(text)
    assert written["tool"]["uv"] == {"package": False}
    requirements = [Requirement(line) for line in written["project"]["dependencies"]]
    assert all([part.operator for part in one.specifier] == ["=="] for one in requirements)
    ours = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert ours <= {one.name for one in requirements}
    assert "imageio-ffmpeg" not in {one.name for one in requirements}, "it is fetched when it is needed first"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_little_is_fetched_before_the_first_answer(platform: str) -> None:
    """Claude Desktop waits a minute. 16 MB take 13 seconds of it at 10 Mbit/s; a Python, where there is none, 20 more."""
    assert first_bytes(platform, "3.13") < 16 * 1024**2


def test_with_nothing_filled_in_it_starts_shows_what_the_manifest_lists_and_cuts_clips(
    bundle: Path, tmp_path: Path, talk: Path
) -> None:
    """From nothing: no package is in the cache, no ffmpeg on the computer, and the folder has an odd name."""
    folder = tmp_path / "Розширення Claude" / "an unpacked bundle"
    server = unpack(bundle, folder, {})
    assert server.env is not None
    assert "${user_config.api_key}" in server.env.values()
    server.env["UV_CACHE_DIR"] = str(tmp_path / "empty cache")
    offer = anyio.run(ask, server)
    assert list(offer.tools) == [tool["name"] for tool in MANIFEST["tools"]]
    assert offer.prompts == {prompt["name"]: prompt["arguments"] for prompt in MANIFEST["prompts"]}
    assert offer.version == MANIFEST["version"]
    assert not [*tmp_path.rglob("ffmpeg-*")], "the first answer did not wait for ffmpeg"

    assert all(clip["title"] for clip in anyio.run(cut, server, talk))
    assert [*tmp_path.rglob("data of the engine/ffmpeg/*/ffmpeg")]

    server.env["UV_OFFLINE"] = "1"
    assert anyio.run(cut, server, talk), "the second start needs no network"


def test_the_entry_for_the_registry_names_the_bundle_and_its_checksum(bundle: Path, tmp_path: Path) -> None:
    entry: dict[str, Any] = json.loads(write_registry_entry(bundle, tmp_path).read_text())
    (package,) = [package for package in entry["packages"] if package["registryType"] == "mcpb"]
    assert package["fileSha256"] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert package["identifier"].endswith(f"/v{entry['version']}/{bundle.name}")
    assert registry_complaints(entry, tmp_path / "published") == []
