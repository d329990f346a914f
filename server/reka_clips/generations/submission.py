"""A creation on its way, and what its callers hold of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, Literal

from reka_clips.generations.generation import Notifier

if TYPE_CHECKING:
    from reka_clips.contract import CreateRequest
    from reka_clips.errors import RateLimit, RekaClipsError
    from reka_clips.generations.generation import ApiSession, Generation

How = Literal["created", "joined", "repeated", "recovered"]

JOINED: Final = "The same request was already under way; nothing was sent again."


class Submission:
    """One POST, from the wish to its outcome. Several calls with the same request share one."""

    def __init__(
        self, account: ApiSession, request: CreateRequest, *, stream: bool, force_new: bool, sources_state: str = ""
    ) -> None:
        self.account = account
        self.request = request
        self.stream = stream
        self.force_new = force_new
        self.key = request_key(account, request, sources_state)
        self._news = Notifier()
        self.is_lost = False
        self.sent_at: float | None = None  # on the clock of anyio.current_time; None: not sent
        self.generation: Generation | None = None
        self.error: RekaClipsError | None = None
        self.how: How = "created"
        self.note: str | None = None
        self.rate_limit: RateLimit | None = None

    def resolve(self, generation: Generation, how: How, note: str | None) -> None:
        """Give those who wait the generation."""
        self.generation, self.how, self.note = generation, how, note
        self._news.send()

    def reject(self, error: RekaClipsError) -> None:
        """Give those who wait the error; without effect once the outcome is known."""
        if self.generation is None and self.error is None:
            self.error = error
        self._news.send()

    def lose(self) -> None:
        """Note that the answer to the POST is lost; the outcome is still open."""
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
        if self.generation is None:
            assert self.error is not None  # noqa: S101 - it is done
            raise self.error.with_traceback(None)
        return self.generation

    @property
    def _is_done(self) -> bool:
        return self.generation is not None or self.error is not None


class SubmissionHandle:
    """What `GenerationManager.create` returns at once. Wait for the generation with `job()`, as often as you like.

    how and note say what happened, once `job()` has returned: `created`; `joined`: the same request was running
    already; `repeated`: it ended lately, and this is its result; `recovered`: the answer was lost or the request
    refused as a duplicate, and the generation was found again. note: a sentence, or None.
    """

    def __init__(self, submission: Submission, *, joined: bool) -> None:
        self._submission = submission
        self._joined = joined

    async def job(self) -> Generation:
        """Return the generation as soon as its id is known.

        Being cancelled here does not stop the creation. Raises what upstream answered (ApiError), NotSentError
        when nothing arrived, BusyError, or CreationLostError when it may exist but was not found.
        """
        return await self._submission.outcome()

    @property
    def how(self) -> How:
        how = self._submission.how
        return "joined" if self._joined and how in ("created", "recovered") else how

    @property
    def note(self) -> str | None:
        return JOINED if self.how == "joined" else self._submission.note

    @property
    def rate_limit(self) -> RateLimit | None:
        """The limits in the answer to the POST; None where nothing was sent."""
        return self._submission.rate_limit


def request_key(account: ApiSession, request: CreateRequest, sources_state: str = "") -> str:
    """Return a hash that is the same for the same request of the same caller, with defaults spelt out or left out."""
    parts = [account.owner, account.backend.name, request.with_defaults(), request.query(), sources_state]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
