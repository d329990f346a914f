"""When a request that may be repeated is repeated, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reka_clips import errors
from reka_clips.client import Retries, is_temporary, retry_after_seconds

OUTAGE = errors.ServerError("Down.", status=503)


def limited(retry_after_seconds: float | None) -> errors.RateLimitError:
    limit = errors.RateLimit(retry_after_seconds=retry_after_seconds)
    return errors.RateLimitError("Slower.", status=429, rate_limit=limit)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OUTAGE, True),
        (limited(None), True),
        (errors.TransportError("Broke."), True),
        (errors.NotSentError("Not reached."), True),
        (errors.UnreadableAnswerError("HTML.", status=502), True),
        (errors.UnreadableAnswerError("Nothing."), True),
        (errors.UnreadableAnswerError("Moved.", status=307), False),  # a redirect stays one
        (errors.BadRequestError("No.", status=400), False),
        (errors.AuthenticationError("No.", status=401), False),
        (errors.CreditError("No.", status=402), False),
        (errors.NotFoundError("No.", status=404), False),
        (errors.ConflictError("No.", status=409), False),
        (errors.ShutdownError("Ending."), False),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', '')}" if isinstance(value, Exception) else "",
)
def test_outages_pass_and_refusals_do_not(error: errors.RekaClipsError, passing: bool):
    assert is_temporary(error) is passing
    assert (Retries().wait_seconds(error, attempt=1, chance=0.5) is not None) is passing


def test_waits_double_up_to_the_longest_and_end_with_the_attempts():
    retries = Retries(attempts=8, first_seconds=0.5, longest_seconds=8)
    waits = [retries.wait_seconds(OUTAGE, attempt=attempt, chance=1.0) for attempt in range(1, 9)]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8, None]


@given(st.floats(0, 1), st.integers(1, 7))
def test_chance_spreads_callers_over_half_the_wait(chance: float, attempt: int):
    retries = Retries(attempts=8)
    longest = retries.wait_seconds(OUTAGE, attempt=attempt, chance=1.0) or 0
    assert longest / 2 <= (retries.wait_seconds(OUTAGE, attempt=attempt, chance=chance) or 0) <= longest


def test_what_upstream_asks_for_is_waited_for_within_reason():
    retries = Retries(patience_seconds=20)
    assert retries.wait_seconds(limited(7), attempt=1, chance=0) == 7
    assert retries.wait_seconds(limited(0), attempt=1, chance=1) == 0.5
    assert retries.wait_seconds(limited(3600), attempt=1, chance=0) is None
    assert retry_after_seconds(limited(7)) == 7
    assert retry_after_seconds(errors.TransportError("Broke.")) is None
