"""How far a job is: one share that only rises, made of parts with fixed weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Stage = Literal["indexing", "preprocessing", "processing"]


class Progress:
    """Passes on the stage and the share done of everything, 0 to 1."""

    def __init__(self, report: Callable[[Stage, float], None]) -> None:
        self._report = report
        self._share = 0.0

    def part(self, stage: Stage, *, until: float) -> Callable[[float], None]:
        """Begin a part of the work and return what takes its own share done, 0 to 1.

        until: the share of all the work that is done when the part is, 0 to 1.
        """
        base = self._share
        span = max(0.0, until - base)

        def report(share: float) -> None:
            share = base + span * min(1.0, max(0.0, share))
            if share > self._share:
                self._share = share
                self._report(stage, share)

        self._report(stage, base)
        return report
