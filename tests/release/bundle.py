"""`make bundle`: validates and packs the desktop bundle with the official tool, and starts what was packed.

Also writes dist/server.json, the registry's entry with the bundle and its checksum in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import anyio
from mcp import Client, StdioServerParameters, stdio_client

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.test_python import write_talk
from release.host import ask, configured, environment
from release.scratch import DIST, ROOT, UV

TOOL: Final = "@anthropic-ai/mcpb@2.1.2"
ALLOWED: Final = (
    "manifest.json",
    "icon.png",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "server/main.py",
    "server/reka_clips/*.py",
    "server/reka_clips/py.typed",
    "server/reka_clips/engine/media/captions/font_files/*.ttf",
    "server/reka_clips/engine/media/captions/font_metrics.json",
    "server/reka_clips/engine/media/captions/font_files/*-LICENSE.txt",
    "server/reka_clips/engine/media/render/face_model/*",
    "server/reka_clips/mcp_server/extensions/gallery/page/*",
)


def main() -> int:
    """Pack, check and start the bundle; print what was seen."""
    bundle = pack(DIST)
    names = contents(bundle)
    strangers = unexpected(names)
    if strangers:
        print(f"These do not belong into the bundle (see .mcpbignore): {', '.join(strangers[:20])}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="an unpacked bundle ") as folder:
        server = unpack(bundle, Path(folder), {})
        offer = anyio.run(ask, server)
        clips = anyio.run(cut, server, write_talk(Path(folder) / "talk.mp4"))
    registry = write_registry_entry(bundle, DIST)
    print(f"{bundle.relative_to(ROOT)}: {len(names)} files, {bundle.stat().st_size / 1e6:.1f} MB")
    print(f"Started from its unpacked folder: {offer.name} {offer.version}, tools {', '.join(offer.tools)}")
    print(f"It cut {len(clips)} clips of a film, with nothing configured: {', '.join(clip['title'] for clip in clips)}")
    print(f"{registry.relative_to(ROOT)}: the registry's entry with the bundle's checksum")
    return 0


def pack(directory: Path) -> Path:
    """Validate the manifest and pack the bundle with the official tool; return its path."""
    directory.mkdir(exist_ok=True)
    bundle = directory / f"reka-clips-mcp-{manifest()['version']}.mcpb"
    bundle.unlink(missing_ok=True)
    for arguments in (["validate", "manifest.json"], ["pack", ".", str(bundle)]):
        subprocess.run([*_mcpb(), *arguments], cwd=ROOT, check=True, stdout=sys.stderr, timeout=600)
    return bundle


def contents(bundle: Path) -> list[str]:
    """Return the names of the files in the bundle."""
    with zipfile.ZipFile(bundle) as archive:
        return sorted(name for name in archive.namelist() if not name.endswith("/"))


def unexpected(names: list[str]) -> list[str]:
    """Return the names that the bundle should not have: tests, environments, whatever lay around."""
    return [name for name in names if "__pycache__" in name or not any(fnmatch(name, pattern) for pattern in ALLOWED)]


def unpack(bundle: Path, folder: Path, answers: dict[str, str]) -> StdioServerParameters:
    """Unpack the bundle into `folder` and return how a host starts the server.

    answers: what the person filled in; what is left out stays as `${user_config.…}`, as some hosts leave it.
    """
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    unpacked = json.loads((folder / "manifest.json").read_text())
    server = configured(unpacked, folder, answers)
    assert server.env is not None
    server.env["PATH"] = environment(path=[Path(UV).parent])["PATH"]  # the host brings its own uv
    server.env["REKA_CLIPS_DATA_DIR"] = str(folder / "data of the engine")
    return server


async def cut(server: StdioServerParameters, film: Path) -> list[dict[str, Any]]:
    """Have the server cut two clips of a film; return them. Raises AssertionError where it does not."""
    options = {"num_generations": 2, "max_duration_seconds": 6}
    arguments = {"video_urls": [film.as_uri()], "generation_config": options, "wait_seconds": 600}
    async with Client(stdio_client(server), read_timeout_seconds=600) as client:
        result = await client.call_tool("create_clips", arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    clips: list[dict[str, Any]] = result.structured_content["output"]
    for clip in clips:
        path = Path(unquote(urlsplit(clip["video_url"]).path))
        assert path.read_bytes()[4:8] == b"ftyp", f"{path} is no MP4"
    return clips


def write_registry_entry(bundle: Path, directory: Path) -> Path:
    """Write server.json with the bundle in it; its checksum is known only now."""
    entry = json.loads((ROOT / "server.json").read_text())
    repository, version = entry["repository"]["url"], entry["version"]
    entry["packages"].append(
        {
            "registryType": "mcpb",
            "identifier": f"{repository}/releases/download/v{version}/{bundle.name}",
            "version": version,
            "fileSha256": hashlib.sha256(bundle.read_bytes()).hexdigest(),
            "transport": {"type": "stdio"},
        }
    )
    path = directory / "server.json"
    path.write_text(json.dumps(entry, indent=2) + "\n")
    return path


def manifest() -> dict[str, Any]:
    """Return the manifest in the tree."""
    return json.loads((ROOT / "manifest.json").read_text())


def _mcpb() -> list[str]:
    on_path = shutil.which("mcpb")
    if on_path is not None:
        return [on_path]
    npx = shutil.which("npx")
    if npx is None:
        raise SystemExit("Packing the bundle needs Node.js: install it, then run this again.")
    return [npx, "--yes", TOOL]


if __name__ == "__main__":
    sys.exit(main())
