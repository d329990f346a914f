"""Checks under which name a request came, and from which web page: a page elsewhere must not reach in.

A page can make its own name resolve to this machine (DNS rebinding); its requests then carry that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine, as they stand in a Host header."""

# A name and a number: links to clips begin with what stands there.
_NAME_AND_PORT: Final = re.compile(rb"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
# A proxy may look at the first of two, and we at the last.
_ONCE_ONLY: Final = (b"host", b"origin", b"authorization", b"mcp-session-id", b"x-reka-api-key", b"x-api-key")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: an HTTP status, and a sentence."""

    status: int
    message: str


class HostCheck:
    """The names and web pages that are let in.

    hosts: values of the Host header, and origins: of the Origin header; `…:*` is any port, and case does not matter.
    None lets in any: right only where every request needs a secret, which no page elsewhere has.
    """

    def __init__(self, *, hosts: Iterable[str] | None, origins: Iterable[str] | None) -> None:
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self._origins = None if origins is None else frozenset(origin.lower() for origin in origins)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Return why a request must not be served, or None."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        names = [name for name, _ in headers]
        repeated = next((name for name in _ONCE_ONLY if names.count(name) > 1), None)
        if repeated is not None:
            return Refusal(400, f"The header {repeated.decode()} came more than once.")
        values = dict(headers)
        host = _NAME_AND_PORT.fullmatch(values.get(b"host", b""))
        if host is None:
            return Refusal(421, "The Host header holds no name, or more than a name and a port.")
        if self._hosts is not None and not _is_among(host[0].decode().lower(), self._hosts):
            return Refusal(421, "This server does not answer under the name in the Host header.")
        origin = values.get(b"origin")
        if origin is not None and not self.allows_origin(origin.decode("latin-1")):
            return Refusal(403, "Web pages of this origin may not use this server.")
        return None

    def allows_origin(self, origin: str) -> bool:
        """Return whether pages of an origin may call."""
        return self._origins is None or _is_among(origin.lower(), self._origins)


def _is_among(value: str, patterns: frozenset[str]) -> bool:
    """Return whether a lower-case host or origin is in the list, itself or with its port as `:*`."""
    name, colon, port = value.rpartition(":")
    return value in patterns or bool(colon and port.isascii() and port.isdigit() and f"{name}:*" in patterns)
