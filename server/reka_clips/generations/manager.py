"""All generations this process watches, whoever asks for them and for however long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import anyio

from reka_clips.errors import ApiError, NotFoundError, RekaClipsError
from reka_clips.generations.registry import GenerationRegistry
from reka_clips.generations.submission import Submitter
from reka_clips.generations.submission_handle import SubmissionHandle
from reka_clips.generations.timing import PollingConfig, RegistryLimits

if TYPE_CHECKING:
    from types import TracebackType

    from reka_clips.contract import ClipList, CreateRequest
    from reka_clips.generations.generation import Generation
    from reka_clips.generations.session import ApiSession


class GenerationManager:
    """One per process, entered once. Independent of MCP; does nothing and opens nothing until asked.

    A generation is watched by a task of the hub: callers come and go without touching it. Entries are separated
    by `account.owner`. Leaving the hub ends every task and every stream at once; the generations go on upstream.
    """

    def __init__(self, *, pace: PollingConfig | None = None, limits: RegistryLimits | None = None) -> None:
        self.pace = pace or PollingConfig()
        self.limits = limits or RegistryLimits()
        self._ledger = GenerationRegistry(pace=self.pace, limits=self.limits)
        self._poster = Submitter(self._ledger)

    async def __aenter__(self) -> Self:
        await self._ledger.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._poster.reject_all()
        await self._ledger.close()

    def __len__(self) -> int:
        return len(self._ledger)

    def create(
        self, account: ApiSession, request: CreateRequest, *, stream: bool = True, force_new: bool = False
    ) -> SubmissionHandle:
        """Have a generation created and return at once; the POST and the watching go on by themselves.

        The same request of the same owner joins the one under way, and gets the result of one that ended less
        than `pace.repeat_seconds` ago, unless force_new. stream: follow it from now on; otherwise it is created
        without a stream and asked for only when somebody wants to know.
        """
        self._ledger.check_open()
        return self._poster.create(account, request, stream=stream, force_new=force_new)

    async def earlier(
        self, account: ApiSession, request: CreateRequest, *, stream: bool = True
    ) -> SubmissionHandle | None:
        """Return what `create` would join or repeat without sending anything; None: it would send.

        Raises what upstream answers when it is asked how the earlier generation stands.
        """
        self._ledger.check_open()
        return await self._poster.earlier(account, request, stream=stream)

    async def job(self, account: ApiSession, generation_id: str, *, max_age_seconds: float | None = None) -> Generation:
        """Return a generation whose state is fresh enough, asking upstream once if it is not.

        max_age_seconds: unset, the pace's ages hold. A result whose renewal fails for now is returned as it is.
        Raises NotFoundError for an unknown one, BusyError when the hub is full, else what upstream answered; the
        error's `generation_id` is set.
        """
        self._ledger.check_open()
        job = self.known(account, generation_id)
        if job is not None:
            job.asked_at = anyio.current_time()
            job.account = account  # an engine that was started again has another address
            if job.is_fresh(max_age_seconds):
                return job
        if job is None:
            return await self._looked_up(account, generation_id)
        await self._ledger.refresh(job)
        return job

    async def list(
        self, account: ApiSession, *, offset: int = 0, limit: int = 20, status: str | None = None
    ) -> ClipList:
        """Return one page of the account's generations, as upstream lists them."""
        return await account.client.list(offset=offset, limit=limit, status=status)

    async def delete(
        self, account: ApiSession, generation_id: str, *, delete_input_video: bool = False
    ) -> dict[str, bool]:
        """Delete a generation upstream and forget it here: followers get NotFoundError, nothing joins it any more.

        Returns what upstream says was done, as `ClipClient.delete` does.

        Raises what upstream answered; then it stays known (unless upstream does not know it either).
        """
        self._ledger.check_open()
        job = self.known(account, generation_id)
        if job is not None:
            job.expire()  # should the caller leave before the answer, the next question goes upstream
            job.deletions += 1
        try:
            answer = await account.client.delete(generation_id, delete_input_video=delete_input_video)
        except RekaClipsError as error:
            error.generation_id = generation_id
            if isinstance(error, NotFoundError):
                self.forget(account, generation_id)
            raise
        finally:
            if job is not None:
                job.deletions -= 1
                job.pulse()
        self.forget(account, generation_id)
        return answer

    def is_following(self, owner: str) -> bool:
        """Whether a generation of this owner is being followed. owner: as `ApiSession.owner`."""
        return self._ledger.is_following(owner)

    def forget(self, account: ApiSession, generation_id: str) -> None:
        """Drop a generation: nothing joins it, its followers get NotFoundError. Upstream is not told."""
        job = self.known(account, generation_id)
        if job is not None:
            self._ledger.drop(job, _gone(generation_id))
        self._ledger.forget_lookup(account, generation_id, _gone(generation_id))

    def stop_watching(self, account: ApiSession, generation_id: str) -> None:
        """Stop following a generation until somebody listens again; it stays known."""
        job = self.known(account, generation_id)
        if job is not None:
            job.eager = False
            if job.watching is not None:
                job.watching.cancel()
            job.pulse()

    def known(self, account: ApiSession, generation_id: str) -> Generation | None:
        """Return the generation if it is known here; asks nobody."""
        return self._ledger.known(account, generation_id)

    def known_to(self, owner: str) -> list[Generation]:
        """Return the generations of an owner that are known here, latest first; asks nobody."""
        return self._ledger.known_to(owner)

    async def _looked_up(self, account: ApiSession, generation_id: str) -> Generation:
        snapshot = await self._ledger.ask(account, generation_id)
        try:
            self._ledger.make_room(coming=1)
        except RekaClipsError as error:
            error.generation_id = generation_id
            raise
        job = self._ledger.add(account, generation_id, snapshot, eager=False)
        job.is_confirmed = True
        return job


def _gone(generation_id: str) -> ApiError:
    error = NotFoundError(f"The generation {generation_id} was deleted.", status=404)
    error.generation_id = generation_id
    return error
