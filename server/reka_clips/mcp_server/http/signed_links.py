"""Links to clips of the engine that open for whoever has them, until they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable
from typing import Final

from reka_clips.contract import Snapshot

CLIPS_PATH: Final = "/clips"

_NAME: Final = re.compile(r"[1-9][0-9]{0,2}\.(?:mp4|jpg)")
_QUERY: Final = re.compile(r"expires=(?P<expires>[0-9]{1,11})&signature=(?P<signature>[A-Za-z0-9_-]{1,64})")
_PURPOSE: Final = b"reka-clips-mcp/clip-link/1\n"
_SIGNATURE_BYTES: Final = 18


class ClipLinks:
    """Makes and checks links of the form `/clips/ID/1.mp4?expires=…&signature=…`.

    The signature is the whole right to fetch: no header is needed, so that a link opens in a browser or a chat.
    secret: what it is made with; every process that shares it opens the links of the others. None: one that ends
    with this process. lifetime_seconds: until a link expires.
    """

    def __init__(self, secret: str | None, *, lifetime_seconds: float, clock: Callable[[], float] = time.time) -> None:
        material = os.urandom(32) if secret is None else secret.encode()
        self._key = hashlib.sha256(_PURPOSE + material).digest()
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock

    def path(self, generation_id: str, name: str) -> str:
        """Return path and query of a link to one file of a generation. name: `1.mp4`, `1.jpg`, counted from 1."""
        # Rounded up to the quarter of an hour, so that repeated calls give the same link.
        quarter = 900
        expires = int((self._clock() + self._lifetime_seconds) // quarter + 1) * quarter
        signature = self._sign(generation_id, name, expires)
        return f"{CLIPS_PATH}/{generation_id}/{name}?expires={expires}&signature={signature}"

    def linked(self, snapshot: Snapshot, *, base_url: str) -> Snapshot:
        """Return the snapshot with links instead of `file://` addresses; a file that is no clip of it has none."""
        outputs = [
            output.model_copy(
                update={
                    "video_url": self._linked(snapshot.id, output.video_url, base_url),
                    "poster_url": self._linked(snapshot.id, output.poster_url, base_url),
                }
            )
            for output in snapshot.output
        ]
        return snapshot.model_copy(update={"output": tuple(outputs)})

    def _linked(self, generation_id: str | None, url: str | None, base_url: str) -> str | None:
        if url is None or not url.lower().startswith("file:"):
            return url
        folder, _, name = url.rpartition("/")
        if generation_id is None or folder.rpartition("/")[2].lower() != generation_id.lower():
            return None
        return base_url + self.path(generation_id, name) if _NAME.fullmatch(name) else None

    def opens(self, generation_id: str, name: str, query: str) -> bool:
        """Whether the query that came with a request signs for this file and has not expired."""
        fields = _QUERY.fullmatch(query)
        if fields is None or _NAME.fullmatch(name) is None:
            return False
        expires = int(fields["expires"])
        right = hmac.compare_digest(self._sign(generation_id, name, expires), fields["signature"])
        return right and self._clock() < expires

    def _sign(self, generation_id: str, name: str, expires: int) -> str:
        text = f"{generation_id}\n{name}\n{expires}".encode()
        digest = hmac.digest(self._key, text, "sha256")[:_SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(digest).decode()
