"""`save_clip` from end to end: what lands on disk, under which name, and what the servers on the way get to see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from certificates import loopback_certificate
from file_server import Handler, Request, answer, redirect, serve_files, write_head
from reka_clips.mcp_server.app import build_server
from scripted_api import ScriptedClipApi
from scripted_api.api import CLIP
from tool_desk import KEY, LINK, UNKNOWN_ID, Era, Progress, ToolDesk, open_desk, open_runtime, structured, text_of

pytestmark = pytest.mark.anyio

VIDEO = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 4000
SECRETS = ("x-api-key", "authorization", "cookie", "x-reka-api-key")


def clip(url: str, **fields: Any) -> dict[str, Any]:
    return CLIP | {"video_url": url} | fields


class Place:
    """A desk whose finished generation has the clips given, and the folder they are saved into."""

    def __init__(self, desk: ToolDesk, api: ScriptedClipApi, folder: Path) -> None:
        self.desk = desk
        self.api = api
        self.folder = folder

    def finished(self, *clips: dict[str, Any]) -> str:
        """Return the id of a generation with these clips."""
        generation = self.api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
        generation.set_stage("completed", output=list(clips))
        return generation.id

    @property
    def files(self) -> list[str]:
        """Return everything in the folder, at whatever depth, hidden files too."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def saved(self, fields: dict[str, Any]) -> bytes:
        """Return what was saved, which must lie in the folder under an absolute path."""
        path = Path(fields["path"])
        assert path.is_absolute()
        assert path.is_relative_to(self.folder)
        return path.read_bytes()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something holds; whoever calls sets the deadline."""
        while not is_so():  # noqa: ASYNC110 - a disk tells nobody what is on it
            await anyio.sleep(0.01)

    async def refused(self, generation_id: str, **more: Any) -> str:
        """Return what a call is refused with, and see that nothing was left."""
        before = self.files
        result = await self.desk.call("save_clip", {"id": generation_id} | more)
        assert result.is_error, text_of(result)
        assert self.files == before
        return text_of(result)


@asynccontextmanager
async def place(api: ScriptedClipApi, tmp_path: Path, era: Era = "auto", **settings: Any) -> AsyncIterator[Place]:
    folder = tmp_path / "Videos"
    folder.mkdir()
    settings = {"save_dir": folder, "allow_private_sources": True} | settings
    async with open_runtime(api, **settings) as runtime, open_desk(runtime, era) as desk:
        with anyio.fail_after(60):
            yield Place(desk, api, folder)


async def test_a_clip_lands_whole_in_the_folder_and_its_path_in_the_result(
    api: ScriptedClipApi, tmp_path: Path, era: Era
):
    seen = asyncio.Event()

    async def in_two_parts(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Type": "video/mp4", "Content-Length": str(2 * len(VIDEO))})
        writer.write(VIDEO + VIDEO[:100_000])
        await writer.drain()
        await seen.wait()
        writer.write(VIDEO[100_000:])

    class Watching(Progress):
        async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
            await super().__call__(progress, total, message)
            if "Saving" in (message or ""):
                seen.set()

    progress = Watching()
    async with serve_files({"/1.mp4": in_two_parts}) as server, place(api, tmp_path, era) as there:
        generation_id = there.finished(clip(f"{server.url}/1.mp4?signature=s"))
        fields = structured(await there.desk.call("save_clip", {"id": generation_id}, progress))
    path = there.folder / "The best moment.mp4"
    assert fields["path"] == str(path)
    assert there.saved(fields) == VIDEO * 2
    assert (fields["clip"], fields["size_bytes"]) == (1, 2 * len(VIDEO))
    assert str(path) in fields["message"]
    assert there.files == [path.name]
    assert any(message.endswith(f" of {2 * len(VIDEO) / 1e6:.1f} MB") for message in progress.messages)
    assert server.requests[0].path == "/1.mp4?signature=s"
    assert not set(SECRETS) & server.requests[0].headers.keys()
    assert KEY not in str(server.requests[0])


async def test_nothing_is_ever_overwritten(api: ScriptedClipApi, tmp_path: Path):
    outside = tmp_path / "outside.mp4"
    async with serve_files({"/1.mp4": answer(VIDEO)}) as server, place(api, tmp_path) as there:
        (there.folder / "The best moment.mp4").write_text("mine")
        (there.folder / "The best moment (2).mp4").symlink_to(outside)  # leads nowhere yet
        generation_id = there.finished(clip(f"{server.url}/1.mp4"))
        for number in (3, 4):
            fields = structured(await there.desk.call("save_clip", {"id": generation_id}))
            assert Path(fields["path"]).name == f"The best moment ({number}).mp4"
    assert (there.folder / "The best moment.mp4").read_text() == "mine"
    assert not outside.exists()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../../etc/cron.d/evil", "etc cron d evil.mp4"),
        ("C:\\Windows\\system32\\NUL", "C Windows system32 NUL.mp4"),
        ("\x1b[31mGoal\x00\n\u202egpj.mp4", "Goal gpj mp4.mp4"),
        ("", "clip 2.mp4"),
        ("-rf ~", "rf ~.mp4"),
    ],
)
async def test_a_hostile_title_makes_a_harmless_name(api: ScriptedClipApi, tmp_path: Path, title: str, name: str):
    async with serve_files({"/2.mp4": answer(VIDEO)}) as server, place(api, tmp_path) as there:
        generation_id = there.finished(clip(LINK), clip(f"{server.url}/2.mp4", title=title))
        fields = structured(
            await there.desk.call("save_clip", {"id": generation_id, "clip": "2", "directory": "reels/monday"})
        )
    assert fields["path"] == str(there.folder / "reels" / "monday" / name)
    assert there.files == ["reels", "reels/monday", f"reels/monday/{name}"]


async def test_folders_that_lead_out_are_refused_before_upstream_hears_of_it(api: ScriptedClipApi, tmp_path: Path):
    async with place(api, tmp_path) as there:
        (there.folder / "out").symlink_to(tmp_path)
        for directory in ("..", "out", "out/deeper", "/etc", str(tmp_path), "a/../../b", "\0", "x" * 9000):
            text = await there.refused(UNKNOWN_ID, directory=directory)
            assert "directory: must" in text or "cannot be made" in text
        assert there.files == ["out"]
    assert api.requests == []


async def test_a_redirect_is_followed_to_https_only_and_takes_no_key_along(
    api: ScriptedClipApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tls, trusted = loopback_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with (
        serve_files({"/v.mp4": answer(VIDEO)}, tls=tls) as secure,
        serve_files({"/v.mp4": answer(VIDEO)}) as server,
        place(api, tmp_path) as there,
    ):
        server.routes |= {
            "/safe": redirect(f"{secure.url}/v.mp4"),
            "/plain": redirect(f"{server.url}/v.mp4"),
            "/file": redirect("file:///etc/passwd"),
            "/api": redirect(f"{api.base_url}/v1/clips"),
        }
        for path in ("/plain", "/file", "/api"):
            text = await there.refused(there.finished(clip(server.url + path)))
            assert "leads on to an address that is not https" in text
        assert [request.path for request in server.requests] == ["/plain", "/file", "/api"]
        fields = structured(await there.desk.call("save_clip", {"id": there.finished(clip(f"{server.url}/safe"))}))
        assert there.saved(fields) == VIDEO
        for request in [*server.requests, *secure.requests]:
            assert not set(SECRETS) & request.headers.keys()
            assert KEY not in str(request)


async def test_not_even_the_clip_api_itself_gets_the_key_with_a_download(api: ScriptedClipApi, tmp_path: Path):
    async with place(api, tmp_path, allow_private_sources=False) as there:
        text = await there.refused(there.finished(clip(f"{api.base_url}/files/1.mp4")))
    assert "refuses access (401)" in text  # it was asked, although it stands on this machine
    assert api.requests[-1].path == "/files/1.mp4"
    assert not set(SECRETS) & api.requests[-1].headers.keys()


async def test_links_into_this_machine_are_refused_unless_the_operator_allows_them(
    api: ScriptedClipApi, tmp_path: Path
):
    async with (
        serve_files({"/1.mp4": answer(VIDEO)}) as server,
        place(api, tmp_path, allow_private_sources=False) as there,
    ):
        for url in (f"{server.url}/1.mp4", f"http://localhost:{server.port}/1.mp4", "http://169.254.169.254/latest"):
            assert "inside this machine or its network" in await there.refused(there.finished(clip(url)))
    assert server.requests == []


async def _breaks_off(_: Request, writer: asyncio.StreamWriter) -> None:
    write_head(writer, "200 OK", {"Content-Type": "video/mp4", "Content-Length": str(len(VIDEO))})
    writer.write(VIDEO[: len(VIDEO) // 2])


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (_breaks_off, "broke off"),
        (answer(b"", length=3 * 1024**3), "larger than the limit of 2048 MB"),
        (answer(b"<!doctype html><html>log in</html>", content_type="text/html"), "web page"),
        (answer(b""), "is empty"),
        (answer(b"expired", status="403 Forbidden"), "may have expired"),
        (answer(b"gone", status="404 Not Found"), "no file behind this link"),
    ],
    ids=["broken off", "too large", "web page", "empty", "expired", "gone"],
)
async def test_a_download_that_fails_leaves_nothing(api: ScriptedClipApi, tmp_path: Path, handler: Handler, words: str):
    async with serve_files({"/1.mp4": handler}) as server, place(api, tmp_path) as there:
        text = await there.refused(there.finished(clip(f"{server.url}/1.mp4?signature=planted-secret")))
    assert words in text
    assert "planted-secret" not in text


async def test_a_call_that_is_cancelled_leaves_nothing(api: ScriptedClipApi, tmp_path: Path, era: Era):
    asked = asyncio.Event()

    async def stalls(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Type": "video/mp4", "Content-Length": str(2 * len(VIDEO))})
        writer.write(VIDEO)
        await writer.drain()
        asked.set()
        await asyncio.Event().wait()

    async with serve_files({"/1.mp4": stalls}) as server, place(api, tmp_path, era) as there:
        generation_id = there.finished(clip(f"{server.url}/1.mp4"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(there.desk.call, "save_clip", {"id": generation_id})
            await asked.wait()
            await there.until(lambda: bool(there.files))
            tasks.cancel_scope.cancel()
        await there.until(lambda: not there.files)
        assert not (await there.desk.call("list_clips", {})).is_error


async def test_what_is_not_there_to_save_is_told(api: ScriptedClipApi, tmp_path: Path):
    async with place(api, tmp_path) as there:
        running = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
        assert "not completed yet. get_clip_status" in await there.refused(running.id)
        failed = api.plant({"video_urls": [LINK]}, key=KEY, manual=True)
        failed.set_stage("failed")
        assert "failed, so there is no clip to save" in await there.refused(failed.id)
        assert "list_clips" in await there.refused(UNKNOWN_ID)
        two = there.finished(clip(LINK), clip(LINK))
        assert "clip: is 3, but this generation has 2 clips" in await there.refused(two, clip=3)
        assert "has no clips" in await there.refused(there.finished())
        assert "no link yet" in await there.refused(there.finished(clip("") | {"video_url": None}))
        assert "only the embedded engine may give" in await there.refused(there.finished(clip("file:///etc/passwd")))
        assert "no link yet" in await there.refused(there.finished(clip("ftp://example.com/1.mp4")))


async def test_over_the_network_it_does_not_exist(api: ScriptedClipApi, era: Era):
    async with (
        open_runtime(api) as runtime,
        Client(build_server(runtime, over_network=True), mode=era) as client,
    ):
        assert "save_clip" not in {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("save_clip", {"id": UNKNOWN_ID})
    assert result.is_error
    assert "There is no tool save_clip" in text_of(result)
