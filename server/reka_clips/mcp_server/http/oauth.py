"""Checks access tokens of an OAuth issuer: this server is a resource server, it issues none itself."""

from __future__ import annotations

import logging
import re
from typing import Any, Final, cast

import jwt
from mcp.server.auth.provider import AccessToken

from reka_clips.mcp_server.http.jwks import IssuerKeys

logger = logging.getLogger(__name__)

# Signatures of a private key only: with a shared key, whoever can check a token could make one.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_LEEWAY_SECONDS: Final = 30
_MAX_TOKEN_CHARACTERS: Final = 16 * 1024
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class JwtVerifier:
    """The SDK's TokenVerifier for JWT access tokens (RFC 9068).

    issuer: must be the token's `iss`. audience: must be in its `aud`. A token without an expiry is refused.
    """

    def __init__(self, keys: IssuerKeys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token grants, or None if it does not open this door.

        Raises IssuerUnreachableError if that cannot be found out now.
        """
        if len(token) > _MAX_TOKEN_CHARACTERS or _COMPACT.fullmatch(token) is None:
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                return None
            key = await self._keys.find(header.get("kid"))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
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
    """The scopes granted: `scope` (RFC 9068, words in one text) or `scp` (Entra, Okta: text or list)."""
    value = claims.get("scope", claims.get("scp"))
    if isinstance(value, str):
        return value.split()
    return [item for item in cast("list[Any]", value) if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
