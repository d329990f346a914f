"""The door of the HTTP side: who sends a valid token comes in, whatever the path."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.authentication import AuthenticationError
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reka_clips.mcp_server.http.policy import resource_url
from reka_clips.settings import Settings

if TYPE_CHECKING:
    from reka_clips.mcp_server.http.jwks import IssuerKeys

# An issuer is compared letter by letter: no slash may be added to an address without a path.
_URL: Final = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))
_TEAM: Final = "team"  # everyone who comes with the operator's own token
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class StaticTokenVerifier:
    """The SDK's TokenVerifier for the one token that the operator set; others go to `otherwise`."""

    def __init__(self, token: str, *, scopes: tuple[str, ...], otherwise: TokenVerifier | None) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()
        self._scopes = scopes
        self._otherwise = otherwise

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return full access for the operator's token. Compared in constant time, whatever its length."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if hmac.compare_digest(digest, self._digest):
            return AccessToken(token="", client_id=_TEAM, scopes=list(self._scopes))
        return None if self._otherwise is None else await self._otherwise.verify_token(token)


class Door:
    """Everything behind it needs a token. Built of the SDK's parts, so that sessions belong to who opened them."""

    def __init__(self, settings: Settings) -> None:
        self._scopes = settings.oauth_scopes
        self._resource: AnyHttpUrl | None = None
        self._issuer = settings.oauth_issuer
        verifier: TokenVerifier | None = None
        if settings.oauth_issuer is not None:
            verifier = self._oauth(settings, settings.oauth_issuer)
        if settings.auth_token is not None:
            verifier = StaticTokenVerifier(settings.auth_token, scopes=settings.oauth_scopes, otherwise=verifier)
        self._verifier = verifier

    def _oauth(self, settings: Settings, issuer: str) -> TokenVerifier:
        from reka_clips.mcp_server.http.jwks import IssuerKeys
        from reka_clips.mcp_server.http.oauth import JwtVerifier

        resource = resource_url(settings)
        if resource is None:
            raise ValueError("OAuth needs a public address")  # policy_for refuses this before
        self._resource = _url(resource)
        keys: IssuerKeys = IssuerKeys(issuer, jwks_url=settings.oauth_jwks_url)
        return JwtVerifier(keys, issuer=issuer, audience=settings.oauth_audience or resource)

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return the app behind the door, or the app itself where there is no door."""
        if self._verifier is None:
            return app
        metadata_url = None if self._resource is None else build_resource_metadata_url(self._resource)
        inner = RequireAuthMiddleware(app, list(self._scopes), metadata_url)
        return AuthenticationMiddleware(
            AuthContextMiddleware(inner), backend=_Backend(self._verifier), on_error=_cannot_check
        )

    def open_routes(self) -> list[Route]:
        """Return what must be read before a client has a token: the protected resource metadata of RFC 9728."""
        if self._resource is None or self._issuer is None:
            return []
        return create_protected_resource_routes(
            resource_url=self._resource,
            authorization_servers=[_url(self._issuer)],
            scopes_supported=list(self._scopes) or None,
            resource_name="reka-clips-mcp",
        )


class RejectForwarded:
    """Turns away what came through a proxy while there is no door: then others than this machine's users call."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(name in _FORWARDED for name, _ in scope["headers"]):
            message = (
                "This server is for its own computer only, and this request came through a proxy. Its operator can "
                "set REKA_CLIPS_PUBLIC_URL together with REKA_CLIPS_AUTH_TOKEN."
            )
            await JSONResponse({"error": message}, status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Backend(BearerAuthBackend):
    async def authenticate(self, conn: HTTPConnection):  # noqa: ANN202 - the SDK's type: it names none
        from reka_clips.mcp_server.http.jwks import IssuerUnreachableError

        try:
            return await super().authenticate(conn)
        except IssuerUnreachableError as error:
            raise AuthenticationError("The identity provider cannot be reached, so no token can be checked.") from error


def _url(text: str) -> AnyHttpUrl:
    return _URL.validate_python(text)


def _cannot_check(_: HTTPConnection, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": "15"})
