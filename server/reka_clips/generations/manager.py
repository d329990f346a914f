"""All generations that this process follows, whoever asks for them and for however long.

A creation joins one of the same request that is under way, is answered by a generation that runs or ended lately, or
is sent. Once its POST is on its way only an answer, or the search for what it led to (`recovery`), decides: it is
never sent again. Whoever waits may leave; the submission goes on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Self

import anyio

from reka_clips.client import is_temporary
from reka_clips.contract import is_generation_id
from reka_clips.errors import (
    CreationLostError,
    NotFoundError,
    RekaClipsError,
    ShutdownError,
    TransportError,
    UnreadableAnswerError,
)
from reka_clips.generations import recovery
from reka_clips.generations.config import PollingConfig, RegistryLimits
from reka_clips.generations.generation import is_bare_completion
from reka_clips.generations.registry import GenerationRegistry
from reka_clips.generations.submission import JOINED, Submission, SubmissionHandle

if TYPE_CHECKING:
    from types import TracebackType

    from reka_clips.client import ClipStream
    from reka_clips.contract import ClipList, CreateRequest, Snapshot
    from reka_clips.generations.generation import ApiSession, Generation
    from reka_clips.generations.submission import How

log = logging.getLogger(__name__)

_REPEATED: Final = (
    "The same request {ended} {seconds:.0f} seconds ago; this is that generation, and nothing was sent again. "
    "To make it again, ask with force_new."
)
_LOOK_FIRST: Final = "it may have been created and charged: look at list_clips before sending it again."


class GenerationManager:
    """One per process, entered once. Independent of MCP; does nothing and opens nothing until asked.

    A generation is watched by a task of its own: callers come and go without touching it. Callers are separated by
    `account.owner`. Leaving ends every task and every stream at once; the generations go on upstream.
    """

    def __init__(self, *, config: PollingConfig | None = None, limits: RegistryLimits | None = None) -> None:
        self._registry = GenerationRegistry(config=config or PollingConfig(), limits=limits or RegistryLimits())
        self._open: list[Submission] = []  # all without an outcome yet, oldest first

    async def __aenter__(self) -> Self:
        await self._registry.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reject_all()
        await self._registry.close()

    def __len__(self) -> int:
        return len(self._registry)

    def create(
        self,
        account: ApiSession,
        request: CreateRequest,
        *,
        stream: bool = True,
        force_new: bool = False,
        sources_state: str = "",
    ) -> SubmissionHandle:
        """Start a generation and return at once; the POST and the watching go on by themselves.

        The same request of the same owner joins the one under way, and gets the result of one that ended less
        than `PollingConfig.repeat_seconds` ago, unless force_new. stream: watch it from now on; otherwise it is
        created without a stream and asked for only when somebody wants to know. sources_state: what the files among
        the sources are now; when it differs, the request is another one.
        """
        self._registry.check_open()
        submission = Submission(account, request, stream=stream, force_new=force_new, sources_state=sources_state)
        joined = None if force_new else self._joined(submission)
        if joined is not None:
            return joined
        self._registry.start(self._run, submission)
        self._open.append(submission)
        self._registry.under_way += 1
        return SubmissionHandle(submission, joined=False)

    async def earlier(
        self, account: ApiSession, request: CreateRequest, *, stream: bool = True
    ) -> SubmissionHandle | None:
        """Return what `create` would join or repeat without sending anything; None: it would send.

        Raises what upstream answers when it is asked how the earlier generation stands.
        """
        self._registry.check_open()
        submission = Submission(account, request, stream=stream, force_new=False)
        joined = self._joined(submission)
        if joined is not None:
            return joined
        return SubmissionHandle(submission, joined=False) if await self._known_already(submission) else None

    async def job(self, account: ApiSession, generation_id: str, *, max_age_seconds: float | None = None) -> Generation:
        """Return a generation whose state is fresh enough, asking upstream once if it is not.

        max_age_seconds: unset, the configured ages hold. A result whose renewal fails for now is returned as it is.
        Raises NotFoundError for an unknown one, BusyError when too many are followed, else what upstream answered; the
        error's `generation_id` is set.
        """
        self._registry.check_open()
        generation = self.known(account, generation_id)
        if generation is not None:
            generation.asked_at = anyio.current_time()
            generation.account = account  # an engine that was started again has another address
            if generation.is_fresh(max_age_seconds):
                return generation
        if generation is None:
            return await self._looked_up(account, generation_id)
        await self._registry.refresh(generation)
        return generation

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
        self._registry.check_open()
        generation = self.known(account, generation_id)
        if generation is not None:
            generation.expire()  # should the caller leave before the answer, the next question goes upstream
            generation.deletions += 1
        try:
            answer = await account.client.delete(generation_id, delete_input_video=delete_input_video)
        except RekaClipsError as error:
            error.generation_id = generation_id
            if isinstance(error, NotFoundError):
                self.forget(account, generation_id)
            raise
        finally:
            if generation is not None:
                generation.deletions -= 1
                generation.pulse()
        self.forget(account, generation_id)
        return answer

    def is_following(self, owner: str) -> bool:
        """Whether a generation of this owner is being followed. owner: as `ApiSession.owner`."""
        return self._registry.is_following(owner)

    def forget(self, account: ApiSession, generation_id: str) -> None:
        """Drop a generation: nothing joins it, its followers get NotFoundError. Upstream is not told."""
        generation = self.known(account, generation_id)
        if generation is not None:
            self._registry.drop(generation, _gone(generation_id))
        self._registry.forget_lookup(account, generation_id, _gone(generation_id))

    def stop_watching(self, account: ApiSession, generation_id: str) -> None:
        """Stop following a generation until somebody listens again; it stays known."""
        generation = self.known(account, generation_id)
        if generation is not None:
            generation.eager = False
            if generation.watching is not None:
                generation.watching.cancel()
            generation.pulse()

    def known(self, account: ApiSession, generation_id: str) -> Generation | None:
        """Return the generation if it is known here; asks nobody."""
        return self._registry.known(account, generation_id)

    def known_to(self, owner: str) -> list[Generation]:
        """Return the generations of an owner that are known here, latest first; asks nobody."""
        return self._registry.known_to(owner)

    async def _looked_up(self, account: ApiSession, generation_id: str) -> Generation:
        snapshot = await self._registry.ask(account, generation_id)
        try:
            self._registry.make_room(coming=1)
        except RekaClipsError as error:
            error.generation_id = generation_id
            raise
        generation = self._registry.add(account, generation_id, snapshot, eager=False)
        generation.is_confirmed = True
        return generation

    # Submissions.

    def _reject_all(self) -> None:
        """Give everyone who still waits for a submission the error that the program is ending."""
        for submission in list(self._open):
            if submission.sent_at is None:
                error: RekaClipsError = ShutdownError("This program is ending. Nothing was sent.")
            else:
                error = CreationLostError(f"This program ended while the creation was under way; {_LOOK_FIRST}")
            self._close(submission, error)

    def _joined(self, submission: Submission) -> SubmissionHandle | None:
        under_way = next((other for other in reversed(self._open) if other.key == submission.key), None)
        if under_way is None:
            return None
        under_way.stream = under_way.stream or submission.stream
        return SubmissionHandle(under_way, joined=True)

    async def _run(self, submission: Submission) -> None:
        """Bring one creation to its outcome, then follow its generation as long as its stream lasts."""
        try:
            if submission.force_new or not await self._known_already(submission):
                self._registry.make_room()
                await self._send(submission)
        except RekaClipsError as error:
            self._close(submission, error)
        except Exception as error:  # a fault of ours must not end the program, nor leave anyone waiting
            log.exception("A creation failed unexpectedly.")
            lost = CreationLostError(f"The creation failed for a reason inside this program; if sent, {_LOOK_FIRST}")
            lost.__cause__ = error
            self._close(submission, lost)

    async def _known_already(self, submission: Submission) -> bool:
        """Resolve the submission with a generation of the same request that runs, or ended lately."""
        generation = self._registry.of_request(submission.key)
        if generation is None:
            return False
        try:
            while generation.deletions:
                await generation.changed.wait()
            if self._registry.holds(generation) and not generation.is_fresh(None):
                generation.account = submission.account  # an engine that was started again has another address
                await self._registry.refresh(generation)
        except NotFoundError:
            return False
        except RekaClipsError as error:
            if not is_temporary(error):
                raise
        if not self._registry.holds(generation):
            return False  # deleted while we waited
        ended = generation.ended_ago_seconds()
        if generation.error is not None or (ended is not None and ended > self._registry.config.repeat_seconds):
            self._registry.forget_requests(generation)
            return False
        if ended is None:
            self._resolve(submission, generation, how="joined", note=JOINED)
        else:
            words = "failed" if generation.state.stage == "failed" else "was completed"
            self._resolve(submission, generation, how="repeated", note=_REPEATED.format(ended=words, seconds=ended))
        return True

    async def _send(self, submission: Submission) -> None:
        submission.sent_at = anyio.current_time()
        try:
            await (self._send_for_stream(submission) if submission.stream else self._send_for_snapshot(submission))
        except RekaClipsError as error:
            if submission.generation is not None or recovery.is_certainly_nothing(error):
                raise
            submission.lose()
            known = self._registry.of_request(submission.key)
            found = await recovery.find(submission, error, registry=self._registry, under_way=self._open, known=known)
            self._adopt(submission, found.snapshot, how="recovered", note=found.note)

    async def _send_for_snapshot(self, submission: Submission) -> None:
        client = submission.account.client
        snapshot = await client.create(submission.request)
        submission.rate_limit = client.rate_limit
        if not _has_usable_id(snapshot):
            raise UnreadableAnswerError("The Clip API accepted the creation without naming the generation.")
        self._adopt(submission, snapshot)

    async def _send_for_stream(self, submission: Submission) -> None:
        """POST and follow the answer's stream; once the id is known, nothing that breaks is an error any more."""
        scope = anyio.CancelScope()
        try:
            with scope:
                async with submission.account.client.stream(submission.request) as stream:
                    submission.rate_limit = stream.rate_limit
                    await self._read(submission, stream, scope)
        except RekaClipsError as error:
            if submission.generation is None:
                raise
            kind = type(error).__name__
            log.info("The stream of %s broke (%s); polling instead.", submission.generation.id, kind)
        finally:
            if submission.generation is not None and submission.generation.watching is scope:
                self._registry.unwatched(submission.generation)
        if submission.generation is None:
            raise TransportError("The Clip API's stream ended before it named the generation.")

    async def _read(self, submission: Submission, stream: ClipStream, scope: anyio.CancelScope) -> None:
        generation: Generation | None = None
        async for snapshot in stream:
            if generation is None:
                if not _has_usable_id(snapshot):
                    continue
                generation = self._adopt(submission, snapshot, watching=scope)
            elif is_bare_completion(snapshot):
                return  # polling finds out whether clips follow
            else:
                generation.take(snapshot)
            if generation.is_over or generation.watching is not scope:  # the latter: one that is watched already
                return

    def _adopt(
        self,
        submission: Submission,
        snapshot: Snapshot,
        *,
        how: How = "created",
        note: str | None = None,
        watching: anyio.CancelScope | None = None,
    ) -> Generation:
        generation = self._registry.add(submission.account, str(snapshot.id), snapshot, eager=submission.stream)
        if watching is not None and generation.watching is None and not generation.is_over:
            generation.watching, generation.streaming = watching, True
        self._resolve(submission, generation, how=how, note=note)
        return generation

    def _resolve(self, submission: Submission, generation: Generation, *, how: How, note: str | None) -> None:
        generation.asked_at = anyio.current_time()
        generation.eager = generation.eager or submission.stream
        self._registry.remember(submission.key, generation)
        submission.resolve(generation, how, note)
        self._close(submission, None)
        if generation.eager:
            self._registry.watch(generation)

    def _close(self, submission: Submission, error: RekaClipsError | None) -> None:
        if error is not None:
            submission.reject(error)
        if submission in self._open:
            self._open.remove(submission)
            self._registry.under_way -= 1


def _has_usable_id(snapshot: Snapshot) -> bool:
    return snapshot.id is not None and is_generation_id(snapshot.id)


def _gone(generation_id: str) -> NotFoundError:
    error = NotFoundError(f"The generation {generation_id} was deleted.", status=404)
    error.generation_id = generation_id
    return error
