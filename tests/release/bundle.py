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

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from release.host import Offer, ask, configured

ROOT: Final = Path(__file__).resolve().parents[2]
DIST: Final = ROOT / "dist"
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
    "server/reka_clips/engine/fonts/*.woff",
    "server/reka_clips/engine/fonts/*-LICENSE.txt",
    "server/reka_clips/mcp_server/gallery/page/*",
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
        offer = anyio.run(start, bundle, Path(folder))
    registry = write_registry_entry(bundle, DIST)
    print(f"{bundle.relative_to(ROOT)}: {len(names)} files, {bundle.stat().st_size / 1e6:.1f} MB")
    print(f"Started from its unpacked folder: {offer.name} {offer.version}, tools {', '.join(offer.tools)}")
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


async def start(bundle: Path, folder: Path, answers: dict[str, str] | None = None) -> Offer:
    """Unpack the bundle into `folder`, start the server as a host would, and return what it offers.

    answers: what the person filled in; nothing unless given.
    """
    await anyio.to_thread.run_sync(_unpack, bundle, folder)
    unpacked = json.loads(await anyio.Path(folder / "manifest.json").read_text())
    return await ask(configured(unpacked, folder, answers or {}))


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


def _unpack(bundle: Path, folder: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)


def _mcpb() -> list[str]:
    installed = ROOT / "node_modules" / ".bin" / "mcpb"
    if installed.exists():
        return [str(installed)]
    on_path = shutil.which("mcpb")
    if on_path is not None:
        return [on_path]
    npx = shutil.which("npx")
    if npx is None:
        raise SystemExit("Packing the bundle needs Node.js: install it, then run this again.")
    return [npx, "--yes", TOOL]


if __name__ == "__main__":
    sys.exit(main())
