"""The process ends soon in every state, with a code that says why, and leaves nothing behind.

The limit is five seconds on a computer that starts the server in three; a slower one gets as much more.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2
import pytest
from anyio.abc import TaskStatus

from command import CommandProcess, ScriptedUpstream, connect
from made_films.plain import write_plain_film
from process_tree import all_gone, descendants_of, running_with, until

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(sys.platform != "linux", reason="signals are those of POSIX, processes are looked for in /proc"),
]

CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {
        "name": "create_clips",
        "arguments": {"video_urls": ["https://example.com/a.mp4"], "prompt": "[scenario manual]", "wait_seconds": 600},
    },
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


def limit(start_seconds: float) -> float:
    return 5.0 * max(1.0, start_seconds / 3.0)


def begun_on_stdio(server: CommandProcess) -> float:
    """Shake hands; return how long the start took."""
    began = time.monotonic()
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    server.process.stdin.write(
        json.dumps(INITIALIZE).encode() + b'\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    )
    server.process.stdin.flush()
    assert b"reka-clips" in server.process.stdout.readline()
    return time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.parametrize("waiting", [False, True])
def test_a_signal_ends_stdio(number: signal.Signals, code: int, waiting: bool, settings: dict[str, str]):
    with ScriptedUpstream.running() as upstream:
        settings = settings | {"REKA_BASE_URL": upstream.base_url}
        with CommandProcess(**settings) as server:
            allowed = limit(begun_on_stdio(server))
            if waiting:
                assert server.process.stdin is not None
                server.process.stdin.write(json.dumps(CALL).encode() + b"\n")
                server.process.stdin.flush()
                upstream.wait_for("POST")
            assert server.stop(number) < allowed
            assert server.process.returncode == code
            assert "Traceback" not in server.log


def test_stdin_closing_ends_stdio_while_a_call_waits(settings: dict[str, str], upstream: ScriptedUpstream):
    with CommandProcess(**settings) as server:
        allowed = limit(begun_on_stdio(server))
        assert server.process.stdin is not None
        server.process.stdin.write(json.dumps(CALL).encode() + b"\n")
        server.process.stdin.flush()
        upstream.wait_for("POST")
        began = time.monotonic()
        server.process.stdin.close()
        assert server.wait(60) == 0
        assert time.monotonic() - began < allowed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_http(number: signal.Signals, code: int, settings: dict[str, str]):
    began = time.monotonic()
    with CommandProcess("--transport", "streamable-http", "--port", "0", **settings) as server:
        assert server.url
        allowed = limit(time.monotonic() - began)
        assert server.stop(number) < allowed
        assert server.process.returncode == code
        assert "Traceback" not in server.log


# --- In the middle of something, over every transport ----------------------------------------------------------

TOGETHER_SECONDS = 8.0  # many processes start and end at once here; each alone has five


class Case(NamedTuple):
    """transport, what goes on, and how it is told to end: a signal, or None where standard input is closed."""

    transport: str
    state: str
    number: signal.Signals | None
    code: int


CASES = [
    Case("stdio", "rendering", signal.SIGTERM, 0),
    Case("stdio", "rendering", None, 0),
    Case("stdio", "streaming", signal.SIGINT, 130),
    Case("stdio", "polling", signal.SIGTERM, 0),
    Case("stdio", "polling", None, 0),
    Case("streamable-http", "rendering", signal.SIGINT, 130),
    Case("streamable-http", "streaming", signal.SIGTERM, 0),
    Case("streamable-http", "polling", signal.SIGINT, 130),
    Case("streamable-http", "half a request", signal.SIGTERM, 0),
    Case("sse", "rendering", signal.SIGTERM, 0),
    Case("sse", "streaming", signal.SIGINT, 130),
    Case("sse", "polling", signal.SIGTERM, 0),
]


@pytest.mark.anyio
async def test_the_end_comes_soon_in_the_middle_of_anything(upstream: ScriptedUpstream, tmp_path: Path):
    film = write_plain_film(tmp_path / "film.mp4", seconds=14, size="640x360", rate=25)
    for some in (CASES[::2], CASES[1::2]):
        async with anyio.create_task_group() as tasks:
            for case in some:
                tasks.start_soon(ends_soon, case, upstream, film, tmp_path / "-".join(map(str, case[:3])))


async def ends_soon(case: Case, upstream: ScriptedUpstream, film: Path, data_dir: Path) -> None:
    settings = {
        "REKA_CLIPS_DATA_DIR": str(data_dir),
        "REKA_BASE_URL": upstream.base_url,
        "REKA_CLIPS_LOG_LEVEL": "INFO",
        "REKA_CLIPS_TRUST_LOCAL_USERS": "1",
    }
    settings |= {"REKA_CLIPS_BACKEND": "local"} if case.state == "rendering" else {"REKA_API_KEY": "key"}
    arguments = () if case.transport == "stdio" else ("--transport", case.transport, "--port", "0")
    with CommandProcess(*arguments, **settings) as server:
        async with anyio.create_task_group() as tasks:
            await anyio.to_thread.run_sync(lambda: begun_on_stdio(server) if case.transport == "stdio" else server.url)
            await tasks.start(calling, case, server, film, str(data_dir))
            left = await reached(case, upstream, str(data_dir))
            began = time.monotonic()
            if case.number is not None:
                server.process.send_signal(case.number)
            elif server.process.stdin is not None:
                server.process.stdin.close()
            code = await anyio.to_thread.run_sync(server.wait, 60)
            assert time.monotonic() - began < TOGETHER_SECONDS, case
            assert code == case.code, case
            if left:  # the engine goes on without its server; then it is told to end, too
                engine = min(one.pid for one in running_with("--embedded", str(data_dir)))
                os.kill(engine, signal.SIGTERM)
            await all_gone(left, seconds=TOGETHER_SECONDS)
            tasks.cancel_scope.cancel()
        assert "Traceback" not in server.log, f"{case}: {server.log}"
        assert "never retrieved" not in server.log, case


async def calling(case: Case, server: CommandProcess, film: Path, mark: str, *, task_status: TaskStatus[None]) -> None:
    """Have a call under way until the server ends; how the call ends is tested elsewhere."""
    arguments: dict[str, Any] = {"video_urls": ["https://example.com/a.mp4"], "wait_seconds": 600}
    arguments |= {
        "rendering": {"video_urls": [film.as_uri()], "rendering_config": {"resolution": 720, "subtitles": False}},
        "streaming": {"prompt": f"{mark} [scenario manual]"},
        "polling": {"prompt": f"{mark} [scenario waits]"},
        "half a request": {},
    }[case.state]
    if case.transport == "stdio":
        assert server.process.stdin is not None
        params = {"name": "create_clips", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
        server.process.stdin.write(json.dumps(message).encode() + b"\n")
        server.process.stdin.flush()
        task_status.started()
    elif case.state == "half a request":
        port = int(server.url.rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port) as connection:
            await connection.send(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
            async with httpx2.AsyncClient() as http:
                await http.get(f"{server.url}/healthz")  # what was sent before it has been seen
            task_status.started()
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await connection.receive()
    else:
        task_status.started()
        with contextlib.suppress(Exception):  # the connection breaks: that is what is wanted
            async with connect(case.transport, "2026-07-28", to=server) as client:
                await client.call_tool("create_clips", arguments, read_timeout_seconds=600)


async def reached(case: Case, upstream: ScriptedUpstream, mark: str) -> set[int]:
    """Wait until the case's state is there; return the processes of the engine."""
    if case.state == "rendering":
        await until(lambda: bool(running_with("libx264", mark)), seconds=60)
        engine = min(one.pid for one in running_with("--embedded", mark))
        return {engine, *(one.pid for one in descendants_of(engine))}
    if case.state == "streaming":
        await anyio.to_thread.run_sync(lambda: upstream.wait_for("POST", containing=mark))
    if case.state == "polling":
        await until(lambda: any(mark in one["prompt"] for one in upstream.generations()), seconds=60)
        await until(lambda: upstream.is_asked_for(mark), seconds=60)
    return set()
