"""Who may come in: request ids, keys, signed links, and web pages kept out. Errors in the API's own shape."""

from __future__ import annotations

import hmac
import re
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reka_clips.engine.http.request_parsing import Problem
    from reka_clips.engine.http.signed_links import LinkSigner

_OPEN_PATHS: Final = frozenset({"/healthz", "/openapi.json"})
_OUTPUT_PATH: Final = re.compile(r"/v1/clips/[^/]+/output/[^/]+")
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_TYPES: Final = {
    400: "validation_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


def error_response(
    status: int,
    message: str,
    *,
    param: str | None = None,
    kind: str | None = None,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error in the shape of the Clip API. kind: its type, if not the usual one of this status.

    problems: all that is wrong, told as `details`.
    """
    usual = _TYPES.get(
        status, "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    )
    error: dict[str, object] = {"type": kind or usual, "message": message, "param": param}
    if problems:
        error["details"] = [{"param": problem.param, "message": problem.message} for problem in problems]
    return JSONResponse({"error": error}, status_code=status, headers=headers)


class Door:
    """Checks every request before a route sees it.

    api_key: what callers must send as `X-Api-Key` or bearer; None: everyone who is on this machine may come in, but
    no web page (it could reach the engine through a browser here): the Host must be a name of this machine.
    """

    def __init__(self, *, api_key: str | None, host: str, signer: LinkSigner) -> None:
        """host: the address that the engine listens on."""
        self._api_key = None if api_key is None else api_key.encode()
        self._names = _LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host.lower()}
        self._signer = signer

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Return the application with this door in front."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            request_id = str(uuid.uuid4())

            async def send_with_id(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)["X-Request-ID"] = request_id
                await send(message)

            refusal = self._refusal(scope)
            await (refusal or app)(scope, receive, send_with_id)

        return guarded

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = _HOST.fullmatch(headers.get("host", ""))
        if host is None:
            return error_response(400, "The Host header is missing or wrong.")
        if scope["path"] in _OPEN_PATHS:
            return None
        if self._api_key is None:
            if host["name"].lower() not in self._names or "origin" in headers:
                return error_response(403, "Web pages and other hosts' names may not use this engine.")
            return None
        if self._is_key(_sent_key(headers)) or self._is_signed(scope):
            return None
        return error_response(401, "The key is missing or wrong: send it as X-Api-Key, or as a bearer token.")

    def _is_key(self, sent: str) -> bool:
        return self._api_key is not None and hmac.compare_digest(sent.encode(), self._api_key)

    def _is_signed(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD") or not _OUTPUT_PATH.fullmatch(path):
            return False
        query = parse_qs(scope["query_string"].decode("latin-1"))
        expires, signature = query.get("expires", [""]), query.get("signature", [""])
        return self._signer.opens(path, expires[0], signature[0])


def _sent_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("x-api-key", "") or (token.strip() if scheme.lower() == "bearer" else "")
