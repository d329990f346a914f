"""`make bundle`: validates and packs the desktop bundle with the official tool, and starts what was packed.

The bundle has a pyproject.toml of its own: exact versions, so that everyone gets what was tried, and no package to
build. ffmpeg is no part of it: the server fetches it when it is needed first, so that the first start is quick.
Also writes dist/server.json, the registry's entry with the bundle and its checksum in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import anyio
from mcp import Client, StdioServerParameters, stdio_client

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.test_python import write_talk
from release.host import ask, configured
from release.scratch import DIST, ROOT, UV, run

TOOL: Final = "@anthropic-ai/mcpb@2.1.2"
CONTENTS: Final = ("manifest.json", "icon.png", "README.md", "LICENSE", "server")
# Newer Pythons may lack wheels of these versions; uv brings an older one then.
PYTHONS: Final = ">=3.11,<3.15"
# The newest cryptography for everyone but those two whom pyproject.toml holds back.
EVERYONE_ELSE: Final = (
    "cryptography>=49; (sys_platform != 'darwin' or platform_machine != 'x86_64') "
    "and (sys_platform != 'win32' or platform_machine != 'ARM64')"
)


def main() -> int:
    """Pack, check and start the bundle; print what was seen."""
    bundle = pack(DIST)
    names = contents(bundle)
    with tempfile.TemporaryDirectory(prefix="Розширення reka ") as parent:
        folder = Path(parent) / "an unpacked bundle"
        server = unpack(bundle, folder, {})
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
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        stage(Path(folder))
        for arguments in (["validate", "manifest.json"], ["pack", ".", str(bundle)]):
            subprocess.run([*_mcpb(), *arguments], cwd=folder, check=True, stdout=sys.stderr, timeout=600)
    return bundle


def stage(folder: Path) -> None:
    """Lay out in `folder` what is packed: the tracked files that a server needs, and the bundle's pyproject.toml."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *CONTENTS]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    for name in filter(None, names.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    (folder / "pyproject.toml").write_text(project(pins(), version=manifest()["version"]), encoding="utf-8")


def pins() -> list[str]:
    """Return the exact version of everything the server needs, with markers, for all platforms and Pythons."""
    (oldest,) = re.findall(r">=([\d.]+)", PYTHONS)
    command = [
        UV,
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--no-annotate",
        "--no-header",
        "--python-version",
        oldest,
    ]
    return run(*command, "pyproject.toml", "-", folder=ROOT, stdin=EVERYONE_ELSE).splitlines()


def project(requirements: list[str], *, version: str) -> str:
    """Return the bundle's pyproject.toml."""
    listed = "".join(f"    {json.dumps(requirement)},\n" for requirement in requirements)
    return f"""# What a desktop app's uv needs to start server/main.py. Exact versions; nothing here is built.
[project]
name = "reka-clips-mcp-desktop"
version = "{version}"
requires-python = "{PYTHONS}"
dependencies = [
{listed}]

[tool.uv]
package = false
"""


def first_bytes(platform: str, python: str) -> int:
    """Return how many bytes of packages uv fetches before the bundle's server can start, at most.

    platform, python: as uv names them. Of each package the largest wheel counts that fits; Python itself does not.
    """
    requirements = "\n".join(pins())
    chosen = run(
        UV, "pip", "compile", "--quiet", "--no-python-downloads", "--format", "pylock.toml", "--python-platform", platform,
        "--python-version", python, "-", folder=ROOT, stdin=requirements,
    )  # fmt: skip
    return sum(
        max(wheel["size"] for wheel in package["wheels"] if _fits(wheel["url"], platform, python))
        for package in tomllib.loads(chosen)["packages"]
    )


def _fits(url: str, platform: str, python: str) -> bool:
    """Whether a wheel may be chosen, by the tags in its name."""
    *_, interpreter, abi, tag = unquote(url).rsplit("/", 1)[-1].removesuffix(".whl").split("-")
    machine, _, rest = platform.partition("-")
    system = {"pc-windows-msvc": "win", "apple-darwin": "macosx", "unknown-linux-gnu": "manylinux"}[rest]
    machines = {"x86_64": ("amd64", "x86_64", "universal2"), "aarch64": ("arm64", "aarch64", "universal2")}[machine]
    fits_machine = tag == "any" or (system in tag and tag.endswith(machines))
    return fits_machine and (interpreter.startswith("py3") or abi in ("abi3", f"cp{python.replace('.', '')}"))


def contents(bundle: Path) -> list[str]:
    """Return the names of the files in the bundle."""
    with zipfile.ZipFile(bundle) as archive:
        return sorted(name for name in archive.namelist() if not name.endswith("/"))


def unpack(bundle: Path, folder: Path, answers: dict[str, str]) -> StdioServerParameters:
    """Unpack the bundle into `folder` and return how a host starts the server.

    answers: what the person filled in; what is left out stays as `${user_config.…}`, as some hosts leave it.
    """
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    unpacked = json.loads((folder / "manifest.json").read_text())
    server = configured(unpacked, folder, answers)
    assert server.env is not None
    server.env["PATH"] = str(uv_alone(folder.parent))  # the host brings its own uv, and there is no ffmpeg
    server.env["REKA_CLIPS_DATA_DIR"] = str(folder / "data of the engine")
    return server


def uv_alone(folder: Path) -> Path:
    """Return a folder of programs with uv and Python in it and nothing else."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, path in (("uv", UV), ("python3", sys.executable)):
        with contextlib.suppress(FileExistsError):
            (programs / name).symlink_to(path)
    return programs


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
