"""Several things at once, with errors as if they had been done one after the other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar, cast

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")


async def together(functions: Sequence[Callable[[], Awaitable[T]]], *, limit: int | None = None) -> list[T]:
    """Call all functions at the same time, at most `limit` at once, and return their results in their order.

    When one raises, the others are cancelled and its error is raised, not in an exception group.
    """
    results: dict[int, T] = {}
    limiter = anyio.CapacityLimiter(limit or max(1, len(functions)))

    async def call(number: int, function: Callable[[], Awaitable[T]]) -> None:
        async with limiter:
            results[number] = await function()

    try:
        async with anyio.create_task_group() as tasks:
            for number, function in enumerate(functions):
                tasks.start_soon(call, number, function)
    except BaseExceptionGroup as group:
        raise _first(group) from None
    return [results[number] for number in range(len(functions))]


def default_parallelism() -> int:
    """Return how many films to decode or encode at the same time: ffmpeg alone leaves a part of two cores idle."""
    return max(1, min(4, os.cpu_count() or 2))


def _first(error: BaseException) -> BaseException:
    """Return the first single error of nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
