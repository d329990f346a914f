"""A creation that was asked for: its POST goes on whatever becomes of those who wait for it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, Literal

from reka_clips.generations.notifier import Notifier

if TYPE_CHECKING:
    from reka_clips.contract import CreateRequest
    from reka_clips.errors import RateLimit, RekaClipsError
    from reka_clips.generations.generation import Generation
    from reka_clips.generations.session import ApiSession

How = Literal["created", "joined", "repeated", "recovered"]


JOINED: Final = "The same request was already under way; nothing was sent again."


class Submission:
    """One POST, from the wish to its outcome; the hub's. Several creations of the same request share one."""

    def __init__(
        self, account: ApiSession, request: CreateRequest, *, stream: bool, force_new: bool, sources_state: str = ""
    ) -> None:
        self.account = account
        self.request = request
        self.stream = stream
        self.force_new = force_new
        self.key = creation_key(account, request, sources_state)
        self.footprint = footprint(account, request)
        self._news = Notifier()
        self.is_lost = False
        self.sent_at: float | None = None  # on the clock of anyio.current_time; None: not sent
        self.job: Generation | None = None
        self.error: RekaClipsError | None = None
        self.how: How = "created"
        self.note: str | None = None
        self.rate_limit: RateLimit | None = None

    def resolve(self, job: Generation, how: How, note: str | None) -> None:
        """Tell those who wait which generation it is."""
        self.job, self.how, self.note = job, how, note
        self._news.send()

    def reject(self, error: RekaClipsError) -> None:
        """Tell those who wait that it came to nothing; without effect once the outcome is known."""
        if self.job is None and self.error is None:
            self.error = error
        self._news.send()

    def lose(self) -> None:
        """Say that the answer to the POST is lost; the outcome is still open."""
        self.is_lost = True
        self._news.send()

    async def answered(self) -> None:
        """Wait until its id is known, its answer was lost, or it was refused."""
        while not (self.is_lost or self._is_done):
            await self._news.wait()

    async def outcome(self) -> Generation:
        """Return its generation as soon as that is known; raises what it came to instead."""
        while not self._is_done:
            await self._news.wait()
        if self.job is None:
            assert self.error is not None  # noqa: S101 - it is done
            raise self.error.with_traceback(None)
        return self.job

    @property
    def _is_done(self) -> bool:
        return self.job is not None or self.error is not None


class SubmissionHandle:
    """What `Hub.create` returns at once. Wait for the generation with `job()`, as often as you like.

    how and note tell what happened, once `job()` has returned: `created`; `joined`: the same request was
    running already; `repeated`: it ended lately, and this is its result; `recovered`: the answer was lost or
    the request refused as a duplicate, and the generation was found again. note: a sentence, or None.
    """

    def __init__(self, posting: Submission, *, joined: bool) -> None:
        self._posting = posting
        self._joined = joined

    async def job(self) -> Generation:
        """Return the generation as soon as its id is known.

        Being cancelled here does not stop the creation. Raises what upstream answered (ApiError), NotSentError
        when nothing arrived, BusyError, or CreationLostError when it may exist but was not found.
        """
        return await self._posting.outcome()

    @property
    def how(self) -> How:
        how = self._posting.how
        return "joined" if self._joined and how in ("created", "recovered") else how

    @property
    def note(self) -> str | None:
        return JOINED if self.how == "joined" else self._posting.note

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the answer to the POST said of the requests left; None where nothing was sent."""
        return self._posting.rate_limit


def creation_key(account: ApiSession, request: CreateRequest, sources_state: str = "") -> str:
    """Return a hash that is the same for the same request of the same caller, with defaults spelt out or left out.

    sources_state: as `download.local` tells it of files of this computer.
    """
    return _hash([account.owner, account.backend.name, request.with_defaults(), request.query(), sources_state])


def footprint(account: ApiSession, request: CreateRequest) -> str:
    """Return a hash of what a list shows of a request: requests that share it cannot be told apart there."""
    return _hash([account.owner, account.backend.name, list(request.video_urls), request.prompt or ""])


def _hash(parts: list[object]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
