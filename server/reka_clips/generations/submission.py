"""Sends each creation once and finds out what became of it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.client import is_temporary
from reka_clips.errors import (
    CreationLostError,
    NotFoundError,
    RekaClipsError,
    ShutdownError,
    TransportError,
    UnreadableAnswerError,
)
from reka_clips.generations.generation import is_bare_completion
from reka_clips.generations.recovery import Recovery, is_certainly_nothing
from reka_clips.generations.submission_handle import JOINED, How, Submission, SubmissionHandle

if TYPE_CHECKING:
    from reka_clips.client import ClipStream
    from reka_clips.contract import CreateRequest, Snapshot
    from reka_clips.generations.generation import Generation
    from reka_clips.generations.registry import GenerationRegistry
    from reka_clips.generations.session import ApiSession

log = logging.getLogger(__name__)

_USABLE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_REPEATED: Final = (
    "The same request {ended} {seconds:.0f} seconds ago; this is that generation, and nothing was sent again. "
    "To have it made anew, ask with force_new."
)
_LOOK_FIRST: Final = "it may have been created and charged: look at list_clips before sending it again."


class Submitter:
    """The creating half of the hub: joins, POSTs, and what comes of them."""

    def __init__(self, ledger: GenerationRegistry) -> None:
        self._ledger = ledger
        self._open: list[Submission] = []  # every creation whose outcome is not known yet, oldest first
        self._recovery = Recovery(ledger, self._open)

    def create(
        self, account: ApiSession, request: CreateRequest, *, stream: bool, force_new: bool, sources_state: str
    ) -> SubmissionHandle:
        """See GenerationManager.create."""
        posting = Submission(account, request, stream=stream, force_new=force_new, sources_state=sources_state)
        joined = None if force_new else self._joined(posting)
        if joined is not None:
            return joined
        self._ledger.start(self._run, posting)
        self._open.append(posting)
        self._ledger.under_way += 1
        return SubmissionHandle(posting, joined=False)

    async def earlier(self, account: ApiSession, request: CreateRequest, *, stream: bool) -> SubmissionHandle | None:
        """See Hub.earlier."""
        posting = Submission(account, request, stream=stream, force_new=False)
        joined = self._joined(posting)
        if joined is not None:
            return joined
        return SubmissionHandle(posting, joined=False) if await self._known_already(posting) else None

    def reject_all(self) -> None:
        """Tell everyone who still waits for a creation that the program is ending."""
        for posting in list(self._open):
            if posting.sent_at is None:
                error: RekaClipsError = ShutdownError("This program is ending. Nothing was sent.")
            else:
                error = CreationLostError(f"This program ended while the creation was under way; {_LOOK_FIRST}")
            self._close(posting, error)

    def _joined(self, posting: Submission) -> SubmissionHandle | None:
        under_way = next((other for other in reversed(self._open) if other.key == posting.key), None)
        if under_way is None:
            return None
        under_way.stream = under_way.stream or posting.stream
        return SubmissionHandle(under_way, joined=True)

    async def _run(self, posting: Submission) -> None:
        """Bring one creation to its outcome, then follow its generation as long as its stream lasts."""
        try:
            if posting.force_new or not await self._known_already(posting):
                self._ledger.make_room()
                await self._send(posting)
        except RekaClipsError as error:
            self._close(posting, error)
        except Exception as error:  # a fault of ours must not end the hub, nor leave anyone waiting
            log.exception("A creation failed unexpectedly.")
            lost = CreationLostError(f"The creation failed for a reason inside this program; if sent, {_LOOK_FIRST}")
            lost.__cause__ = error
            self._close(posting, lost)

    async def _known_already(self, posting: Submission) -> bool:
        """Resolve the posting with a generation of the same request that runs, or ended lately."""
        job = self._ledger.of_request(posting.key)
        if job is None:
            return False
        try:
            while job.deletions:
                await job.changed.wait()
            if self._ledger.holds(job) and not job.is_fresh(None):
                job.account = posting.account  # an engine that was started again has another address
                await self._ledger.refresh(job)
        except NotFoundError:
            return False
        except RekaClipsError as error:
            if not is_temporary(error):
                raise
        if not self._ledger.holds(job):
            return False  # deleted while we waited
        ended = job.ended_ago_seconds()
        if job.error is not None or (ended is not None and ended > self._ledger.pace.repeat_seconds):
            self._ledger.forget_requests(job)
            return False
        if ended is None:
            self._resolve(posting, job, how="joined", note=JOINED)
        else:
            words = "failed" if job.state.stage == "failed" else "was completed"
            self._resolve(posting, job, how="repeated", note=_REPEATED.format(ended=words, seconds=ended))
        return True

    async def _send(self, posting: Submission) -> None:
        posting.sent_at = anyio.current_time()
        try:
            await (self._send_for_stream(posting) if posting.stream else self._send_for_snapshot(posting))
        except RekaClipsError as error:
            if posting.job is not None or is_certainly_nothing(error):
                raise
            posting.lose()
            found = await self._recovery.find(posting, error, known=self._ledger.of_request(posting.key))
            self._adopt(posting, found.snapshot, how="recovered", note=found.note)

    async def _send_for_snapshot(self, posting: Submission) -> None:
        client = posting.account.client
        snapshot = await client.create(posting.request)
        posting.rate_limit = client.rate_limit
        if not _has_usable_id(snapshot):
            raise UnreadableAnswerError("The Clip API accepted the creation without naming the generation.")
        self._adopt(posting, snapshot)

    async def _send_for_stream(self, posting: Submission) -> None:
        """POST and follow the answer's stream; once the id is known, nothing that breaks is an error any more."""
        scope = anyio.CancelScope()
        try:
            with scope:
                async with posting.account.client.stream(posting.request) as stream:
                    posting.rate_limit = stream.rate_limit
                    await self._read(posting, stream, scope)
        except RekaClipsError as error:
            if posting.job is None:
                raise
            log.info("The stream of %s broke (%s); asking for it instead.", posting.job.id, type(error).__name__)
        finally:
            if posting.job is not None and posting.job.watching is scope:
                self._ledger.unwatched(posting.job)
        if posting.job is None:
            raise TransportError("The Clip API's stream ended before it named the generation.")

    async def _read(self, posting: Submission, stream: ClipStream, scope: anyio.CancelScope) -> None:
        job: Generation | None = None
        async for snapshot in stream:
            if job is None:
                if not _has_usable_id(snapshot):
                    continue
                job = self._adopt(posting, snapshot, watching=scope)
            elif is_bare_completion(snapshot):
                return  # polling finds out whether clips follow
            else:
                job.take(snapshot)
            if job.is_over or job.watching is not scope:  # the latter: upstream named one that is followed already
                return

    def _adopt(
        self,
        posting: Submission,
        snapshot: Snapshot,
        *,
        how: How = "created",
        note: str | None = None,
        watching: anyio.CancelScope | None = None,
    ) -> Generation:
        job = self._ledger.add(posting.account, str(snapshot.id), snapshot, eager=posting.stream)
        if watching is not None and job.watching is None and not job.is_over:
            job.watching, job.streaming = watching, True
        self._resolve(posting, job, how=how, note=note)
        return job

    def _resolve(self, posting: Submission, job: Generation, *, how: How, note: str | None) -> None:
        job.asked_at = anyio.current_time()
        job.eager = job.eager or posting.stream
        self._ledger.remember(posting.key, job)
        posting.resolve(job, how, note)
        self._close(posting, None)
        if job.eager:
            self._ledger.watch(job)

    def _close(self, posting: Submission, error: RekaClipsError | None) -> None:
        if error is not None:
            posting.reject(error)
        if posting in self._open:
            self._open.remove(posting)
            self._ledger.under_way -= 1


def _has_usable_id(snapshot: Snapshot) -> bool:
    return snapshot.id is not None and _USABLE_ID.fullmatch(snapshot.id) is not None
