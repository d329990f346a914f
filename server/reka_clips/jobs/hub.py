"""All generations this process watches, whoever asks for them and for however long."""

from __future__ import annotations

import contextvars
import logging
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

import anyio

from reka_clips.client import is_passing
from reka_clips.errors import (
    ApiError,
    BusyError,
    NotFoundError,
    RekaClipsError,
    ShutdownError,
)
from reka_clips.jobs.creation import Creation
from reka_clips.jobs.job import Job, is_bare_completion
from reka_clips.jobs.pace import HubLimits, Pace
from reka_clips.jobs.polling import checked, fetch, is_new_and_unknown, poll
from reka_clips.jobs.posting import Poster

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from anyio.abc import TaskGroup

    from reka_clips.contract import ClipList, CreateRequest, Snapshot
    from reka_clips.jobs.account import Account

log = logging.getLogger(__name__)


class Hub:
    """One per process, entered once. Independent of MCP; does nothing and opens nothing until asked.

    A generation is watched by a task of the hub: callers come and go without touching it. Entries are separated
    by `account.owner`. Leaving the hub ends every task and every stream at once; the generations go on upstream.
    """

    def __init__(self, *, pace: Pace | None = None, limits: HubLimits | None = None) -> None:
        self.pace = pace or Pace()
        self.limits = limits or HubLimits()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._locks: WeakValueDictionary[tuple[str, str], anyio.Lock] = WeakValueDictionary()
        self._poster = Poster(self)
        self._tasks: TaskGroup | None = None
        self._context = contextvars.Context()

    async def __aenter__(self) -> Self:
        self._context = contextvars.copy_context()
        self._tasks = await anyio.create_task_group().__aenter__()
        self.start(self._prune_for_ever)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return
        tasks.cancel_scope.cancel()
        self._poster.reject_all()
        for job in self._jobs.values():
            ending = ShutdownError("This program is ending. The generation goes on; ask for it again by its id.")
            ending.generation_id = job.id
            job.fail(ending)
        self._jobs.clear()
        await tasks.__aexit__(None, None, None)

    def __len__(self) -> int:
        return len(self._jobs)

    # What callers ask for.

    def create(
        self, account: Account, request: CreateRequest, *, stream: bool = True, force_new: bool = False
    ) -> Creation:
        """Have a generation created and return at once; the POST and the watching go on by themselves.

        The same request of the same owner joins the one under way, and gets the result of one that ended less
        than `pace.repeat_seconds` ago, unless force_new. stream: follow it from now on; otherwise it is created
        without a stream and asked for only when somebody wants to know.
        """
        self._open_tasks()
        return self._poster.create(account, request, stream=stream, force_new=force_new)

    async def earlier(self, account: Account, request: CreateRequest, *, stream: bool = True) -> Creation | None:
        """Return what `create` would join or repeat without sending anything; None: it would send.

        Raises what upstream answers when it is asked how the earlier generation stands.
        """
        self._open_tasks()
        return await self._poster.earlier(account, request, stream=stream)

    async def job(self, account: Account, generation_id: str, *, max_age_seconds: float | None = None) -> Job:
        """Return a generation whose state is fresh enough, asking upstream once if it is not.

        max_age_seconds: unset, the pace's ages hold. A result whose renewal fails for now is returned as it is.
        Raises NotFoundError for an unknown one, BusyError when the hub is full, else what upstream answered; the
        error's `generation_id` is set.
        """
        self._open_tasks()
        job = self.known(account, generation_id)
        if job is not None:
            job.asked_at = anyio.current_time()
            if job.is_fresh(max_age_seconds):
                return job
        async with self.lock(account, generation_id):
            job = self.known(account, generation_id)  # others who waited for the lock may have asked upstream
            if job is None:
                return await self._looked_up(account, generation_id)
            if not job.is_fresh(max_age_seconds):
                await self.refresh(job)
            return job

    async def list(self, account: Account, *, offset: int = 0, limit: int = 20, status: str | None = None) -> ClipList:
        """Return one page of the account's generations, as upstream lists them."""
        return await account.client.list(offset=offset, limit=limit, status=status)

    async def delete(self, account: Account, generation_id: str, *, delete_input_video: bool = False) -> None:
        """Delete a generation upstream and forget it here: followers get NotFoundError, nothing joins it any more.

        Raises what upstream answered; then it stays known (unless upstream does not know it either).
        """
        self._open_tasks()
        async with self.lock(account, generation_id):
            job = self.known(account, generation_id)
            if job is not None:
                job.expire()  # should the caller leave before the answer, the next question goes upstream
            try:
                await account.client.delete(generation_id, delete_input_video=delete_input_video)
            except RekaClipsError as error:
                error.generation_id = generation_id
                if isinstance(error, NotFoundError):
                    self.forget(account, generation_id)
                raise
            self.forget(account, generation_id)

    def forget(self, account: Account, generation_id: str) -> None:
        """Drop a generation: nothing joins it, its followers get NotFoundError. Upstream is not told."""
        job = self.known(account, generation_id)
        if job is not None:
            self.drop(job, _gone(generation_id))

    def stop_watching(self, account: Account, generation_id: str) -> None:
        """Stop following a generation until somebody listens again; it stays known."""
        job = self.known(account, generation_id)
        if job is not None:
            job.eager = False
            if job.watching is not None:
                job.watching.cancel()
            job.pulse()

    # What the poster and the jobs need.

    def known(self, account: Account, generation_id: str) -> Job | None:
        """Return the generation if it is known here."""
        return self._jobs.get((account.owner, generation_id.lower()))

    def lock(self, account: Account, generation_id: str) -> anyio.Lock:
        """Return the lock that is held while upstream is asked about a generation."""
        return self._locks.setdefault((account.owner, generation_id.lower()), anyio.Lock())

    def add(self, account: Account, generation_id: str, snapshot: Snapshot, *, eager: bool) -> Job:
        """Return the job for a generation, made now or known before, with the snapshot taken in."""
        job = self.known(account, generation_id)
        if job is None:
            if is_bare_completion(snapshot) and eager:
                snapshot = snapshot.model_copy(update={"status": ""})  # polls will tell whether clips follow
            job = Job(account, generation_id, snapshot, pace=self.pace, wake=self.watch)
            self._jobs[account.owner, generation_id.lower()] = job
        else:
            job.take(snapshot)
        job.asked_at = anyio.current_time()
        job.eager = job.eager or eager
        return job

    def watch(self, job: Job) -> None:
        """Have a generation followed, if it is not already and there is something to wait for."""
        if job.is_over or job.watching is not None or self._tasks is None:
            return
        # Whoever still holds a job that was dropped for want of room may go on with it.
        self._jobs.setdefault((job.account.owner, job.id.lower()), job)
        job.watching = anyio.CancelScope()
        self.start(self._watched, job, job.watching)

    def unwatched(self, job: Job) -> None:
        """Note that nobody follows this generation now; if somebody still wants it, polling takes over."""
        job.watching, job.streaming = None, False
        if job.is_wanted:
            self.watch(job)

    async def refresh(self, job: Job) -> None:
        """Ask upstream for a known generation; the caller holds its lock."""
        try:
            job.take(await fetch(job))
        except RekaClipsError as error:
            if is_new_and_unknown(job, error, self.pace) or (job.state.is_terminal and is_passing(error)):
                return
            if isinstance(error, NotFoundError):
                self.drop(job, error)
            raise

    def drop(self, job: Job, error: RekaClipsError | None = None) -> None:
        """Take a job out of the hub. error: for those who follow it; without one they may go on."""
        if self._jobs.get((job.account.owner, job.id.lower())) is job:
            del self._jobs[job.account.owner, job.id.lower()]
        self._poster.forget(job)
        job.eager = False  # from now on only for those who still hold it and listen
        if job.watching is not None:
            job.watching.cancel()
        if error is not None:
            job.fail(error)

    def make_room(self, *, coming: int = 0) -> None:
        """See to it that all that is known, under way and coming fits; raises BusyError if nothing can go."""
        while len(self._jobs) + self._poster.under_way + coming > self.limits.max_jobs:
            idle = [job for job in self._jobs.values() if job.listeners == 0]
            over = [job for job in idle if job.is_over]
            unasked = [job for job in idle if job.is_unasked(self.limits.evict_unasked_seconds)]
            if over:
                self.drop(min(over, key=lambda job: job.ended_at or 0.0))
            elif unasked:
                self.drop(min(unasked, key=lambda job: job.asked_at))
            else:
                raise BusyError("Too many generations are being followed at once; try again in a minute.")

    def prune(self) -> None:
        """Forget what ended a while ago and what nobody has asked about for long."""
        now = anyio.current_time()
        for job in list(self._jobs.values()):
            if job.listeners:
                continue
            ended_long_ago = job.ended_at is not None and now - job.ended_at > self.pace.repeat_seconds
            if ended_long_ago or job.is_unasked(self.pace.unasked_seconds):
                self.drop(job)

    def start(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        """Run something in the hub, in the hub's own context: a caller's context must not live as long as a job."""
        self._context.run(self._open_tasks().start_soon, work, *arguments)

    def _open_tasks(self) -> TaskGroup:
        if self._tasks is None:
            raise ShutdownError("This program is ending, or has not begun yet.")
        return self._tasks

    async def _looked_up(self, account: Account, generation_id: str) -> Job:
        try:
            snapshot = checked(await account.client.get(generation_id), generation_id)
            self.make_room(coming=1)
        except RekaClipsError as error:
            error.generation_id = generation_id
            raise
        job = self.add(account, generation_id, snapshot, eager=False)
        job.is_confirmed = True
        return job

    async def _watched(self, job: Job, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await poll(job, self.lock(job.account, job.id), pace=self.pace, limits=self.limits)
        except RekaClipsError as error:
            self.drop(job, error)
        except Exception as error:  # a fault of ours must not end the hub
            log.exception("Following a generation failed unexpectedly.")
            failure = RekaClipsError("Following the generation failed for a reason inside this program.")
            failure.generation_id = job.id
            failure.__cause__ = error
            self.drop(job, failure)
        finally:
            self.unwatched(job)

    async def _prune_for_ever(self) -> None:
        while True:
            await anyio.sleep(self.pace.prune_seconds)
            self.prune()


def _gone(generation_id: str) -> ApiError:
    error = NotFoundError(f"The generation {generation_id} was deleted.", status=404)
    error.generation_id = generation_id
    return error
