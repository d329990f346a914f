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
from process_tree import Process, all_gone, children_of, running_with, stop, until
from reka_clips.engine.service.models import PROCESSING
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


async def rendering(data_dir: Path, progress: Progress) -> tuple[Process, set[int]]:
    """Wait until clips are rendered; return the engine, and the ids of what it started. Its ffmpeg is held still."""
    await progress.said(PROCESSING)
    engine = min(running_with("--embedded", str(data_dir)), key=lambda one: one.pid)  # what it just forks looks like it
    await until(lambda: any("libx264" in child.arguments for child in children_of(engine.pid)), seconds=60)
    stop([child for child in children_of(engine.pid) if "libx264" in child.arguments])
    return engine, {child.pid for child in children_of(engine.pid)}


async def call(client: Client, film: Path, progress: Progress, results: list[CallToolResult]) -> None:
    try:
        results.append(
            await client.call_tool(
                "create_clips", {"video_urls": [film.as_uri()], **ARGUMENTS}, progress_callback=progress
            )
        )
    except MCPError:
        assert not results  # the server was killed: there is no answer


async def test_an_engine_that_is_killed_leaves_no_ffmpeg_and_the_call_ends_with_clips_all_the_same(
    tmp_path: Path, film: Path
) -> None:
    progress, results = Progress(), list[CallToolResult]()
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "REKA_CLIPS_BACKEND": "local"}
    async with connect("stdio", MODERN, settings=settings) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(call, client, film, progress, results)
        engine, children = await rendering(tmp_path / "data", progress)
        os.kill(engine.pid, signal.SIGKILL)
        await all_gone({engine.pid} | children, seconds=SECONDS_TO_END)
    assert not results[0].is_error, text_of(results[0])
    answer = results[0].structured_content
    assert answer is not None
    assert answer["status"] == "completed"
    assert progress.strictly_increases
    folders = Folders.of(tmp_path / "data")
    assert [path.name for path in folders.all_staging.iterdir()] == []
    assert sorted(path.name for path in folders.clips(answer["id"]).iterdir()) == ["1.jpg", "1.mp4"]


async def test_a_server_killed_with_its_engine_leaves_no_process_and_the_generation_waits_for_the_next_one(
    tmp_path: Path, film: Path
) -> None:
    progress, results = Progress(), list[CallToolResult]()
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "REKA_CLIPS_BACKEND": "local"}
    async with connect("stdio", MODERN, settings=settings) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(call, client, film, progress, results)
        engine, children = await rendering(tmp_path / "data", progress)
        os.kill(engine.parent, signal.SIGKILL)
        os.kill(engine.pid, signal.SIGKILL)
        left = {engine.parent, engine.pid} | children
        await all_gone(left, seconds=SECONDS_TO_END)
    with JobStore(Folders.of(tmp_path / "data").database) as store:
        (job,) = store.unfinished()
    assert job.id in progress.messages[-1]
    assert not list(Folders.of(tmp_path / "data").all_clips.iterdir())


async def test_a_server_that_is_killed_takes_its_engine_along(tmp_path: Path, film: Path) -> None:
    progress, results = Progress(), list[CallToolResult]()
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path / "data"), "REKA_CLIPS_BACKEND": "local"}
    async with connect("stdio", MODERN, settings=settings) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(call, client, film, progress, results)
        engine, children = await rendering(tmp_path / "data", progress)
        os.kill(engine.parent, signal.SIGKILL)
        await all_gone({engine.pid} | children, seconds=SECONDS_TO_END)
    with JobStore(Folders.of(tmp_path / "data").database) as store:
        (job,) = store.unfinished()
    assert job.owner is None, "an engine that has time to end gives its work back"
