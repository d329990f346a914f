"""Wakes those who wait for a generation to change, whichever process changes it."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_LOOK_SECONDS: Final = 0.3

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Waiter:
    version: int
    event: anyio.Event = field(default_factory=anyio.Event)


class ChangeNotifier:
    """One look at the store for all who wait, a few times a second and whenever this process changes something."""

    def __init__(self, versions: Callable[[Iterable[str]], Awaitable[dict[str, int]]]) -> None:
        """versions: returns the version of each of some generations that is there."""
        self._versions = versions
        self._waiters: dict[str, set[_Waiter]] = {}
        self._poke = anyio.Event()

    async def wait(self, job_id: str, version: int, *, seconds: float) -> None:
        """Return when the generation has another version than this, or is gone, or after some seconds."""
        waiter = _Waiter(version)
        self._waiters.setdefault(job_id, set()).add(waiter)
        self.poke()
        try:
            with anyio.move_on_after(seconds):
                await waiter.event.wait()
        finally:
            waiters = self._waiters[job_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[job_id]

    def poke(self) -> None:
        """Say that something changed, so that those who wait hear of it at once."""
        self._poke.set()

    def wake_all(self) -> None:
        """Wake all who wait, because the service ends."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.event.set()

    async def watch(self) -> None:
        """Look for changes until cancelled; run it beside the rest."""
        while True:
            # With nobody waiting there is nothing to look for.
            with anyio.move_on_after(_LOOK_SECONDS if self._waiters else None):
                await self._poke.wait()
            self._poke = anyio.Event()
            looked_for = list(self._waiters)
            try:
                versions = await self._versions(looked_for)
            except sqlite3.Error as error:  # a busy or full disk; the next look may do better
                logger.warning("The engine could not look for changes: %s", error)
                continue
            for job_id in looked_for:  # who began to wait meanwhile is looked for next time
                for waiter in self._waiters.get(job_id, ()):
                    if versions.get(job_id) != waiter.version:
                        waiter.event.set()
