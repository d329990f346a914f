"""Fetches ffmpeg when it is needed first, so that a desktop app's first start does not wait for it.

It is the binary of a pinned wheel of the package imageio-ffmpeg. uv, which started this program, names the address at
which the index that it is configured with keeps the wheel; the hashes are in `wheels.json`, made by
tests/release/pins.py. Where this program was not started by uv, nothing is fetched.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from reka_clips.download.resumable import fetch_pinned
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, no_window
from reka_clips.errors import DownloadError, EngineMissingError
from reka_clips.files import move

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reka_clips.engine.media.ffmpeg.process import Ffmpeg

PINS_FILE: Final = Path(__file__).with_name("wheels.json")
_UV_SECONDS: Final = 60.0
_MEGABYTE: Final = 1e6
_SYSTEMS: Final = {"win32": r"win", "darwin": r"macosx_\d+_\d+", "linux": r"manylinux\w*"}
_MACHINES: Final = {
    "x86_64": "(x86_64|amd64)",
    "amd64": "(x86_64|amd64)",
    "arm64": "(arm64|aarch64)",
    "aarch64": "(arm64|aarch64)",
}


@dataclass(frozen=True, slots=True)
class Wheel:
    """One pinned wheel: its file name, its size, its hash."""

    name: str
    size_bytes: int
    sha256: str


def pinned() -> tuple[str, tuple[Wheel, ...]]:
    """Return the pinned requirement, such as `imageio-ffmpeg==0.8.1`, and its wheels for all platforms."""
    pins = json.loads(PINS_FILE.read_text(encoding="ascii"))
    wheels = [Wheel(wheel["name"], wheel["size_bytes"], wheel["sha256"]) for wheel in pins["wheels"]]
    return pins["requirement"], tuple(wheels)


def wheel_for(wheels: Sequence[Wheel], *, system: str, machine: str) -> Wheel | None:
    """Return the wheel for a platform, or None. system: as `sys.platform`; machine: as `platform.machine()`."""
    tag = f"{_SYSTEMS.get(system, '$')}_{_MACHINES.get(machine.lower(), '$')}"
    return next((wheel for wheel in wheels if re.search(rf"-{tag}\.whl$", wheel.name)), None)


def fetched_ffmpeg(data_dir: Path, *, windows: bool = sys.platform == "win32") -> Path:
    """Return where the fetched ffmpeg is, or would be."""
    return data_dir / "ffmpeg" / pinned()[0].partition("==")[2] / ("ffmpeg.exe" if windows else "ffmpeg")


def find_or_fetch_later(data_dir: Path, named: str | None = None) -> Ffmpeg | None:
    """Return the ffmpeg to use, or None where it can be fetched. Raises EngineMissingError where it cannot.

    named: as for `find_ffmpeg`.
    """
    try:
        return find_ffmpeg(named, fetched=fetched_ffmpeg(data_dir))
    except EngineMissingError:
        if named or ffmpeg_source(os.environ) is None:
            raise
        return None


@dataclass(frozen=True, slots=True)
class FfmpegSource:
    """Where ffmpeg can be fetched from. `uv`: the program that started this one. `wheel`: the one to fetch."""

    uv: str
    requirement: str
    wheel: Wheel

    @property
    def megabytes(self) -> int:
        """How much there is to fetch."""
        return round(self.wheel.size_bytes / _MEGABYTE)


def ffmpeg_source(
    environ: Mapping[str, str], *, system: str = sys.platform, machine: str | None = None
) -> FfmpegSource | None:
    """Return from where ffmpeg can be fetched for a platform, by default this one; None if it cannot.

    uv sets UV, its own path, for the programs it starts.
    """
    uv = environ.get("UV")
    requirement, wheels = pinned()
    wheel = wheel_for(wheels, system=system, machine=platform.machine() if machine is None else machine)
    return FfmpegSource(uv, requirement, wheel) if uv and wheel else None


async def fetch_ffmpeg(source: FfmpegSource, data_dir: Path, *, tell: Callable[[str, float], None]) -> Ffmpeg:
    """Fetch ffmpeg into the data folder; the next call goes on where this one broke off or was cancelled.

    tell: gets "fetching ffmpeg, 12 of 37 MB" and the share, 0 to 1, with every megabyte.
    Raises EngineMissingError with what to do.
    """
    wheel = source.wheel
    target = fetched_ffmpeg(data_dir)
    said = ""

    def progressed(have_bytes: int) -> None:
        nonlocal said
        words = f"fetching ffmpeg, {have_bytes / _MEGABYTE:.0f} of {source.megabytes} MB"
        if words != said:
            said = words
            tell(words, have_bytes / wheel.size_bytes)

    try:
        await anyio.to_thread.run_sync(functools.partial(target.parent.mkdir, parents=True, exist_ok=True))
        progressed(0)
        url = await anyio.to_thread.run_sync(_address, source, abandon_on_cancel=True)
        archive = target.with_name(wheel.name)
        await fetch_pinned(url, archive, size_bytes=wheel.size_bytes, sha256=wheel.sha256, on_progress=progressed)
        await anyio.to_thread.run_sync(_unpack, archive, target)
        return await anyio.to_thread.run_sync(functools.partial(find_ffmpeg, fetched=target))
    except DownloadError as error:
        raise EngineMissingError(f"ffmpeg, which cuts the clips, could not be fetched. {error} {_REMEDY}") from error
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise EngineMissingError(f"ffmpeg, which cuts the clips, could not be stored ({words}). {_REMEDY}") from error


_REMEDY: Final = (
    "Try again when this computer is online; what was fetched is kept. Or install ffmpeg yourself and set "
    "REKA_CLIPS_FFMPEG to its path."
)


def _address(source: FfmpegSource) -> str:
    """Return where the index that uv is configured with keeps the wheel. Raises DownloadError."""
    arguments = ["pip", "compile", "--quiet", "--universal", "--no-deps", "--no-header", "--format", "pylock.toml"]
    try:
        answer = subprocess.run(  # noqa: S603 - the program that started this one
            [source.uv, *arguments, "--python", sys.executable, "-"],
            input=source.requirement.encode(),
            capture_output=True,
            check=True,
            timeout=_UV_SECONDS,
            cwd=Path(sys.executable).parent,  # the settings of a project are not for us
            creationflags=no_window(),
        )
        packages: list[dict[str, Any]] = tomllib.loads(answer.stdout.decode())["packages"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise DownloadError("uv could not ask its package index.") from error
    for package in packages:
        for wheel in package.get("wheels", ()):
            if "url" in wheel and source.wheel.name in str(wheel["url"]):
                return str(wheel["url"])
    raise DownloadError(f"The package index of uv has no {source.wheel.name}.")


def _unpack(archive: Path, target: Path) -> None:
    """Move the binary out of the wheel to `target`, whole or not at all. The wheel goes."""
    part = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(archive) as wheel:
        name = next(name for name in wheel.namelist() if re.fullmatch(r"imageio_ffmpeg/binaries/ffmpeg-[^/]+", name))
        with wheel.open(name) as packed, part.open("wb") as file:
            while chunk := packed.read(1 << 20):
                file.write(chunk)
    part.chmod(0o755)
    move(part, target)
    archive.unlink()
