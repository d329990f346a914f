"""When a request that may be repeated is repeated. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reka_clips.errors import (
    ApiError,
    RateLimitError,
    RekaClipsError,
    ServerError,
    TransportError,
    UnreadableAnswerError,
)


@dataclass(frozen=True, slots=True)
class Retries:
    """How GET, list and DELETE are repeated: waits of 0.5 s, 1 s, 2 s …, each with jitter; never a POST.

    attempts: how often it is sent in all. patience_seconds: a `retry-after` above this is not waited for;
    the error goes to the caller, who sees the wait in it.
    """

    attempts: int = 3
    first_seconds: float = 0.5
    longest_seconds: float = 8.0
    patience_seconds: float = 20.0

    def wait_seconds(self, error: RekaClipsError, *, attempt: int, chance: float) -> float | None:
        """Return how long to wait before sending again, or None if the error is to be raised.

        attempt: how often it was sent so far, from 1. chance: 0 to 1, spreads callers over half the wait.
        """
        if attempt >= self.attempts or not is_passing(error):
            return None
        wait = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1)) * (0.5 + chance / 2)
        asked = retry_after_seconds(error) or 0.0
        return None if asked > self.patience_seconds else max(wait, asked)


def is_passing(error: RekaClipsError) -> bool:
    """Whether the same request may succeed a little later: outages, limits, broken connections."""
    if isinstance(error, UnreadableAnswerError):
        return error.status is None or not 300 <= error.status < 400  # noqa: PLR2004 - a redirect stays one
    return isinstance(error, TransportError | ServerError | RateLimitError)


def retry_after_seconds(error: RekaClipsError) -> float | None:
    """Return the wait that upstream asks for in this error, if it does."""
    if isinstance(error, ApiError) and error.rate_limit is not None:
        return error.rate_limit.retry_after_seconds
    return None
