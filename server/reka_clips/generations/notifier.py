"""Wakes those who wait for news."""

from __future__ import annotations

import anyio


class Notifier:
    """An event that may come any number of times. Nothing is held while nobody waits, nor for who comes too late."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    async def wait(self) -> None:
        """Return after the next `send()`."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()

    def send(self) -> None:
        """Wake all who wait now."""
        if self._event is not None:
            self._event.set()
            self._event = None
