"""The wheel installs into an empty environment the ways the README tells, and works there."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from command import text_of
from documents import Block, blocks
from reka_clips import __version__
from release.host import ask, environment
from release.scratch import ROOT, UV, Environment

pytestmark = pytest.mark.timeout(600)

SMOKE = (
    "tests/unit/client",
    "tests/unit/mcp_server",
    "tests/contract/test_client.py",
    "tests/contract/test_tools_create.py",
)
TOOLS = ("create_clips", "find_moments", "get_clip_status", "list_clips", "delete_clip", "save_clip")


@pytest.mark.parametrize("block", blocks("install"), ids=str)
def test_the_lines_of_the_docs_install_it_and_run(block: Block, wheel: Path, tmp_path: Path) -> None:
    """As a new user would, in an empty environment; only where our own package comes from is told from outside."""
    empty = Environment(tmp_path / "empty")
    found = {"PIP_FIND_LINKS": str(wheel.parent), "UV_FIND_LINKS": str(wheel.parent), "HOME": str(tmp_path)}
    cache = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    ended = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", block.text],
        cwd=tmp_path,
        env=environment({**found, "UV_CACHE_DIR": cache}, path=[empty.bin, Path(UV).parent]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"reka-clips-mcp {__version__}" in ended.stdout


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_without_extras_it_starts_lists_its_tools_and_says_what_a_creation_needs(
    kind: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    bare = Environment(tmp_path / "bare", str(built[0] if kind == "wheel" else built[1]))
    told = bare.run("reka-clips-mcp", "--version", folder=tmp_path)
    assert told.stdout.strip() == f"reka-clips-mcp {__version__}"
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "PATH": str(bare.bin)}  # no ffmpeg of the system's
    server = StdioServerParameters(command=str(bare.bin / "reka-clips-mcp"), env=environment(settings) | settings)
    offer = anyio.run(ask, server)
    assert (offer.version, offer.tools) == (__version__, TOOLS)

    async def create() -> tuple[bool | None, str]:
        async with Client(stdio_client(server)) as client:
            result = await client.call_tool("create_clips", {"video_urls": ["https://example.com/film.mp4"]})
            return result.is_error, text_of(result)

    is_error, words = anyio.run(create)
    assert is_error
    for needed in ("REKA_API_KEY", "reka-clips-mcp[local]"):
        assert needed in words, words
    assert "Traceback" not in words


def test_the_wheel_holds_the_package_its_fonts_and_licences_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    tracked = {name.removeprefix("server/") for name in tracked_files("server/reka_clips")}
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == tracked
    assert "reka_clips/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in info)
    licences = {name.rsplit("/", 1)[-1] for name in tracked if name.endswith("-LICENSE.txt")}
    assert len(licences) >= 4
    assert licences <= {name.rsplit("/", 1)[-1] for name in info}
    for line in (f"Version: {__version__}", "License-Expression: MIT", "Project-URL: ", "Requires-Python: >=3.11"):
        assert line in metadata
    assert "mcp-name: io.github.reka-clips-mcp/reka-clips-mcp" in metadata  # where the registry looks for it


def test_the_sdist_holds_all_that_is_tracked_but_for_the_workings_of_ci(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = {name for name in tracked_files(".") if name not in names}
    assert {name.split("/")[0] for name in missing} <= {".ci", ".dockerignore"}


def test_it_works_with_the_oldest_dependencies_it_allows(wheel: Path, tmp_path: Path) -> None:
    """The client, the tools and the refusals, with every direct dependency at its lower bound."""
    oldest = Environment(tmp_path / "oldest")
    lowest = ("--resolution", "lowest-direct", "--extra", "local", "-r", str(ROOT / "pyproject.toml"))
    oldest.install(*lowest)
    names = ("mcp", "httpx2", "platformdirs", "pydantic", "imageio-ffmpeg")
    before = versions(oldest, names)
    assert all(before[name].startswith(oldest_of(name)) for name in names), before
    oldest.install("--no-deps", str(wheel))
    oldest.install("--group", f"{ROOT / 'pyproject.toml'}:test")
    assert versions(oldest, names) == before, "the test tools brought newer ones"
    ended = oldest.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *SMOKE, folder=ROOT)
    assert ended.returncode == 0, ended.stdout[-5000:]


CAPTIONS = """
import inspect, sys
from dataclasses import fields
from pathlib import Path
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment, Word
from reka_clips.engine.media.text import speech
from reka_clips.speech_setting import SpeechSetting

inspect.signature(WhisperModel).bind("folder", **speech.MODEL_OPTIONS)
inspect.signature(WhisperModel.transcribe).bind(None, "sound.wav", **speech.TRANSCRIBE_OPTIONS)
for needed, kind in (({"start", "end", "text", "words"}, Segment), ({"start", "end", "word"}, Word)):
    assert needed <= {field.name for field in fields(kind)}, kind
print(speech.Recognizer(SpeechSetting(None, Path(sys.argv[1])), Path(sys.argv[1])).problem())
"""


@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_the_extra_for_captions_brings_a_faster_whisper_that_takes_our_calls(
    version: str, wheel: Path, tmp_path: Path
) -> None:
    """No model is there to run it with, so its signatures are asked. It weighs 430 MB: no part of the other tests."""
    captions = Environment(tmp_path / "captions", f"reka-clips-mcp[captions] @ {wheel.as_uri()}")
    if version == "oldest":
        captions.install(f"faster-whisper=={oldest_of('faster-whisper')}")
    model = tmp_path / "model"
    model.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (model / name).write_bytes(b"{}")
    ended = captions.run("python", "-c", CAPTIONS, str(model), folder=tmp_path)
    assert ended.stdout.strip() == "None", ended.stderr


def versions(packages: Environment, names: Sequence[str]) -> dict[str, str]:
    """Return which versions are installed."""
    program = f"import importlib.metadata as m; print(*[m.version(name) for name in {names}])"
    found = packages.run("python", "-c", program, folder=packages.folder)
    return dict(zip(names, found.stdout.split(), strict=True))


def oldest_of(package: str) -> str:
    """Return the lower bound that the package's metadata gives one of its requirements."""
    for requirement in importlib.metadata.requires("reka-clips-mcp") or []:
        bound = re.match(rf"{package}\b.*?>=([\d.]+)", requirement)
        if bound is not None:
            return bound[1]
    raise AssertionError(f"no lower bound for {package}")


def tracked_files(folder: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return [name for name in listed.stdout.split("\0") if name]
