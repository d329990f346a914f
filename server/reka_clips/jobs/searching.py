"""Looks for a generation in upstream's list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reka_clips.errors import NotFoundError
from reka_clips.jobs.matching import looks_like

if TYPE_CHECKING:
    from collections.abc import Callable

    from reka_clips.client import ClipClient
    from reka_clips.contract import CreateRequest, Snapshot
    from reka_clips.jobs.pace import HubLimits


async def lookalikes(
    client: ClipClient, request: CreateRequest, *, limits: HubLimits, is_known: Callable[[str], bool]
) -> list[Snapshot]:
    """Return, each by a GET of its own, the generations that the list shows with the request's videos and prompt.

    The list's order is undocumented, so it is read to its end or for `search_pages` pages. Those for which
    `is_known` are left out. Raises what the client raises.
    """
    ids = dict[str, None]()
    seen = set[str]()
    for page in range(limits.search_pages):
        items = (await client.list(offset=page * limits.search_page_size, limit=limits.search_page_size)).items
        new = [item for item in items if item.id and item.id not in seen]
        seen.update(item.id for item in new if item.id)
        ids |= {item.id: None for item in new if item.id and looks_like(request, item) and not is_known(item.id)}
        if not new or len(items) < limits.search_page_size:
            break
    found: list[Snapshot] = []
    for generation_id in list(ids)[: limits.search_candidates]:
        try:
            snapshot = await client.get(generation_id)
        except NotFoundError:
            continue
        found.append(snapshot.model_copy(update={"id": generation_id}))
    return found
