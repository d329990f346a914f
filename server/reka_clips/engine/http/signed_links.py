"""Links to the files of a generation: `file://` for use on this machine, signed http links for others.

A signed link opens its file without a key until it expires, because browsers and players send no header. The
same link is given out for an hour, so that repeated snapshots are equal.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from reka_clips.engine.service.paths import Folders

_STEP_SECONDS: Final = 3600


class Links(Protocol):
    """Makes the links that stand in snapshots."""

    def file(self, job_id: str, name: str) -> str:
        """Return the link to a file of a generation. name: `1.mp4`, `1.jpg`, counted from 1."""
        ...


class FileLinks:
    """`file://` links, for callers on this machine."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def file(self, job_id: str, name: str) -> str:
        return (self._folders.clips(job_id) / name).absolute().as_uri()


class LinkSigner:
    """Signs paths, and checks what it signed. `seconds`: how long a link opens its file, at least."""

    def __init__(self, secret: str, *, seconds: float) -> None:
        self._secret = secret.encode()
        self._seconds = seconds

    def query(self, path: str) -> str:
        """Return the query that opens a path, such as `/v1/clips/ID/output/1.mp4`."""
        until = time.time() + self._seconds
        expires = int(until // _STEP_SECONDS + 1) * _STEP_SECONDS
        return f"expires={expires}&signature={self._signature(path, expires)}"

    def opens(self, path: str, expires: str, signature: str) -> bool:
        """Whether these two values of a query open a path now."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):  # noqa: PLR2004
            return False
        is_signed = hmac.compare_digest(signature, self._signature(path, int(expires)))
        return is_signed and int(expires) > time.time()

    def _signature(self, path: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{path}\n{expires}".encode(), "sha256").hex()


class SignedLinks:
    """http(s) links that begin with `base_url` and open without a key for a time."""

    def __init__(self, base_url: str, signer: LinkSigner) -> None:
        self._base_url = base_url.rstrip("/")
        self._signer = signer

    def file(self, job_id: str, name: str) -> str:
        path = f"/v1/clips/{job_id}/output/{name}"
        return f"{self._base_url}{path}?{self._signer.query(path)}"
