"""Two processes behind a real nginx, with the configuration as shipped: any of them answers any request.

Which process answered is read from nginx's own log. Older clients, which have sessions, stay where they began.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp_types import ElicitResult
from pydantic import TypeAdapter

from command import MODERN, CommandProcess, ScriptedUpstream, connect, free_port, text_of
from task_client import KnowsTasks, TaskParams, TaskRequest

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "nginx.conf"
TOKEN = "door-of-the-team-0123456789abcdef"  # noqa: S105 - of the test's own door
SECRET = "0123456789abcdef0123456789abcdef-team"  # noqa: S105 - the same
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Reka-API-Key": "key-of-ada"}
FILM = {"video_urls": ["https://example.com/film.mp4"]}
TRIES = 60  # each time either of two may answer; that one never does in so many is impossible


@dataclass
class Team:
    """The two processes, nginx before them, and what nginx wrote of each request: path, process, status."""

    url: str
    workers: list[CommandProcess]
    upstream: ScriptedUpstream
    log: Path

    def client(self, era: str, transport: str = "streamable-http", **more: Any) -> AbstractAsyncContextManager[Client]:
        return connect(transport, era, to=self.url, headers=HEADERS, **more)

    def answered(self) -> list[tuple[str, str, str]]:
        lines = self.log.read_text().splitlines()
        return [(path, worker, status) for path, worker, status in (line.split(" ") for line in lines)]


def configured(folder: Path, port: int, ports: list[int]) -> Path:
    """Write the shipped configuration with the test's own ports, and with a log of who answered."""
    text = SHIPPED.read_text()
    for old, new in (
        ("one:8000", f"127.0.0.1:{ports[0]}"),
        ("two:8000", f"127.0.0.1:{ports[1]}"),
        ("listen 8000", f"listen 127.0.0.1:{port}"),
        ("access_log off;", f"log_format who '$uri $upstream_addr $status'; access_log {folder}/who.log who;"),
        ("worker_processes auto;", f"worker_processes 1; daemon off; pid {folder}/pid; error_log stderr warn;"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    return folder / "nginx.conf"


def reachable(url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/healthz").status_code == 200
    return False


@contextlib.contextmanager
def in_front_of(folder: Path, port: int, ports: list[int]) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(["nginx", "-c", str(configured(folder, port, ports)), "-p", str(folder)]) as nginx:
        try:
            deadline = time.monotonic() + 60
            while not reachable(url):
                assert nginx.poll() is None, "nginx ended by itself"
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.05)
            yield url
        finally:
            nginx.terminate()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(ScriptedUpstream.running())
        settings = {
            "REKA_BASE_URL": upstream.base_url,
            "REKA_CLIPS_AUTH_TOKEN": TOKEN,
            "REKA_CLIPS_SECRET": SECRET,
            "REKA_CLIPS_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "REKA_CLIPS_CONFIRM": "1",
            "REKA_CLIPS_DATA_DIR": str(folder / "data"),
        }
        arguments = ("--transport", "streamable-http", "--port", "0")
        workers = [stack.enter_context(CommandProcess(*arguments, **settings)) for _ in range(2)]
        ports = [int(worker.url.rpartition(":")[2]) for worker in workers]
        url = stack.enter_context(in_front_of(folder, port, ports))
        yield Team(url, workers, upstream, folder / "who.log")


async def agree(_context: Any, _params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"create": True})


async def until_both_answered(team: Team, ask: Callable[[], Awaitable[None]]) -> None:
    """Ask again and again until one process and the other have answered `/mcp`."""
    before = len(team.answered())
    for _ in range(TRIES):
        await ask()
        if len({worker for path, worker, _ in team.answered()[before:] if path == "/mcp"}) > 1:
            return
    raise AssertionError("one process never answered")


async def test_a_creation_of_one_process_is_told_of_by_the_other(team: Team):
    async with team.client(MODERN, elicitation_callback=agree) as client:
        created = await client.call_tool("create_clips", FILM | {"prompt": "[scenario manual] a", "stream": False})
        assert not created.is_error, text_of(created)
        generation_id = (created.structured_content or {})["id"]

        async def ask() -> None:
            told = await client.call_tool("get_clip_status", {"id": generation_id, "wait_seconds": 0})
            assert (told.structured_content or {})["id"] == generation_id

        await until_both_answered(team, ask)
        team.upstream.set_stage(generation_id, "completed")

        async def wait() -> None:
            told = await client.call_tool("get_clip_status", {"id": generation_id, "wait_seconds": 60})
            assert (told.structured_content or {})["status"] == "completed"

        await until_both_answered(team, wait)
    assert len(team.upstream.requests("POST", containing="[scenario manual] a")) == 1


async def test_a_persons_answer_may_come_to_another_process_than_asked(team: Team):
    """REKA_CLIPS_SECRET seals what goes to and fro; the question itself is kept nowhere."""
    async with team.client(MODERN, elicitation_callback=agree) as client:
        # Question and answer go to the same process half the time: twenty that all do, once in a million.
        for number in range(20):
            result = await client.call_tool("create_clips", FILM | {"prompt": f"consent {number}"})
            assert not result.is_error, text_of(result)
    assert len(team.upstream.requests("POST", containing="consent ")) == 20


async def test_a_task_is_known_to_either_process(team: Team):
    async with team.client(MODERN, elicitation_callback=agree, extensions=[KnowsTasks()]) as client:
        created = await client.call_tool("create_clips", FILM | {"prompt": "[scenario manual] task", "stream": False})
        task_id = (created.structured_content or {})["id"]

        async def ask() -> None:
            request = TaskRequest(method="tasks/get", params=TaskParams(task_id=task_id))
            told = await client.session.send_request(request, TypeAdapter(dict[str, Any]))
            assert (told["taskId"], told["status"]) == (task_id, "working")

        await until_both_answered(team, ask)


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
async def test_a_session_of_an_older_client_stays_where_it_began(team: Team, transport: str):
    async with team.client("legacy", transport, elicitation_callback=agree) as client:
        before = len(team.answered())
        for number in range(8):
            result = await client.call_tool(
                "create_clips", FILM | {"prompt": f"{number} of a session over {transport}"}
            )
            assert not result.is_error, text_of(result)
    answered = team.answered()[before:]
    assert len(answered) >= 8
    assert len({worker for _, worker, _ in answered}) == 1
    assert {status for _, _, status in answered} <= {"200", "202", "499"}


async def test_a_process_that_is_gone_is_not_missed(team: Team):
    """The last test of this file: one of the two is ended, and every call still has its answer."""
    prompt = "[scenario manual] after the end of one"
    async with team.client(MODERN, elicitation_callback=agree) as client:
        created = await client.call_tool("create_clips", FILM | {"prompt": prompt, "stream": False})
        generation_id = (created.structured_content or {})["id"]
        assert team.workers[0].stop(signal.SIGTERM) < 20
        for _ in range(20):
            told = await client.call_tool("get_clip_status", {"id": generation_id, "wait_seconds": 0})
            assert (told.structured_content or {})["id"] == generation_id
    assert len(team.upstream.requests("POST", containing=prompt)) == 1


def test_uvicorns_own_workers_serve_it_and_end_in_time(tmp_path: Path):
    port = free_port()
    program = (sys.executable, "-m", "uvicorn")
    arguments = "--factory reka_clips.mcp_server.http:app --workers 2 --timeout-graceful-shutdown 3 --no-access-log"
    settings = {"REKA_CLIPS_AUTH_TOKEN": TOKEN, "REKA_API_KEY": "key", "REKA_CLIPS_DATA_DIR": str(tmp_path)}
    with CommandProcess(*arguments.split(), "--port", str(port), program=program, **settings) as server:
        server.said(re.compile(r"(?s)Application startup complete.*Application startup complete"))
        headers = {"Authorization": f"Bearer {TOKEN}"}

        async def call() -> None:
            async with connect("streamable-http", MODERN, to=f"http://127.0.0.1:{port}", headers=headers) as client:
                assert len((await client.list_tools()).tools) >= 4

        for _ in range(4):
            anyio.run(call)
        assert server.stop(signal.SIGTERM) < 10
        assert TOKEN not in server.log
        assert "Traceback" not in server.log
