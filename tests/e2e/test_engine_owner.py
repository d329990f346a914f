"""A data folder has one engine, which every server of the folder uses: side by side, one after the other, after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from command import MODERN, connect, text_of
from command.process import COMMAND, environment
from made_films.plain import write_plain_film
from process_tree import all_gone, children_of, descendants_of, running_with, until
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.store.sqlite import JobStore

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc"),
]

SLOW = {
    "generation_config": {"num_generations": 1, "min_duration_seconds": 10, "max_duration_seconds": 12},
    "rendering_config": {"resolution": 720, "layout": "fit", "subtitles": False},
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that is quick to draw and slow enough to render."""
    return write_plain_film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=14, size="640x360", rate=25)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def server(data_dir: Path, **more: str) -> Any:
    settings = {"REKA_CLIPS_DATA_DIR": str(data_dir), "REKA_CLIPS_BACKEND": "local", **more}
    return connect("stdio", MODERN, settings=settings)


async def call(client: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content


def engines(data_dir: Path) -> set[int]:
    """Return the engines of a folder. What one just forks still looks like it."""
    found = running_with("--embedded", str(data_dir))
    return {one.pid for one in found if one.parent not in {other.pid for other in found}}


def command(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [COMMAND, "--data-dir", str(data_dir), "engine", *arguments]
    return subprocess.run(argv, env=environment({}), capture_output=True, text=True, check=False, timeout=60)


async def test_two_servers_share_one_engine_its_generations_and_their_progress(data_dir: Path, film: Path) -> None:
    async with server(data_dir) as one, server(data_dir) as two:
        answers: list[dict[str, Any]] = []

        async def ask(client: Any) -> None:
            answers.append(await call(client, "list_clips"))

        async with anyio.create_task_group() as tasks:  # both look for an engine at the same moment
            tasks.start_soon(ask, one)
            tasks.start_soon(ask, two)
        await until(lambda: len(engines(data_dir)) == 1, seconds=5)
        begun = await call(one, "create_clips", video_urls=[film.as_uri()], wait_seconds=0, **SLOW)
        assert [item["id"] for item in (await call(two, "list_clips"))["items"]] == [begun["id"]]
        ended = [await call(client, "get_clip_status", id=begun["id"], wait_seconds=200) for client in (one, two)]
    assert [one["status"] for one in ended] == ["completed", "completed"]
    assert ended[0]["output"] == ended[1]["output"]


async def test_a_generation_ends_although_every_call_has_a_server_of_its_own(data_dir: Path, film: Path) -> None:
    async with server(data_dir) as client:
        begun = await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=0, **SLOW)
    seen: list[str] = []
    with anyio.fail_after(200):
        while not seen or seen[-1] != "completed":
            async with server(data_dir) as client:
                seen.append((await call(client, "get_clip_status", id=begun["id"], wait_seconds=1))["status"])
    with JobStore(Folders.of(data_dir).database) as store:
        (job,) = store.page()
    assert job.attempts == 1, "it went on between the calls"


async def test_an_engine_leaves_when_nobody_needs_it_and_the_next_call_has_another(data_dir: Path) -> None:
    async with server(data_dir, REKA_CLIPS_ENGINE_IDLE_SECONDS="1") as client:
        await call(client, "list_clips")
        (first,) = engines(data_dir)
        await all_gone({first}, seconds=30)
        await call(client, "list_clips")
        (second,) = engines(data_dir)
    assert first != second


def test_an_engine_holds_neither_the_pipes_nor_the_folder_of_the_server_that_started_it(
    data_dir: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    settings = {"REKA_CLIPS_DATA_DIR": str(data_dir), "REKA_CLIPS_BACKEND": "local"}
    settings |= {"REKA_CLIPS_ENGINE_IDLE_SECONDS": "600"}
    # Returns when all that hold its standard output and error have closed them.
    ended = subprocess.run(
        [COMMAND, "doctor"], env=environment(settings), cwd=project, capture_output=True, check=True, timeout=100
    )
    assert b"engine" in ended.stdout
    (engine,) = engines(data_dir)
    assert Path(f"/proc/{engine}/cwd").resolve() == Folders.of(data_dir).root
    assert command(data_dir, "--stop").returncode == 0


async def bound(taken: socket.socket, port: int) -> None:
    """Bind to a dead process's port, as soon as the kernel has taken its sockets down."""
    with anyio.fail_after(20):
        while True:
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                await anyio.sleep(0.05)
            else:
                return


async def test_an_engine_killed_while_nothing_runs_is_replaced_at_the_next_call(data_dir: Path) -> None:
    async with server(data_dir) as client:
        await call(client, "list_clips")
        (first,) = engines(data_dir)
        owner = json.loads(Folders.of(data_dir).root.joinpath("owner.json").read_text())
        os.kill(first, signal.SIGKILL)
        await all_gone({first}, seconds=10)
        # Another program takes the port that the dead engine's file names: it is not asked anything.
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            await bound(taken, int(owner["base_url"].rpartition(":")[2]))
            taken.listen()
            await call(client, "list_clips")
            taken.setblocking(False)
            with pytest.raises(BlockingIOError):
                taken.accept()


@pytest.mark.parametrize("content", [b"", b'{"base_url": "http://127.0.0.1:9", "api', b"[1]", b"\xff" * 2000])
async def test_a_damaged_description_of_the_owner_stops_nobody(data_dir: Path, content: bytes) -> None:
    path = Folders.of(data_dir).root / "owner.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    async with server(data_dir) as client:
        await call(client, "list_clips")
        path.write_bytes(content)  # also while an engine runs: it writes it again
        async with server(data_dir) as other:
            await call(other, "list_clips")
        assert len(engines(data_dir)) == 1
    assert path.stat().st_mode & 0o077 == 0, "it holds the key"


async def test_the_engines_state_is_shown_and_it_is_stopped_from_a_terminal(data_dir: Path, film: Path) -> None:
    assert "not running" in command(data_dir, "--status").stdout
    assert "No engine is running" in command(data_dir, "--stop").stdout
    async with server(data_dir) as client:
        begun = await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=0, **SLOW)
    (engine,) = engines(data_dir)
    status = command(data_dir, "--status").stdout
    assert str(engine) in status
    assert begun["id"] in status
    started = {one.pid for one in descendants_of(engine)}
    stopped = command(data_dir, "--stop")
    assert stopped.returncode == 0, stopped.stderr
    await all_gone({engine} | started, seconds=5)
    told = json.loads(command(data_dir, "--status", "--json").stdout)
    assert told["engine"] is None
    assert told["items"][0]["status"] == "queued", "it waits for the next engine, and its attempt does not count"
    with JobStore(Folders.of(data_dir).database) as store:
        assert store.unfinished()[0].attempts == 0


async def test_a_served_engine_is_the_engine_of_its_folder_and_ends_at_sighup(data_dir: Path, film: Path) -> None:
    argv = [COMMAND, "--data-dir", str(data_dir), "engine", "--port", "0"]
    with subprocess.Popen(argv, env=environment({}), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"listens on" in process.stdout.readline()
        async with server(data_dir) as client:  # it may name files, unlike others who can call this engine
            begun = await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=200, **SLOW)
            assert begun["output"][0]["video_url"].startswith("file://")
        assert engines(data_dir) == set()
        second = command(data_dir, "--port", "0")
        assert second.returncode == 1
        assert "engine --stop" in second.stderr
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == 0


async def test_an_engine_paused_for_long_goes_on_with_its_work(data_dir: Path, film: Path) -> None:
    async with server(data_dir, REKA_CLIPS_ENGINE_JOBS="4") as client:
        begun = [
            await call(client, "create_clips", video_urls=[film.as_uri()], prompt=f"{n}", wait_seconds=0, **SLOW)
            for n in range(2)
        ]
        (engine,) = engines(data_dir)
        await until(lambda: bool(descendants_of(engine)), seconds=60)
        os.kill(engine, signal.SIGSTOP)
        await anyio.sleep(20)
        os.kill(engine, signal.SIGCONT)
        for one in begun:
            ended = await call(client, "get_clip_status", id=one["id"], wait_seconds=200)
            assert ended["status"] == "completed"
    with JobStore(Folders.of(data_dir).database) as store:
        assert [job.attempts for job in store.page()] == [1, 1]


async def test_an_engine_that_never_answers_again_is_replaced_while_a_generation_is_followed(
    data_dir: Path, film: Path
) -> None:
    async with server(data_dir) as client:
        begun = await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=0, **SLOW)
        (engine,) = engines(data_dir)
        os.kill(engine, signal.SIGSTOP)
        ended = await call(client, "get_clip_status", id=begun["id"], wait_seconds=250)
        assert ended["status"] == "completed"
        assert engines(data_dir) != {engine}


async def test_while_a_worker_computes_everybody_else_is_answered_within_a_second(data_dir: Path, film: Path) -> None:
    """The worst film is one whose worker takes all of a processor, forever: here it is held still instead."""
    async with server(data_dir) as client:
        await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=0, **SLOW)
        (engine,) = engines(data_dir)
        await until(lambda: bool(children_of(engine)), seconds=60)
        os.kill(children_of(engine)[0].pid, signal.SIGSTOP)
        for _ in range(5):
            begun = time.monotonic()
            await call(client, "list_clips")
            assert time.monotonic() - begun < 1
    command(data_dir, "--stop")


async def test_on_a_full_disk_an_engine_starts_and_deleting_makes_room(small_disk: Path) -> None:
    data_dir = small_disk / "data"
    film = write_plain_film(small_disk.parent / "film.mp4", seconds=6)
    quick = {
        "generation_config": {"num_generations": 1, "min_duration_seconds": 2, "max_duration_seconds": 4},
        "rendering_config": {"resolution": 360, "layout": "fit", "subtitles": False},
    }
    async with server(data_dir) as client:
        made = await call(client, "create_clips", video_urls=[film.as_uri()], wait_seconds=200, **quick)
    assert command(data_dir, "--stop").returncode == 0
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    async with server(data_dir, REKA_CLIPS_CONFIRM="0") as client:
        assert [item["id"] for item in (await call(client, "list_clips"))["items"]] == [made["id"]]
        await call(client, "delete_clip", id=made["id"])
        assert (await call(client, "list_clips"))["items"] == []
    assert not list(Folders.of(data_dir).all_clips.iterdir())
