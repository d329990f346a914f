"""Every generation this process knows, by owner and id, and the tasks that watch them."""

from __future__ import annotations

import contextvars
import logging
from typing import TYPE_CHECKING, Any, Final

import anyio

from reka_clips.client import is_temporary
from reka_clips.contract import canonical_id
from reka_clips.errors import BusyError, NotFoundError, RekaClipsError, ShutdownError, TransportError
from reka_clips.generations.generation import Generation, is_bare_completion
from reka_clips.generations.polling import checked, is_new_and_unknown, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup

    from reka_clips.contract import Snapshot
    from reka_clips.generations.config import PollingConfig, RegistryLimits
    from reka_clips.generations.generation import ApiSession

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
    """What is known and watched. The manager opens and closes it; submissions and recovery share it.

    under_way: submissions that have no generation yet; they count as generations.
    """

    def __init__(self, *, config: PollingConfig, limits: RegistryLimits) -> None:
        self.config = config
        self.limits = limits
        self._nearby = config.nearby
        self.under_way = 0
        self._generations: dict[tuple[str, str], Generation] = {}
        self._by_request: dict[str, Generation] = {}  # by key of the request: the generation of its newest creation
        self._lookups: dict[tuple[str, str], _Lookup] = {}
        self._tasks: TaskGroup | None = None
        self._context = contextvars.Context()

    def config_for(self, account: ApiSession) -> PollingConfig:
        """Return how often this account's backend is asked."""
        return self._nearby if account.backend.is_near else self.config

    def __len__(self) -> int:
        return len(self._generations)

    async def open(self) -> None:
        """Begin to take tasks, in the context of whoever opens it."""
        self._context = contextvars.copy_context()
        self._tasks = await anyio.create_task_group().__aenter__()
        self.start(self._prune_for_ever)

    async def close(self) -> None:
        """End every task and every stream at once. Followers get ShutdownError."""
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return
        tasks.cancel_scope.cancel()
        for generation in self._generations.values():
            ending = ShutdownError("This program is ending. The generation goes on; ask for it again by its id.")
            ending.generation_id = generation.id
            generation.fail(ending)
        self._generations.clear()
        self._by_request.clear()
        await tasks.__aexit__(None, None, None)

    def check_open(self) -> TaskGroup:
        """Return where tasks run; raises ShutdownError before the beginning and after the end."""
        if self._tasks is None:
            raise ShutdownError("This program is ending, or has not begun yet.")
        return self._tasks

    def start(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        """Run something in the registry's own context: a caller's context must not live as long as a generation."""
        self._context.run(self.check_open().start_soon, work, *arguments)

    # What is known.

    def known(self, account: ApiSession, generation_id: str) -> Generation | None:
        """Return the generation if it is known here."""
        return self._generations.get((account.owner, canonical_id(generation_id)))

    def known_to(self, owner: str) -> list[Generation]:
        """Return what is known here of an owner, latest first."""
        return [generation for (of, _), generation in reversed(self._generations.items()) if of == owner]

    def holds(self, generation: Generation) -> bool:
        """Whether this very object is still the one known here: it was neither deleted nor dropped."""
        return self._generations.get(_place(generation)) is generation

    def of_request(self, key: str) -> Generation | None:
        """Return the generation that the same request would join."""
        return self._by_request.get(key)

    def remember(self, key: str, generation: Generation) -> None:
        """Have the same request join this generation, which a submission led to, from now on."""
        self._by_request[key] = generation
        generation.is_claimed = True

    def forget_requests(self, generation: Generation) -> None:
        """Have no request join this generation any more."""
        for key in [key for key, known in self._by_request.items() if known is generation]:
            del self._by_request[key]

    def is_taken(self, account: ApiSession, generation_id: str, *, since: float) -> bool:
        """Whether a generation is known to be none that a POST sent at `since` (anyio's time) created.

        One that somebody merely looked up after the POST may be the one.
        """
        generation = self.known(account, generation_id)
        return generation is not None and (generation.is_claimed or generation.known_since < since)

    async def ask(self, account: ApiSession, generation_id: str, *, attempts: int | None = None) -> Snapshot:
        """Return a generation's snapshot as upstream gives it; who asks at the same time shares one GET.

        The GET does not end with the caller that sent it, and goes on no longer than that caller would have waited.
        attempts: as for `ClipClient.get`. Raises what the client raises, with the generation's id.
        """
        place = (account.owner, canonical_id(generation_id))
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
        place = (account.owner, canonical_id(generation_id))
        try:
            with anyio.CancelScope(deadline=lookup.ends_at):
                snapshot = checked(await account.client.get(generation_id, attempts=attempts), generation_id)
                if (generation := self._generations.get(place)) is not None:
                    generation.is_confirmed = True
                lookup.settle(snapshot)
        except RekaClipsError as error:
            error.generation_id = generation_id
            lookup.settle(None, error)
        finally:
            if (generation := self._generations.get(place)) is not None:
                generation.lengthen_interval()
            if self._lookups.get(place) is lookup:
                del self._lookups[place]
            lookup.settle(None, _late(generation_id))

    def forget_lookup(self, account: ApiSession, generation_id: str, error: RekaClipsError) -> None:
        """Have those who wait for a GET that was sent before the generation was deleted get the error instead."""
        lookup = self._lookups.pop((account.owner, canonical_id(generation_id)), None)
        if lookup is not None:
            lookup.settle(None, error)

    def add(self, account: ApiSession, generation_id: str, snapshot: Snapshot, *, eager: bool) -> Generation:
        """Return the generation of an id, new or known before, with the snapshot taken in."""
        generation = self.known(account, generation_id)
        if generation is None:
            if is_bare_completion(snapshot) and eager:
                snapshot = snapshot.model_copy(update={"status": ""})  # polls will tell whether clips follow
            generation = Generation(account, generation_id, snapshot, config=self.config_for(account), wake=self.watch)
            self._generations[_place(generation)] = generation
        else:
            generation.take(snapshot)
        generation.asked_at = anyio.current_time()
        generation.eager = generation.eager or eager
        return generation

    def drop(self, generation: Generation, error: RekaClipsError | None = None) -> None:
        """Forget a generation. error: for those who follow it; without one they may go on."""
        if self.holds(generation):
            del self._generations[_place(generation)]
        self.forget_requests(generation)
        generation.eager = False  # from now on only for those who still hold it and listen
        if generation.watching is not None:
            generation.watching.cancel()
        if error is not None:
            generation.fail(error)

    def make_room(self, *, coming: int = 0) -> None:
        """Make sure that all that is known, under way and coming fits; raises BusyError if nothing can go."""
        excess = len(self._generations) + self.under_way + coming - self.limits.max_generations
        if excess <= 0:
            return
        idle = [generation for generation in self._generations.values() if generation.listeners == 0]
        # A few more than need be, so that a full house is not looked through for each newcomer.
        over = sorted(
            (generation for generation in idle if generation.is_over), key=lambda generation: generation.ended_at or 0.0
        )
        over = over[: max(excess, self.limits.max_generations // _SHARE_EVICTED)]
        unasked = [
            generation
            for generation in idle
            if not generation.is_over and generation.is_unasked(self.limits.evict_unasked_seconds)
        ]
        unasked = sorted(unasked, key=lambda generation: generation.asked_at)[: max(0, excess - len(over))]
        if len(over) + len(unasked) < excess:
            raise BusyError("Too many generations are being followed at once; try again in a minute.")
        for generation in over + unasked:
            self.drop(generation)

    def prune(self) -> None:
        """Forget what ended a while ago and what nobody has asked about for long."""
        now = anyio.current_time()
        for generation in list(self._generations.values()):
            if generation.listeners:
                continue
            ended_long_ago = generation.ended_at is not None and now - generation.ended_at > self.config.repeat_seconds
            if ended_long_ago or generation.is_unasked(self.config.unasked_seconds):
                self.drop(generation)

    # What is watched.

    def watch(self, generation: Generation) -> None:
        """Have a generation watched, if it is not already and there is something to wait for."""
        if generation.is_over or generation.watching is not None or self._tasks is None:
            return
        # Whoever still holds one that was dropped for want of room may go on with it.
        self._generations.setdefault(_place(generation), generation)
        generation.watching = anyio.CancelScope()
        self.start(self._watched, generation, generation.watching)

    def unwatched(self, generation: Generation) -> None:
        """Note that no task watches this generation now; if somebody still wants it, polling takes over."""
        generation.watching, generation.streaming = None, False
        if generation.is_wanted:
            self.watch(generation)

    def is_following(self, owner: str) -> bool:
        """Whether a generation of this owner is being watched."""
        return any(
            generation.account.owner == owner and generation.watching is not None
            for generation in self._generations.values()
        )

    async def refresh(self, generation: Generation) -> None:
        """Ask upstream for a known generation."""
        try:
            generation.take(await self.ask(generation.account, generation.id))
        except RekaClipsError as error:
            if is_new_and_unknown(generation, error, self.config) or (
                generation.state.is_terminal and is_temporary(error)
            ):
                return
            if isinstance(error, NotFoundError):
                self.drop(generation, error)
            raise

    async def _watched(self, generation: Generation, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await poll(generation, self.ask, config=self.config_for(generation.account), limits=self.limits)
        except RekaClipsError as error:
            self.drop(generation, error)
        except Exception as error:  # a fault of ours must not end the program
            log.exception("Following a generation failed unexpectedly.")
            failure = RekaClipsError("Following the generation failed for a reason inside this program.")
            failure.generation_id = generation.id
            failure.__cause__ = error
            self.drop(generation, failure)
        finally:
            self.unwatched(generation)

    async def _prune_for_ever(self) -> None:
        while True:
            await anyio.sleep(self.config.prune_seconds)
            self.prune()


def _late(generation_id: str) -> TransportError:
    error = TransportError("The Clip API did not answer in time.")
    error.generation_id = generation_id
    return error


def _place(generation: Generation) -> tuple[str, str]:
    return generation.account.owner, canonical_id(generation.id)
