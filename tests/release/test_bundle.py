"""The desktop bundle, packed by the official tool, runs out of its unpacked folder as a host would run it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from docs.test_metadata import MANIFEST, registry_complaints
from release.bundle import DIST, contents, cut, pack, unexpected, unpack, write_registry_entry
from release.host import ask

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def bundle() -> Path:
    return pack(DIST)


def test_it_holds_what_it_needs_and_nothing_that_lay_around(bundle: Path) -> None:
    names = contents(bundle)
    assert unexpected(names) == []
    for needed in ("manifest.json", "icon.png", "LICENSE", "server/main.py", "server/reka_clips/py.typed"):
        assert needed in names
    assert not any(name.startswith(("tests/", ".")) for name in names)
    assert bundle.stat().st_size < 2_000_000


def test_with_nothing_filled_in_it_starts_shows_what_the_manifest_lists_and_cuts_clips(
    bundle: Path, tmp_path: Path, talk: Path
) -> None:
    folder = tmp_path / "an unpacked bundle"
    server = unpack(bundle, folder, {})
    assert "${user_config.api_key}" in (server.env or {}).values()
    offer = anyio.run(ask, server)
    assert list(offer.tools) == [tool["name"] for tool in MANIFEST["tools"]]
    assert offer.prompts == {prompt["name"]: prompt["arguments"] for prompt in MANIFEST["prompts"]}
    assert offer.version == MANIFEST["version"]
    clips = anyio.run(cut, server, talk)
    assert clips
    assert all(clip["title"] for clip in clips)


def test_the_entry_for_the_registry_names_the_bundle_and_its_checksum(bundle: Path, tmp_path: Path) -> None:
    entry: dict[str, Any] = json.loads(write_registry_entry(bundle, tmp_path).read_text())
    (package,) = [package for package in entry["packages"] if package["registryType"] == "mcpb"]
    assert package["fileSha256"] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert package["identifier"].endswith(f"/v{entry['version']}/{bundle.name}")
    assert registry_complaints(entry, tmp_path / "published") == []
