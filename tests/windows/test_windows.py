"""The server on a CPython for Windows with Windows wheels, under Wine: `make windows`."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from command.clients import Progress
from command.process import CommandProcess
from docs.test_python import write_talk
from process_tree import all_gone, running_with
from release.bundle import manifest, stage
from release.host import configured
from windows.setup import ROOT, Windows

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800)]

SUBTITLES = "1\n00:00:00,500 --> 00:00:05,000\nThree surprises wait for those who stay\n"
# What Wine lacks, not the product: symbolic links, and the text of error 10048.
NOT_FOR_WINE = ("symbolic_link or symlink or a_port_in_use_is_refused",)
UNIT = ("tests/unit",)
CONTRACT = (
    "tests/contract/test_client.py",
    "tests/contract/test_tools_create.py",
    "tests/contract/test_tools_saving.py",
    "tests/contract/test_engine_http.py",
    "tests/contract/test_engine_service.py",
    "tests/contract/test_resources.py",
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a film with subtitles beside it, in a folder whose name is hard on everyone."""
    folder = tmp_path / "Jörg O'Neil, [x]; 日本 ąę"
    folder.mkdir()
    path = write_talk(folder / "my film 100% #1 (final) ünï.mp4")
    path.with_suffix(".srt").write_text(SUBTITLES, encoding="utf-8")
    return path


def file_url(win: Windows, path: Path) -> str:
    """Return the address by which a program on that Windows opens a file of this machine."""
    from pathlib import PureWindowsPath

    return PureWindowsPath(win.path(path)).as_uri()


def local_path(url: str) -> Path:
    """Return this machine's path of a file that a program on that Windows named."""
    path = unquote(url.removeprefix("file:///"))
    assert path.startswith("Z:"), url
    return Path(path[2:])


@asynccontextmanager
async def stdio(win: Windows, **settings: str) -> AsyncIterator[Client]:
    command, *arguments = win.command(win.python, "-m", "reka_clips")
    server = StdioServerParameters(command=command, args=arguments, env=win.environment(**settings))
    async with Client(stdio_client(server), read_timeout_seconds=600) as client:
        yield client


def settings(win: Windows, folder: Path) -> dict[str, str]:
    folders = {"REKA_CLIPS_DATA_DIR": win.path(folder / "data"), "REKA_CLIPS_SAVE_DIR": win.path(folder / "saved")}
    return folders | {"REKA_CLIPS_ENGINE_IDLE_SECONDS": "3"}


async def cut(client: Client, url: str, *, progress: Progress | None = None, **config: Any) -> list[dict[str, Any]]:
    options = {"num_generations": 1, "max_duration_seconds": 6} | config
    arguments = {"video_urls": [url], "generation_config": options, "wait_seconds": 600}
    result = await client.call_tool("create_clips", arguments, progress_callback=progress)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    assert "warnings" not in result.structured_content, result.structured_content["warnings"]
    return result.structured_content["output"]


def test_the_doctor_finds_all_in_place_and_our_fonts(win: Windows, tmp_path: Path) -> None:
    ended = win.run("-m", "reka_clips", "doctor", "--json", **settings(win, tmp_path))
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, report
    told = {check["check"]: check for check in report["checks"]}
    assert told["fonts"]["status"] == told["engine"]["status"] == "ok", report


def test_the_demo_finds_all_three_planted_moments(win: Windows, tmp_path: Path) -> None:
    ended = win.run("-m", "reka_clips", "demo", "--out", win.path(tmp_path / "clips"), timeout_seconds=1500)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": found") == 3
    assert ended.stdout.count("plays to its end") == 3
    assert not running_with(str(win.folder), "ffmpeg")


async def test_a_conversation_over_stdio_cuts_captions_saves_lists_and_deletes(
    win: Windows, film: Path, tmp_path: Path
) -> None:
    progress = Progress()
    async with stdio(win, **settings(win, tmp_path)) as client:
        assert len((await client.list_tools()).tools) == 5
        (clip,) = await cut(client, file_url(win, film), progress=progress)
        assert progress.strictly_increases
        made = local_path(clip["video_url"])
        assert made.read_bytes()[4:8] == b"ftyp"
        listed = await client.call_tool("list_clips", {})
        assert listed.structured_content is not None
        (item,) = listed.structured_content["generations"]
        saved = await client.call_tool("save_clip", {"id": item["id"], "clip": 1})
        assert not saved.is_error, saved.content
        assert [path.suffix for path in (tmp_path / "saved").iterdir()] == [".mp4"]
        deleted = await client.call_tool("delete_clip", {"id": item["id"]})
        assert not deleted.is_error, deleted.content
    assert not made.exists()


async def test_a_conversation_over_http_gives_links_that_open_and_can_be_cut_into_ranges(
    win: Windows, film: Path, tmp_path: Path
) -> None:
    command = win.command(win.python, "-m", "reka_clips", "--transport", "streamable-http", "--port", "0")
    wine = win.environment(**settings(win, tmp_path), REKA_CLIPS_LOG_LEVEL="INFO")
    with CommandProcess(program=command, **wine) as server:
        async with Client(streamable_http_client(f"{server.url}/mcp"), read_timeout_seconds=600) as client:
            (clip,) = await cut(client, file_url(win, film))
        async with httpx2.AsyncClient() as browser:
            whole = await browser.get(clip["video_url"])
            part = await browser.get(clip["video_url"], headers={"Range": "bytes=4-7"})
        assert (whole.status_code, part.status_code, part.content) == (200, 206, b"ftyp")


@pytest.mark.parametrize("way", ["killed", "stdin closed"])
async def test_a_server_that_ends_in_mid_job_leaves_an_engine_that_ends_its_work_and_leaves(
    way: str, win: Windows, film: Path, tmp_path: Path
) -> None:
    """Killed as a client of Windows kills: TerminateProcess. The engine completes the work at hand, then it leaves."""
    script = tmp_path / "kill.py"
    script.write_text(KILLER, encoding="utf-8")
    ended = win.run(str(win.path(script)), way, file_url(win, film), timeout_seconds=300, **settings(win, tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "in mid-job" in ended.stdout, ended.stdout + ended.stderr
    await all_gone({one.pid for one in running_with("python.exe", "engine")}, seconds=300)
    assert not running_with(str(win.folder), "ffmpeg")


KILLER = """
import json, subprocess, sys, time
way, url = sys.argv[1:]
server = subprocess.Popen([sys.executable, "-m", "reka_clips"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

def send(**message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")
    server.stdin.flush()

client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
send(id=1, method="initialize", params=client)
server.stdout.readline()
send(method="notifications/initialized")
asked = {"video_urls": [url], "wait_seconds": 600}
send(id=2, method="tools/call", params={"name": "create_clips", "arguments": asked, "_meta": {"progressToken": 1}})
for line in server.stdout:
    message = json.loads(line).get("params", {}).get("message", "")
    if message.startswith(("indexing", "preprocessing", "processing")):
        break
print("in mid-job", flush=True)
if way == "killed":
    server.kill()
else:
    server.stdin.close()
begun = time.monotonic()
code = server.wait(30)
print(f"ended with {code} after {time.monotonic() - begun:.1f} s")
sys.exit(0 if way == "killed" or code == 0 else 1)
"""


async def test_the_bundle_starts_by_its_own_command_through_uv_exe(win: Windows, film: Path, tmp_path: Path) -> None:
    """In a folder with spaces and other letters, with nothing filled in; ffmpeg.exe is fetched when it is needed."""
    folder = win.folder / "prefix" / "drive_c" / "Claude Extensions" / "reka Розширення"
    stage_anew(folder)
    started = configured(manifest(), Path("C:/Claude Extensions/reka Розширення"), {})
    assert started.command == "uv"
    assert started.env is not None
    answers = {name: value for name, value in started.env.items() if name.startswith("REKA_")}
    own = {
        **answers,
        "REKA_CLIPS_DATA_DIR": win.path(tmp_path / "data"),
        "UV_PYTHON": win.path(win.python),
        "UV_CACHE_DIR": win.path(win.folder / "uv cache"),
        "UV_LINK_MODE": "copy",
    }
    command, *arguments = win.command(win.uv, *started.args)
    server = StdioServerParameters(command=command, args=arguments, env=win.environment(**own))
    async with Client(stdio_client(server), read_timeout_seconds=600) as client:
        assert len((await client.list_tools()).tools) == 5
        assert not [*(tmp_path / "data").rglob("ffmpeg*")]
        assert await cut(client, file_url(win, film))
    assert [path.name for path in (tmp_path / "data" / "ffmpeg").rglob("*.exe")] == ["ffmpeg.exe"]


def stage_anew(folder: Path) -> None:
    """Lay out the bundle in `folder`, which keeps its environment from the last time."""
    folder.mkdir(parents=True, exist_ok=True)
    stage(folder)


HELD = """
import threading, time
from pathlib import Path
from reka_clips.files import move
Path("clip.part").write_text("a clip")
held = open("clip.part", "rb")  # as Python opens files: others may not rename it
threading.Timer(1.0, held.close).start()
begun = time.monotonic()
move(Path("clip.part"), Path("clip.mp4"))
print(Path("clip.mp4").read_text(), time.monotonic() - begun)
"""


def test_a_file_that_another_program_holds_for_a_moment_is_moved(win: Windows, tmp_path: Path) -> None:
    ended = win.run("-c", HELD, cwd=tmp_path)
    *words, seconds = ended.stdout.split()
    assert words == ["a", "clip"], ended.stderr
    assert 0.5 < float(seconds) < 5


@pytest.mark.parametrize("suite", [UNIT, CONTRACT], ids=["unit", "contract"])
def test_the_suite_passes_there(suite: tuple[str, ...], win: Windows) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=--strict-markers --import-mode=importlib", "-ra"]
    expression = f"not ({' or '.join(NOT_FOR_WINE)})"
    begun = time.monotonic()
    ended = win.run(
        "-m", "pytest", *options, "--timeout", "600", "-k", expression, *suite, cwd=ROOT, timeout_seconds=1700
    )
    print(f"{ended.stdout.strip().splitlines()[-1]} after {time.monotonic() - begun:.0f} s")
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
