"""Looks for a generation in upstream's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reka_clips.errors import NotFoundError
from reka_clips.generations.matching import looks_like

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reka_clips.client import ClipClient
    from reka_clips.contract import ClipListItem, CreateRequest, Snapshot
    from reka_clips.generations.timing import RegistryLimits


async def lookalikes(
    client: ClipClient, request: CreateRequest, *, limits: RegistryLimits, is_known: Callable[[str], bool]
) -> list[Snapshot]:
    """Return, each by a GET of its own, the generations that the list shows with the request's videos and prompt.

    The list's order is undocumented, so the beginning and the end of a long one are read. Those for which
    `is_known` are left out. Raises what the client raises.
    """
    ids = dict[str, None]()
    async for item in _both_ends(client, limits):
        if looks_like(request, item) and not is_known(item.id or ""):
            ids[item.id or ""] = None
    found: list[Snapshot] = []
    half = limits.search_candidates // 2
    for generation_id in list(ids) if len(ids) <= 2 * half else [*list(ids)[:half], *list(ids)[-half:]]:
        try:
            snapshot = await client.get(generation_id)
        except NotFoundError:
            continue
        found.append(snapshot.model_copy(update={"id": generation_id}))
    return found


async def _both_ends(client: ClipClient, limits: RegistryLimits) -> AsyncIterator[ClipListItem]:
    """Yield the entries of the first and the last `search_pages` pages, each once."""
    seen = set[str]()
    size = limits.search_page_size

    async def page(number: int) -> tuple[ClipListItem, ...]:
        return (await client.list(offset=number * size, limit=size)).items

    def new(items: tuple[ClipListItem, ...]) -> list[ClipListItem]:
        fresh = {item.id: item for item in items if item.id and item.id not in seen}
        seen.update(identity for identity in fresh if identity)
        return list(fresh.values())

    for number in range(limits.search_pages):
        items = await page(number)
        fresh = new(items)
        for item in fresh:
            yield item
        if not fresh or len(items) < size:
            return
    # The end is found by doubling and halving: a list of a thousand pages costs twenty requests, not a thousand.
    last, beyond = limits.search_pages - 1, 2 * limits.search_pages
    while beyond < limits.search_furthest_page and await page(beyond):
        last, beyond = beyond, 2 * beyond
    while beyond - last > 1:
        middle = (last + beyond) // 2
        last, beyond = (middle, beyond) if await page(middle) else (last, middle)
    for number in range(max(limits.search_pages, last - limits.search_pages + 1), last + 1):
        for item in new(await page(number)):
            yield item
