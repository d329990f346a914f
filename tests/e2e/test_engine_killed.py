"""The engine, or all of the server, is killed outright while ffmpeg renders: nothing goes on running, nothing is lost."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult

from command import MODERN, Progress, connect, text_of
from made_films.plain import write_plain_film
from process_tree import all_gone, children_of, descendants_of, running_with, stop, until
from reka_clips.engine.service.models import COMPLETED, PROCESSING
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.store.sqlite import JobStore

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc"),
]

SECONDS_TO_END = 10
ARGUMENTS: dict[str, Any] = {
    "generation_config": {"num_generations": 1, "min_duration_seconds": 10, "max_duration_seconds": 12},
    "rendering_config": {"resolution": 720, "layout": "fit", "subtitles": False},
    "wait_seconds": 250,
}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film that is quick to draw and slow enough to render."""
    return write_plain_film(tmp_path / "film.mp4", seconds=14, size="640x360", rate=25)


async def rendering(data_dir: Path, progress: Progress) -> tuple[int, set[int]]:
    """Wait until clips are rendered; return the engine's id, and those of what it started. Its ffmpeg is held still."""
    await progress.said(PROCESSING)
    engine = engine_of(data_dir)
    await until(lambda: any("libx264" in one.arguments for one in descendants_of(engine)), seconds=60)
    stop([one for one in descendants_of(engine) if "libx264" in one.arguments])
    return engine, {one.pid for one in descendants_of(engine)}


def engine_of(data_dir: Path) -> int:
    return min(one.pid for one in running_with("--embedded", str(data_dir)))  # what it just forks looks like it


async def call(client: Client, film: Path, progress: Progress, results: list[CallToolResult]) -> None:
    try:
        results.append(
            await client.call_tool(
                "create_clips", {"video_urls": [film.as_uri()], **ARGUMENTS}, progress_callback=progress
            )
        )
    except MCPError:
        assert not results  # the server was killed: there is no answer


def settings_of(data_dir: Path) -> dict[str, str]:
    return {"REKA_CLIPS_DATA_DIR": str(data_dir), "REKA_CLIPS_BACKEND": "local"}


def server_of(client_settings: Path) -> int:
    """Return the id of the server that was started last with this data folder."""
    marked = f"REKA_CLIPS_DATA_DIR={client_settings}".encode()
    found = [
        one.pid
        for one in children_of(os.getpid())
        if "--embedded" not in one.arguments and marked in Path(f"/proc/{one.pid}/environ").read_bytes()
    ]
    return max(found)


async def clips_of(data_dir: Path, generation: str) -> list[str]:
    """Ask a new server for a generation until it has ended; return the names of its files."""
    async with connect("stdio", MODERN, settings=settings_of(data_dir)) as client:
        result = await client.call_tool("get_clip_status", {"id": generation, "wait_seconds": 200})
    assert (result.structured_content or {})["status"] == "completed", text_of(result)
    folders = Folders.of(data_dir)
    assert [path.name for path in folders.all_staging.iterdir()] == []
    return sorted(path.name for path in folders.clips(generation).iterdir())


async def test_an_engine_that_is_killed_leaves_no_process_and_the_call_ends_with_clips_all_the_same(
    tmp_path: Path, film: Path
) -> None:
    progress, results, data_dir = Progress(), list[CallToolResult](), tmp_path / "data"
    async with (
        connect("stdio", MODERN, settings=settings_of(data_dir)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(call, client, film, progress, results)
        engine, started = await rendering(data_dir, progress)
        os.kill(engine, signal.SIGKILL)
        await all_gone({engine} | started, seconds=SECONDS_TO_END)
    assert not results[0].is_error, text_of(results[0])
    answer = results[0].structured_content
    assert answer is not None
    assert answer["status"] == "completed"
    assert progress.strictly_increases
    assert await clips_of(data_dir, answer["id"]) == ["1.jpg", "1.mp4"]
    with JobStore(Folders.of(data_dir).database) as store:
        (job,) = store.page()
    assert job.attempts == 2


async def test_everything_killed_at_once_leaves_no_process_and_the_next_server_ends_the_generation(
    tmp_path: Path, film: Path
) -> None:
    progress, results, data_dir = Progress(), list[CallToolResult](), tmp_path / "data"
    async with (
        connect("stdio", MODERN, settings=settings_of(data_dir)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(call, client, film, progress, results)
        engine, started = await rendering(data_dir, progress)
        server = server_of(data_dir)
        for pid in (server, engine, *(one.pid for one in running_with("--worker") if one.pid in started)):
            os.kill(pid, signal.SIGKILL)
        await all_gone({server, engine} | started, seconds=SECONDS_TO_END)
    with JobStore(Folders.of(data_dir).database) as store:
        (job,) = store.unfinished()
    assert job.id in progress.messages[-1]
    assert await clips_of(data_dir, job.id) == ["1.jpg", "1.mp4"]


async def test_a_server_that_is_killed_leaves_its_engine_to_end_the_work_and_then_to_leave(
    tmp_path: Path, film: Path
) -> None:
    progress, results, data_dir = Progress(), list[CallToolResult](), tmp_path / "data"
    async with (
        connect("stdio", MODERN, settings=settings_of(data_dir)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(call, client, film, progress, results)
        await progress.said("indexing")
        engine, server = engine_of(data_dir), server_of(data_dir)
        os.kill(server, signal.SIGKILL)
        await all_gone({server}, seconds=SECONDS_TO_END)
    assert running_with("--embedded", str(data_dir))
    await all_gone({engine}, seconds=120)
    with JobStore(Folders.of(data_dir).database) as store:
        (job,) = store.page()
    assert (job.status, job.attempts) == (COMPLETED, 1)
