"""What an agent is told when there is nothing to make clips of or with: why, and what to do; and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePath
from typing import Any

import pytest
from mcp import Client

from command import MODERN, connect, text_of
from file_server import Request, answer, serve_files, write_head
from made_films.plain import write_plain_film
from reka_clips.engine.service.paths import Folders

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

LINK = "https://example.com/film.mp4"
PAGE = "<!doctype html><title>Sign in</title>"
NOISE = random.Random(0).randbytes(9_999)  # noqa: S311 - always the same: some noise looks like one thing or another
TOOLS = {"create_clips", "find_moments", "get_clip_status", "list_clips", "delete_clip", "save_clip"}


@asynccontextmanager
async def server(data_dir: Path, **settings: str) -> AsyncIterator[Client]:
    """Start the server over stdio; whatever its settings, it lists its tools."""
    async with connect("stdio", MODERN, settings={"REKA_CLIPS_DATA_DIR": str(data_dir), **settings}) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        yield client


async def refusal(client: Client, url: str, **arguments: Any) -> str:
    """Return what create_clips answers, which must be a tool error in plain words."""
    result = await client.call_tool("create_clips", {"video_urls": [url], "wait_seconds": 200, **arguments})
    told = text_of(result)
    assert result.is_error, told
    assert not re.search(r"Traceback|<html|<!doctype|\bNone\b|Error\b|Exception|sqlite|errno", told, re.IGNORECASE), (
        told
    )
    return told


def left_in(data_dir: Path) -> list[str]:
    """Return what is left of clips and downloads."""
    folders = Folders.of(data_dir)
    kept = (folders.all_clips, folders.all_staging, folders.all_sources)
    return [str(path) for folder in kept for path in folder.rglob("*")]


async def test_a_video_that_is_none_is_refused_with_the_reason_and_what_to_give_instead(tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return (tmp_path / name).as_uri()

    (tmp_path / "folder.mp4").mkdir()
    files = {
        file("empty.mp4", b""): "This file is empty (0 bytes); give another one.",
        file("notes.mp4", b"Dear diary,\n" * 99): "This file holds text, not a video; give a video file.",
        file("page.mp4", PAGE.encode()): "This file is a web page, not a video; give a video file.",
        file(
            "list.m3u8", b"#EXTM3U\n/etc/passwd\n"
        ): "This file is a playlist, which only names videos; give the video",
        file("noise.mp4", NOISE): "The file is no video, or an incomplete one",
        file("noise.avi", NOISE): "The file is not a video that can be read, or it is damaged",
        file(
            "large.mp4", bytes(1024 * 1024 + 1)
        ): "larger than the limit of 1 MB; use a smaller one, or raise REKA_CLIPS_MAX_",
        (tmp_path / "folder.mp4").as_uri(): "This is not a file; give the path of a video file.",
        (tmp_path / "missing.mp4").as_uri(): "There is no such file on the computer that the engine runs on; check the",
        "http://no-such-host.invalid/v.mp4": "The link's host name cannot be resolved; check the link",
        "http://127.0.0.1:9/v.mp4": "The server behind the link cannot be reached; check the link",
        "https://www.youtube.com/watch?v=1": "YouTube and Twitch pages need the Reka backend (set REKA_API_KEY)",
    }
    routes = {
        "/page": (
            answer(PAGE.encode(), content_type="text/html"),
            "This link leads to a web page, not to a video file",
        ),
        "/empty": (answer(b""), "The file behind this link is empty (0 bytes); check the link"),
        "/noise": (answer(NOISE), "The file is not a video that can be read, or it is damaged"),
        "/large": (answer(length=2**21), "larger than the limit of 1 MB; use a smaller one, or raise REKA_CLIPS_MAX_"),
        "/login": (
            answer(status="401 Unauthorized"),
            "refuses access (401): the link may have expired or need a login",
        ),
    }
    settings = {
        "REKA_CLIPS_BACKEND": "local",
        "REKA_CLIPS_MAX_SOURCE_MB": "1",
        "REKA_CLIPS_ALLOW_PRIVATE_SOURCES": "1",
    }
    data_dir = tmp_path / "data"
    async with serve_files({path: handler for path, (handler, _) in routes.items()}) as web:
        noise = f"{web.url}/noise"
        links = {f"{web.url}{path}": words for path, (_, words) in routes.items()}
        links[f"{web.url}/gone"] = "There is no file behind this link: its server answers 404. Check the link"
        expected = files | links
        async with server(data_dir, **settings) as client:
            told = {url: await refusal(client, url) for url in expected}
    assert {url: words for url, words in expected.items() if words not in told[url]} == {}
    assert not any(str(tmp_path) in text for text in told.values()), "where the file is, the agent knows"
    names = {PurePath(path).name for path in left_in(data_dir)}
    assert names == {Folders.of(data_dir).source(noise).name, "noise"}, "what arrived whole is kept for use again"


async def test_without_a_key_the_reka_backend_says_where_to_get_one(tmp_path: Path) -> None:
    async with server(tmp_path, REKA_CLIPS_BACKEND="reka") as client:
        told = await refusal(client, LINK)
    assert "There is no Reka API key: set REKA_API_KEY in this server's configuration" in told
    assert "https://platform.reka.ai" in told
    assert "REKA_CLIPS_BACKEND=local cuts clips on this computer" in told


async def test_with_neither_key_nor_ffmpeg_both_ways_out_are_told(tmp_path: Path) -> None:
    # As after `pip install reka-clips-mcp` alone: no imageio-ffmpeg, and no ffmpeg where programs are.
    (tmp_path / "imageio_ffmpeg.py").write_text("raise ImportError('not installed')\n")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": str(Path(sys.executable).parent)}
    async with server(tmp_path, **environment) as client:
        told = await refusal(client, LINK)
    assert "No ffmpeg that the clip engine can use was found" in told
    assert "pip install 'reka-clips-mcp[local]'" in told
    assert "REKA_API_KEY" in told
    assert not (tmp_path / "engine").exists()


async def test_a_base_url_that_nothing_answers_at_is_named(tmp_path: Path) -> None:
    settings = {"REKA_API_KEY": "planted-key-4711", "REKA_BASE_URL": "http://127.0.0.1:9"}
    async with server(tmp_path, **settings) as client:
        told = await refusal(client, LINK)
    assert "The Clip API at 127.0.0.1:9 could not be reached: nothing listens at that address" in told
    assert "Sending it again is safe" in told
    assert "planted-key" not in told


async def test_a_full_disk_fails_the_generation_and_leaves_nothing_half_written(
    tmp_path: Path, small_disk: Path
) -> None:
    film = write_plain_film(tmp_path / "film.mp4", seconds=9, noise=90)
    assert film.stat().st_size > 3 * 1024 * 1024

    async def of_unknown_size(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Type": "video/mp4", "Connection": "close"})
        writer.write(film.read_bytes())

    routes = {"/known.mp4": answer(film.read_bytes()), "/unknown.mp4": of_unknown_size}
    settings = {"REKA_CLIPS_BACKEND": "local", "REKA_CLIPS_ALLOW_PRIVATE_SOURCES": "1"}
    filler = small_disk / "filler"
    async with serve_files(routes) as web, server(small_disk, **settings) as client:
        for path in routes:
            told = await refusal(client, f"{web.url}{path}")
            assert re.search("The disk is full: free some space|There is not enough room on the disk", told)
            assert left_in(small_disk) == []
        rendering = {"resolution": 720, "layout": "fit", "subtitles": False}
        told = await refusal(client, film.as_uri(), rendering_config=rendering)
        assert "The disk is full: free some space where the clips are kept, then try again" in told
        assert left_in(small_disk) == []

        fill(filler)
        told = await refusal(client, film.as_uri())
        assert "The disk is full: free some space where the clips are kept, then try again" in told
        assert "charged" not in told, "it is certain that nothing was created"
        filler.unlink()
        listed = await client.call_tool("list_clips", {})
        assert listed.structured_content is not None
        assert {item["status"] for item in listed.structured_content["items"]} == {"failed"}


def fill(path: Path) -> None:
    """Write until the disk is full to the last block."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
