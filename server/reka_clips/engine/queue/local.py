"""Which generation to work on next, inside one engine process.

A queue is a hint: what it loses or gives out twice does no harm, as the store decides whether work may begin.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

_RETRY_SECONDS: Final = 2.0


class LocalQueue:
    """First in, first out; lost with the process, whose next start puts everything back that is unfinished."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._news = anyio.Event()

    def put(self, generation_id: str) -> None:
        """Have a generation worked on when it is its turn."""
        self._waiting.append(generation_id)
        self._news.set()

    def put_later(self, generation_id: str, tasks: TaskGroup) -> None:
        """Put a generation back that could not be begun now. tasks: where to wait meanwhile."""

        async def wait() -> None:
            await anyio.sleep(_RETRY_SECONDS)
            self.put(generation_id)

        tasks.start_soon(wait)

    async def work(self, handle: Callable[[str], Awaitable[None]], *, at_once: int) -> None:
        """Handle what is put, `at_once` generations at a time, until cancelled. handle: must not raise."""
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self._work, handle)

    async def _work(self, handle: Callable[[str], Awaitable[None]]) -> None:
        while True:
            while not self._waiting:
                await self._news.wait()
                if not self._waiting:
                    self._news = anyio.Event()
            await handle(self._waiting.popleft())
