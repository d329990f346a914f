"""Whose generations these are."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reka_clips.client import Backend, ClipClient

_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class ApiSession:
    """One key at one backend.

    owner: separates callers and reveals nothing of the key. backend: what this Clip API can do.
    """

    client: ClipClient
    owner: str
    backend: Backend


def owner_of(*, backend: str, base_url: str, api_key: str | None) -> str:
    """Return the owner for a key at an address: the same all over this process, another in the next one."""
    text = "\0".join((backend, base_url, api_key or ""))
    return hashlib.blake2b(text.encode(), key=_SALT, digest_size=16).hexdigest()
