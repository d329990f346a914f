"""Who calls over HTTP: whose token, and whose Reka key comes with the request."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken, principal_components
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from reka_clips.mcp_server.context import KEY_HEADER

_REMEMBERED: Final = 1024  # callers


class CallerIdentity:
    """Gives every request the name of its caller, token and Reka key together, in the form that the SDK knows.

    The SDK then lets nobody else use a session, or answer a question that was put to this caller; also where there
    is no door. The name holds a hash of the key, never the key, and is the same in every worker.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = AuthContextMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            connection = HTTPConnection(scope)
            user = scope.get("user")
            token = user.access_token if isinstance(user, AuthenticatedUser) else None
            scope["user"] = _user(
                None if token is None else principal_components(token),
                _hash_of_key(connection),
                () if token is None else tuple(token.scopes),
                None if token is None else token.expires_at,
            )
        await self._app(scope, receive, send)


@lru_cache(maxsize=_REMEMBERED)
def _user(
    person: tuple[str, str | None, str | None] | None,
    key_hash: str | None,
    scopes: tuple[str, ...],
    expires_at: int | None,
) -> AuthenticatedUser:
    """Return the caller in the SDK's form; the same caller is the same object, since nothing ever changes it."""
    name = json.dumps([person, key_hash])
    return AuthenticatedUser(AccessToken(token="", client_id=name, scopes=list(scopes), expires_at=expires_at))


def _hash_of_key(request: HTTPConnection) -> str | None:
    own = request.headers.get(KEY_HEADER, "").strip()
    return hashlib.sha256(own.encode("utf-8", "surrogateescape")).hexdigest()[:32] if own else None
