"""How `create_clips` hands a generation over instead of waiting for it: the Tasks extension takes it from there."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from reka_clips.generations import Generation, SubmissionHandle


@dataclass(slots=True)
class Handover:
    """What one call of `create_clips` handed over. job: set once it did; None: the call's result is the answer."""

    creation: SubmissionHandle | None = None
    job: Generation | None = None

    def take(self, creation: SubmissionHandle, job: Generation) -> None:
        """Take a generation whose id is known."""
        self.creation, self.job = creation, job


_taker: ContextVar[Handover | None] = ContextVar("taker", default=None)


@contextmanager
def taking_over() -> Generator[Handover]:
    """Have a call of `create_clips` within the block hand over the generation as soon as its id is known."""
    handover = Handover()
    token = _taker.set(handover)
    try:
        yield handover
    finally:
        _taker.reset(token)


def taker() -> Handover | None:
    """Return who takes the generation of this call, or None: then the call waits for it itself."""
    return _taker.get()
