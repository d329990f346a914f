"""Which pinned wheel holds ffmpeg for a platform."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reka_clips.engine.media.ffmpeg.fetch import fetched_ffmpeg, ffmpeg_source, pinned, wheel_for


@pytest.mark.parametrize(
    ("system", "machine", "ending"),
    [
        ("win32", "AMD64", "-win_amd64.whl"),
        ("win32", "ARM64", "-win_arm64.whl"),
        ("darwin", "arm64", "_arm64.whl"),
        ("darwin", "x86_64", "_x86_64.whl"),
        ("linux", "x86_64", "_x86_64.whl"),
        ("linux", "aarch64", "_aarch64.whl"),
    ],
)
def test_every_platform_has_its_wheel(system: str, machine: str, ending: str) -> None:
    requirement, wheels = pinned()
    wheel = wheel_for(wheels, system=system, machine=machine)
    assert wheel is not None
    assert wheel.name.endswith(ending)
    assert {"linux": "manylinux", "darwin": "macosx", "win32": "win"}[system] in wheel.name
    assert f"imageio_ffmpeg-{requirement.partition('==')[2]}-" in wheel.name
    assert len(wheel.sha256) == 64
    assert 10e6 < wheel.size_bytes < 100e6


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("freebsd14", "amd64"), ("win32", "")])
def test_other_platforms_have_none(system: str, machine: str) -> None:
    assert wheel_for(pinned()[1], system=system, machine=machine) is None


def test_only_a_program_that_uv_started_fetches() -> None:
    assert ffmpeg_source({}) is None
    source = ffmpeg_source({"UV": "/somewhere/uv"}, system="win32", machine="AMD64")
    assert source is not None
    assert (source.uv, source.megabytes) == ("/somewhere/uv", round(source.wheel.size_bytes / 1e6))
    assert ffmpeg_source({"UV": "/somewhere/uv"}, system="sunos5", machine="sparc") is None


def test_what_was_fetched_stands_under_its_version() -> None:
    version = pinned()[0].partition("==")[2]
    assert fetched_ffmpeg(Path("d"), windows=True) == Path("d", "ffmpeg", version, "ffmpeg.exe")
    assert fetched_ffmpeg(Path("d")).name == ("ffmpeg.exe" if sys.platform == "win32" else "ffmpeg")
