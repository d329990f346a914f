"""Links that open one file for whoever has them, until they expire: browsers and players send no header."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable
from typing import Final

_QUERY: Final = re.compile(r"expires=(?P<expires>[0-9]{1,11})&signature=(?P<signature>[A-Za-z0-9_-]{1,64})")
_PURPOSE: Final = b"reka-clips-mcp/clip-link/2\n"  # the secret is used for other things too
_SIGNATURE_BYTES: Final = 18
_STEP_SECONDS: Final = 900


class LinkSigner:
    """Signs paths, and checks what it signed.

    secret: every process that shares it opens the links of the others; None: a new one that ends with this process.
    lifetime_seconds: how long a link opens its file, at least.
    """

    def __init__(self, secret: str | None, *, lifetime_seconds: float, clock: Callable[[], float] = time.time) -> None:
        material = os.urandom(32) if secret is None else secret.encode()
        self._key = hashlib.sha256(_PURPOSE + material).digest()
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock

    def signed(self, path: str) -> str:
        """Return a path with the query that opens it: `/clips/ID/1.mp4?expires=…&signature=…`."""
        # Rounded up to a quarter of an hour, so that repeated calls give the same link.
        expires = int((self._clock() + self._lifetime_seconds) // _STEP_SECONDS + 1) * _STEP_SECONDS
        return f"{path}?expires={expires}&signature={self._signature(path, expires)}"

    def opens(self, path: str, query: str) -> bool:
        """Return whether the query that came with a request opens this path now."""
        fields = _QUERY.fullmatch(query)
        if fields is None:
            return False
        expires = int(fields["expires"])
        return hmac.compare_digest(self._signature(path, expires), fields["signature"]) and self._clock() < expires

    def _signature(self, path: str, expires: int) -> str:
        text = f"{path}\n{expires}".encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(hmac.digest(self._key, text, "sha256")[:_SIGNATURE_BYTES]).decode()
