"""Authentication on the HTTP side: every request needs a valid token, whatever the path."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.authentication import AuthenticationError
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reka_clips.mcp_server.http.policy import resource_url
from reka_clips.settings import Settings
from reka_clips.web.auth import SharedSecret
from reka_clips.web.server import drop_repeats

logger = logging.getLogger(__name__)
drop_repeats(logger)

# An issuer is compared letter by letter: no slash may be added to an address without a path.
_URL: Final = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))
_TEAM: Final = "team"  # everyone who comes with the operator's own token
_ANY: Final = ("GET", "HEAD", "POST")
_NO_OAUTH: Final = (
    "There is no OAuth server here. Where this server asks for a token, it is the one that its operator set "
    "(REKA_CLIPS_AUTH_TOKEN): send it as `Authorization: Bearer ...`"
)
_FORWARDED: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class StaticTokenVerifier:
    """The SDK's TokenVerifier for the one token that the operator set; others go to `otherwise`."""

    def __init__(self, token: str, *, scopes: tuple[str, ...], otherwise: TokenVerifier | None) -> None:
        self._token = SharedSecret(token)
        self._scopes = scopes
        self._otherwise = otherwise

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return full access for the operator's token."""
        if self._token.matches(token):
            return AccessToken(token="", client_id=_TEAM, scopes=list(self._scopes))
        return None if self._otherwise is None else await self._otherwise.verify_token(token)


class BearerAuth:
    """Requires a token for everything behind it. Built of the SDK's parts, so that sessions belong to their callers."""

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
        from reka_clips.mcp_server.http.oauth import IssuerKeys, JwtVerifier

        resource = resource_url(settings)
        if resource is None:
            raise ValueError("OAuth needs a public address")  # policy_for refuses this before
        self._resource = _url(resource)
        keys = IssuerKeys(issuer, jwks_url=settings.oauth_jwks_url)
        return JwtVerifier(keys, issuer=issuer, audience=settings.oauth_audience or resource)

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return the app behind the check, or the app itself where no token is set."""
        if self._verifier is None:
            return app
        metadata_url = None if self._resource is None else build_resource_metadata_url(self._resource)
        inner = _RequireToken(app, list(self._scopes), metadata_url)
        return AuthenticationMiddleware(
            AuthContextMiddleware(inner), backend=_Backend(self._verifier), on_error=_cannot_check
        )

    def open_routes(self) -> list[Route]:
        """Return what must be read before a client has a token: the protected resource metadata of RFC 9728.

        Where there is no OAuth, clients that look for it are answered 404: a 401 would send them to register.
        """
        routes: list[Route] = []
        if self._resource is not None and self._issuer is not None:
            routes = create_protected_resource_routes(
                resource_url=self._resource,
                authorization_servers=[_url(self._issuer)],
                scopes_supported=list(self._scopes) or None,
                resource_name="reka-clips-mcp",
            )
        return [*routes, Route("/.well-known/{path:path}", _no_oauth), Route("/register", _no_oauth, methods=_ANY)]


class RejectForwarded:
    """Refuses what came through a proxy while no token is asked for: then others than this machine's users call."""

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
        from reka_clips.mcp_server.http.oauth import IssuerUnreachableError

        try:
            return await super().authenticate(conn)
        except IssuerUnreachableError as error:
            raise AuthenticationError("The identity provider cannot be reached, so no token can be checked.") from error


class _RequireToken(RequireAuthMiddleware):
    """The SDK's check, with an answer that says which token is meant, and the scopes that RFC 6750 wants named."""

    async def _send_auth_error(self, send: Send, status_code: int, error: str, description: str) -> None:
        text = description
        if status_code == HTTPStatus.UNAUTHORIZED:
            whose = "of the identity provider" if self.resource_metadata_url else "that its operator set"
            text = f"This server needs a token: send the one {whose} as `Authorization: Bearer ...`"
            logger.warning("Requests without a valid bearer token are refused (401).")
        challenge = [f'error="{error}"', f'error_description="{text}"']
        if self.required_scopes:
            challenge.append(f'scope="{" ".join(self.required_scopes)}"')
        if self.resource_metadata_url:
            challenge.append(f'resource_metadata="{self.resource_metadata_url}"')
        headers = {"WWW-Authenticate": f"Bearer {', '.join(challenge)}"}
        body = {"error": error, "error_description": text}
        answer = JSONResponse(body, status_code=status_code, headers=headers)
        await answer({"type": "http"}, _nothing, send)


def _url(text: str) -> AnyHttpUrl:
    return _URL.validate_python(text)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _no_oauth(_: Request) -> Response:
    return JSONResponse({"error": "not_found", "error_description": _NO_OAUTH}, status_code=404)


def _cannot_check(_: HTTPConnection, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": "15"})
