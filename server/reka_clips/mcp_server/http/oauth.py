"""Checks access tokens of an OAuth issuer: this server is a resource server, it issues none itself."""

from __future__ import annotations

import logging
import re
import time
from typing import Any, Final, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import jwt
from jwt import PyJWK, PyJWKClient
from jwt.exceptions import PyJWKClientError
from mcp.server.auth.provider import AccessToken

from reka_clips import __version__
from reka_clips.variables import is_loopback

logger = logging.getLogger(__name__)

# Signatures of a private key only: with a shared key, whoever can check a token could make one.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_LEEWAY_SECONDS: Final = 30
_MAX_TOKEN_CHARACTERS: Final = 16 * 1024
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FRESH_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 15.0  # between two fetches, so that tokens with made-up key names cause no flood
_FETCH_SECONDS: Final = 10.0  # for all of it: an issuer that sends a byte now and then holds nobody up
_FETCHES_AT_ONCE: Final = 4
_HEADERS: Final = {"Accept": "application/json", "User-Agent": f"reka-clips-mcp/{__version__}"}


class IssuerUnreachableError(Exception):
    """The issuer's keys could not be read, so no token can be checked now."""


class IssuerKeys:
    """Keys of one issuer by their ids, fetched when first needed, when they are old, and when one is unknown.

    issuer: as in the tokens. jwks_url: where the keys are; None: where the issuer's metadata says (RFC 8414 or
    OpenID Connect Discovery). fetch_seconds: how long a token waits for a fetch.
    """

    def __init__(self, issuer: str, *, jwks_url: str | None, fetch_seconds: float = _FETCH_SECONDS) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._fetch_seconds = fetch_seconds
        self._client: PyJWKClient | None = None
        self._known: list[PyJWK] = []  # of the last fetch that succeeded, for while the issuer is down
        self._failed_at = -_PAUSE_SECONDS
        # A fetch that was given up goes on in its thread until the issuer ends it; so many may be left behind.
        self._threads = anyio.CapacityLimiter(_FETCHES_AT_ONCE)

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key that signs under this id, or None if the issuer has no such key.

        key_id None: the only key, if there is only one. Raises IssuerUnreachableError if there are no keys to look in.
        """
        cache = None if self._client is None else self._client.jwk_set_cache
        fresh = None if cache is None else cache.get()
        key = None if fresh is None else _key_of(fresh.keys, key_id)
        if key is not None:
            return key
        if time.monotonic() - self._failed_at >= _PAUSE_SECONDS:
            try:
                with anyio.fail_after(self._fetch_seconds):
                    self._known = await anyio.to_thread.run_sync(
                        self._fetch, key_id, abandon_on_cancel=True, limiter=self._threads
                    )
            except (OSError, ValueError, jwt.PyJWTError) as error:  # OSError: TimeoutError too
                self._failed_at = time.monotonic()
                logger.warning("The keys of the OAuth issuer could not be read (%s).", type(error).__name__)
        if not self._known:
            raise IssuerUnreachableError
        return _key_of(self._known, key_id)

    def _fetch(self, key_id: str | None) -> list[PyJWK]:
        """Return the issuer's keys: those at hand where they are fresh, unless one is unknown."""
        if self._client is None:
            self._client = _SigningKeys(
                _checked(self._jwks_url or _jwks_url(self._issuer)),
                headers=_HEADERS,
                timeout=_FETCH_SECONDS,
                lifespan=_FRESH_SECONDS,
                cooldown_duration=_PAUSE_SECONDS,
            )
        if key_id is not None:
            try:
                self._client.get_signing_key(key_id)  # fetches again for an unknown one, unless it did lately
            except jwt.PyJWKClientConnectionError:
                raise
            except PyJWKClientError:
                logger.info("A token names a key that the issuer does not have.")
        return self._client.get_jwk_set().keys


class _SigningKeys(PyJWKClient):
    """PyJWT's client, without keys that are not for checking signatures."""

    def fetch_data(self) -> Any:
        data = cast("dict[str, Any]", super().fetch_data())
        keys = data.get("keys")
        found = [cast("dict[str, Any]", key) for key in cast("list[Any]", keys or []) if isinstance(key, dict)]
        return data | {"keys": [key for key in found if _signs(key)]}


def _signs(key: dict[str, Any]) -> bool:
    return key.get("use", "sig") == "sig" and "verify" in (key.get("key_ops") or ["verify"])


def _key_of(keys: list[PyJWK], key_id: str | None) -> PyJWK | None:
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.key_id == key_id), None)


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
            # The same careful fetch as for keys: a JSON object, no redirects.
            metadata = PyJWKClient(_checked(url), cache_jwk_set=False, headers=_HEADERS, timeout=_FETCH_SECONDS)
            found = cast("dict[str, Any]", metadata.fetch_data())
        except (OSError, ValueError, jwt.PyJWTError) as error:
            problem = error
            continue
        if found.get("issuer") != issuer:
            problem = ValueError("the metadata names another issuer")
            continue
        return str(found.get("jwks_uri", ""))
    raise problem


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("not an https address")
    return url


class JwtVerifier:
    """The SDK's TokenVerifier for JWT access tokens (RFC 9068).

    issuer: must be the token's `iss`. audience: must be in its `aud`. A token without an expiry is refused, and so is
    one signed with an RSA key below 2048 bits.
    """

    def __init__(self, keys: IssuerKeys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token grants, or None if it is not valid here.

        Raises IssuerUnreachableError if that cannot be found out now.
        """
        if len(token) > _MAX_TOKEN_CHARACTERS or _COMPACT.fullmatch(token) is None:
            return None
        try:
            header = jwt.get_unverified_header(token)
            key_id: object = header.get("kid")
            if header.get("alg") not in ALGORITHMS or not (key_id is None or isinstance(key_id, str)):
                return None
            key = await self._keys.find(key_id)
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            logger.info("An access token was refused (%s).", type(error).__name__)
            return None
        subject = _text(claims.get("sub"))
        return AccessToken(
            token="",  # what was checked is not kept: nothing here may pass it on
            client_id=_text(claims.get("client_id")) or _text(claims.get("azp")) or subject or "unknown",
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]) + _LEEWAY_SECONDS,
            resource=self._audience,
            subject=subject,
            claims={"iss": self._issuer},
        )


def _scopes(claims: dict[str, Any]) -> list[str]:
    """Return the scopes granted: `scope` (RFC 9068, words in one text) or `scp` (Entra, Okta: text or list)."""
    value = claims.get("scope", claims.get("scp"))
    if isinstance(value, str):
        return value.split()
    return [item for item in cast("list[Any]", value) if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
