"""The Clip API without HTTP: accepts generations, works on them, tells how they go, deletes them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import sqlite3
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self, TypeVar

import anyio
import anyio.to_thread

from reka_clips.engine.media.ffmpeg.fetch import fetch_ffmpeg, ffmpeg_source
from reka_clips.engine.media.ffmpeg.orphan_killer import OrphanKiller
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg
from reka_clips.engine.service.change_notifier import ChangeNotifier
from reka_clips.engine.service.cleanup import prune
from reka_clips.engine.service.models import DOWNLOADING, QUEUED, JobRecord, StageEntry
from reka_clips.engine.service.paths import Folders, remove
from reka_clips.engine.service.progress_writer import LeaseLostError, ProgressWriter
from reka_clips.engine.service.sources import Sources
from reka_clips.engine.service.status import EngineStatus, engine_status
from reka_clips.engine.store.sqlite import JobStore
from reka_clips.engine.worker.runner import failed, make
from reka_clips.errors import EngineMissingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from reka_clips.contract import CreateRequest
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.service.models import SourcePolicy
    from reka_clips.settings import Settings

MAX_ATTEMPTS: Final = 3
HEARTBEAT_SECONDS: Final = 10.0
_LEASE_SECONDS: Final = 15.0
_IDLE_LOOK_SECONDS: Final = 2.0
_PRUNE_SECONDS: Final = 3600.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


class ClipService:
    """One engine process: `async with ClipService(settings, find_ffmpeg())`. Any number may share a data folder."""

    def __init__(
        self,
        settings: Settings,
        ffmpeg: Ffmpeg | None,
        *,
        owner: str | None = None,
        lease_seconds: float = _LEASE_SECONDS,
    ) -> None:
        """ffmpeg: None where it has to be fetched, which the first generation does.

        owner: names this process in the store; one that was killed is replaced at once by another of its name.

        lease_seconds: how long the generations of a dead process wait before one of another name takes them up.
        """
        self._settings = settings
        self._ffmpeg = ffmpeg
        self._ffmpeg_lock = anyio.Lock()
        self._lease_seconds = lease_seconds
        self._owner = owner or secrets.token_hex(8)
        self._store_limiter = anyio.CapacityLimiter(1)
        self._wake = anyio.Event()
        self._running: dict[str, anyio.CancelScope] = {}
        self._changes = ChangeNotifier(lambda ids: self._in_thread(lambda: self.store.versions(ids)))
        self._stack = AsyncExitStack()
        self._is_stopping = False
        self.folders = Folders.of(settings.data_dir)

    async def __aenter__(self) -> Self:
        """Open the data folder and begin to work. Raises EngineStartError."""
        async with AsyncExitStack() as stack:
            await anyio.to_thread.run_sync(self.folders.make)
            self.store = stack.enter_context(await anyio.to_thread.run_sync(JobStore, self.folders.database))
            self.sources = Sources(self.store, self.folders)
            self._warden = stack.enter_context(OrphanKiller())
            # What a process of the same name was working on when it was killed.
            await self._in_thread(lambda: self.store.release(self._owner, now=time.time(), in_order=False))
            stack.push_async_callback(self._release)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(self._changes.watch)
            tasks.start_soon(self._keep_leases)
            tasks.start_soon(self._keep_tidy)
            for _ in range(self._settings.engine_jobs):
                tasks.start_soon(self._work)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_following()
        await self._stack.__aexit__(kind, error, trace)

    async def submit(self, request: CreateRequest, policy: SourcePolicy) -> JobRecord:
        """Accept a generation. Raises DuplicateJobError, QueueFullError; nothing was begun then."""
        now = time.time()
        job = JobRecord(
            id=str(uuid.uuid4()),
            created_at=now,
            updated_at=now,
            request=request,
            policy=policy,
            stages=(StageEntry(QUEUED, now),),
        )
        await self._in_thread(
            lambda: self.store.insert(job, _fingerprint(request), max_waiting=self._settings.engine_queue)
        )
        self._wake.set()
        return job

    async def get(self, job_id: str) -> JobRecord | None:
        """Return a generation, or None."""
        return await self._in_thread(lambda: self.store.get(job_id))

    async def page(self, *, offset: int, limit: int, status: str | None) -> list[JobRecord]:
        """Return generations, the newest first."""
        return await self._in_thread(lambda: self.store.page(offset=offset, limit=limit, status=status))

    async def status(self) -> EngineStatus:
        """Return how many generations there are, what they take on the disk, and the limits."""
        return await self._in_thread(lambda: engine_status(self.store, self.folders, self._settings))

    async def delete(self, job_id: str, *, delete_input_video: bool) -> JobRecord | None:
        """Remove a generation and its clips; None if there is none. Raises JobRunningError.

        delete_input_video: also what was fetched for it, where no other generation needs it.
        """
        job = await self._in_thread(lambda: self.store.delete(job_id))
        if job is not None:
            self._changes.poke()
            urls = job.request.video_urls if delete_input_video else ()
            await anyio.to_thread.run_sync(self._remove_files, job_id, urls)
        return job

    async def keeps_source(self, job: JobRecord) -> bool:
        """Whether a source of a deleted generation is still there: a file of this computer, or one others need."""
        urls = job.request.video_urls
        if any(url.lower().startswith("file:") for url in urls):
            return True
        return await self._in_thread(lambda: any(self.store.source(url) is not None for url in urls))

    async def follow(self, job_id: str, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AsyncIterator[JobRecord]:
        """Yield every stage of a generation in order, its progress, and repeats as heartbeat, until it has ended.

        Ends early if the generation is deleted or the service stops.
        """
        told = 0
        while not self._is_stopping:
            job = await self.get(job_id)
            if job is None:
                return
            for stage in job.stages[told:-1]:
                yield replace(
                    job,
                    status=stage.status,
                    updated_at=stage.at,
                    progress=stage.progress,
                    clips=(),
                    error_message=None,
                )
            told = len(job.stages)
            yield job
            if job.is_terminal:
                return
            await self._changes.wait(job_id, job.version, seconds=heartbeat_seconds)

    def stop_following(self) -> None:
        """End all that follow, so that their connections can close."""
        self._is_stopping = True
        self._changes.wake_all()

    async def _work(self) -> None:
        while True:
            job = None
            try:
                job = await self._in_thread(
                    lambda: self.store.claim(self._owner, now=time.time(), lease_seconds=self._lease_seconds)
                )
            except sqlite3.Error as error:
                logger.warning("The engine could not look for work: %s", error)
            if job is not None:
                self._changes.poke()
                await self._work_on(job)
                continue
            with anyio.move_on_after(_IDLE_LOOK_SECONDS):
                await self._wake.wait()
            self._wake = anyio.Event()

    async def _work_on(self, job: JobRecord) -> None:
        await anyio.to_thread.run_sync(self.folders.clear, job.id)
        report = ProgressWriter(job, self._save)
        with anyio.CancelScope() as scope:
            self._running[job.id] = scope
            try:
                ended = failed(job, f"The engine stopped {MAX_ATTEMPTS} times while it worked on this video.")
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(report.keep_writing)
                    if job.attempts <= MAX_ATTEMPTS:
                        ended = await self._make(report)
                    tasks.cancel_scope.cancel()
                await self._finish(ended)
            except* LeaseLostError:
                logger.warning("Generation %s was taken up by another process.", job.id)
            finally:
                del self._running[job.id]
        await anyio.to_thread.run_sync(remove, self.folders.staging(job.id, self._owner))

    async def _make(self, report: ProgressWriter) -> JobRecord:
        try:
            ffmpeg = replace(await self._found_ffmpeg(report), warden=self._warden)
        except EngineMissingError as error:
            return failed(report.job, str(error))
        return await make(
            report,
            sources=self.sources,
            folders=self.folders,
            ffmpeg=ffmpeg,
            speech_model=self._settings.whisper_model,
        )

    async def _found_ffmpeg(self, report: ProgressWriter) -> Ffmpeg:
        """Return the ffmpeg to use, fetched if there is none yet. Raises EngineMissingError."""
        async with self._ffmpeg_lock:
            source = ffmpeg_source(os.environ)
            if self._ffmpeg is None and source is not None:
                report.enter(DOWNLOADING)
                self._ffmpeg = await fetch_ffmpeg(source, self._settings.data_dir, tell=report.fetching)
                report.fetching(None, 1.0)
            return self._ffmpeg or find_ffmpeg(self._settings.ffmpeg)

    async def _finish(self, job: JobRecord) -> None:
        """Write how a generation ended, however long the disk refuses."""
        pause_seconds = 0.5
        while True:
            try:
                await self._save(job)
            except sqlite3.Error as error:
                logger.warning("The end of generation %s could not be written yet: %s", job.id, error)
                await anyio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, 30.0)
            else:
                return

    async def _save(self, job: JobRecord) -> JobRecord | None:
        saved = await self._in_thread(lambda: self.store.save(job))
        self._changes.poke()
        return saved

    async def _keep_leases(self) -> None:
        while True:
            await anyio.sleep(self._lease_seconds / 3)
            if not self._running:
                continue
            try:
                held = await self._in_thread(
                    lambda: self.store.renew(self._owner, now=time.time(), lease_seconds=self._lease_seconds)
                )
            except sqlite3.Error as error:
                logger.warning("The engine could not renew its leases: %s", error)
                continue
            for job_id in self._running.keys() - held:
                logger.warning("Generation %s was taken up by another process.", job_id)
                self._running[job_id].cancel()

    async def _keep_tidy(self) -> None:
        while True:
            try:
                await anyio.to_thread.run_sync(lambda: prune(self.store, self.folders, self._settings, now=time.time()))
            except (OSError, sqlite3.Error) as error:
                logger.warning("The engine could not tidy up: %s", error)
            await anyio.sleep(_PRUNE_SECONDS)

    def _remove_files(self, job_id: str, source_urls: tuple[str, ...]) -> None:
        remove(self.folders.clips(job_id))
        for url in source_urls:
            self.sources.forget(url)

    async def _release(self) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await self._in_thread(lambda: self.store.release(self._owner, now=time.time()))
            except sqlite3.Error as error:  # the lease ends by itself
                logger.warning("The engine could not give back its work: %s", error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work on the store beside the loop; one at a time, as the store has one lock."""
        return await anyio.to_thread.run_sync(work, limiter=self._store_limiter)


def _fingerprint(request: CreateRequest) -> str:
    """Return what is equal for equal requests, whatever the order of their keys."""
    body = json.dumps([request.body(stream=False), request.query()], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()
