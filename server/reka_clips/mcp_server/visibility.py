"""What one caller gets to see of generations that others may have made, and of links that nobody can open.

Callers who share an account, the engine's or the operator's at Reka, see each other's generations. The link of a
source may carry permissions in its query (presigned links do), so only the caller who sent it sees it whole.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import get_access_token

from reka_clips.contract.video_urls import is_video_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reka_clips.contract import ClipList, ClipListItem, ClipOutput, Snapshot

_MAX_REMEMBERED: Final = 10_000

ItemT = TypeVar("ItemT", "Snapshot", "ClipListItem")


class Creators:
    """Which caller created which generation, as far as this process knows. A caller is a token with a Reka key."""

    def __init__(self) -> None:
        self._callers: OrderedDict[str, str] = OrderedDict()

    def note(self, generation_id: str) -> None:
        """Remember that the present caller created a generation."""
        self._callers[generation_id.lower()] = _caller()
        if len(self._callers) > _MAX_REMEMBERED:
            self._callers.popitem(last=False)

    def is_mine(self, generation_id: str | None) -> bool:
        """Return whether the present caller is known to have created a generation."""
        return generation_id is not None and self._callers.get(generation_id.lower()) == _caller()

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot as the present caller may see it."""
        if self.is_mine(snapshot.id):
            return snapshot
        output = [clip.model_copy(update={"source_url": _without_query(clip.source_url)}) for clip in snapshot.output]
        return _plain_sources(snapshot).model_copy(update={"output": tuple(output)})

    def page(self, page: ClipList) -> ClipList:
        """Return a list as the present caller may see it."""
        items = [item if self.is_mine(item.id) else _plain_sources(item) for item in page.items]
        return page.model_copy(update={"items": tuple(items)})


def without_files(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot without `file:` links: those of a service elsewhere name nothing on this computer."""
    return snapshot.model_copy(
        update={
            "video_urls": tuple(url for url in snapshot.video_urls if not _is_file(url)),
            "output": tuple(_clip_without_files(clip) for clip in snapshot.output),
        }
    )


def _clip_without_files(clip: ClipOutput) -> ClipOutput:
    links = ("video_url", "signed_s3_video_url", "poster_url", "source_url")
    return clip.model_copy(update={name: None for name in links if _is_file(getattr(clip, name))})


def _is_file(url: str | None) -> bool:
    return url is not None and url.strip().lower().startswith("file:")


def _plain_sources(item: ItemT) -> ItemT:
    return item.model_copy(update={"video_urls": tuple(_without_queries(item.video_urls))})


def _without_queries(urls: Iterable[str]) -> Iterable[str]:
    return (plain for plain in map(_without_query, urls) if plain is not None)


def _without_query(url: str | None) -> str | None:
    """Return a link without query and fragment, or None for what is no link. YouTube's query only names the video."""
    try:
        parts = urlsplit(url or "")
        is_page = is_video_page(url or "")
    except ValueError:
        return None
    return url if parts.scheme == "file" or is_page else parts._replace(query="", fragment="").geturl() or None


def _caller() -> str:
    token = get_access_token()  # of CallerIdentity, for everyone who calls over HTTP
    return "" if token is None else token.client_id
