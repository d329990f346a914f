"""A large file of a known hash is fetched once, whatever the connection does, and goes on where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from file_server import Handler, Request, answer, redirect, serve_files, write_head
from reka_clips.download.resumable import fetch_pinned
from reka_clips.errors import DownloadError

pytestmark = pytest.mark.anyio

BODY = bytes(range(256)) * 4000  # a megabyte
SHA256 = hashlib.sha256(BODY).hexdigest()


def in_pieces(piece_bytes: int, *, ranges: bool = True) -> Handler:
    """Return a handler that breaks off after each piece. ranges: whether it goes on where it is asked to."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = request.headers.get("range", "bytes=0-") if ranges else "bytes=0-"
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        rest = BODY[start:]
        write_head(writer, "206 Partial Content" if start else "200 OK", {"Content-Length": str(len(rest))})
        writer.write(rest[:piece_bytes])
        await writer.drain()
        writer.close()

    return handle


async def fetched(url: str, path: Path, tell: Callable[[int], None] = lambda _: None, **other: object) -> bytes:
    options = {"size_bytes": len(BODY), "sha256": SHA256, "pause_seconds": 0.0} | other
    await fetch_pinned(url, path, on_progress=tell, **options)  # type: ignore[arg-type]
    return path.read_bytes()


async def test_a_connection_that_breaks_again_and_again_is_opened_for_the_rest(tmp_path: Path) -> None:
    told: list[int] = []
    async with serve_files({"/f": in_pieces(100_000), "/from": redirect("/f")}) as server:
        assert await fetched(f"{server.url}/from", tmp_path / "f", told.append) == BODY
        asked = [request.headers.get("range") for request in server.requests if request.path == "/f"]
    assert asked[:2] == [None, "bytes=100000-"]
    assert told == sorted(told)
    assert told[-1] == len(BODY)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


async def test_what_was_fetched_before_a_cancel_is_not_fetched_again(tmp_path: Path) -> None:
    async with serve_files({"/f": in_pieces(400_000)}) as server:
        with anyio.CancelScope() as scope:

            def tell(have: int) -> None:
                if have >= 400_000:
                    scope.cancel()

            await fetched(f"{server.url}/f", tmp_path / "f", tell, pause_seconds=60.0)
        assert scope.cancelled_caught
        assert not (tmp_path / "f").exists()
        assert await fetched(f"{server.url}/f", tmp_path / "f") == BODY
        assert server.requests[1].headers["range"] == "bytes=400000-"


async def test_a_server_that_knows_no_ranges_begins_again(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"something else" * 100)
    async with serve_files({"/f": in_pieces(len(BODY), ranges=False)}) as server:
        assert await fetched(f"{server.url}/f", tmp_path / "f") == BODY


async def test_a_file_of_another_hash_or_size_is_refused_and_removed(tmp_path: Path) -> None:
    other = bytes(len(BODY))
    async with serve_files({"/other": answer(other), "/large": answer(BODY + b"x")}) as server:
        for name in ("other", "large"):
            with pytest.raises(DownloadError, match="not the expected file"):
                await fetched(f"{server.url}/{name}", tmp_path / name)
            assert not (tmp_path / name).exists()
        assert (
            await fetched(f"{server.url}/other", tmp_path / "other", sha256=hashlib.sha256(other).hexdigest()) == other
        )


@pytest.mark.parametrize(
    ("status", "tries"), [("404 Not Found", 1), ("403 Forbidden", 1), ("503 Busy", 5), ("429 Slow down", 5)]
)
async def test_only_what_may_pass_is_tried_again(status: str, tries: int, tmp_path: Path) -> None:
    async with serve_files({"/f": answer(b"no", status=status)}) as server:
        with pytest.raises(DownloadError, match=status[:3]):
            await fetched(f"{server.url}/f", tmp_path / "f")
        assert len(server.requests) == tries


async def test_where_there_is_no_network_it_says_so(tmp_path: Path) -> None:
    async with serve_files({}) as server:
        url = server.url
    with pytest.raises(DownloadError, match="cannot be reached"):
        await fetched(f"{url}/f", tmp_path / "f")
    for odd in ("file:///etc/hostname", "nonsense"):
        with pytest.raises(DownloadError):
            await fetched(odd, tmp_path / "f")
