"""ffmpeg is fetched through uv from the index that uv is configured with, here one of our own, and checked by its hash."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from engine_jobs import a_request
from file_server import FileServer, Handler, Request, answer, serve_files, write_head
from made_films.plain import write_plain_film
from reka_clips.engine.media.ffmpeg import fetch
from reka_clips.engine.media.ffmpeg.fetch import FfmpegSource, Wheel, fetch_ffmpeg, fetched_ffmpeg
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, inspect_ffmpeg
from reka_clips.engine.service.models import COMPLETED, SourcePolicy
from reka_clips.engine.service.service import ClipService
from reka_clips.errors import EngineMissingError
from reka_clips.settings import Settings

pytestmark = pytest.mark.anyio

UV = str(Path(sys.executable).with_name("uv"))
NAME = "imageio_ffmpeg-9.9-py3-none-manylinux_2_28_x86_64.whl"
METADATA = "Metadata-Version: 2.1\nName: imageio-ffmpeg\nVersion: 9.9\n"


def wheel(folder: Path, *, binary: str = "ffmpeg-linux-v9.9") -> bytes:
    """Return a wheel whose ffmpeg is this machine's, with a megabyte and more of ballast."""
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"imageio_ffmpeg/binaries/{binary}", f'#!/bin/sh\nexec "{find_ffmpeg().path}" "$@"\n')
        archive.writestr("imageio_ffmpeg/ballast", bytes(2_500_000))
        archive.writestr("imageio_ffmpeg-9.9.dist-info/METADATA", METADATA)
        archive.writestr(
            "imageio_ffmpeg-9.9.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-manylinux_2_28_x86_64\n"
        )
        archive.writestr("imageio_ffmpeg-9.9.dist-info/RECORD", "")
    return path.read_bytes()


@asynccontextmanager
async def index(content: bytes, monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[FileServer]:
    """Serve a package index with the wheel in it, and have uv use it, with nothing cached."""
    digest = hashlib.sha256(content).hexdigest()
    page = f'<a href="../../files/{NAME}#sha256={digest}">{NAME}</a>'.encode()
    routes = {"/index/imageio-ffmpeg/": answer(page, content_type="text/html"), f"/files/{NAME}": answer(content)}
    async with serve_files(routes) as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{server.url}/index")
        monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
        yield server


def source(content: bytes) -> FfmpegSource:
    pinned = Wheel(NAME, len(content), hashlib.sha256(content).hexdigest())
    return FfmpegSource(UV, "imageio-ffmpeg==9.9", pinned)


async def test_it_comes_with_progress_and_is_found_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel(tmp_path)
    told: list[tuple[str, float]] = []
    async with index(content, monkeypatch, tmp_path):
        await fetch_ffmpeg(source(content), tmp_path / "data", tell=lambda *words: told.append(words))
    target = fetched_ffmpeg(tmp_path / "data")
    found = inspect_ffmpeg(str(target))
    assert found is not None
    assert found.version == find_ffmpeg().version
    assert [path.name for path in target.parent.iterdir()] == [target.name], "the wheel is not kept"
    assert [words for words, _ in told] == [f"fetching ffmpeg, {number} of 3 MB" for number in range(4)]
    assert [share for _, share in told] == sorted(share for _, share in told)


async def test_another_wheel_under_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = wheel(tmp_path)
    pinned = source(content)
    pinned = replace(pinned, wheel=replace(pinned.wheel, sha256="0" * 64))
    async with index(content, monkeypatch, tmp_path):
        with pytest.raises(EngineMissingError, match=r"hash differs\. Try again .* REKA_CLIPS_FFMPEG"):
            await fetch_ffmpeg(pinned, tmp_path / "data", tell=lambda *_: None)
    assert not fetched_ffmpeg(tmp_path / "data").exists()


async def test_offline_it_is_a_sentence_and_the_next_try_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel(tmp_path)
    async with index(content, monkeypatch, tmp_path) as server:
        page = server.routes.pop("/index/imageio-ffmpeg/")
        with pytest.raises(EngineMissingError, match=r"could not be fetched\. uv could not ask its package index"):
            await fetch_ffmpeg(source(content), tmp_path / "data", tell=lambda *_: None)
        server.routes["/index/imageio-ffmpeg/"] = page
        file = server.routes.pop(f"/files/{NAME}")
        with pytest.raises(EngineMissingError, match="could not be fetched"):
            await fetch_ffmpeg(source(content), tmp_path / "data", tell=lambda *_: None)
        server.routes[f"/files/{NAME}"] = file
        assert await fetch_ffmpeg(source(content), tmp_path / "data", tell=lambda *_: None)


async def test_a_package_index_without_it_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel(tmp_path)
    other = replace(source(content), wheel=Wheel("imageio_ffmpeg-9.9-py3-none-win_amd64.whl", 1, "0" * 64))
    async with index(content, monkeypatch, tmp_path):
        with pytest.raises(EngineMissingError, match=r"The package index of uv has no imageio_ffmpeg-9.9-py3-none-win"):
            await fetch_ffmpeg(other, tmp_path / "data", tell=lambda *_: None)


async def test_the_first_generation_tells_that_it_waits_for_ffmpeg_and_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel(tmp_path)
    pins = {"requirement": "imageio-ffmpeg==9.9", "wheels": [asdict(source(content).wheel)]}
    monkeypatch.setattr(fetch, "PINS_FILE", tmp_path / "wheels.json")
    fetch.PINS_FILE.write_text(json.dumps(pins))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("UV", UV)
    film = write_plain_film(tmp_path / "film.mp4", seconds=6)
    async with index(content, monkeypatch, tmp_path) as server:
        server.routes[f"/files/{NAME}"] = slowly(content)
        async with ClipService(Settings(data_dir=tmp_path / "data"), None) as service:
            job = await service.submit(a_request(film.as_uri()), SourcePolicy())
            states = [state async for state in service.follow(job.id)]
    assert states[-1].status == COMPLETED, states[-1].error_message
    details = [state.detail for state in states if state.detail]
    assert details
    assert all(re.fullmatch(r"fetching ffmpeg, \d of 3 MB", detail) for detail in details)
    assert {state.status for state in states if state.detail} == {"downloading"}
    assert states[-1].detail is None
    shares = [state.progress for state in states]
    assert shares == sorted(shares)


def slowly(content: bytes) -> Handler:
    async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Length": str(len(content))})
        for start in range(0, len(content), 500_000):
            writer.write(content[start : start + 500_000])
            await writer.drain()
            await asyncio.sleep(0.4)

    return handle
