"""The public keys of an OAuth issuer: fetched when first needed, again when they grow old or one is unknown."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import anyio
import anyio.to_thread
from jwt import PyJWKSet
from jwt.exceptions import PyJWTError

from reka_clips import __version__

logger = logging.getLogger(__name__)

_MAX_BYTES: Final = 512 * 1024
_TIMEOUT_SECONDS: Final = 10.0
_FRESH_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 15.0  # between two fetches, so that tokens with made-up key names cause no flood


class IssuerUnreachableError(Exception):
    """The issuer's keys could not be read, so no token can be checked now."""


class IssuerKeys:
    """Keys of one issuer by their ids.

    issuer: as in the tokens. jwks_url: where the keys are; None: where the issuer's metadata says (RFC 8414 or
    OpenID Connect Discovery).
    """

    def __init__(self, issuer: str, *, jwks_url: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: dict[str | None, Any] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = anyio.Lock()

    async def find(self, key_id: str | None) -> Any | None:
        """Return the key that signs under this id, or None if the issuer has no such key.

        key_id None: the only key, if there is only one. Raises IssuerUnreachableError if there are no keys to look in.
        """
        if self._is_old() or self._known(key_id) is None:
            async with self._lock:
                if self._may_fetch() and (self._is_old() or self._known(key_id) is None):
                    await self._fetch()
        if self._fetched_at is None:
            raise IssuerUnreachableError
        return self._known(key_id)

    def _known(self, key_id: str | None) -> Any | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > _FRESH_SECONDS

    def _may_fetch(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at > _PAUSE_SECONDS

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            keys = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        except (OSError, ValueError, PyJWTError) as error:
            logger.warning("The keys of the OAuth issuer could not be read (%s).", type(error).__name__)
            return
        self._keys, self._fetched_at = keys, self._clock()

    def _read(self) -> dict[str | None, Any]:
        if self._jwks_url is None:
            self._jwks_url = _jwks_url(self._issuer)
        found = PyJWKSet.from_dict(_json(self._jwks_url))
        return {key.key_id: key.key for key in found.keys if key.public_key_use in (None, "sig")}


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be. Source: RFC 8414 section 3.1, OpenID Connect Discovery section 4."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/openid-configuration{path}",
    )


def _jwks_url(issuer: str) -> str:
    problem: Exception = ValueError("no metadata")
    for url in dict.fromkeys(metadata_urls(issuer)):
        try:
            metadata = _json(url)
        except (OSError, ValueError) as error:
            problem = error
            continue
        if metadata.get("issuer") != issuer:
            problem = ValueError("the metadata names another issuer")
            continue
        return str(metadata.get("jwks_uri", ""))
    raise problem


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _json(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        raise ValueError("not an https address")
    request = Request(  # noqa: S310 - the scheme was checked
        url, headers={"Accept": "application/json", "User-Agent": f"reka-clips-mcp/{__version__}"}
    )
    try:
        with build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_SECONDS) as answer:
            content = answer.read(_MAX_BYTES + 1)
    except HTTPError as error:
        error.close()  # it holds the connection
        raise ValueError(f"answered {error.code}") from None
    if len(content) > _MAX_BYTES:
        raise ValueError("too large")
    value = json.loads(content)
    if not isinstance(value, Mapping):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind for all that is wrong with it
    return dict(cast("Mapping[str, Any]", value))
