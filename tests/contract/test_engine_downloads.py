"""Downloads over loopback, from servers that behave and servers that do not. Nothing is ever left half-written."""

from __future__ import annotations

import asyncio
import gzip
import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from file_server import FileServer, Handler, Request, answer, redirect, serve_files, write_head
from reka_clips.download.fetch import Download, DownloadLimits, NetworkAccess, Validators, download, origin
from reka_clips.download.transport import GuardedTransport
from reka_clips.errors import DownloadError

pytestmark = pytest.mark.anyio

VIDEO = bytes(range(256)) * 4000
LIMITS = DownloadLimits(
    max_bytes=4_000_000, total_seconds=60, idle_seconds=20, connect_seconds=20, first_pause_seconds=0.01
)
LOCAL = NetworkAccess(allow_private=True)


async def fetch(
    url: str, folder: Path, *, limits: DownloadLimits = LIMITS, access: NetworkAccess = LOCAL, **more: Any
) -> Download | None:
    with anyio.fail_after(90):
        return await download(url, folder / "video.mp4", limits=limits, access=access, **more)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def refusal(handler: Handler, folder: Path, *, limits: DownloadLimits = LIMITS) -> str:
    """Return what the download of this answer is refused with, and see that nothing was left."""
    async with serve_files({"/v.mp4": handler}) as server:
        with pytest.raises(DownloadError) as caught:
            await fetch(f"{server.url}/v.mp4?token=planted-secret", folder, limits=limits)
    assert names_in(folder) == []
    assert "planted-secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    return str(caught.value)


async def test_a_video_arrives_whole_with_its_name_and_validators(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    headers = {"ETag": '"1"', "Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"}
    async with serve_files({"/films/My%20Film.mp4": answer(VIDEO, headers=headers)}) as server:
        got = await fetch(
            f"{server.url}/films/My%20Film.mp4", tmp_path, on_progress=lambda done, total: seen.append((done, total))
        )
    assert got == Download(len(VIDEO), "My Film.mp4", "video/mp4", Validators('"1"', "Mon, 23 Nov 2026 00:00:00 GMT"))
    assert (tmp_path / "video.mp4").read_bytes() == VIDEO
    assert names_in(tmp_path) == ["video.mp4"]
    assert seen[-1] == (len(VIDEO), len(VIDEO))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("disposition", "path", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "/x", "passwd"),
        ("attachment; filename=clip.mp4", "/x", "clip.mp4"),
        (None, "/a/b/..%2f..%2fevil%00name.mp4", "evil_name.mp4"),
        (None, "/", "video"),
        (None, "/" + "n" * 300 + ".mp4", "n" * 80 + ".mp4"),
        (None, "/.hidden", "hidden"),
        ("attachment; filename=x.mp4; filename*=UTF-8''caf%C3%A9%20%231.mp4", "/x", "café _1.mp4"),
    ],
)
async def test_a_file_name_holds_no_folder(disposition: str | None, path: str, name: str, tmp_path: Path) -> None:
    headers = {"Content-Disposition": disposition} if disposition else {}
    async with serve_files({path: answer(VIDEO, headers=headers)}) as server:
        got = await fetch(server.url + path, tmp_path)
    assert got is not None
    assert got.file_name == name


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (answer(status="404 Not Found"), "no file behind this link: its server answers 404"),
        (answer(status="410 Gone"), "no file behind this link: its server answers 410"),
        (answer(status="403 Forbidden"), "refuses access (403)"),
        (answer(status="500 Oops"), "answers with the error 500"),
        (answer(b"part", status="206 Partial Content"), "answers 206 instead of the file"),
        (answer(status="304 Not Modified"), "error 304"),
        (answer(b""), "is empty"),
        (answer(b"<!DOCTYPE html><p>Watch", content_type="text/html"), "web page, not to a video file. YouTube"),
        (answer(b"\n <HTML>", content_type="video/mp4"), "web page"),
        (answer(b"some words", content_type="text/html; charset=utf-8"), "web page"),
        (answer(b"#EXTM3U\n#EXT-X", content_type="application/vnd.apple.mpegurl"), "streaming playlist"),
        (answer(b'<?xml version="1.0"?><MPD>', content_type="application/dash+xml"), "streaming playlist"),
        (answer(b'{"error": "no"}', content_type="application/json"), "leads to text (application/json)"),
        (answer(b"hello", content_type="text/plain"), "leads to text (text/plain)"),
        (answer(b"short", length=100_000), "broke off"),
        (answer(length=5_000_000), "larger than the limit of 4 MB"),
        (answer(VIDEO, headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (answer(gzip.compress(bytes(9_000_000)), headers={"Content-Encoding": "gzip"}), "larger than the limit"),
        (answer(length=10**19), "larger than the limit"),
    ],
)
async def test_what_is_no_video_is_refused_in_plain_words(handler: Handler, words: str, tmp_path: Path) -> None:
    assert words in await refusal(handler, tmp_path)


def broken(*, after: int, ranges: bool = True, etag: str | None = '"1"', times: int = 1) -> tuple[Handler, list[str]]:
    """Return a handler that breaks off after so many bytes of each of the first answers, and the ranges it is asked for."""
    asked: list[str] = []

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.headers.get("range", ""))
        is_rest = ranges and bool(asked[-1])
        start = int(asked[-1].removeprefix("bytes=").rstrip("-")) if is_rest else 0
        headers = {"Content-Length": str(len(VIDEO) - start), "Connection": "close"}
        headers |= {"ETag": etag} if etag else {}
        headers |= {"Content-Range": f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"} if is_rest else {}
        write_head(writer, "206 Partial Content" if is_rest else "200 OK", headers)
        writer.write(VIDEO[start : start + after] if len(asked) <= times else VIDEO[start:])

    return handle, asked


@pytest.mark.parametrize("etag", ['"1"', None], ids=["etag", "no etag"])
async def test_a_download_that_breaks_off_goes_on_where_it_broke(etag: str | None, tmp_path: Path) -> None:
    handle, asked = broken(after=300_000, etag=etag, times=3)
    seen: list[int] = []
    async with serve_files({"/v.mp4": handle}) as server:
        got = await fetch(f"{server.url}/v.mp4", tmp_path, on_progress=lambda done, _: seen.append(done))
    assert got is not None
    assert got.size_bytes == len(VIDEO)
    assert (tmp_path / "video.mp4").read_bytes() == VIDEO
    assert asked == ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert seen == sorted(seen)


async def test_without_ranges_a_download_that_breaks_off_begins_anew(tmp_path: Path) -> None:
    handle, asked = broken(after=300_000, ranges=False, times=2)
    async with serve_files({"/v.mp4": handle}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path) is not None
    assert (tmp_path / "video.mp4").read_bytes() == VIDEO
    assert len(asked) == 3


async def test_a_file_that_changed_in_between_is_not_pieced_together(tmp_path: Path) -> None:
    old, new = bytes(400_000), VIDEO
    count = 0

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count == 1:
            write_head(writer, "200 OK", {"Content-Length": str(len(old)), "ETag": '"old"'})
            writer.write(old[:200_000])
        elif "range" in request.headers:  # a server that does not look at If-Range
            headers = {"Content-Length": str(len(new) - 200_000), "ETag": '"new"'}
            headers |= {"Content-Range": f"bytes 200000-{len(new) - 1}/{len(new)}"}
            write_head(writer, "206 Partial Content", headers)
            writer.write(new[200_000:])
        else:
            write_head(writer, "200 OK", {"Content-Length": str(len(new)), "ETag": '"new"', "Connection": "close"})
            writer.write(new)

    async with serve_files({"/v.mp4": handle}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path) is not None
    assert (tmp_path / "video.mp4").read_bytes() == new


@pytest.mark.parametrize("status", ["503 Busy", "429 Too Many Requests", "502 Bad Gateway"])
@pytest.mark.parametrize("retry_after", ["0", None, "Mon, 23 Nov 2020 00:00:00 GMT", "soon"])
async def test_a_server_that_is_busy_is_asked_again(status: str, retry_after: str | None, tmp_path: Path) -> None:
    answers = [answer(status=status, headers={"Retry-After": retry_after} if retry_after else {})] * 2 + [answer(VIDEO)]

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(request, writer)

    async with serve_files({"/v.mp4": handle}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path) is not None
    assert (tmp_path / "video.mp4").read_bytes() == VIDEO


async def test_a_server_that_asks_for_a_day_is_asked_again_sooner(tmp_path: Path) -> None:
    answers = [answer(status="503 Busy", headers={"Retry-After": "86400"}), answer(VIDEO)]

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(request, writer)

    limits = DownloadLimits(total_seconds=60, longest_pause_seconds=0.1)
    async with serve_files({"/v.mp4": handle}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path, limits=limits) is not None


async def test_a_server_that_stays_busy_is_given_up_after_a_few_tries(tmp_path: Path) -> None:
    async with serve_files({"/v.mp4": answer(status="503 Busy")}) as server:
        with pytest.raises(DownloadError, match="503"):
            await fetch(f"{server.url}/v.mp4", tmp_path)
        assert len(server.requests) == 1 + LIMITS.retries


async def test_a_server_that_drips_is_given_up(tmp_path: Path) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Length": "100000"})
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    limits = DownloadLimits(total_seconds=60, rate_seconds=0.3)
    assert "too slowly" in await refusal(drip, tmp_path, limits=limits)


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/plain", None])
async def test_the_bytes_decide_what_a_file_is(media_type: str | None, tmp_path: Path) -> None:
    async with serve_files({"/v.mp4": answer(VIDEO, content_type=media_type)}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path) is not None


async def test_each_address_is_tried_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[str] = []

    async def refused(_: GuardedTransport, __: httpx2.Request, address: str) -> httpx2.Response:
        tried.append(address)
        raise httpx2.ConnectError("refused")

    monkeypatch.setattr(GuardedTransport, "_send", refused)
    with pytest.raises(DownloadError, match="cannot be reached"):
        await fetch("http://127.0.0.1:9/v.mp4", tmp_path)
    assert tried == ["127.0.0.1"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks5h://127.0.0.1:9"])
async def test_a_socks_proxy_is_told_in_words(proxy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)  # as where it is not installed
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(DownloadError, match="SOCKS proxy"):
        await fetch("http://example.com/v.mp4", tmp_path)


async def test_text_that_is_really_a_video_is_taken(tmp_path: Path) -> None:
    """Some servers call every file they do not know text/plain."""
    async with serve_files({"/v.mp4": answer(VIDEO, content_type="text/plain")}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path) is not None


async def test_an_endless_answer_ends_at_the_limit(tmp_path: Path) -> None:
    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Connection": "close"})
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    assert "larger than the limit of 4 MB" in await refusal(endless, tmp_path)


async def test_a_file_of_unknown_length_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Connection": "close"})
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    class Usage:
        free = 50 * 1024 * 1024  # less than what is always left free

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage)
    assert "not enough room" in await refusal(endless, tmp_path, limits=DownloadLimits(max_bytes=200_000_000))


async def test_a_server_that_stops_sending_is_given_up(tmp_path: Path) -> None:
    async def stuck(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Length": "100000"})
        writer.write(bytes(70_000))
        await writer.drain()
        await anyio.sleep_forever()

    limits = DownloadLimits(total_seconds=60, idle_seconds=0.3, first_pause_seconds=0.01)
    assert "for too long" in await refusal(stuck, tmp_path, limits=limits)


async def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def silent(_: Request, __: asyncio.StreamWriter) -> None:
        await anyio.sleep_forever()

    assert "for too long" in await refusal(silent, tmp_path, limits=DownloadLimits(idle_seconds=0.3))


async def test_a_trickle_ends_at_the_total_time(tmp_path: Path) -> None:
    async def trickle(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Length": "100000"})
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    limits = DownloadLimits(total_seconds=1.0, idle_seconds=20)
    assert "took longer than" in await refusal(trickle, tmp_path, limits=limits)


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v.mp4"
        with pytest.raises(DownloadError, match="cannot be reached"):
            await fetch(url, tmp_path)


async def test_redirects_are_followed_up_to_five(tmp_path: Path) -> None:
    hops = {f"/{n}": redirect(f"/{n + 1}") for n in range(8)}
    async with serve_files({**hops, "/8": answer(VIDEO)}) as server:
        assert await fetch(f"{server.url}/3", tmp_path) is not None
        (tmp_path / "video.mp4").unlink()
        with pytest.raises(DownloadError, match="redirects more than 5 times"):
            await fetch(f"{server.url}/2", tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:video/mp4,x"])
async def test_a_redirect_leads_to_http_only(target: str, tmp_path: Path) -> None:
    async with serve_files({"/v.mp4": redirect(target)}) as server:
        with pytest.raises(DownloadError, match="not http or https"):
            await fetch(f"{server.url}/v.mp4", tmp_path)


async def test_an_unchanged_file_is_not_sent_again(tmp_path: Path) -> None:
    async def conditional(request: Request, writer: asyncio.StreamWriter) -> None:
        unchanged = request.headers.get("if-none-match") == '"1"'
        await answer(b"" if unchanged else VIDEO, status="304 Not Modified" if unchanged else "200 OK")(request, writer)

    async with serve_files({"/v.mp4": conditional}) as server:
        assert await fetch(f"{server.url}/v.mp4", tmp_path, unless=Validators('"1"', None)) is None
        assert names_in(tmp_path) == []
        assert await fetch(f"{server.url}/v.mp4", tmp_path, unless=Validators('"0"', None)) is not None


async def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    begun = anyio.Event()

    async def half(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Length": "3000000"})
        writer.write(bytes(2_000_000))
        await writer.drain()
        begun.set()
        await anyio.sleep_forever()

    async with serve_files({"/v.mp4": half}) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(fetch, f"{server.url}/v.mp4", tmp_path)
        with anyio.fail_after(60):
            await begun.wait()
        tasks.cancel_scope.cancel()
    assert names_in(tmp_path) == []


class TestPrivateAddresses:
    """Server-side request forgery: a stranger's link must not reach into this machine or its network."""

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::]"),  # noqa: S104 - asked for, not bound to
            *("10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
            *("[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        ],
    )
    async def test_a_link_into_the_network_is_refused(self, host: str, tmp_path: Path) -> None:
        async with serve_files({"/v.mp4": answer(VIDEO)}) as server:
            with pytest.raises(DownloadError, match="inside this machine or its network"):
                await fetch(f"http://{host}:{server.port}/v.mp4", tmp_path, access=NetworkAccess())
            assert server.requests == []

    @pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1."])
    async def test_an_address_in_disguise_is_refused(self, host: str, tmp_path: Path) -> None:
        """Some systems read these as 127.0.0.1, others as no address at all: either way nothing is asked there."""
        async with serve_files({"/v.mp4": answer(VIDEO)}) as server:
            with pytest.raises(DownloadError):
                await fetch(f"http://{host}:{server.port}/v.mp4", tmp_path, access=NetworkAccess())
            assert server.requests == []

    @pytest.mark.parametrize("target", ["http://127.0.0.1:{other}/v.mp4", "http://localhost:{other}/v.mp4"])
    async def test_a_redirect_into_the_network_is_refused(self, target: str, tmp_path: Path) -> None:
        async with serve_files({"/v.mp4": answer(VIDEO)}) as inside:
            to = target.format(other=inside.port)
            async with serve_files({"/v.mp4": redirect(to)}) as outside:
                trusted = NetworkAccess(trusted_origins=frozenset({origin(outside.url)}))
                with pytest.raises(DownloadError, match="inside this machine or its network"):
                    await fetch(f"{outside.url}/v.mp4", tmp_path, access=trusted)
                assert len(outside.requests) == 1
            assert inside.requests == []

    async def test_one_private_address_among_public_ones_is_enough(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        resolve_as(monkeypatch, [["93.184.216.34", "127.0.0.1"]])
        async with serve_files({"/v.mp4": answer(VIDEO)}) as server:
            with pytest.raises(DownloadError, match="inside this machine"):
                await fetch(f"http://video.test:{server.port}/v.mp4", tmp_path, access=NetworkAccess())
            assert server.requests == []

    async def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """DNS rebinding: a second answer, which would lead elsewhere, is never asked for."""
        async with serve_files({"/v.mp4": answer(VIDEO)}) as server:
            asked = resolve_as(monkeypatch, [["127.0.0.1"], ["10.9.9.9"]])
            url = f"http://video.test:{server.port}"
            access = NetworkAccess(trusted_origins=frozenset({origin(url)}))
            assert await fetch(f"{url}/v.mp4", tmp_path, access=access) is not None
            assert asked == ["video.test"]
            assert server.requests[0].headers["host"] == f"video.test:{server.port}"

    async def test_the_next_address_is_tried_when_one_does_not_answer(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        async with serve_files({"/v.mp4": answer(VIDEO)}) as server:
            resolve_as(monkeypatch, [["::1", "127.0.0.1"]])  # the server listens on IPv4 only
            assert await fetch(f"http://video.test:{server.port}/v.mp4", tmp_path) is not None


def resolve_as(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """Have the operating system's resolver give these answers to the name video.test; return the names asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "video.test":
            return real(host, port, *arguments, **options)
        asked.append(name)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [entry for address in addresses for entry in real(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with proxy_for(b"a video, says the proxy" * 100) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        got = await fetch("http://video.invalid/v.mp4", tmp_path, access=NetworkAccess())
        assert got is not None
        with pytest.raises(DownloadError, match="inside this machine"):
            await fetch("http://169.254.169.254/latest", tmp_path, access=NetworkAccess())
    assert [request.path for request in proxy.requests] == ["http://video.invalid/v.mp4"]


def proxy_for(body: bytes) -> Any:
    """Serve as an HTTP proxy that knows one file: its requests carry whole URLs."""
    return serve_files({"http://video.invalid/v.mp4": answer(body)})


def test_the_servers_of_these_tests_know_their_own_address() -> None:
    assert origin(FileServer({}, port=8080).url) == "http://127.0.0.1:8080"
    assert origin("https://Example.com/x") == "https://example.com:443"
