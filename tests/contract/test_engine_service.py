"""The engine without HTTP, with real ffmpeg: its work and workers, its end, and what is removed with a generation."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine_jobs import a_job, a_request, ended
from file_server import Request, answer, serve_files, write_head
from made_films.plain import write_plain_film
from process_tree import all_gone, children_of, running_with, stop, until
from reka_clips.engine.media.ffmpeg.process import Ffmpeg, find_ffmpeg
from reka_clips.engine.service.models import COMPLETED, FAILED, PROCESSING, QUEUED, JobRecord, SourcePolicy
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.service.service import MAX_ATTEMPTS, ClipService
from reka_clips.engine.service.sources import Source, Sources
from reka_clips.engine.store.sqlite import DuplicateJobError, JobStore, QueueFullError
from reka_clips.engine.worker.supervisor import WorkerLimits
from reka_clips.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

LOCAL = SourcePolicy(allow_private=True)
ONE_CLIP = {
    "generation_config": {"num_generations": 1, "min_duration_seconds": 2, "max_duration_seconds": 4},
    "rendering_config": {"aspect_ratio": "1:1", "resolution": 480, "subtitles": False},
}


@pytest.fixture(scope="module")
def ffmpeg() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plain_film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=6)


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film that is quick to draw and slow enough to render."""
    return write_plain_film(tmp_path_factory.mktemp("films") / "long.mp4", seconds=10, size="640x360", rate=25)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders.of(tmp_path)


@asynccontextmanager
async def engine(
    folders: Folders, ffmpeg: Ffmpeg, *, limits: WorkerLimits | None = None, **settings: Any
) -> AsyncIterator[ClipService]:
    wanted = Settings(data_dir=folders.root.parent, **settings)
    async with ClipService(wanted, ffmpeg, limits=limits) as service:
        yield service


def clip_of(url: str | Path, **fields: Any) -> Any:
    return a_request(url.as_uri() if isinstance(url, Path) else url, **ONE_CLIP, **fields)


def slow_clip_of(url: str, **fields: Any) -> Any:
    return a_request(url, rendering_config={"resolution": 720}, **fields)


async def end_of(service: ClipService, job_id: str) -> JobRecord:
    with anyio.fail_after(120):
        *_, last = [state async for state in service.follow(job_id, heartbeat_seconds=0.5)]
    return last


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_generation_goes_through_every_stage_and_its_files_come_and_go_with_it(
    folders: Folders, ffmpeg: Ffmpeg, film: Path
) -> None:
    async with engine(folders, ffmpeg) as service:
        job = await service.submit(clip_of(film), LOCAL)
        with anyio.fail_after(120):
            states = [state async for state in service.follow(job.id)]
        stages = list(dict.fromkeys(state.status for state in states))
        assert stages == ["queued", "downloading", "indexing", "preprocessing", "processing", "completed"]
        shares = [state.progress for state in states]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert names_in(folders.clips(job.id)) == ["1.jpg", "1.mp4"]
        assert names_in(folders.all_staging) == []
        last = states[-1]
        assert last.clips[0].size_bytes == (folders.clips(job.id) / "1.mp4").stat().st_size
        assert await service.get(job.id) == last

        assert await service.delete(job.id, delete_input_video=True) == last
        assert names_in(folders.all_clips) == []
        assert film.exists(), "a person's own file stays"
        assert await service.get(job.id) is None
        assert await service.delete(job.id, delete_input_video=False) is None


async def test_while_it_runs_it_is_not_doubled_and_counts_in_the_queue(
    folders: Folders, ffmpeg: Ffmpeg, film: Path
) -> None:
    async with engine(folders, ffmpeg, engine_queue=2) as service:
        first = await service.submit(clip_of(film), LOCAL)
        second = await service.submit(clip_of(film, prompt="another"), LOCAL)
        with pytest.raises(DuplicateJobError) as caught:
            await service.submit(clip_of(film), LOCAL)
        assert caught.value.job_id == first.id
        with pytest.raises(QueueFullError):
            await service.submit(clip_of(film, prompt="a third"), LOCAL)
        assert (await end_of(service, second.id)).status == COMPLETED
        again = await service.submit(clip_of(film), LOCAL)
        assert again.id != first.id
        assert (await end_of(service, again.id)).status == COMPLETED
        assert service.is_idle


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc")
async def test_deleting_stops_a_generation_in_any_stage_and_leaves_nothing(
    folders: Folders, ffmpeg: Ffmpeg, long_film: Path
) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        write_head(writer, "200 OK", {"Content-Type": "video/mp4", "Connection": "close"})
        await anyio.sleep_forever()

    async with serve_files({"/v.mp4": drip}) as web, engine(folders, ffmpeg) as service:
        for stage in ("downloading", "indexing", PROCESSING):
            url = f"{web.url}/v.mp4" if stage == "downloading" else long_film.as_uri()
            job = await service.submit(slow_clip_of(url), LOCAL)
            waiting = await service.submit(slow_clip_of(url, prompt="waits"), LOCAL)
            async for state in service.follow(job.id):
                if state.status == stage:
                    break
            for one in (waiting, job):
                with anyio.fail_after(5):
                    removed = await service.delete(one.id, delete_input_video=True)
                assert removed is not None
                assert await service.get(one.id) is None
            assert service.is_idle
            assert names_in(folders.all_staging) + names_in(folders.all_clips) + names_in(folders.all_sources) == []
            assert running_with(str(folders.all_staging)) == []
        quick = await service.submit(clip_of(long_film), LOCAL)
        assert (await end_of(service, quick.id)).status == COMPLETED


async def test_who_follows_a_generation_that_is_deleted_comes_to_an_end(
    folders: Folders, ffmpeg: Ffmpeg, long_film: Path
) -> None:
    async with engine(folders, ffmpeg) as service:
        job = await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
        seen: list[str] = []

        async def follow() -> None:
            seen.extend([state.status async for state in service.follow(job.id)])

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(follow)
                await until(lambda: "indexing" in seen or not service.is_idle, seconds=20)
                await service.delete(job.id, delete_input_video=False)
    assert COMPLETED not in seen


class TestAWorkerThat:
    """A worker costs its job an attempt, and nobody else anything."""

    pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc")

    async def test_is_killed_is_replaced(self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path) -> None:
        async with engine(folders, ffmpeg) as service:
            job = await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
            worker = await worker_of(folders)
            children = {child.pid for child in children_of(worker)}
            os.kill(worker, signal.SIGKILL)
            await all_gone({worker} | children, seconds=5)
            last = await end_of(service, job.id)
        assert (last.status, last.attempts) == (COMPLETED, 2)
        assert [stage.status for stage in last.stages].count(QUEUED) == 2

    async def test_hangs_is_replaced_and_others_are_answered(
        self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path, film: Path
    ) -> None:
        async with engine(folders, ffmpeg, limits=WorkerLimits(silent_seconds=4), engine_jobs=2) as service:
            job = await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
            os.kill(await worker_of(folders), signal.SIGSTOP)
            quick = await service.submit(clip_of(film), LOCAL)
            assert (await end_of(service, quick.id)).status == COMPLETED
            last = await end_of(service, job.id)
        assert (last.status, last.attempts) == (COMPLETED, 2)

    async def test_takes_too_much_is_given_up_after_three_attempts(
        self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path
    ) -> None:
        limits = WorkerLimits(memory_bytes=60 * 1024**2)  # less than it takes to cut a film
        async with engine(folders, ffmpeg, limits=limits) as service:
            last = await end_of(service, (await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)).id)
        assert last.status == FAILED
        assert last.error_message is not None
        assert "memory" in last.error_message
        assert names_in(folders.all_clips) + names_in(folders.all_staging) == []

    async def test_makes_no_progress_is_given_up(self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path) -> None:
        async with engine(folders, ffmpeg, limits=WorkerLimits(stuck_seconds=0)) as service:
            last = await end_of(service, (await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)).id)
        assert (last.status, last.attempts) == (FAILED, MAX_ATTEMPTS)
        assert last.error_message == (
            "The process that worked on this video made no progress any more, in each of 3 attempts."
        )

    async def test_is_paused_for_long_goes_on(self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path) -> None:
        async with engine(folders, ffmpeg) as service:
            job = await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
            worker = await worker_of(folders)
            os.kill(worker, signal.SIGSTOP)
            await anyio.sleep(20)
            os.kill(worker, signal.SIGCONT)
            last = await end_of(service, job.id)
        assert (last.status, last.attempts) == (COMPLETED, 1)

    async def test_sees_neither_keys_nor_foreign_secrets(
        self, folders: Folders, ffmpeg: Ffmpeg, long_film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("REKA_API_KEY", "REKA_CLIPS_SECRET", "REKA_CLIPS_ENGINE_KEY", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "planted-secret")
        async with engine(folders, ffmpeg) as service:
            job = await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
            worker = await worker_of(folders)
            await until(lambda: bool(running_with("libx264", str(folders.all_staging))), seconds=120)
            encoder = running_with("libx264", str(folders.all_staging))[0].pid
            seen = [Path(f"/proc/{pid}/environ").read_bytes() for pid in (worker, encoder)]
            await service.delete(job.id, delete_input_video=False)
        assert all(b"PATH=" in environment and b"planted" not in environment for environment in seen)


async def worker_of(folders: Folders) -> int:
    """Wait until a worker renders a clip into one of these folders; return its id."""
    found: list[int] = []

    def is_rendering() -> bool:
        found.extend(one.parent for one in running_with("libx264", str(folders.all_staging)))
        return bool(found)

    await until(is_rendering, seconds=120)
    return found[0]


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_changes_nothing(
    folders: Folders, ffmpeg: Ffmpeg, long_film: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    true_time = time.time
    async with engine(folders, ffmpeg, engine_jobs=2) as service:
        jobs = [await service.submit(slow_clip_of(long_film.as_uri(), prompt=f"{n}"), LOCAL) for n in range(2)]
        async for state in service.follow(jobs[0].id):
            if state.status == "indexing":
                break
        monkeypatch.setattr(time, "time", lambda: true_time() + hours * 3600)
        last = [await end_of(service, job.id) for job in jobs]
    assert [(job.status, job.attempts) for job in last] == [(COMPLETED, 1)] * 2
    for job in last:
        times = [stage.at for stage in job.stages]
        assert times == sorted(times)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes under /proc")
async def test_what_a_killed_process_was_working_on_is_done_by_the_next_one(
    folders: Folders, ffmpeg: Ffmpeg, long_film: Path, film: Path, tmp_path: Path
) -> None:
    folders.make()
    with JobStore(folders.database) as store:
        job = a_job(request=slow_clip_of(long_film.as_uri()), policy=LOCAL)
        store.insert(job, "", max_waiting=9)
        dying = subprocess.Popen([sys.executable, "-c", _ENGINE, str(tmp_path)])
        await until(lambda: bool(running_with("libx264", str(folders.all_staging))), seconds=120)
        started = {child.pid for child in children_of(dying.pid)}
        started |= {child.pid for worker in started for child in children_of(worker)}
        stop(running_with("libx264", str(folders.all_staging)))
        os.kill(dying.pid, signal.SIGKILL)
        dying.wait()
        await all_gone(started, seconds=10)
        assert names_in(folders.all_staging) != []
        store.insert(quick := a_job(request=clip_of(film), policy=LOCAL), "quick", max_waiting=9)
    async with engine(folders, ffmpeg, engine_jobs=2) as service:
        assert (await end_of(service, quick.id)).status == COMPLETED
        last = await end_of(service, job.id)
    assert (last.status, last.attempts) == (COMPLETED, 2)
    assert [stage.status for stage in last.stages].count(QUEUED) == 2
    assert names_in(folders.all_staging) == []


_ENGINE = """
import sys, anyio, pathlib
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg
from reka_clips.engine.service.service import ClipService
from reka_clips.settings import Settings

async def work():
    async with ClipService(Settings(data_dir=pathlib.Path(sys.argv[1])), find_ffmpeg()):
        await anyio.sleep_forever()

anyio.run(work)
"""


async def test_one_that_kills_every_process_is_given_up_and_leaves_no_clips(
    folders: Folders, ffmpeg: Ffmpeg, film: Path
) -> None:
    folders.make()
    job = a_job(film.as_uri(), attempts=MAX_ATTEMPTS)
    with JobStore(folders.database) as store:
        store.insert(job, "", max_waiting=9)
    folders.clips(job.id).mkdir()  # the last attempt came this far
    async with engine(folders, ffmpeg) as service:
        last = await end_of(service, job.id)
    assert (last.status, last.error_message) == (FAILED, "The engine stopped 3 times while it worked on this video.")
    assert names_in(folders.all_clips) == []


async def test_an_engine_that_ends_in_order_gives_its_work_back_at_once(
    folders: Folders, ffmpeg: Ffmpeg, film: Path
) -> None:
    async with engine(folders, ffmpeg) as service:
        job = await service.submit(clip_of(film), LOCAL)
        async for state in service.follow(job.id):
            if state.status == PROCESSING:
                break
    with JobStore(folders.database) as store:
        waiting = store.get(job.id)
    assert waiting is not None
    assert (waiting.status, waiting.attempts) == (QUEUED, 0)
    assert names_in(folders.all_staging) == []
    async with engine(folders, ffmpeg) as service:
        last = await end_of(service, job.id)
    assert (last.status, last.attempts) == (COMPLETED, 1)


async def test_a_fetched_source_is_kept_for_the_next_generation_until_it_is_not_wanted(
    folders: Folders, ffmpeg: Ffmpeg, film: Path
) -> None:
    async with serve_files({"/v.mp4": answer(film.read_bytes()), "/gone.mp4": answer(status="410 Gone")}) as web:
        link = f"{web.url}/v.mp4"
        async with engine(folders, ffmpeg) as service:
            first = await end_of(service, (await service.submit(clip_of(link), LOCAL)).id)
            both = a_request(link, **ONE_CLIP).model_copy(update={"video_urls": (f"{web.url}/gone.mp4", link)})
            second = await end_of(service, (await service.submit(both, LOCAL)).id)
            assert (first.status, second.status) == (COMPLETED, COMPLETED)
            assert [request.path for request in web.requests] == ["/v.mp4", "/gone.mp4"]
            assert "A source was left out: There is no file behind this link" in second.warnings[0]
            assert names_in(folders.all_sources) == [folders.source(link).name]

            await service.delete(first.id, delete_input_video=False)
            assert names_in(folders.source(link)) == ["v.mp4"]
            waiting = await service.submit(clip_of(link, prompt="waits"), LOCAL)
            await service.delete(second.id, delete_input_video=True)
            assert names_in(folders.source(link)) == ["v.mp4"], "another generation needs it"
            await end_of(service, waiting.id)
            await service.delete(waiting.id, delete_input_video=True)
            assert names_in(folders.all_sources) == []
            assert service.store.sources() == []


async def test_one_link_wanted_twice_at_once_arrives_whole_for_both(folders: Folders, film: Path) -> None:
    both_came = anyio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        if len(web.requests) == 2:
            both_came.set()
        await both_came.wait()
        await answer(film.read_bytes())(request, writer)

    folders.make()
    found: list[Source] = []
    with JobStore(folders.database) as store:
        async with serve_files({"/v.mp4": slow}) as web:

            async def fetch() -> None:
                found.append(await Sources(store, folders).fetch(f"{web.url}/v.mp4", LOCAL, lambda _: None))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fetch)
                tasks.start_soon(fetch)
    assert found[0] == found[1]
    assert found[0].path.read_bytes() == film.read_bytes()
    assert names_in(found[0].path.parent) == ["v.mp4"]


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
async def test_ffmpeg_runs_at_low_priority_with_bounded_memory_time_and_no_core_files(
    folders: Folders, ffmpeg: Ffmpeg, long_film: Path
) -> None:
    async with engine(folders, ffmpeg) as service:
        await service.submit(slow_clip_of(long_film.as_uri()), LOCAL)
        await until(lambda: bool(running_with("libx264", str(folders.all_staging))), seconds=120)
        child = running_with("libx264", str(folders.all_staging))[0]
        await until(lambda: limits_of(child.pid)["Max address space"] != "unlimited", seconds=20)
        limits = limits_of(child.pid)
        assert 0 < int(limits["Max address space"]) <= 8 * 1024**3
        assert 0 < int(limits["Max cpu time"]) <= 3600 * (os.cpu_count() or 1) + 1
        assert limits["Max core file size"] == "0"
        assert os.getpriority(os.PRIO_PROCESS, child.pid) > os.getpriority(os.PRIO_PROCESS, 0)


def limits_of(pid: int) -> dict[str, str]:
    """Return the limits of a process by name; they are set just after its start."""
    return dict(re.findall(r"^(Max [a-z ]+?)  +(\S+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE))


async def test_what_ended_is_tidied_when_the_engine_starts(folders: Folders, ffmpeg: Ffmpeg) -> None:
    folders.make()
    with JobStore(folders.database) as store:
        store.insert(job := a_job(), "", max_waiting=9)
        begun = store.begin(job, at=0.0)
        assert begun is not None
        store.save(ended(begun, at=time.time() - 3 * 86400))
    folders.clips(job.id).mkdir()
    folders.staging("long-gone").mkdir()
    async with engine(folders, ffmpeg, keep_clips_days=2):
        await until(lambda: names_in(folders.all_clips) + names_in(folders.all_staging) == [], seconds=20)
