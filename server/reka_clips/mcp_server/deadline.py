"""The deadline of a call: one cancel scope around everything that it awaits.

What awaits upstream looks at the deadline of the scopes around it (`anyio.current_effective_deadline`): the client ends
requests and waits shortly before it, so that its error, which says what did not answer, is what the caller gets.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from reka_clips.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Generator

CALL_SECONDS: Final = 45.0
"""How long a call may take that waits for nothing but an answer."""
SHORT_SECONDS: Final = 4.0
"""How long one may take that was asked to wait for nothing: one request, without repeats."""
_GRACE_SECONDS: Final = 0.5  # for the answer itself, once waiting is over


@contextmanager
def deadline(seconds: float, *, since: float | None = None) -> Generator[float]:
    """End everything in the block `seconds` after `since`, and a little for the answer.

    Yields the time at which waiting should end, on the clock of `anyio.current_time`; so does `since`, unset: now.
    Raises TransportError for what had to be ended.
    """
    ends_at = (anyio.current_time() if since is None else since) + seconds
    with anyio.CancelScope(deadline=ends_at + _GRACE_SECONDS) as scope:
        yield ends_at
    if scope.cancelled_caught:
        raise TransportError(f"No answer came within {seconds:g} seconds.")
