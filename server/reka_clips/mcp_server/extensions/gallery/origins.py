"""Where the clips of each caller have come from so far: what the gallery declares as sources of media."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_CALLERS: Final = 256
_MAX_ORIGINS: Final = 8
_HOST: Final = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]")


class MediaOrigins:
    """The newest origins of each caller's clips; callers who were not heard of for long are forgotten."""

    def __init__(self) -> None:
        self._callers: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()

    def note(self, caller: str, urls: Iterable[str]) -> None:
        """Note where these http(s) links lead; anything else is passed over."""
        origins = [origin for origin in map(origin_of, urls) if origin is not None]
        if not origins:
            return
        known = self._callers.setdefault(caller, OrderedDict())
        self._callers.move_to_end(caller)
        for origin in origins:
            known[origin] = None
            known.move_to_end(origin)
        while len(known) > _MAX_ORIGINS:
            known.popitem(last=False)
        while len(self._callers) > _MAX_CALLERS:
            self._callers.popitem(last=False)

    def of(self, caller: str) -> list[str]:
        """Return the origins of a caller's clips."""
        return list(self._callers.get(caller, ()))


def origin_of(url: str) -> str | None:
    """Return the origin of an http(s) link as a content security policy takes it, or None if it has none.

    Nothing but a plain host with a port comes out: a policy is text, and a link is anybody's.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    name = f"[{host}]" if ":" in host else host
    if scheme not in ("http", "https") or not _HOST.fullmatch(name):
        return None
    return f"{scheme}://{name}" + ("" if port is None else f":{port}")
