"""Secrets that callers send: how they are found in a request, and how they are compared."""

from __future__ import annotations

import hashlib
import hmac

from starlette.datastructures import Headers


class SharedSecret:
    """One word that callers must know. It is kept as a hash, and compared in constant time whatever its length."""

    def __init__(self, secret: str) -> None:
        self._digest = _digest(secret)

    def matches(self, sent: str) -> bool:
        """Return whether this is the word."""
        return hmac.compare_digest(_digest(sent), self._digest)


def bearer_token(headers: Headers) -> str:
    """Return the token of an `Authorization: Bearer` header, or "" where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
