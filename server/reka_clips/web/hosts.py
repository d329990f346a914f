"""Checks under which name a request came, and from which web page: a page elsewhere must not reach in.

A page can make its own name resolve to this machine (DNS rebinding); its requests then carry that name.
"""

from __future__ import annotations

import re
from typing import Final

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from reka_clips.mcp_server.context import KEY_HEADER
from reka_clips.mcp_server.http.policy import ExposurePolicy


def security_settings(policy: ExposurePolicy) -> TransportSecuritySettings:
    """Return the SDK's form of the names and pages that are let in. The check is always on."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=list(policy.hosts),
        allowed_origins=list(policy.origins),
    )


# A name and a number: links to clips begin with what stands there, and the SDK takes anything after the colon.
_NAME_AND_PORT: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
# A proxy may look at the first of two, and we at the last.
_ONCE_ONLY: Final = frozenset({b"host", b"origin", b"authorization", b"mcp-session-id", KEY_HEADER.encode()})


class HostGuard:
    """The SDK's check, for every path behind it; and no header that decides something may come twice."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._check = TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            names = [name.lower() for name, _ in scope["headers"]]
            repeated = next((name.decode() for name in _ONCE_ONLY if names.count(name) > 1), None)
            if repeated is not None:
                await _refused(400, f"The header {repeated} came more than once.")(scope, receive, send)
                return
            host = next((value for name, value in scope["headers"] if name.lower() == b"host"), b"")
            if _NAME_AND_PORT.fullmatch(host) is None:
                await _refused(421, "The Host header holds no name, or more than a name and a port.")(
                    scope, receive, send
                )
                return
            refusal = await self._check.validate_request(Request(scope, receive), is_post=False)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
