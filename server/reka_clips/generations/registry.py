"""Every generation this process knows, by owner and id, and the tasks that watch them."""

from __future__ import annotations

import contextvars
import logging
from typing import TYPE_CHECKING, Any, Final

import anyio

from reka_clips.client import is_temporary
from reka_clips.errors import BusyError, NotFoundError, RekaClipsError, ShutdownError, TransportError
from reka_clips.generations.generation import Generation, is_bare_completion
from reka_clips.generations.polling import checked, is_new_and_unknown, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup

    from reka_clips.contract import Snapshot
    from reka_clips.generations.session import ApiSession
    from reka_clips.generations.timing import PollingConfig, RegistryLimits

log = logging.getLogger(__name__)

_SHARE_EVICTED: Final = 20  # of the generations that may be known: one in so many
_SHARED_SECONDS: Final = 5.0  # a GET that is under way for longer may hang; who asks then sends another
_MARGIN_SECONDS: Final = 0.1  # before a caller's deadline, for the words that say what it waited for


class _Lookup:
    """One GET for a generation, shared by all who ask while it is under way. ends_at: when it is given up."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.sent_at = anyio.current_time()
        self.done = anyio.Event()
        self.snapshot: Snapshot | None = None
        self.error: RekaClipsError | None = None

    def settle(self, snapshot: Snapshot | None, error: RekaClipsError | None = None) -> None:
        """Give everyone who waits the answer; the first one counts."""
        if not self.done.is_set():
            self.snapshot, self.error = snapshot, error
            self.done.set()


class GenerationRegistry:
    """What the hub, its poster and the search for lost creations share. Opened and closed by the hub.

    under_way: creations that have no generation yet; they count as generations.
    """

    def __init__(self, *, pace: PollingConfig, limits: RegistryLimits) -> None:
        self.pace = pace
        self.limits = limits
        self._nearby = pace.nearby
        self.under_way = 0
        self._jobs: dict[tuple[str, str], Generation] = {}
        self._by_request: dict[str, Generation] = {}  # by key of the request: the generation of its newest creation
        self._lookups: dict[tuple[str, str], _Lookup] = {}
        self._tasks: TaskGroup | None = None
        self._context = contextvars.Context()

    def pace_for(self, account: ApiSession) -> PollingConfig:
        """Return how often this account's backend is asked."""
        return self._nearby if account.backend.is_near else self.pace

    def __len__(self) -> int:
        return len(self._jobs)

    async def open(self) -> None:
        """Begin to take tasks, in the context of whoever opens it."""
        self._context = contextvars.copy_context()
        self._tasks = await anyio.create_task_group().__aenter__()
        self.start(self._prune_for_ever)

    async def close(self) -> None:
        """End every task and every stream at once. Those who follow a generation are told."""
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return
        tasks.cancel_scope.cancel()
        for job in self._jobs.values():
            ending = ShutdownError("This program is ending. The generation goes on; ask for it again by its id.")
            ending.generation_id = job.id
            job.fail(ending)
        self._jobs.clear()
        self._by_request.clear()
        await tasks.__aexit__(None, None, None)

    def check_open(self) -> TaskGroup:
        """Return where tasks run; raises ShutdownError before the beginning and after the end."""
        if self._tasks is None:
            raise ShutdownError("This program is ending, or has not begun yet.")
        return self._tasks

    def start(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        """Run something in the hub's own context: a caller's context must not live as long as a generation."""
        self._context.run(self.check_open().start_soon, work, *arguments)

    # What is known.

    def known(self, account: ApiSession, generation_id: str) -> Generation | None:
        """Return the generation if it is known here."""
        return self._jobs.get((account.owner, generation_id.lower()))

    def known_to(self, owner: str) -> list[Generation]:
        """Return what is known here of an owner, latest first."""
        return [job for (of, _), job in reversed(self._jobs.items()) if of == owner]

    def holds(self, job: Generation) -> bool:
        """Whether this very job is known here still: it was neither deleted nor dropped."""
        return self._jobs.get(_place(job)) is job

    def of_request(self, key: str) -> Generation | None:
        """Return the generation that the same request would join."""
        return self._by_request.get(key)

    def remember(self, key: str, job: Generation) -> None:
        """Have the same request join this generation, which a creation led to, from now on."""
        self._by_request[key] = job
        job.is_claimed = True

    def forget_requests(self, job: Generation) -> None:
        """Have nothing join this generation any more."""
        for key in [key for key, known in self._by_request.items() if known is job]:
            del self._by_request[key]

    def is_taken(self, account: ApiSession, generation_id: str, *, since: float) -> bool:
        """Whether a generation is known to be none that a POST sent at `since` (anyio's time) created.

        One that somebody merely looked up after the POST may be the one.
        """
        job = self.known(account, generation_id)
        return job is not None and (job.is_claimed or job.known_since < since)

    async def ask(self, account: ApiSession, generation_id: str, *, attempts: int | None = None) -> Snapshot:
        """Return a generation's snapshot as upstream gives it; who asks at the same time shares one GET.

        The GET does not end with the caller that sent it, and goes on no longer than that caller would have waited.
        attempts: as for `ClipClient.get`. Raises what the client raises, with the generation's id.
        """
        place = (account.owner, generation_id.lower())
        ends_at = anyio.current_effective_deadline()
        while True:
            lookup = self._lookups.get(place)
            is_own = lookup is None or anyio.current_time() - lookup.sent_at > _SHARED_SECONDS
            if lookup is None or is_own:
                lookup = self._lookups[place] = _Lookup(ends_at)
                self.start(self._look_up, lookup, account, generation_id, attempts)
            with anyio.move_on_at(ends_at - _MARGIN_SECONDS):
                await lookup.done.wait()
            if not lookup.done.is_set():
                raise _late(generation_id)
            if lookup.snapshot is not None:
                return lookup.snapshot
            assert lookup.error is not None  # noqa: S101 - it is settled
            # The other caller had less time than this one.
            if is_own or not isinstance(lookup.error, TransportError) or lookup.ends_at >= ends_at:
                raise lookup.error.with_traceback(None)

    async def _look_up(self, lookup: _Lookup, account: ApiSession, generation_id: str, attempts: int | None) -> None:
        place = (account.owner, generation_id.lower())
        try:
            with anyio.CancelScope(deadline=lookup.ends_at):
                snapshot = checked(await account.client.get(generation_id, attempts=attempts), generation_id)
                if (job := self._jobs.get(place)) is not None:
                    job.is_confirmed = True
                lookup.settle(snapshot)
        except RekaClipsError as error:
            error.generation_id = generation_id
            lookup.settle(None, error)
        finally:
            if (job := self._jobs.get(place)) is not None:
                job.lengthen_interval()
            if self._lookups.get(place) is lookup:
                del self._lookups[place]
            lookup.settle(None, _late(generation_id))

    def forget_lookup(self, account: ApiSession, generation_id: str, error: RekaClipsError) -> None:
        """Have those who wait for a GET that was sent before the generation was deleted get the error instead."""
        lookup = self._lookups.pop((account.owner, generation_id.lower()), None)
        if lookup is not None:
            lookup.settle(None, error)

    def add(self, account: ApiSession, generation_id: str, snapshot: Snapshot, *, eager: bool) -> Generation:
        """Return the job for a generation, made now or known before, with the snapshot taken in."""
        job = self.known(account, generation_id)
        if job is None:
            if is_bare_completion(snapshot) and eager:
                snapshot = snapshot.model_copy(update={"status": ""})  # polls will tell whether clips follow
            job = Generation(account, generation_id, snapshot, pace=self.pace_for(account), wake=self.watch)
            self._jobs[_place(job)] = job
        else:
            job.take(snapshot)
        job.asked_at = anyio.current_time()
        job.eager = job.eager or eager
        return job

    def drop(self, job: Generation, error: RekaClipsError | None = None) -> None:
        """Take a job out. error: for those who follow it; without one they may go on."""
        if self.holds(job):
            del self._jobs[_place(job)]
        self.forget_requests(job)
        job.eager = False  # from now on only for those who still hold it and listen
        if job.watching is not None:
            job.watching.cancel()
        if error is not None:
            job.fail(error)

    def make_room(self, *, coming: int = 0) -> None:
        """See to it that all that is known, under way and coming fits; raises BusyError if nothing can go."""
        excess = len(self._jobs) + self.under_way + coming - self.limits.max_jobs
        if excess <= 0:
            return
        idle = [job for job in self._jobs.values() if job.listeners == 0]
        # A few more than need be, so that a full house is not looked through for each newcomer.
        over = sorted((job for job in idle if job.is_over), key=lambda job: job.ended_at or 0.0)
        over = over[: max(excess, self.limits.max_jobs // _SHARE_EVICTED)]
        unasked = [job for job in idle if not job.is_over and job.is_unasked(self.limits.evict_unasked_seconds)]
        unasked = sorted(unasked, key=lambda job: job.asked_at)[: max(0, excess - len(over))]
        if len(over) + len(unasked) < excess:
            raise BusyError("Too many generations are being followed at once; try again in a minute.")
        for job in over + unasked:
            self.drop(job)

    def prune(self) -> None:
        """Forget what ended a while ago and what nobody has asked about for long."""
        now = anyio.current_time()
        for job in list(self._jobs.values()):
            if job.listeners:
                continue
            ended_long_ago = job.ended_at is not None and now - job.ended_at > self.pace.repeat_seconds
            if ended_long_ago or job.is_unasked(self.pace.unasked_seconds):
                self.drop(job)

    # What is watched.

    def watch(self, job: Generation) -> None:
        """Have a generation followed, if it is not already and there is something to wait for."""
        if job.is_over or job.watching is not None or self._tasks is None:
            return
        # Whoever still holds a job that was dropped for want of room may go on with it.
        self._jobs.setdefault(_place(job), job)
        job.watching = anyio.CancelScope()
        self.start(self._watched, job, job.watching)

    def is_following(self, owner: str) -> bool:
        """Whether a generation of this owner is being followed."""
        return any(job.account.owner == owner and job.watching is not None for job in self._jobs.values())

    def unwatched(self, job: Generation) -> None:
        """Note that nobody follows this generation now; if somebody still wants it, polling takes over."""
        job.watching, job.streaming = None, False
        if job.is_wanted:
            self.watch(job)

    async def refresh(self, job: Generation) -> None:
        """Ask upstream for a known generation."""
        try:
            job.take(await self.ask(job.account, job.id))
        except RekaClipsError as error:
            if is_new_and_unknown(job, error, self.pace) or (job.state.is_terminal and is_temporary(error)):
                return
            if isinstance(error, NotFoundError):
                self.drop(job, error)
            raise

    async def _watched(self, job: Generation, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                pace = self.pace_for(job.account)
                await poll(job, self.ask, pace=pace, limits=self.limits)
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


def _late(generation_id: str) -> TransportError:
    error = TransportError("The Clip API did not answer in time.")
    error.generation_id = generation_id
    return error


def _place(job: Generation) -> tuple[str, str]:
    return job.account.owner, job.id.lower()
