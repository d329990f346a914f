"""The Clip API without HTTP: accepts generations, has workers make them, tells how they go, deletes them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from reka_clips.download.local import sources_state
from reka_clips.engine.media.ffmpeg.fetch import fetch_ffmpeg, ffmpeg_source
from reka_clips.engine.media.ffmpeg.process import find_ffmpeg, machine_memory_bytes
from reka_clips.engine.media.text.speech import Recognizer
from reka_clips.engine.queue.local import LocalQueue
from reka_clips.engine.service.cleanup import prune, sweep
from reka_clips.engine.service.models import (
    COMPLETED,
    DOWNLOADING,
    INDEXING,
    PREPROCESSING,
    PROCESSING,
    QUEUED,
    JobRecord,
    StageEntry,
)
from reka_clips.engine.service.paths import Folders
from reka_clips.engine.service.sources import SourceError, Sources
from reka_clips.engine.store.sqlite import JobStore
from reka_clips.engine.worker.failures import innermost, reason
from reka_clips.engine.worker.messages import Assignment
from reka_clips.engine.worker.supervisor import WorkerLimits, WorkerLostError, run_worker
from reka_clips.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from anyio.abc import TaskGroup

    from reka_clips.contract import CreateRequest
    from reka_clips.engine.media.ffmpeg.process import Ffmpeg
    from reka_clips.engine.media.plan import Source
    from reka_clips.engine.service.models import SourcePolicy
    from reka_clips.settings import Settings

MAX_ATTEMPTS: Final = 3
HEARTBEAT_SECONDS: Final = 10.0
_PRUNE_SECONDS: Final = 3600.0
_DOWNLOAD_SECONDS: Final = 3600.0  # for all sources of a generation together
_FETCHING_SHARE: Final = 0.05  # of all the progress there is
_DOWNLOADING_SHARE: Final = 0.1
_SAVE_AGAIN_SECONDS: Final = 0.5
_LEAST_MEMORY_BYTES: Final = 1024**3
_NEXT_STAGE: Final = {DOWNLOADING: INDEXING, INDEXING: PREPROCESSING, PREPROCESSING: PROCESSING}

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Unfinished:
    """A generation that waits or runs in this process. job: its newest state, of which the store has the stages.

    ended: set when nothing works on it any more. is_deleted: it is about to be removed.
    """

    job: JobRecord
    changed: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)
    is_deleted: bool = False

    def update(self, job: JobRecord) -> None:
        """Take over a new state, and wake everyone who waits for one."""
        self.job = job
        self.wake()

    def enter(self, status: str) -> None:
        """Enter a stage; the one it is in already changes nothing."""
        if status != self.job.status:
            self.update(self.job.entering(status, at=time.time()))

    def progress(self, share: float) -> None:
        """Take over how much is done, 0 to 1; less than before changes nothing."""
        if share > self.job.progress:
            self.update(replace(self.job, progress=min(share, 1.0), updated_at=max(time.time(), self.job.updated_at)))

    def fetching(self, detail: str | None, share: float) -> None:
        """Take over what is fetched before the stage can go on, None: nothing more; and how much is there, 0 to 1."""
        self.describe(detail)
        self.progress(_FETCHING_SHARE * share)

    def describe(self, detail: str | None) -> None:
        """Take over what the stage is busy with beside its work, None for nothing."""
        if detail != self.job.detail:
            self.update(replace(self.job, detail=detail))

    def wake(self) -> None:
        """Wake everyone who waits for a change."""
        self.changed.set()
        self.changed = anyio.Event()


class ClipService:
    """The engine at work: `async with ClipService(settings, find_ffmpeg())`. It must own its data folder."""

    def __init__(self, settings: Settings, ffmpeg: Ffmpeg | None, *, limits: WorkerLimits | None = None) -> None:
        """ffmpeg: None where it has to be fetched, which the first generation does.

        limits: of a worker process; by default half of this machine's memory, or less where several run at once.
        """
        self._settings = settings
        self._ffmpeg = ffmpeg
        self._ffmpeg_lock = anyio.Lock()
        self._limits = limits or WorkerLimits(memory_bytes=_memory_share(settings.engine_jobs))
        self._store_limiter = anyio.CapacityLimiter(1)
        self._queue = LocalQueue()
        self._unfinished: dict[str, _Unfinished] = {}
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup
        self._is_stopping = False
        self.folders = Folders.of(settings.data_dir)

    async def __aenter__(self) -> Self:
        """Open the data folder and begin to work. Raises EngineStartError."""
        async with AsyncExitStack() as stack:
            await anyio.to_thread.run_sync(self.folders.make)
            self.store = stack.enter_context(await anyio.to_thread.run_sync(JobStore, self.folders.database))
            self.sources = Sources(self.store, self.folders)
            for job in await self._in_thread(self._recover):
                self._unfinished[job.id] = _Unfinished(job)
                self._queue.put(job.id)
            self._tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(self._tasks.cancel_scope.cancel)
            self._tasks.start_soon(self._keep_tidy)
            self._tasks.start_soon(lambda: self._queue.work(self._handle, at_once=self._settings.engine_jobs))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_following()
        await self._stack.__aexit__(kind, error, trace)

    @property
    def is_idle(self) -> bool:
        """Whether no generation waits or runs."""
        return not self._unfinished

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
        state = await anyio.to_thread.run_sync(sources_state, request.video_urls)
        await self._in_thread(
            lambda: self.store.insert(job, _fingerprint(request, state), max_waiting=self._settings.engine_queue)
        )
        self._unfinished[job.id] = _Unfinished(job)
        self._queue.put(job.id)
        return job

    async def get(self, job_id: str) -> JobRecord | None:
        """Return a generation, or None."""
        unfinished = self._unfinished.get(job_id)
        return await self._in_thread(lambda: self.store.get(job_id)) if unfinished is None else unfinished.job

    async def page(self, *, offset: int, limit: int, status: str | None) -> list[JobRecord]:
        """Return generations, the newest first."""
        jobs = await self._in_thread(lambda: self.store.page(offset=offset, limit=limit, status=status))
        return [self._unfinished[job.id].job if job.id in self._unfinished else job for job in jobs]

    async def delete(self, job_id: str, *, delete_input_video: bool) -> JobRecord | None:
        """Stop a generation if it waits or runs, remove it and its clips, and return it; None if there is none.

        delete_input_video: also what was fetched for it, where no other generation needs it.
        """
        unfinished = self._unfinished.get(job_id)
        if unfinished is not None:
            unfinished.is_deleted = True
            if unfinished.scope is not None:
                unfinished.scope.cancel()
                await unfinished.ended.wait()
        # The files first: on a full disk their space is what lets the list be written.
        await anyio.to_thread.run_sync(self.folders.clear, job_id)
        job = await self._in_thread(lambda: self.store.delete(job_id))
        if unfinished is not None:
            self._unfinished.pop(job_id, None)
            unfinished.wake()
        if job is not None and delete_input_video:
            for url in job.request.video_urls:
                await anyio.to_thread.run_sync(self.sources.forget, url)
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
            unfinished = self._unfinished.get(job_id)
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
            if job.is_terminal or unfinished is None:
                return
            if unfinished.job is job and not self._is_stopping:
                with anyio.move_on_after(heartbeat_seconds):
                    await unfinished.changed.wait()

    def stop_following(self) -> None:
        """End all that follow, so that their connections can close."""
        self._is_stopping = True
        for unfinished in self._unfinished.values():
            unfinished.wake()

    def _recover(self) -> list[JobRecord]:
        """Return what a former engine left unfinished, the oldest first. Blocks."""
        sweep(self.store, self.folders)
        self.store.give_up_unreadable()
        return [job.waiting(at=time.time()) for job in self.store.unfinished()]

    async def _handle(self, job_id: str) -> None:
        """Work on one generation as far as it goes now: to its end, to its next attempt, or not at all."""
        unfinished = self._unfinished.get(job_id)
        if unfinished is None or unfinished.is_deleted:
            return
        with anyio.CancelScope() as scope:
            unfinished.scope, unfinished.ended = scope, anyio.Event()
            try:
                await self._attempt(unfinished)
            except sqlite3.Error as error:  # a busy or full disk
                logger.warning("Work on generation %s could not be begun: %s", job_id, error)
                self._queue.put_later(job_id, self._tasks)
            finally:
                unfinished.scope = None
                if self._tasks.cancel_scope.cancel_called and not unfinished.job.is_terminal:
                    await self._give_back(unfinished)
                unfinished.ended.set()

    async def _attempt(self, unfinished: _Unfinished) -> None:
        """Begin work, write how it ended, or put the generation back if its worker was lost."""
        job = unfinished.job
        if job.attempts >= MAX_ATTEMPTS:
            words = f"The engine stopped {job.attempts} times while it worked on this video."
            await self._finish(unfinished, job.failed(words, at=time.time()))
            return
        begun = await self._in_thread(lambda: self.store.begin(job, at=time.time()))
        if begun is None:  # it is gone from the store
            self._unfinished.pop(job.id, None)
            return
        unfinished.update(begun)
        ended = begun
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._save_stages, unfinished)
                ended = await self._make(unfinished)
                tasks.cancel_scope.cancel()
        except Exception as caught:  # noqa: BLE001 - whatever happens to one must not end the service
            error = innermost(caught)
            if not isinstance(error, WorkerLostError):
                ended = _failed(unfinished, reason(error, job.id))
            else:
                logger.warning("The process that worked on generation %s %s.", job.id, error)
                if begun.attempts < MAX_ATTEMPTS:
                    unfinished.update(unfinished.job.waiting(at=time.time()))
                    self._queue.put(job.id)
                    return
                words = f"The process that worked on this video {error}, in each of {MAX_ATTEMPTS} attempts."
                ended = _failed(unfinished, words)
        await self._finish(unfinished, ended)

    async def _make(self, unfinished: _Unfinished) -> JobRecord:
        """Fetch the sources, have a worker cut them, put the clips in place; return the generation as it ended."""
        job_id = unfinished.job.id
        ffmpeg = await self._found_ffmpeg(unfinished)
        directory = await anyio.to_thread.run_sync(self.folders.prepare, job_id)
        sources, warnings = await self._fetch(unfinished)
        fetching_share = unfinished.job.progress

        def on_progress(stage: str, share: float, detail: str) -> None:
            # A stage that took no time is entered all the same: listeners are told every one.
            while unfinished.job.status != stage and unfinished.job.status in _NEXT_STAGE:
                unfinished.enter(_NEXT_STAGE[unfinished.job.status])
            unfinished.progress(fetching_share + (1 - fetching_share) * share)
            unfinished.describe(detail or None)

        assignment = Assignment(
            generation_id=job_id,
            request=unfinished.job.request,
            sources=tuple(sources),
            directory=directory,
            ffmpeg=replace(ffmpeg, dies_with_parent=True),
            # What is taken in all is looked at each second; this is for what bloats between two looks.
            memory_bytes=self._limits.memory_bytes * 3 // 2,
            speech=Recognizer(self._settings.speech, self._settings.data_dir),
        )
        report = await run_worker(assignment, limits=self._limits, on_progress=on_progress)
        if report.kind == "failed":
            return _failed(unfinished, report.reason)
        await anyio.to_thread.run_sync(self.folders.publish, job_id)
        job = replace(unfinished.job, clips=report.clips, num_generations=len(report.clips), progress=1.0)
        return replace(job, warnings=(*warnings, *report.warnings)).entering(COMPLETED, at=time.time())

    async def _found_ffmpeg(self, unfinished: _Unfinished) -> Ffmpeg:
        """Return the ffmpeg to use, fetched if there is none yet. Raises EngineMissingError."""
        async with self._ffmpeg_lock:
            source = ffmpeg_source(os.environ)
            if self._ffmpeg is None and source is not None:
                unfinished.enter(DOWNLOADING)
                self._ffmpeg = await fetch_ffmpeg(source, self._settings.data_dir, tell=unfinished.fetching)
                unfinished.fetching(None, 1.0)
            return self._ffmpeg or find_ffmpeg(self._settings.ffmpeg)

    async def _fetch(self, unfinished: _Unfinished) -> tuple[list[Source], list[str]]:
        """Return the sources that could be had, and warnings of the others. Raises the first error if none could."""
        unfinished.enter(DOWNLOADING)
        urls, policy = unfinished.job.request.video_urls, unfinished.job.policy
        share = _DOWNLOADING_SHARE if any(urlsplit(url).scheme != "file" for url in urls) else 0.0
        fetched: list[Source] = []
        problems: list[DownloadError | SourceError] = []
        with anyio.move_on_after(_DOWNLOAD_SECONDS) as limit:
            for index, url in enumerate(urls):

                def progressed(done: float, index: int = index) -> None:
                    unfinished.progress(share * (index + done) / len(urls))

                try:
                    fetched.append(await self.sources.fetch(url, policy, progressed))
                except (DownloadError, SourceError) as error:
                    problems.append(error)
        if limit.cancelled_caught:
            words = f"Its download was not complete after {_DOWNLOAD_SECONDS / 60:.0f} minutes, all links together."
            problems.append(SourceError(words))
        unfinished.progress(share)
        if not fetched:
            raise problems[0]
        return fetched, [f"A source was left out: {problem}" for problem in problems]

    async def _save_stages(self, unfinished: _Unfinished) -> None:
        """Write every new stage to the store, until cancelled."""
        written = unfinished.job.status
        while True:
            while unfinished.job.status == written:
                await unfinished.changed.wait()
            job = unfinished.job
            try:
                await self._in_thread(lambda: self.store.save(job))  # noqa: B023 - awaited at once
                written = job.status
            except sqlite3.Error as error:  # a busy or full disk; the next stage is written anyway
                logger.warning("The stage of generation %s could not be written: %s", job.id, error)
                await anyio.sleep(_SAVE_AGAIN_SECONDS)

    async def _finish(self, unfinished: _Unfinished, ended: JobRecord) -> None:
        """Write how a generation ended, however long the disk refuses, and then tell of it."""
        if not ended.clips:
            await anyio.to_thread.run_sync(self.folders.clear, ended.id)
        pause_seconds = 0.5
        while True:
            try:
                await self._in_thread(lambda: self.store.save(ended))
            except sqlite3.Error as error:
                logger.warning("The end of generation %s could not be written yet: %s", ended.id, error)
                await anyio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, 30.0)
            else:
                self._unfinished.pop(ended.id, None)
                unfinished.update(ended)
                return

    async def _give_back(self, unfinished: _Unfinished) -> None:
        """Let a generation wait for the next engine, as if this attempt had not been: this engine ends as it should."""
        with anyio.CancelScope(shield=True):
            try:
                await self._in_thread(lambda: self.store.give_back(unfinished.job, at=time.time()))
            except sqlite3.Error as error:  # then the attempt counts
                logger.warning("The engine could not give back generation %s: %s", unfinished.job.id, error)
            await anyio.to_thread.run_sync(self.folders.clear, unfinished.job.id)

    async def _keep_tidy(self) -> None:
        while True:
            try:
                await anyio.to_thread.run_sync(lambda: prune(self.store, self.folders, self._settings, now=time.time()))
            except (OSError, sqlite3.Error) as error:
                logger.warning("The engine could not tidy up: %s", error)
            await anyio.sleep(_PRUNE_SECONDS)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work on the store beside the loop; one at a time, as the store has one lock."""
        return await anyio.to_thread.run_sync(work, limiter=self._store_limiter)


def _memory_share(workers: int) -> int:
    """Return how much memory each of so many workers may take: half of the machine's, or three quarters together."""
    machine_bytes = machine_memory_bytes()
    share = machine_bytes // 2 if workers == 1 else machine_bytes * 3 // 4 // workers
    return max(share, min(_LEAST_MEMORY_BYTES, machine_bytes * 3 // 4))


def _failed(unfinished: _Unfinished, words: str) -> JobRecord:
    return unfinished.job.failed(words, at=time.time())


def _fingerprint(request: CreateRequest, state: str) -> str:
    """Return what is equal for equal requests, whatever the order of their keys. state: of the files they name."""
    body = json.dumps([request.body(stream=False), request.query(), state], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()
