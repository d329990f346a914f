"""Whose generations these are."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reka_clips.client import ClipClient

_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class ApiSession:
    """One key at one backend.

    owner: separates callers in the hub and tells nothing of the key. is_near: the backend runs on this machine.
    """

    client: ClipClient
    owner: str
    backend: Literal["reka", "local"]
    is_near: bool = False


def owner_of(*, backend: str, base_url: str, api_key: str | None) -> str:
    """Return the owner for a key at an address: the same all over this process, another in the next one."""
    text = "\0".join((backend, base_url, api_key or ""))
    return hashlib.blake2b(text.encode(), key=_SALT, digest_size=16).hexdigest()
